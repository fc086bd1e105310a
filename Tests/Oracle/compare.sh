#!/bin/sh
# compare.sh FILE|FOLDER...: reads every .onnx and .pb file there with the oracle and with Pinion and counts equal dumps.
# ORACLE and DUMP name the two programs; by default they are taken from where make and swift build leave them.
set -eu
here=$(cd "$(dirname "$0")" && pwd)
oracle=${ORACLE:-$here/.build/oracle}
dump=${DUMP:-$(swift build --package-path "$here/../.." --show-bin-path)/onnx-dump}
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

find "$@" -type f \( -name '*.onnx' -o -name '*.pb' \) -print0 | sort -z >"$work/files"
xargs -0 -r "$oracle" --digest <"$work/files" >"$work/oracle" 2>/dev/null
xargs -0 -r "$dump" --digest <"$work/files" >"$work/pinion" 2>/dev/null

files=$(tr -cd '\0' <"$work/files" | wc -c)
sort "$work/oracle" >"$work/oracle.sorted"
sort "$work/pinion" >"$work/pinion.sorted"
agreed=$(comm -12 "$work/oracle.sorted" "$work/pinion.sorted" | wc -l)
echo "$agreed of $files files read alike"
[ "$agreed" -eq "$files" ] && exit 0
comm -23 "$work/oracle.sorted" "$work/pinion.sorted" | cut -d' ' -f2- | head -n 20 | while read -r file; do
  echo "--- $file"
  "$oracle" "$file" >"$work/left" 2>/dev/null || true
  "$dump" "$file" >"$work/right" || true
  diff "$work/left" "$work/right" | head -n 10 || true
done
exit 1
