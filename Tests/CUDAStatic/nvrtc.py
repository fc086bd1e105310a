"""NVIDIA's run-time compiler, called without a GPU or a driver."""

from __future__ import annotations

import ctypes
from ctypes import byref, c_char_p, c_int, c_size_t, c_void_p
from pathlib import Path


class NVRTC:
    def __init__(self, path: Path) -> None:
        self._library = ctypes.CDLL(str(path))
        self._library.nvrtcGetErrorString.restype = c_char_p
        major, minor = c_int(), c_int()
        self._library.nvrtcVersion(byref(major), byref(minor))
        self.version = f"{major.value}.{minor.value}"

    def architectures(self) -> list[int]:
        count = c_int()
        self._library.nvrtcGetNumSupportedArchs(byref(count))
        found = (c_int * count.value)()
        self._library.nvrtcGetSupportedArchs(found)
        return list(found)

    def compile(self, name: str, source: str, headers: dict[str, str], options: list[str]) -> tuple[bytes | None, str]:
        """The image, or None, and the compiler's log."""
        program = c_void_p()
        texts = (c_char_p * len(headers))(*(text.encode() for text in headers.values()))
        names = (c_char_p * len(headers))(*(header.encode() for header in headers))
        status = self._library.nvrtcCreateProgram(byref(program), source.encode(), name.encode(), len(headers), texts, names)
        if status:
            raise RuntimeError(self._library.nvrtcGetErrorString(status).decode())
        try:
            arguments = (c_char_p * len(options))(*(option.encode() for option in options))
            status = self._library.nvrtcCompileProgram(program, len(options), arguments)
            log = self._text(program, "ProgramLog").decode(errors="replace").strip("\0\n ")
            return (None if status else self._text(program, "CUBIN")), log
        finally:
            self._library.nvrtcDestroyProgram(byref(program))

    def _text(self, program: c_void_p, what: str) -> bytes:
        size = c_size_t()
        if getattr(self._library, f"nvrtcGet{what}Size")(program, byref(size)):
            return b""
        buffer = ctypes.create_string_buffer(size.value)
        getattr(self._library, f"nvrtcGet{what}")(program, buffer)
        return buffer.raw
