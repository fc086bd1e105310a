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

# Runs the example that makes models in code, and looks at what they give: 1/2 by symmetry, the bias that is added to a norm of weight 0, and
# 0 + 1 + 2 + 3 + 4 with five squares.
expect_graphs() {
  name=$1
  shift
  rm -f "$out/attention.onnx"
  text=$("$@" "$out/attention.onnx") || { echo "$name failed: $text"; exit 1; }
  printf '%s\n' 'scores: float32[batch,2]' 'mlp: 0.5 0.5' 'attention: 1 1 1 1 1 1 1 1' 'loop: 10 0 1 4 9 16' >"$out/expected"
  echo "$text" | diff "$out/expected" - || { echo "$name: other results"; exit 1; }
  "$python" -c 'import onnx, sys; onnx.checker.check_model(sys.argv[1], full_check=True)' "$out/attention.onnx"
  echo "$name: ok"
}

for pair in gcc:g++ clang:clang++; do
  cc=${pair%:*} cxx=${pair#*:}
  rm -rf "$out/$cc"
  mkdir -p "$out/$cc"
  cp -r "$here/c" "$here/cpp" "$out/$cc"
  make -s -C "$out/$cc/c" PREFIX="$prefix" CC="$cc" CFLAGS="-O2 -Wall -Wextra -Werror" clean all
  expect "C, $cc" "$out/$cc/c/describe-and-run"
  expect_graphs "Graphs in C, $cc" "$out/$cc/c/graphs-in-code"
  cmake -S "$out/$cc/cpp" -B "$out/$cc/build" -DCMAKE_PREFIX_PATH="$prefix" -DCMAKE_CXX_COMPILER="$cxx" -DCMAKE_BUILD_TYPE=Release \
    -DCMAKE_CXX_FLAGS="-Wall -Wextra -Werror" >"$out/$cc/cmake.log" 2>&1 || { cat "$out/$cc/cmake.log"; exit 1; }
  cmake --build "$out/$cc/build" >>"$out/$cc/cmake.log" 2>&1 || { cat "$out/$cc/cmake.log"; exit 1; }
  expect "C++, $cxx" "$out/$cc/build/describe-and-run"
  expect_graphs "Graphs in C++, $cxx" "$out/$cc/build/graphs-in-code"
done

# Swift, by version: a repository of the tree as it is, with a tag.
if command -v swift >/dev/null && git -C "$here" rev-parse >/dev/null 2>&1; then
  rm -rf "$out/package"
  mkdir -p "$out/package/pinion"
  (cd "$here/.." && git ls-files -z --cached --others --exclude-standard | xargs -0 cp --parents -t "$out/package/pinion")
  (cd "$out/package/pinion" && git init -q && git add -A &&
    git -c user.name=examples -c user.email=examples@localhost commit -qm "the tree" && git tag 0.1.0)
  cp -r "$here/swift" "$out/package"
  export PINION_PACKAGE="$out/package/pinion"
  swift build --package-path "$out/package/swift" -j "${JOBS:-2}" >"$out/swift.log" 2>&1 || { tail -n 40 "$out/swift.log"; exit 1; }
  expect Swift "$out/package/swift/.build/debug/describe-and-run"
  expect_graphs "Graphs in Swift" "$out/package/swift/.build/debug/graphs-in-code"
fi

# Programs in prose, as they are printed: each block of a page that has a main(), in a folder with a model of the shapes that they feed.
prose=$out/prose
rm -rf "$prose"
mkdir -p "$prose"
"$python" - "$here/.." "$prose" <<'PYTHON'
import pathlib, re, sys
import onnx
from onnx import helper
root, out = map(pathlib.Path, sys.argv[1:])
graph = helper.make_graph(
    [helper.make_node("GlobalAveragePool", ["input"], ["mean"]), helper.make_node("Flatten", ["mean"], ["scores"])],
    "means",
    [helper.make_tensor_value_info("input", onnx.TensorProto.FLOAT, ["batch", 3, 224, 224])],
    [helper.make_tensor_value_info("scores", onnx.TensorProto.FLOAT, ["batch", 3])],
)
onnx.save(helper.make_model(graph, producer_name="examples", ir_version=9, opset_imports=[helper.make_opsetid("", 20)]), out / "model.onnx")
for page in ("README.md", "Documentation/ComingFromOnnxruntime.md", "Documentation/Graphs.md"):
    for kind, text in re.findall(r"```(c|cpp|python)\n(.*?)```", (root / page).read_text(), re.S):
        if "pinion" not in text or kind != "python" and "main(" not in text:
            continue
        name = f"{pathlib.Path(page).stem}-{len(list(out.iterdir()))}"
        (out / f"{name}.{ {'c': 'c', 'cpp': 'cpp', 'python': 'py'}[kind]}").write_text(text)
PYTHON
PKG_CONFIG_PATH=$prefix/lib/pkgconfig
export PKG_CONFIG_PATH
for source in "$prose"/*.c "$prose"/*.cpp; do
  case $source in *.c) compile="gcc -std=c99" ;; *) compile="g++ -std=c++17" ;; esac
  # shellcheck disable=SC2046
  $compile -Wall -Wextra -Werror "$source" -o "${source%.*}" $(pkg-config --cflags --libs pinion) -Wl,-rpath,"$prefix/lib"
  (cd "$prose" && "${source%.*}" >"${source%.*}.out") || { echo "$source failed"; exit 1; }
  grep -q '^3 scores, the first is 0$' "${source%.*}.out" || { echo "$source printed:"; cat "${source%.*}.out"; exit 1; }
  echo "${source##*/}: ok"
done

export PYTHONPATH="$here/../bindings/python" PINION_LIBRARY="$prefix/lib/libpinion.so"
expect Python "$python" "$here/python/describe_and_run.py"
expect_graphs "Graphs in Python" "$python" "$here/python/graphs_in_code.py"
for source in "$prose"/*.py; do
  (cd "$prose" && "$python" "$source" >"${source%.*}.out") || { echo "$source failed"; exit 1; }
  echo "${source##*/}: ok"
done
echo "all examples pass"
