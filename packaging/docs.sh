#!/bin/sh
# Renders the reference of the C and C++ interface (doxygen) and of the Python package (pydoc) into FOLDER.
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
echo "docs: $folder/c/index.html, $folder/python/pinion.html ($(grep -c warning "$folder/warnings" || true) warnings)"
