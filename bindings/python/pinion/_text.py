"""Texts as C takes them."""

from __future__ import annotations

import os

from ._errors import InvalidArgumentError


def c_text(text: str | bytes, nul: bool = False) -> bytes:
    """The text's bytes; without a NUL among them, where C's text ends there, unless that is allowed."""
    try:
        code = text.encode("utf-8", "surrogateescape") if isinstance(text, str) else bytes(text)
    except UnicodeEncodeError as error:
        raise InvalidArgumentError(f"{text!r} is no text that UTF-8 can hold") from error
    if not nul and b"\0" in code:
        raise InvalidArgumentError(f"{text!r} has a NUL character in it")
    return code


def c_path(path: str | bytes | os.PathLike[str] | os.PathLike[bytes]) -> bytes:
    """A path's bytes."""
    path = os.fspath(path)
    if not path:
        raise InvalidArgumentError("the path is empty")
    return c_text(path)
