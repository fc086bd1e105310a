#!/bin/sh
# Builds the examples from an installed tree with gcc and clang and runs each on a small model. Fails where anything fails.
# Usage: build-and-run.sh PREFIX OUT PYTHON
set -eu
prefix=$(cd "$1" && pwd)
mkdir -p "$2"
out=$(cd "$2" && pwd)
python=$3
here=$(cd "$(dirname "$0")" && pwd)
model=$out/model.onnx

# y = softmax(x w + b) of an open batch, which is 4 below; all weights zero, so that every class gets a third.
"$python" - "$model" <<'PYTHON'
import sys
import numpy as np
import onnx
from onnx import helper, numpy_helper
graph = helper.make_graph(
    [helper.make_node("Gemm", ["x", "w", "b"], ["scores"]), helper.make_node("Softmax", ["scores"], ["y"])],
    "classifier",
    [helper.make_tensor_value_info("x", onnx.TensorProto.FLOAT, ["batch", 5])],
    [helper.make_tensor_value_info("y", onnx.TensorProto.FLOAT, ["batch", 3])],
    [numpy_helper.from_array(np.zeros((5, 3), "f4"), "w"), numpy_helper.from_array(np.zeros(3, "f4"), "b")],
)
onnx.save(helper.make_model(graph, producer_name="examples", ir_version=9, opset_imports=[helper.make_opsetid("", 20)]), sys.argv[1])
PYTHON

# Runs an example and looks for the shape and the first number of its output.
expect() {
  name=$1
  shift
  text=$("$@" "$model" batch=4) || { echo "$name failed: $text"; exit 1; }
  for part in 'float32\[4, \{0,1\}3\]' '0\.3333'; do
    echo "$text" | grep -q "$part" || { echo "$name: no $part in: $text"; exit 1; }
  done
  echo "$name: ok"
}

for pair in gcc:g++ clang:clang++; do
  cc=${pair%:*} cxx=${pair#*:}
  rm -rf "$out/$cc"
  mkdir -p "$out/$cc"
  cp -r "$here/c" "$here/cpp" "$out/$cc"
  make -s -C "$out/$cc/c" PREFIX="$prefix" CC="$cc" CFLAGS="-O2 -Wall -Wextra -Werror" clean describe-and-run
  expect "C, $cc" "$out/$cc/c/describe-and-run"
  cmake -S "$out/$cc/cpp" -B "$out/$cc/build" -DCMAKE_PREFIX_PATH="$prefix" -DCMAKE_CXX_COMPILER="$cxx" -DCMAKE_BUILD_TYPE=Release \
    -DCMAKE_CXX_FLAGS="-Wall -Wextra -Werror" >"$out/$cc/cmake.log" 2>&1 || { cat "$out/$cc/cmake.log"; exit 1; }
  cmake --build "$out/$cc/build" >>"$out/$cc/cmake.log" 2>&1 || { cat "$out/$cc/cmake.log"; exit 1; }
  expect "C++, $cxx" "$out/$cc/build/describe-and-run"
done

export PYTHONPATH="$here/../bindings/python" PINION_LIBRARY="$prefix/lib/libpinion.so"
expect Python "$python" "$here/python/describe_and_run.py"
echo "all examples pass"
