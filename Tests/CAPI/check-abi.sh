#!/bin/sh
# Compares the C interface of pinion.h, types and all, with the one that was recorded. Needs abigail-tools and gcc.
# Debuggers' data says little about functions that are written in Swift, so what is compared is a library of empty functions that is made of
# the header's declarations; check-symbols.sh sees to it that libpinion.so has the same functions.
# Usage: check-abi.sh INCLUDE_FOLDER RECORD [--record]
set -eu
include=$1 record=$2
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

{
  echo '#include <pinion/pinion.h>'
  tr '\n' ' ' <"$include/pinion/pinion.h" | grep -o 'PINION_API [^;{]*;' | grep '(' | sed 's/^PINION_API //; s/;$/ { __builtin_trap(); }/'
} >"$work/empty.c"
gcc -std=c99 -g -Og -shared -fPIC -w -I"$include" "$work/empty.c" -o "$work/libpinion.so.0" -Wl,-soname=libpinion.so.0
# Neither paths nor lines, which change with every edit.
abidw --no-corpus-path --no-comp-dir-path --no-show-locs --short-locs "$work/libpinion.so.0" >"$work/now.abi"

if [ "${3:-}" = --record ]; then
  cp "$work/now.abi" "$record"
  echo "check-abi: recorded in $record"
  exit 0
fi
if ! abidiff --no-show-locs "$record" "$work/now.abi" >"$work/difference"; then
  cat "$work/difference" >&2
  echo "check-abi: the interface is not the recorded one. Nothing may be removed or changed; what only grew is recorded by" >&2
  echo "  make -C Tests/CAPI PREFIX=... record-abi" >&2
  exit 1
fi
echo "check-abi: ok"
