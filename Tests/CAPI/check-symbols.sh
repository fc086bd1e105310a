#!/bin/sh
# Compares the functions that a library exports with those that pinion.h declares: neither may have one more.
# Also checks the SONAME, the oldest C library that the library runs with, and that each declaration says what it owes the reader.
# Usage: check-symbols.sh HEADER LIBRARY
set -eu
header=$1 library=$2
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

# Joins each declaration into one line, so that a function whose parameters fill several is found.
tr '\n' ' ' <"$header" | grep -o 'PINION_API [^;{]*;' | sed 's/(.*//; s/.*[ *]//' | grep '^pinion_' | sort >"$work/declared"
nm -D --defined-only "$library" | awk '{ sub(/@.*/, "", $3); if ($2 != "A") print $3 }' | sort -u >"$work/exported"

if ! diff "$work/declared" "$work/exported" >"$work/difference"; then
  echo "check-symbols: '<' only declared in $header, '>' only exported by $library:" >&2
  grep '^[<>]' "$work/difference" >&2
  exit 1
fi
soname=$(objdump -p "$library" | awk '$1 == "SONAME" { print $2 }')
[ "$soname" = libpinion.so.0 ] || { echo "check-symbols: the SONAME is '$soname'" >&2; exit 1; }

# Documentation/Versioning.md promises this floor.
floor=2.34
newest=$(objdump -T "$library" | grep -o 'GLIBC_[0-9.]*' | sed 's/GLIBC_//' | sort -uV | tail -1)
[ "$(printf '%s\n' "$floor" "$newest" | sort -V | tail -1)" = "$floor" ] || {
  echo "check-symbols: $library asks for glibc $newest, the floor is $floor:" >&2
  objdump -T "$library" | grep "GLIBC_$newest)" >&2
  exit 1
}

# The comment before each function names its thread-safety and the version it came with.
awk '/^\/\*/ { comment = "" } { comment = comment $0 " " }
     /^PINION_API/ { if (comment !~ /Thread-(safe|compatible)\./ || comment !~ /Since: [0-9]/) { print FILENAME ":" FNR ": " $0; bad = 1 } }
     END { exit bad }' "$header" >&2 || { echo "check-symbols: no thread phrase, or no 'Since'" >&2; exit 1; }
echo "check-symbols: ok ($(wc -l <"$work/declared") functions)"
