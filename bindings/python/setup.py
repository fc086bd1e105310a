"""Puts libpinion.so into the wheel and names the wheel after the platform.

PINION_LIBRARY says which library is taken; without it, the release build of this source tree. The wheel's platform tag follows
from the oldest glibc that the library runs on.
"""

import os
import platform
import re
import shutil
from pathlib import Path

from setuptools import Distribution, setup
from setuptools.command.bdist_wheel import bdist_wheel
from setuptools.command.build_py import build_py

HERE = Path(__file__).resolve().parent
LIBRARY = Path(os.environ.get("PINION_LIBRARY") or HERE.parent.parent / ".build" / "release" / "libpinion.so")


def header_version() -> str:
    """PINION_VERSION_STRING of pinion.h; in a source distribution, which has no header, that of its metadata."""
    header = HERE.parent.parent / "include" / "pinion" / "pinion.h"
    if header.is_file():
        return re.search(r'PINION_VERSION_STRING "([^"]+)"', header.read_text())[1]
    return re.search(r"^Version: (.+)$", (HERE / "PKG-INFO").read_text(), re.M)[1]


class BuildWithLibrary(build_py):
    def run(self) -> None:
        super().run()
        if self.editable_mode:
            return
        if not LIBRARY.is_file():
            raise SystemExit(f"{LIBRARY} does not exist: build the library, or set PINION_LIBRARY")
        shutil.copyfile(LIBRARY, Path(self.build_lib) / "pinion" / "libpinion.so")


class PlatformDistribution(Distribution):
    def has_ext_modules(self) -> bool:
        return True


class PlatformWheel(bdist_wheel):
    def get_tag(self) -> tuple:
        machine = platform.machine()
        versions = [tuple(map(int, found)) for found in re.findall(rb"GLIBC_(\d+)\.(\d+)", LIBRARY.read_bytes())]
        tag = "manylinux_{}_{}_{}".format(*max(versions, default=(2, 17)), machine)
        return "py3", "none", self.plat_name.replace("-", "_") if self.plat_name_supplied else tag


setup(
    version=header_version(),
    distclass=PlatformDistribution,
    cmdclass={"build_py": BuildWithLibrary, "bdist_wheel": PlatformWheel},
)
