#!/bin/sh
# Lays down run-model without its symbols, its manual page, and the completions of three shells. DESTDIR is put before PREFIX.
# Usage: install-command.sh RUN_MODEL PREFIX
set -eu
command=$1
prefix=${DESTDIR:-}$2
here=$(cd "$(dirname "$0")" && pwd)

install -d "$prefix/bin" "$prefix/share/man/man1" "$prefix/share/bash-completion/completions" "$prefix/share/zsh/site-functions" \
  "$prefix/share/fish/vendor_completions.d"
install -m 755 -s "$command" "$prefix/bin/run-model"
"$here/man-page.sh" "$command" >"$prefix/share/man/man1/run-model.1"
"$command" --generate-completion-script bash >"$prefix/share/bash-completion/completions/run-model"
"$command" --generate-completion-script zsh >"$prefix/share/zsh/site-functions/_run-model"
"$command" --generate-completion-script fish >"$prefix/share/fish/vendor_completions.d/run-model.fish"
