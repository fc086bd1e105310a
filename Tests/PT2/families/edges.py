"""What targets give at the ends of their operands' types and sizes: least and greatest numbers, halves, infinities, nothing at all."""

from __future__ import annotations

import operator
from typing import Any

import torch
import torch.nn.functional as F
from case import case
from torch import nn

ENDS = {"i8": 2**7, "i16": 2**15, "i32": 2**31, "i64": 2**63}

# Quotients and remainders of integers, at the ends of the type and on both sides of zero.
for _type, _end in ENDS.items():
    _ends = f"{-_end},{-_end},{-_end},{_end - 1},{_end - 1},{_end - 1},{1 - _end},-7,7,-7,7,0"
    _divisors = f"3,{_end - 1},-3,-2,7,{-_end},{_end - 1},2,-2,-2,2,-5"
    _pair = f"{_type}:12={_ends} {_type}:12={_divisors}"
    case(f"floor_divide.ends.{_type}", _pair, torch.floor_divide)
    for _by in (3, -7):
        case(f"floordiv.ends.{_type}.{_by}", f"{_type}:6={_ends}", lambda x, b=_by: x // b)
    if _type in ("i8", "i64"):
        case(f"div.floor.ends.{_type}", _pair, lambda x, y: torch.div(x, y, rounding_mode="floor"))
        case(f"div.trunc.ends.{_type}", _pair, lambda x, y: torch.div(x, y, rounding_mode="trunc"))
        case(f"remainder.ends.{_type}", _pair, torch.remainder)
        case(f"rfloordiv.ends.{_type}", f"{_type}:4=3,-3,7,-7", lambda x, e=_end: (1 - e) // x)
case("floor_divide.ends.u8", "u8:4=255,128,7,0 u8:4=2,255,3,9", torch.floor_divide)
case("floor_divide.ends.open", f"i64:B,3={-(2**63)},{-(2**63)},{2**63 - 1},-7 i64:3=3,-3,-2", torch.floor_divide)

# Shifts as far as the type's bits and further; a negative number keeps its sign.
for _type, _end in ENDS.items():
    _bits = {"i8": 8, "i16": 16, "i32": 32, "i64": 64}[_type]
    _values = f"{-_end},{_end - 1},-1,1,-5,5,-128,100"
    _places = f"{_bits - 1},{_bits - 2},{_bits},{_bits + 5},1,2,{_bits - 1},0"
    case(f"shift.right.ends.{_type}", f"{_type}:8={_values} {_type}:8={_places}", torch.bitwise_right_shift)
    case(f"shift.right.by.{_type}", f"{_type}:8={_values}", lambda x, b=_bits: (x >> (b - 1), x >> b, x >> 1))
    if _type in ("i8", "i64"):
        case(f"shift.left.by.{_type}", f"{_type}:8={_values}", lambda x, b=_bits: (x << (b - 1), x << b, x << 1))
case("shift.right.ends.u8", "u8:5=255,128,1,255,7 u8:5=7,8,9,255,1", torch.bitwise_right_shift)
case("shift.right.negative", "i32:4=-8,8,-1,7 i32:4=-1,-1,-40,-2", torch.bitwise_right_shift)
case("shift.rshift", "i64:4=-9,9,-1,1 i64:4=1,63,64,62", operator.rshift)

# Quotients of real numbers rounded down, and remainders: as Python has them, not the floor of a rounded quotient.
_FLOATS = "1.0,-1.0,0.9,-0.9,6.0,3.0,1e10,-1e-10,5.0,-5.0,0.0,-0.0,7.5,2.9999998"
_BY = "0.1,0.1,0.3,0.3,0.1,-0.1,3.0,3.0,inf,inf,3.0,3.0,-2.5,0.3"
_STRANGE, _BY_STRANGE = "1.0,-1.0,0.0,inf,-inf,nan,1.0,inf,3.0,-0.0", "0.0,0.0,0.0,3.0,-3.0,1.0,nan,inf,-inf,0.0"
for _type in ("f32", "f64", "f16"):
    _floats = _FLOATS.replace("1e10", "3e4").replace("-1e-10", "-1e-3") if _type == "f16" else _FLOATS
    case(f"div.floor.floats.{_type}", f"{_type}:B,14={_floats} {_type}:14={_BY}", lambda x, y: torch.div(x, y, rounding_mode="floor"))
    case(f"div.floor.strange.{_type}", f"{_type}:10={_STRANGE} {_type}:10={_BY_STRANGE}", lambda x, y: torch.div(x, y, rounding_mode="floor"))
    case(f"rfloordiv.floats.{_type}", f"{_type}:6=0.1,-0.1,0.3,-7.0,3.0,0.7", lambda x: 1.0 // x)
    case(f"floordiv.floats.{_type}", f"{_type}:14={_floats}", lambda x: (x // 0.1, x // -0.3, x // 3))
    case(f"remainder.floats.{_type}", f"{_type}:14={_floats} {_type}:14={_BY}", lambda x, y: (torch.remainder(x, y), torch.fmod(x, y), x % 0.1))
case("div.floor.strange.bf16", f"bf16:10={_STRANGE} bf16:10={_BY_STRANGE}", lambda x, y: torch.div(x, y, rounding_mode="floor"))
case("div.trunc.number.f16", f"f16:14={_FLOATS.replace('1e10', '3e4')}", lambda x: torch.div(x, 0.1, rounding_mode="trunc"))
case("remainder.strange", f"f32:10={_STRANGE} f32:10={_BY_STRANGE}", torch.remainder)
case("div.floor.signs", "f32:4=0.0,-0.0,1.0,-1.0 f32:4=-3.0,3.0,-9.0,9.0", lambda x, y: torch.signbit(torch.div(x, y, rounding_mode="floor")))
case("remainder.signs", "f32:4=3.0,-3.0,6.0,-6.0 f32:4=-3.0,3.0,-3.0,3.0", lambda x, y: torch.signbit(torch.remainder(x, y)))
case("div.floor.mixed", "i32:4=1,-1,7,9 f32:4=0.1,0.1,0.7,0.3", lambda x, y: torch.div(x, y, rounding_mode="floor"))

# Sizes that are divided: rounded down, on either side of zero.
case("sizes.floordiv", "f32:B,T,5", lambda x: x.new_zeros(x.shape[1] // 2 + x.shape[0] // 2, -(-x.shape[1] // 3)) + 1)
case("sizes.floordiv.negative", "f32:B,T", lambda x: x * ((2 - x.shape[1]) // 3) + (x.shape[0] - 7) % 3 + (1 - x.shape[1]) // (x.shape[0] + 1))
case("sizes.floordiv.least", "f32:B,T", lambda x: torch.full((2,), (x.shape[0] + -(2**63)) // 11, dtype=torch.int64) + x.shape[1] // 11)
case("sizes.floordiv.by-size", "f32:B,T", lambda x: x * ((-7 - x.shape[1]) // x.shape[0]) + (x.shape[0] - 9) // -x.shape[1])

# Sums and products along an axis, in double precision and single.
for _type, _close in (("f32", 1e-8), ("f16", None)):
    case(f"cumsum.long.{_type}", f"{_type}:1,700~0,1", lambda x: torch.cumsum(x, 1)[:, ::50], tolerance=_close)
    case(f"cumprod.long.{_type}", f"{_type}:1,700~0.999,1.001", lambda x: torch.cumprod(x, 1)[:, ::50], tolerance=_close)
case("cumsum.cancel", "f32:6=16777216,1,1,1,1,-16777216", lambda x: torch.cumsum(x, 0), tolerance=1e-12)
case("cumsum.cancel.f16", "f16:6=2048,1,1,1,1,-2048", lambda x: torch.cumsum(x, 0), tolerance=1e-12)
case("cumsum.beyond", "f32:4=3e38,3e38,-3e38,-3e38", lambda x: torch.cumsum(x, 0))
case("cumprod.beyond", "f32:4=1e-30,1e-30,1e30,1e30", lambda x: torch.cumprod(x, 0))
case("cumprod.dtype", "f16:B,4=1e-4,1e-4,1e4,1e4", lambda x: torch.cumprod(x, 1, dtype=torch.float32))

# Sizes by factors: the whole part of the product in double precision, and the places that the factor says where PyTorch takes it for them.
for _mode, _sizes, _factor in (
    ("nearest", "10", 1.6), ("nearest", "5", 1.1), ("nearest", "3,4", 1.2), ("nearest", "4,7", 2.1), ("nearest", "5,25", 1.16),
    ("nearest", "9,9", 2 / 3), ("nearest", "2,3,4", 1.2), ("nearest", "2,3,4", 2.2), ("nearest-exact", "5", 1.1), ("nearest-exact", "3,4", 1.2),
    ("linear", "10", 1.6), ("linear", "7", 0.3), ("linear", "5", 1.1), ("bilinear", "3,4", 1.2), ("bilinear", "10,7", 1.6), ("bilinear", "25,9", 0.28),
    ("trilinear", "3,4,5", 1.2), ("trilinear", "3,4,5", 0.7), ("bicubic", "3,4", 1.2), ("bicubic", "10,7", 1.6), ("bicubic", "25,9", 0.28),
):  # fmt: skip
    for _type in ("f32",) if _mode.startswith("nearest") else ("f64",) if _factor in (1.6, 0.3, 0.28, 0.7) else ("f32", "f64"):
        _settings: dict[str, Any] = {} if _mode.startswith("nearest") else {"align_corners": False}
        case(f"interpolate.{_mode}.{_sizes}.{_factor:.3}.{_type}", f"{_type}:B,1,{_sizes}",
             lambda x, m=_mode, f=_factor, s=_settings: F.interpolate(x, scale_factor=f, mode=m, **s))  # fmt: skip
for _mode, _sizes in (("linear", "10"), ("bilinear", "3,4"), ("trilinear", "3,4,5"), ("bicubic", "3,4")):
    case(f"interpolate.aligned.{_mode}", f"f64:1,1,{_sizes}", lambda x, m=_mode: F.interpolate(x, scale_factor=1.2, mode=m, align_corners=True))
for _mode in ("bilinear", "bicubic"):
    case(f"interpolate.antialias.{_mode}", "f32:1,1,25,9", lambda x, m=_mode: F.interpolate(x, scale_factor=0.28, mode=m, antialias=True))
    case(f"interpolate.antialias.{_mode}.same", "f32:1,2,4,3", lambda x, m=_mode: F.interpolate(x, scale_factor=(1.2, 2.1), mode=m, antialias=True))
    case(f"interpolate.f64.size.{_mode}", "f64:1,1,5,7", lambda x, m=_mode: F.interpolate(x, size=(8, 5), mode=m))
for _mode, _factor in (("nearest", 1.6), ("nearest", 2.1), ("nearest", 3.0), ("bilinear", 1.6), ("bicubic", 1.2)):
    case(f"interpolate.open.{_mode}.{_factor}", "f32:1,1,H,W", lambda x, m=_mode, f=_factor: F.interpolate(x, scale_factor=f, mode=m))
case("interpolate.size.nearest", "f32:1,1,50", lambda x: F.interpolate(x, size=49 * 50, mode="nearest")[..., ::49])
case("interpolate.recompute", "f32:1,2,10,7", lambda x: F.interpolate(x, scale_factor=1.6, mode="bilinear", recompute_scale_factor=True))
case("interpolate.two-factors", "f32:1,2,5,7", lambda x: F.interpolate(x, scale_factor=(1.1, 2.3), mode="bilinear"))
case("interpolate.two-factors.nearest", "f32:1,2,5,7", lambda x: F.interpolate(x, scale_factor=(2.1, 1.1), mode="nearest"))
for _channels in (3, 4):
    case(f"interpolate.layout.nearest.{_channels}", f"f32:1,{_channels},2,3,4",
         lambda x: F.interpolate(x.contiguous(memory_format=torch.channels_last_3d), scale_factor=1.4, mode="nearest"))  # fmt: skip

# Products of small integers wrap in their type.
for _type, _range in (("i8", "-128,127"), ("u8", "0,255"), ("i16", "-9999,9999")):
    case(f"matmul.wraps.{_type}", f"{_type}:B,3,5~{_range} {_type}:5,4~{_range}", torch.matmul)
    case(f"mm.wraps.{_type}", f"{_type}:3,5~{_range} {_type}:5,4~{_range}", torch.mm)
    case(f"bmm.wraps.{_type}", f"{_type}:2,3,5~{_range} {_type}:2,5,4~{_range}", torch.bmm)
    case(f"linear.wraps.{_type}", f"{_type}:3,5~{_range} {_type}:4,5~{_range}", F.linear)
for _name, _shapes, _function in (("mv", ("3,5", "5"), torch.mv), ("dot", ("5", "5"), torch.dot)):
    case(f"{_name}.wraps.i8", " ".join(f"i8:{shape}~-128,127" for shape in _shapes), _function)
case("addmm.wraps.i8", "i8:3,4~-128,127 i8:3,5~-128,127 i8:5,4~-128,127", lambda x, y, z: torch.addmm(x, y, z, beta=3, alpha=-2))
case("einsum.wraps.i8", "i8:3,5~-128,127 i8:4,5~-128,127", lambda x, y: torch.einsum("ij,kj->ik", x, y))
case("tensordot.wraps.i8", "i8:3,5,2~-128,127 i8:4,5,2~-128,127", lambda x, y: torch.tensordot(x, y, dims=([1, 2], [1, 2])))
case("matmul.nothing.i8", "i8:3,0 i8:0,4", torch.matmul)

# A mask that chooses nothing takes nothing from a source without elements.
case("masked_scatter.nothing", "f32:B,3", lambda x: x.masked_scatter(x > 1e9, x.new_zeros(0)))
case("masked_scatter.nothing.all", "f32:2,3", lambda x: x.masked_scatter(torch.zeros(2, 3, dtype=torch.bool), torch.zeros(0, 3)))
case("masked_scatter.nothing.chosen", "f32:B,3 f32:B,3", lambda x, y: x.masked_scatter(x > 1e9, y[y > 1e9]))
case("masked_scatter.chosen", "f32:B,3 f32:B,3", lambda x, y: x.masked_scatter(y > 0, y[y > 0]))
case("masked_scatter.nothing.mask", "f32:0,3", lambda x: x.masked_scatter(x > 0, x.new_zeros(0)))


# Writes through views, which the tensor and its other views show.
def written(change: Any) -> Any:
    """A module that makes a tensor of its own, lets the function write to it, and gives it back."""

    def body(x: torch.Tensor, *rest: torch.Tensor) -> Any:
        own = x * 1
        result = change(own, *rest)
        return own if result is None else (own, result)

    return body


case("views.slice.add", "f32:4,5", written(lambda x: x[1:3].add_(2)))
case("views.t.add", "f32:4,5 f32:5,4", written(lambda x, y: x.t().add_(y)))
case("views.t_", "f32:4,5", written(lambda x: x.t_()))
case("views.t_.add", "f32:4,5", written(lambda x: x.t_().add_(1).mul_(2)))
case("views.t_.base", "f32:4,5", lambda x: (y := x * 1, z := y[1:3], y.t_(), z.add_(1), y)[-1])
case("views.transpose_", "f32:2,3,4", written(lambda x: x.transpose_(0, 2).add_(x)))
case("views.swapaxes_", "f32:2,3,4", written(lambda x: x.swapaxes_(0, 2)))
case("views.unsqueeze_", "f32:2,3", written(lambda x: x.unsqueeze_(1).add_(1)))
case("views.squeeze_", "f32:2,1,3", written(lambda x: x.squeeze_(1).add_(1)))
case("views.squeeze_.all", "f32:2,1,3,1", written(lambda x: x.squeeze_().add_(1)))
case("views.as_strided_", "f32:4,5", written(lambda x: x.as_strided_((2, 3), (5, 1), 1).add_(1)))
case("views.select.open", "f32:B,5", written(lambda x: x[-1].zero_()))
case("views.slice.open", "f32:B,5", written(lambda x: x[1:].add_(x[:-1])))
case("views.diagonal.offset", "f32:4,5", written(lambda x: x.diagonal(1).add_(1)))
case("views.view.add", "f32:4,6", written(lambda x: x.view(2, 12)[:, 3:5].add_(5)))
case("views.permute.slice", "f32:2,3,4", written(lambda x: x.permute(2, 0, 1)[1:3, :, 0].sub_(1)))
case("views.unfold", "f32:8", written(lambda x: x.unfold(0, 2, 2)[:, 1].add_(10)))
case("views.setitem.view.mask", "f32:4,5", written(lambda x: operator.setitem(x[1:3], x[1:3] > 0, -1.0)))
case("views.index_put.view", "f32:4,5 i64:2=1,0 f32:2,5", written(lambda x, i, v: x[2:].index_put_((i,), v, accumulate=True)))
case("views.scatter.view", "f32:4,5 i64:2,2=0,1,1,0 f32:2,2", written(lambda x, i, v: x.t()[1:3].scatter_(1, i, v)))
case("views.other-view", "f32:4,6", written(lambda x: (x[1:3], x.view(24)[7:9].fill_(2))[0]))
case("views.two-deep", "f32:4,6", written(lambda x: (x[1:][1:].t()[2:4].add_(1), x[:, 3].mul_(2))[1]))
case("views.view.dtype", "f32:4,2", written(lambda x: x.view(torch.int32).bitwise_and_(-4)))
case("views.reshape.open", "f32:B,6,5", written(lambda x: x[:, 1:].reshape(x.shape[0], 25).add_(2)))
case("views.reshape.open.merged", "f32:2,B,6,5", written(lambda x: x[..., 1:].reshape(-1, 6, 4)[0].add_(2)))
case("views.reshape.open.copied", "f32:B,6,5", written(lambda x: x.transpose(1, 2).reshape(x.shape[0], 30).add_(2)))
case("views.flatten.open", "f32:B,T,5", written(lambda x: x[..., 0].flatten().mul_(2)))


class Counted(nn.Module):
    """Writes to a row of a buffer."""

    def __init__(self) -> None:
        super().__init__()
        self.register_buffer("rows", torch.zeros(4, 3))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        self.rows[1:3].add_(x)
        self.rows.t()[0].mul_(2)
        return self.rows * 1


case("views.buffer", "f32:3", Counted())

# Numbers that are none, and those beyond the least and greatest.
_ODD = "nan,inf,-inf,0.0,-0.0,1.0,-3.0,1e38,-1e38,1e-40"
for _type in ("f32", "f64"):
    case(f"sign.odd.{_type}", f"{_type}:10={_ODD}", lambda x: (torch.sign(x), torch.sgn(x)))
    case(f"softshrink.odd.{_type}", f"{_type}:10={_ODD}", F.softshrink)
    case(f"softshrink.0.3.{_type}", f"{_type}:10", lambda x: F.softshrink(x, 0.3))
    _most = "1e38" if _type == "f32" else "1e308"
    _least = "1e-38" if _type == "f32" else "1e-308"
    _left = f"{_most},-{_most},{_most},inf,-inf,inf,-inf,inf,nan,inf,nan,{_least},{_least},0.0,-0.0,0.0,-0.0,1.0,-1.0,{_least},-{_most},0.0,1.0"
    _right = f"{_most},{_most},1.0,inf,inf,-inf,-inf,1.0,1.0,nan,inf,{_least},-{_least},-0.0,-0.0,0.0,0.0,0.0,-0.0,{_most},-{_least},-1.0,-inf"
    case(f"hypot.odd.{_type}", f"{_type}:23={_left} {_type}:23={_right}", torch.hypot)
    case(f"atan2.odd.{_type}", f"{_type}:23={_left} {_type}:23={_right}", torch.atan2)
    case(f"clamp.none.{_type}", f"{_type}:10={_ODD} {_type}:=nan", lambda x, y: (torch.clamp(x, min=y), torch.clamp(x, max=y), torch.clamp(x, y, y)))
    case(f"threshold.none.{_type}", f"{_type}:10={_ODD}", lambda x: F.threshold(x, 0.5, 7.0))
    case(f"clamp.number.none.{_type}", f"{_type}:10={_ODD}", lambda x: torch.clamp(x, min=float("nan")))
case("hypot.f16", "f16:5=300,-6e4,6e4,1e-4,inf f16:5=300,6e4,1,1e-4,nan", torch.hypot)

# Samples in double precision.
for _mode, _padding, _aligned in (
    ("bilinear", "zeros", False), ("bilinear", "border", True), ("bilinear", "reflection", False), ("bicubic", "zeros", True), ("bicubic", "border", False),
    ("bicubic", "reflection", True), ("nearest", "zeros", False),
):  # fmt: skip
    case(f"grid_sample.f64.{_mode}.{_padding}.{_aligned}", "f64:1,2,5,7 f64:1,4,3,2~-1.3,1.3",
         lambda x, g, m=_mode, p=_padding, a=_aligned: F.grid_sample(x, g, mode=m, padding_mode=p, align_corners=a))  # fmt: skip
case("grid_sample.f64.volume", "f64:1,2,3,4,5 f64:1,2,3,4,3~-1.3,1.3", lambda x, g: F.grid_sample(x, g, align_corners=False))
