"""What a cubin says about its kernels: registers, stack, shared memory, from the records of its .nv.info sections."""

from __future__ import annotations

import re
import struct
import subprocess
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path

# Attributes of .nv.info records.
_MAX_THREADS, _FRAME_SIZE, _REGISTERS = 0x05, 0x11, 0x2F
# Compilers for capability 9.0 and later count a kilobyte of the system's in the section.
_SYSTEM_SHARED = 1024


@dataclass
class KernelFacts:
    registers: int = 0
    frame: int = 0
    shared: int = 0
    threads: int = 0
    instructions: Counter = field(default_factory=Counter)


def kernels_of(image: bytes, capability: int) -> dict[str, KernelFacts]:
    if image[:4] != b"\x7fELF" or image[4] != 2:
        raise ValueError("not a cubin")
    (offset,) = struct.unpack_from("<Q", image, 40)
    entry, count, names_index = struct.unpack_from("<HHH", image, 58)
    sections = [struct.unpack_from("<IIQQQQIIQQ", image, offset + i * entry) for i in range(count)]

    def name(start: int, base: int) -> str:
        return image[base + start : image.index(b"\0", base + start)].decode()

    named = {name(section[0], sections[names_index][4]): section for section in sections}
    table = named[".symtab"]
    strings = sections[table[6]][4]
    symbols = [name(struct.unpack_from("<I", image, table[4] + i * 24)[0], strings) for i in range(table[5] // 24)]
    result = {title[6:]: KernelFacts() for title in named if title.startswith(".text.")}
    for attribute, value in _records(image, named[".nv.info"]):
        if len(value) == 8 and attribute in (_FRAME_SIZE, _REGISTERS):
            symbol, number = struct.unpack("<II", value)
            if (kernel := result.get(symbols[symbol])) is not None:
                setattr(kernel, "frame" if attribute == _FRAME_SIZE else "registers", number)
    for title, kernel in result.items():
        if f".nv.info.{title}" in named:
            for attribute, value in _records(image, named[f".nv.info.{title}"]):
                if attribute == _MAX_THREADS and len(value) == 12:
                    x, y, z = struct.unpack("<III", value)
                    kernel.threads = x * y * z
        shared = named.get(f".nv.shared.{title}")
        kernel.shared = shared[5] if shared else 0
        if capability >= 90 and kernel.shared:
            kernel.shared = max(0, kernel.shared - _SYSTEM_SHARED)
    return result


def _records(image: bytes, section: tuple):
    position, end = section[4], section[4] + section[5]
    while position + 4 <= end:
        form, attribute, value = struct.unpack_from("<BBH", image, position)
        position += 4
        if form == 4:
            yield attribute, image[position : position + value]
            position += value
        else:
            yield attribute, b""


_PATTERNS = {
    "HMMA": r"\bHMMA",
    "IMMA": r"\bIMMA",
    "LDSM": r"\bLDSM",
    "LDGSTS": r"\bLDGSTS",
    "LDG.128": r"\bLDG\.\S*128",
    "STG.128": r"\bSTG\.\S*128",
    "local": r"\b(STL|LDL)\b",
}


def count_instructions(tool: Path, path: Path, kernels: dict[str, KernelFacts]) -> None:
    """Fills in `instructions` from the disassembly."""
    text = subprocess.run([str(tool), "-c", str(path)], capture_output=True, text=True, check=True).stdout
    current = None
    for line in text.splitlines():
        if match := re.match(r"\s*\.section\s+\.text\.([\w$]+)", line):
            current = kernels.get(match[1])
        elif current is not None and re.match(r"\s*/\*[0-9a-f]{4,}\*/", line):
            current.instructions["all"] += 1
            for title, pattern in _PATTERNS.items():
                current.instructions[title] += bool(re.search(pattern, line))
