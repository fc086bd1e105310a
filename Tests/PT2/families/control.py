"""Higher-order operators, nested inputs and outputs, symbolic sizes."""

from __future__ import annotations

import torch
from case import case
from torch import nn
from torch._higher_order_ops.map import map as torch_map
from torch._higher_order_ops.scan import scan
from torch._higher_order_ops.while_loop import while_loop


class Branches(nn.Module):
    """Runs one of two layers."""

    def __init__(self) -> None:
        super().__init__()
        self.a, self.b = nn.Linear(3, 4), nn.Linear(3, 4)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return torch.cond(x.sum() > 0, lambda x: self.a(x).relu(), lambda x: self.b(x) - 1, (x,))


case("cond", "f32:B,3", Branches())
case("cond.two", "f32:B,3 bool:", lambda x, p: torch.cond(p, lambda x: (x + 1, x * 2), lambda x: (x - 1, x / 2), (x,)))
case("cond.size", "f32:B,3", lambda x: torch.cond(x.shape[0] > 2, lambda x: x + 1, lambda x: x - 1, (x,)))
case("cond.nested", "f32:B,3", lambda x: torch.cond(x.sum() > 0, lambda x: torch.cond(x.max() > 1, lambda x: x + 1, lambda x: x + 2, (x,)), lambda x: x - 1, (x,)))
case("while", "f32:B,3", lambda x: while_loop(lambda i, y: i < 5, lambda i, y: (i + 1, y * 1.5), (torch.tensor(0), x)))
case("while.data", "f32:3", lambda x: while_loop(lambda y: y.sum() < 100, lambda y: (y.abs() * 2 + 1,), (x,)))
case("map", "f32:5,3 f32:3", lambda x, y: torch_map(lambda a, b: a * b + 1, x, y))
case("scan", "f32:5,3", lambda x: scan(lambda c, a: (c + a, c * a), torch.zeros(3), x))
case("scan.reverse", "f32:5,3", lambda x: scan(lambda c, a: (c + a, c * a), torch.zeros(3), x, reverse=True))
case("scan.dim", "f32:3,5", lambda x: scan(lambda c, a: (c + a, c * a), torch.zeros(3), x, dim=1))


def _no_grad(x: torch.Tensor) -> torch.Tensor:
    with torch.no_grad():
        y = x * 2
    return y + x


def _autocast(x: torch.Tensor, w: torch.Tensor) -> torch.Tensor:
    with torch.autocast("cpu", torch.bfloat16):
        return torch.mm(x, w).float()


case("no_grad", "f32:B,3", _no_grad)
case("autocast", "f32:B,3 f32:3,4", _autocast, 3e-2)
case("outputs.twice", "f32:B,3", lambda x: (x + 1, [x + 1, {"a": x * 2, "b": (x,)}]))
case("outputs.constants", "f32:B,3", lambda x: (x + 1, None, 3, {"name": "text"}))
case("outputs.input", "f32:B,3", lambda x: (x, x))
case("outputs.size", "f32:B,3", lambda x: (x + 1, x.shape[0]))
case("size.branch", "f32:B,T", lambda x: x[:, :2] if x.shape[1] > 2 else x)
case("sizes.derived", "f32:B,T f32:B,T", lambda x, y: torch.cat([x, y], 1).view(x.shape[0], 2, -1))
