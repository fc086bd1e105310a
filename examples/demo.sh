#!/bin/sh
# Runs a real model on real inputs: magika, Google's file type detector (Apache-2.0), on files of this repository.
# Usage: demo.sh RUN_MODEL PYTHON
set -eu
run_model=$1
python=$2
cd "$(dirname "$0")/.."
work=.build/demo
mkdir -p "$work"

# The wheel is only unpacked, not installed; the hash says that it is the one meant.
if [ ! -f "$work/model.onnx" ]; then
  echo "fetching magika 1.0.3 from PyPI"
  echo 'magika==1.0.3 --hash=sha256:3e9b49134e8116ee40b431664dcbed9e199413efddcce1a173c734b4e0521529' >"$work/requirements.txt"
  "$python" -m pip download --quiet --disable-pip-version-check --no-deps --require-hashes --only-binary :all: \
    --platform manylinux_2_28_x86_64 --dest "$work" --requirement "$work/requirements.txt"
  "$python" - "$work" <<'PYTHON'
import json, pathlib, sys, zipfile
work = pathlib.Path(sys.argv[1])
wheel = zipfile.ZipFile(next(work.glob("magika-*.whl")))
folder = "magika/models/standard_v3_3/"
labels = json.loads(wheel.read(folder + "config.min.json"))["target_labels_space"]
(work / "labels.txt").write_text("\n".join(labels) + "\n")
(work / "model.onnx").write_bytes(wheel.read(folder + "model.onnx"))
PYTHON
fi

"$run_model" inspect "$work/model.onnx" | sed -n 1,12p

# What the model sees of a file: the first and last 1024 bytes without white space around them, 256 for no byte.
features() {
  "$python" - "$1" <<'PYTHON'
import sys
data = open(sys.argv[1], "rb").read()
head, tail = data[:4096].lstrip()[:1024], data[-4096:].rstrip()[-1024:]
print(*head, *[256] * (1024 - len(head)), *[256] * (1024 - len(tail)), *tail)
PYTHON
}

wrong=0
for pair in Package.swift=swift Sources/CKernels/gemm/pk_gemm.c=c include/pinion/pinion.hpp=cpp examples/python/describe_and_run.py=python \
  Makefile=makefile "$work/model.onnx=onnx" "$run_model=elf"; do
  file=${pair%=*}
  features "$file" >"$work/bytes.txt"
  answer=$("$run_model" run "$work/model.onnx" --input bytes="$work/bytes.txt" --top-k 3 --labels "$work/labels.txt")
  printf '\n%s\n%s\n' "$file" "$answer"
  best=$(echo "$answer" | awk 'NR == 2 { print $2 }')
  [ "$best" = "${pair##*=}" ] || { echo "expected ${pair##*=}"; wrong=1; }
done

echo
"$run_model" bench "$work/model.onnx" --input "bytes=$work/bytes.txt" --duration 2
exit $wrong
