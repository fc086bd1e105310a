#!/bin/sh
# fuzz.sh [LIBFUZZER-OPTION...]: builds fuzz-reader and runs it on the corpus, e.g. fuzz.sh -max_total_time=600.
# Without an option it only builds. SEEDS names a folder of further seed files, FUZZ_JOBS the
# number of parallel build jobs. What makes the reader fail is left in .crash-*.
set -eu
here=$(cd "$(dirname "$0")" && pwd)
clang=${CLANG:-$(dirname "$(readlink -f "$(command -v swift)")")/clang}
runtime=$("$clang" -print-resource-dir)/lib/linux/libclang_rt.fuzzer_no_main-x86_64.a
build() {
  swift build --package-path "$here" -j "${FUZZ_JOBS:-2}" -c release -Xswiftc -Onone -Xswiftc -enforce-exclusivity=checked \
    -Xswiftc -sanitize=address,fuzzer -Xswiftc -use-ld=lld -Xlinker "$runtime" "$@"
}
build --product fuzz-reader
[ $# -gt 0 ] || exit 0
corpus=$here/.corpus
mkdir -p "$corpus"
python3 "$here/seeds.py" "$corpus"
SWIFT_BACKTRACE=enable=no "$(build --show-bin-path)/fuzz-reader" "$corpus" ${SEEDS:+"$SEEDS"} -artifact_prefix="$here/.crash-" "$@"
