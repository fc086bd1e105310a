"""How many blocks of a kernel a multiprocessor holds, by the published limits."""

from __future__ import annotations

# capability: warps, blocks and shared bytes a multiprocessor; shared bytes a block; shared bytes reserved a block; their granule
LIMITS = {
    75: (32, 16, 64 << 10, 64 << 10, 0, 256),
    80: (64, 32, 164 << 10, 163 << 10, 1024, 128),
    86: (48, 16, 100 << 10, 99 << 10, 1024, 128),
    89: (48, 24, 100 << 10, 99 << 10, 1024, 128),
    90: (64, 32, 228 << 10, 227 << 10, 1024, 128),
    100: (64, 32, 228 << 10, 227 << 10, 1024, 128),
    103: (64, 32, 228 << 10, 227 << 10, 1024, 128),
    120: (48, 24, 100 << 10, 99 << 10, 1024, 128),
    121: (48, 24, 100 << 10, 99 << 10, 1024, 128),
}
_REGISTERS_PER_QUARTER, _REGISTER_GRANULE = 16384, 256


def _up(value: int, unit: int) -> int:
    return -(-value // unit) * unit


def warps_per_multiprocessor(capability: int, threads: int, registers: int, shared: int) -> tuple[int, int]:
    """Warps that are there at once, and the most that there could be; 0 warps where a launch fails."""
    most_warps, most_blocks, shared_all, shared_block, reserved, granule = LIMITS[capability]
    warps = _up(threads, 32) // 32
    if shared > shared_block:
        return 0, most_warps
    by_registers = _REGISTERS_PER_QUARTER // _up(max(registers, 1) * 32, _REGISTER_GRANULE) * 4 // warps
    by_shared = shared_all // _up(shared + reserved, granule) if shared + reserved else most_blocks
    return min(most_warps // warps, most_blocks, by_registers, by_shared) * warps, most_warps
