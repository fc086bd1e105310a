"""Texts as C takes them."""

from __future__ import annotations

import os

from ._errors import InvalidArgumentError


def c_text(text: str | bytes) -> bytes:
    """The text's bytes, which end where C's text ends: without a NUL among them."""
    code = text.encode("utf-8", "surrogateescape") if isinstance(text, str) else bytes(text)
    if b"\0" in code:
        raise InvalidArgumentError(f"{text!r} has a NUL character in it")
    return code


def c_path(path: str | bytes | os.PathLike[str] | os.PathLike[bytes]) -> bytes:
    """A path's bytes."""
    return c_text(os.fsencode(path))
