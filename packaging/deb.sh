#!/bin/sh
# Makes pinion_VERSION_amd64.deb of a library and a command that are built: headers, library, command and manual page under /usr.
# Usage: deb.sh LIBRARY RUN_MODEL FOLDER
set -eu
library=$1 command=$2 folder=$3
here=$(cd "$(dirname "$0")" && pwd)
root=$here/..
version=$(sed -n 's/^#define PINION_VERSION_STRING "\(.*\)"$/\1/p' "$root/include/pinion/pinion.h")
tree=$(mktemp -d)
trap 'rm -rf "$tree"' EXIT
chmod 755 "$tree"

DESTDIR=$tree "$root/Sources/PinionC/packaging/install.sh" "$library" /usr
DESTDIR=$tree "$here/install-command.sh" "$command" /usr
chmod 644 "$tree/usr/lib/libpinion.so.$version"
gzip -9n "$tree/usr/share/man/man1/run-model.1"
install -d "$tree/usr/share/zsh/vendor-completions" "$tree/usr/share/doc/pinion" "$tree/DEBIAN"
mv "$tree/usr/share/zsh/site-functions/_run-model" "$tree/usr/share/zsh/vendor-completions/"
rmdir "$tree/usr/share/zsh/site-functions"
rm "$tree/usr/share/doc/pinion/LICENSE"
gzip -9nc "$root/CHANGELOG.md" >"$tree/usr/share/doc/pinion/changelog.gz"
{
  echo "Format: https://www.debian.org/doc/packaging-manuals/copyright-format/1.0/"
  echo "Upstream-Name: Pinion"
  echo
  echo "Files: *"
  echo "Copyright: 2026 The Pinion authors"
  echo "License: Apache-2.0"
  sed 's/^$/./; s/^/ /' "$root/NOTICE"
  echo " ."
  echo " On Debian systems the full text is in /usr/share/common-licenses/Apache-2.0."
} >"$tree/usr/share/doc/pinion/copyright"

cat >"$tree/DEBIAN/control" <<END
Package: pinion
Version: $version
Architecture: amd64
Section: libs
Priority: optional
Maintainer: The Pinion authors <pinion@invalid>
Installed-Size: $(du -sk "$tree/usr" | cut -f1)
Depends: libc6 (>= 2.34), libgcc-s1, libstdc++6 (>= 11), libpng16-16 | libpng16-16t64, libturbojpeg0, zlib1g
Suggests: libwebp7, libtiff6, libopenjp2-7
Description: inference runtime for ONNX and PyTorch models
 A shared library with a C and C++ interface that runs ONNX and PyTorch (.pt2)
 models on the processor, and the command run-model, which runs, measures,
 checks and looks into models.
END
echo "activate-noawait ldconfig" >"$tree/DEBIAN/triggers"
(cd "$tree" && find usr -type f | LC_ALL=C sort | xargs md5sum) >"$tree/DEBIAN/md5sums"

mkdir -p "$folder"
package=$folder/pinion_${version}_amd64.deb
dpkg-deb --root-owner-group --build "$tree" "$package" >/dev/null

# What was made can be taken apart, and works from there.
rm -rf "$tree"
dpkg-deb --extract "$package" "$tree"
LD_LIBRARY_PATH=$tree/usr/lib "$tree/usr/bin/run-model" --version
PKG_CONFIG_PATH=$tree/usr/lib/pkgconfig pkg-config --exists pinion
ls -l "$package"
