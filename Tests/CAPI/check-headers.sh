#!/bin/sh
# Compiles pinion.h and pinion.hpp alone, and the examples in their comments, with each compiler there is and all warnings on.
# Usage: check-headers.sh INCLUDE_FOLDER
set -eu
include=$1
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

# The text of the program in the first comment of a header: the lines that are indented deeper than the prose.
example() {
  awk '/^ \*     #include <pinion/ { on = 1 }
       on { if ($0 !~ /^ \*     / && $0 != " *") exit; sub(/^ \* ? ? ? ? ?/, ""); print }' "$1"
}
example "$include/pinion/pinion.h" >"$work/example.c"
example "$include/pinion/pinion.hpp" >"$work/example.cpp"
grep -q 'int main' "$work/example.c"
grep -q 'int main' "$work/example.cpp"

cat >"$work/alone.c" <<'END'
#include <pinion/pinion.h>
#include <pinion/pinion.h>
pinion_runtime_options runtime_options = PINION_RUNTIME_OPTIONS_INIT;
pinion_model_options model_options = PINION_MODEL_OPTIONS_INIT;
pinion_session_options session_options = PINION_SESSION_OPTIONS_INIT;
pinion_run_options run_options = PINION_RUN_OPTIONS_INIT;
pinion_tensor_view view = PINION_TENSOR_VIEW_INIT;
END
cp "$work/alone.c" "$work/alone.cpp"
printf '#include <pinion/pinion.hpp>\n#include <pinion/pinion.hpp>\n' >"$work/wrapper.cpp"

warnings="-Wall -Wextra -Wpedantic -Wshadow -Werror -I$include -c -o /dev/null"
found=0
for compiler in gcc clang; do
  command -v $compiler >/dev/null || continue
  found=$((found + 1))
  for standard in c99 c11 c17; do
    for file in alone example; do $compiler -std=$standard -Wstrict-prototypes $warnings "$work/$file.c"; done
  done
done
for compiler in g++ clang++; do
  command -v $compiler >/dev/null || continue
  found=$((found + 1))
  for standard in c++11 c++17 c++20; do $compiler -std=$standard $warnings "$work/alone.cpp"; done
  for standard in c++17 c++20; do
    for file in wrapper example; do $compiler -std=$standard $warnings "$work/$file.cpp"; done
  done
done
[ $found -gt 0 ] || { echo "check-headers: no compiler" >&2; exit 1; }
echo "check-headers: ok ($found compilers)"
