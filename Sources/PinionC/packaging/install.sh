#!/bin/sh
# Lays down headers, library, CMake package and pkg-config file. DESTDIR is put before PREFIX, as packagers want it.
# Usage: install.sh LIBRARY PREFIX
set -eu
library=$1
prefix=${DESTDIR:-}$2
here=$(cd "$(dirname "$0")" && pwd)
include=$here/../../../include/pinion
version=$(sed -n 's/^#define PINION_VERSION_STRING "\(.*\)"$/\1/p' "$include/pinion.h")
major=${version%%.*}
[ -n "$version" ]

install -d "$prefix/include/pinion" "$prefix/lib/cmake/Pinion" "$prefix/lib/pkgconfig"
install -m 644 "$include/pinion.h" "$include/pinion.hpp" "$prefix/include/pinion/"
install -m 755 "$library" "$prefix/lib/libpinion.so.$version"
ln -sf "libpinion.so.$version" "$prefix/lib/libpinion.so.$major"
ln -sf "libpinion.so.$major" "$prefix/lib/libpinion.so"

fill() { sed "s/@VERSION@/$version/g; s/@MAJOR@/$major/g" "$here/$1.in" >"$2/$1"; }
fill PinionConfig.cmake "$prefix/lib/cmake/Pinion"
fill PinionConfigVersion.cmake "$prefix/lib/cmake/Pinion"
fill pinion.pc "$prefix/lib/pkgconfig"
install -d "$prefix/share/doc/pinion"
install -m 644 "$here/../../../LICENSE" "$here/../../../NOTICE" "$prefix/share/doc/pinion/"
