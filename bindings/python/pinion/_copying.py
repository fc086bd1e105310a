"""What copy and pickle do with objects that own a handle of the C library.

By default both would duplicate the handle without a reference to go with it. So every class with a handle says what a copy of it is, or
derives from NotCopied.
"""

from __future__ import annotations

from typing import Any, NoReturn


class NotCopied:
    """An object that is neither copied nor pickled; `_instead` says what to do."""

    __slots__ = ()
    _instead = ""

    def __reduce_ex__(self, protocol: Any) -> NoReturn:
        raise TypeError(f"a {type(self).__name__} is neither copied nor pickled; {self._instead}")
