#!/bin/sh
# Prints the manual page of run-model, from what its commands say of themselves.
# Usage: man-page.sh RUN_MODEL >run-model.1
set -eu
command=$1
version=$("$command" --version)

# Text as it stands: a backslash, and a dot or quote at a line's beginning, mean something to the formatter.
verbatim() {
  echo .nf
  sed 's/\\/\\e/g; s/-/\\-/g; s/^\([.'"'"']\)/\\\&\1/'
  echo .fi
}

commands=$("$command" --help | sed -n '/^SUBCOMMANDS:/,$p' | sed -n 's/^  \([a-z][a-z-]*\)  *.*/\1/p')
[ -n "$commands" ]

cat <<END
.TH RUN\-MODEL 1 "" "$version" "User Commands"
.SH NAME
run\-model \- run, measure, check and look into ONNX and PyTorch (.pt2) models
.SH SYNOPSIS
.B run\-model
.I command
.RI [ model ]
.RI [ options ]
.SH OVERVIEW
END
"$command" --help | verbatim
for name in $commands; do
  [ "$name" != help ] || continue
  echo ".SH \"RUN\-MODEL $(echo "$name" | tr a-z A-Z)\""
  "$command" "$name" --help | verbatim
done
