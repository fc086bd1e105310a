"""Whether arrays share memory, which what a run writes must not do with anything else."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np

from ._errors import InvalidArgumentError


def check_apart(written: Iterable[tuple[str, np.ndarray]], read: Iterable[tuple[str, np.ndarray]]) -> None:
    """Raises InvalidArgumentError where an array that is written overlaps another one; all are C-contiguous."""
    ranges = [(array.ctypes.data, array.nbytes, f"output '{name}'") for name, array in written if array.nbytes]
    count = len(ranges)
    ranges += [(array.ctypes.data, array.nbytes, f"input '{name}'") for name, array in read if array.nbytes]
    for place, (start, size, name) in enumerate(ranges[:count]):
        for other_start, other_size, other in ranges[place + 1 :]:
            if start < other_start + other_size and other_start < start + size:
                raise InvalidArgumentError(f"the array for {name} shares memory with that for {other}; a run would overwrite what it reads")
