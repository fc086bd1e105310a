#!/bin/sh
# Renders the reference of the C and C++ interface (doxygen), of the Python package (pydoc) and of the Swift module (docc) into FOLDER.
# Usage: docs.sh FOLDER PYTHON LIBRARY
set -eu
folder=$1 python=$2 library=$3
root=$(cd "$(dirname "$0")/.." && pwd)
rm -rf "$folder"
mkdir -p "$folder/python"
folder=$(cd "$folder" && pwd)
version=$(sed -n 's/^#define PINION_VERSION_STRING "\(.*\)"$/\1/p' "$root/include/pinion/pinion.h")

# Every comment in the headers is documentation; doxygen takes those that begin with two stars.
cat >"$folder/Doxyfile" <<END
PROJECT_NAME = Pinion
PROJECT_NUMBER = $version
OUTPUT_DIRECTORY = "$folder"
HTML_OUTPUT = c
INPUT = "$root/include/pinion"
FILE_PATTERNS = pinion.h pinion.hpp
STRIP_FROM_PATH = "$root/include"
INPUT_FILTER = "sed -e 's|^\\( *\\)/\\* *\$|\\1/**|' -e 's|^\\( *\\)/\\* \\([^-]\\)|\\1/** \\2|'"
EXTRACT_ALL = YES
OPTIMIZE_OUTPUT_FOR_C = YES
JAVADOC_AUTOBRIEF = YES
MACRO_EXPANSION = YES
EXPAND_ONLY_PREDEF = YES
PREDEFINED = PINION_API= __cplusplus=201703L
GENERATE_LATEX = NO
HAVE_DOT = NO
QUIET = YES
WARN_IF_UNDOCUMENTED = NO
END
doxygen "$folder/Doxyfile" 2>"$folder/warnings"
(cd "$folder/python" && PYTHONPATH=$root/bindings/python PINION_LIBRARY=$library "$python" -m pydoc -w pinion >/dev/null)
[ -s "$folder/c/index.html" ] && [ -s "$folder/python/pinion.html" ]

# What is public in `Pinion` and in the modules that it hands on.
(
  cd "$root"
  swift build --target Pinion >"$folder/swift.log" 2>&1 || { tail -n 40 "$folder/swift.log"; exit 1; }
  modules=$(sed -n 's/^@_exported import //p' Sources/Pinion/Exports.swift | paste -sd,)
  mkdir -p "$folder/symbols"
  # shellcheck disable=SC2046
  swift symbolgraph-extract -module-name Pinion -I .build/debug/Modules \
    $(printf -- '-Xcc -fmodule-map-file=%s ' .build/debug/C*.build/module.modulemap Sources/CCUDA/include/module.modulemap) \
    -minimum-access-level public -skip-synthesized-members -output-dir "$folder/symbols" -target x86_64-unknown-linux-gnu \
    -experimental-allowed-reexported-modules="$modules"
  docc convert packaging/Pinion.docc --additional-symbol-graph-dir "$folder/symbols" --output-dir "$folder/swift" \
    --fallback-display-name Pinion --fallback-bundle-identifier pinion --transform-for-static-hosting >"$folder/docc.log" 2>&1 ||
    { cat "$folder/docc.log"; exit 1; }
  ! grep -A3 "doesn't exist" "$folder/docc.log"
)
[ -s "$folder/swift/documentation/pinion/index.html" ]
echo "docs: $folder/c/index.html, $folder/python/pinion.html, $folder/swift/documentation/pinion/index.html ($(grep -c warning "$folder/warnings" || true) warnings)"
