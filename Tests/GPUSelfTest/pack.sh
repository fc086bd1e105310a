#!/bin/sh
# Packs gpu-selftest with its compiled kernels, the library whose operators they are compared with, and the comparison with torch.compile: what a
# machine with nothing but a driver needs.
# Usage: pack.sh BUILD LIBRARY DIST
set -eu
build=$1 library=$2 dist=$3
here=$(cd "$(dirname "$0")" && pwd)
limit=$((64 << 20))
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
folder=$work/gpu-selftest
mkdir -p "$folder/images" "$dist"
cp "$build/gpu-selftest" "$here/torch-compare.py" "$folder"
cp "$library" "$folder/libpinion.so"
strip --strip-debug "$folder/gpu-selftest"
cp "$build"/images/*.cubin "$folder/images"
cat >"$folder/README" <<'TEXT'
./gpu-selftest --json result.json     every kernel on the first GPU against the processor (plain loops, and the operators of the
                                      libpinion.so beside it), then times; under 5 minutes
python3 torch-compare.py result.json  the timed layers beside torch.compile, where PyTorch is installed
TEXT
# Of the C library no more than what systems since 2021 have.
for file in gpu-selftest libpinion.so; do
  newest=$(objdump -T "$folder/$file" | grep -o 'GLIBC_[0-9.]*' | sort -V | tail -n 1)
  case "$(printf 'GLIBC_2.34\n%s\n' "$newest" | sort -V | tail -n 1)" in
  GLIBC_2.34) ;;
  *) echo "pack.sh: $file needs $newest" >&2 && exit 1 ;;
  esac
done
# What is packed runs here as well, and says that there is no GPU.
said=$(PINION_CUDA_DRIVER=/nowhere/libcuda.so.1 "$folder/gpu-selftest" 2>&1) && status=0 || status=$?
case "$status $said" in "4 gpu-selftest: no GPU: "*) ;; *) echo "pack.sh: the packed program ends with $status: $said" >&2 && exit 1 ;; esac
tar -C "$work" -cJf "$dist/gpu-selftest.tar.xz" gpu-selftest
size=$(wc -c <"$dist/gpu-selftest.tar.xz")
echo "$dist/gpu-selftest.tar.xz: $size bytes, $(ls "$folder/images" | wc -l) images, $(du -sb "$folder" | cut -f1) bytes unpacked"
if [ "$size" -gt "$limit" ]; then
  echo "pack.sh: more than $limit bytes" >&2
  exit 1
fi
