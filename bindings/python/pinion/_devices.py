"""The devices that sessions may be made for."""

from __future__ import annotations

from dataclasses import dataclass

from ._library import lib, text
from ._text import c_text


@dataclass(frozen=True)
class Device:
    """The processor or a GPU."""

    #: As Session takes it: "cpu", "cuda:0".
    name: str
    #: What it is, in one line.
    description: str
    #: Why no session can be made for it; empty if one can.
    why_not: str

    def __str__(self) -> str:
        return f"{self.name}: {self.description}"


def devices() -> list[Device]:
    """The processor, and the GPUs that the driver of this machine knows."""
    found = []
    for index in range(lib.pinion_device_count()):
        name = text(lib.pinion_device_name(index))
        found.append(Device(name, text(lib.pinion_device_description(index)), device_why_not(name)))
    return found


def device_why_not(name: str) -> str:
    """Why no session can be made for the device of that name, e.g. "cuda:0", in one sentence; empty if one can."""
    return text(lib.pinion_device_why_not(c_text(name)))
