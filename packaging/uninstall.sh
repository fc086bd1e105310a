#!/bin/sh
# Takes away what install.sh and install-command.sh laid down, and folders of Pinion's own.
# Usage: uninstall.sh PREFIX
set -eu
prefix=${DESTDIR:-}$1
rm -f "$prefix/include/pinion/pinion.h" "$prefix/include/pinion/pinion.hpp" "$prefix"/lib/libpinion.so "$prefix"/lib/libpinion.so.[0-9]* \
  "$prefix/lib/pkgconfig/pinion.pc" "$prefix/bin/run-model" "$prefix/share/man/man1/run-model.1" \
  "$prefix/share/bash-completion/completions/run-model" "$prefix/share/zsh/site-functions/_run-model" \
  "$prefix/share/fish/vendor_completions.d/run-model.fish"
rm -rf "$prefix/lib/cmake/Pinion" "$prefix/share/doc/pinion"
rmdir "$prefix/include/pinion" 2>/dev/null || true
