"""Small modules that between them call every target of the importer with the arguments a model may give it.

A case is a name, its inputs' types and shapes in text, and a function of tensors. `f32:B,3~0,1` is float32 of shape [B, 3] with
elements between 0 and 1; a letter is a dimension that one of the exports leaves open. Without a range, floating-point elements are
normally distributed and integers lie between -9 and 9. `i8:3=-128,0,127` has these elements, from the first again where the shape has more.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import torch
import torch.nn.functional as F
from torch import nn


@dataclass(frozen=True)
class Case:
    name: str
    inputs: str
    module: nn.Module
    #: Which elements may differ by how much; None: as the element type says.
    tolerance: float | None = None
    #: Whether the export with open dimensions is made where the inputs name some.
    is_open: bool = True


CASES: list[Case] = []


class Call(nn.Module):
    """A function as a module."""

    def __init__(self, function: Callable[..., Any]) -> None:
        super().__init__()
        self.function = function

    def forward(self, *arguments: torch.Tensor) -> Any:
        return self.function(*arguments)


def case(name: str, inputs: str, body: Callable[..., Any] | nn.Module, tolerance: float | None = None, is_open: bool = True) -> None:
    module = body if isinstance(body, nn.Module) else Call(body)
    CASES.append(Case(name, inputs, module.eval(), tolerance, is_open))


def named(name: str) -> Callable[..., Any]:
    """A function of torch, torch.Tensor, torch.nn.functional or torch.special by its name."""
    for place in (torch, F, torch.special, torch.linalg, torch.fft):
        if hasattr(place, name):
            return getattr(place, name)  # type: ignore[no-any-return]
    return lambda x, *rest: getattr(x, name)(*rest)
