#!/bin/sh
# fuzz.sh TARGET [LIBFUZZER-OPTION...]: builds fuzz-reader or fuzz-run and runs it on its corpus, e.g. fuzz.sh fuzz-run -max_total_time=600.
# Without an option it only builds. SEEDS names a folder of further seed files, FUZZ_JOBS the
# number of parallel build jobs, FUZZ_OPTIMIZATION=-O runs several times as many inputs a second. What makes the reader fail is left in .crash-*.
set -eu
here=$(cd "$(dirname "$0")" && pwd)
clang=${CLANG:-$(dirname "$(readlink -f "$(command -v swift)")")/clang}
runtime=$("$clang" -print-resource-dir)/lib/linux/libclang_rt.fuzzer_no_main-x86_64.a
# Both are targets of the package that only this script sees.
build() {
  PINION_FUZZ=1 swift build --package-path "$here/../.." --scratch-path "$here/../../.build-fuzz" -j "${FUZZ_JOBS:-2}" -c release -Xswiftc "${FUZZ_OPTIMIZATION:--Onone}" -Xswiftc -enforce-exclusivity=checked \
    -Xswiftc -sanitize=address,fuzzer -Xswiftc -use-ld=lld -Xlinker "$runtime" "$@"
}
target=$1
shift
build --product "$target"
[ $# -gt 0 ] || exit 0
corpus=$here/.corpus/$target
mkdir -p "$corpus"
case $target in
fuzz-run) "${PYTHON:-python3}" "$here/run-seeds.py" "$corpus" ;;
*) python3 "$here/seeds.py" "$corpus" ;;
esac
SWIFT_BACKTRACE=enable=no "$(build --show-bin-path)/$target" "$corpus" ${SEEDS:+"$SEEDS"} -artifact_prefix="$here/.crash-" "$@"
