"""Elementwise targets of one operand."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from case import case, named

UNARY = {
    # name: range of elements in which every type is fit to be compared
    "abs": "-5,5", "acos": "-0.9,0.9", "acosh": "1.1,5", "asin": "-0.9,0.9", "asinh": "-5,5", "atan": "-5,5", "atanh": "-0.9,0.9",
    "ceil": "-5,5", "cos": "-5,5", "cosh": "-3,3", "deg2rad": "-200,200", "digamma": "0.2,9", "erf": "-2,2", "erfc": "-2,2",
    "erfinv": "-0.95,0.95", "exp": "-3,3", "exp2": "-3,3", "expm1": "-3,3", "floor": "-5,5", "frac": "-5,5", "lgamma": "0.2,9",
    "log": "0.1,9", "log10": "0.1,9", "log1p": "-0.5,9", "log2": "0.1,9", "neg": "-5,5", "rad2deg": "-3,3", "reciprocal": "0.2,5",
    "round": "-5,5", "rsqrt": "0.2,5", "sigmoid": "-5,5", "sign": "-5,5", "sgn": "-5,5", "sin": "-5,5", "sinc": "-3,3", "sinh": "-3,3",
    "sqrt": "0.1,9", "square": "-5,5", "tan": "-1,1", "tanh": "-3,3", "trunc": "-5,5", "i0": "-4,4", "positive": "-5,5",
    "i0e": "-4,4", "i1": "-4,4", "i1e": "-4,4", "ndtr": "-3,3", "ndtri": "0.05,0.95", "entr": "0.1,3", "expit": "-3,3",
}  # fmt: skip
# Those that make real numbers of integers, and those that keep integers.
INTEGER_RANGE = {"acos": "0,1", "asin": "0,1", "acosh": "1,5", "atanh": "0,0", "erfinv": "0,0", "ndtri": "1,1"}
for _name, _range in UNARY.items():
    for _type in ("f32", "f64", "f16", "bf16"):
        if _name in ("sinc", "i0", "i0e", "i1", "i1e", "ndtr", "ndtri", "entr", "expit") and _type in ("f16", "bf16"):
            continue
        case(f"{_name}.{_type}", f"{_type}:B,3,4~{_range}", named(_name))
    _integers = INTEGER_RANGE.get(_name) or ("1,5" if float(_range.split(",")[0]) > 0 else "0,3" if _name in ("log1p",) else "-3,3")
    if _name not in ("frac",):
        for _type in ("i64", "i32", "u8", "bool"):
            _given = "" if _type == "bool" else "~" + _integers.replace("-3,", "0,") if _type == "u8" else "~" + _integers
            if _type == "bool" and _name in ("neg", "positive", "square", "sgn", "ceil", "floor", "round", "trunc", "frac", "abs"):
                continue
            case(f"{_name}.{_type}", f"{_type}:2,3{_given}", named(_name))

for _name in ("relu", "relu6", "selu", "mish", "hardswish", "hardsigmoid", "silu", "gelu", "softsign", "tanhshrink", "logsigmoid", "elu", "celu",
              "leaky_relu", "softplus", "hardtanh", "hardshrink", "softshrink"):  # fmt: skip
    for _type in ("f32", "f64", "f16", "bf16"):
        case(f"{_name}.{_type}", f"{_type}:B,7~-8,8", named(_name))
case("gelu.tanh", "f32:B,7", lambda x: F.gelu(x, approximate="tanh"))
case("relu.i64", "i64:2,7", lambda x: F.relu(x))
case("elu.args", "f32:2,7", lambda x: F.elu(x, 0.5))
case("celu.args", "f32:2,7", lambda x: F.celu(x, 0.7))
case("leaky_relu.args", "f32:2,7", lambda x: F.leaky_relu(x, 0.3))
case("softplus.args", "f32:2,7~-30,30", lambda x: F.softplus(x, 2.0, 3.0))
case("softplus.int", "f32:2,7~-30,30", lambda x: F.softplus(x, 3, 10))
case("hardtanh.args", "f32:2,7", lambda x: F.hardtanh(x, -0.25, 0.5))
case("hardtanh.int", "i64:2,7", lambda x: F.hardtanh(x, -2, 3))
case("hardshrink.args", "f32:2,7", lambda x: F.hardshrink(x, 0.2))
case("softshrink.args", "f32:2,7", lambda x: F.softshrink(x, 0.2))
case("threshold", "f32:2,7", lambda x: F.threshold(x, 0.1, 20))
case("prelu.one", "f32:B,3,4 f32:1", lambda x, w: F.prelu(x, w))
case("prelu.many", "f32:B,3,4 f32:3", lambda x, w: F.prelu(x, w))
case("prelu.rank1", "f32:5 f32:1", lambda x, w: F.prelu(x, w))
case("rrelu", "f32:2,7", lambda x: F.rrelu(x, 0.1, 0.3))
case("rrelu.default", "f32:2,7", lambda x: F.rrelu(x))
for _dim in (0, 1, -1):
    case(f"glu.{_dim}", "f32:4,6", lambda x, d=_dim: F.glu(x, d))
case("logit", "f32:2,7~0.01,0.99", lambda x: torch.logit(x))
case("logit.eps", "f32:2,7~-0.2,1.2", lambda x: torch.logit(x, 0.1))
case("round.decimals", "f32:2,7~-50,50", lambda x: torch.round(x, decimals=1))
case("round.negative", "f32:2,7~-5000,5000", lambda x: torch.round(x, decimals=-2))
case("nan_to_num", "f32:2,7", lambda x: torch.nan_to_num(x / (x > 0)))
case("nan_to_num.args", "f32:2,7", lambda x: torch.nan_to_num(torch.log(x - 0.1) / (x > 0.5), 1.0, 2.0, -3.0))
case("nan_to_num.i64", "i64:2,7", lambda x: torch.nan_to_num(x))
case("nan_to_num.f16", "f16:2,7", lambda x: torch.nan_to_num(x / (x > 0)))
for _name in ("isnan", "isinf", "isfinite", "isposinf", "isneginf", "signbit", "isreal"):
    case(f"{_name}", "f32:B,7", lambda x, f=named(_name): f(torch.cat([x, x / (x > 0), -x / 0.0])))
    case(f"{_name}.f16", "f16:2,7", lambda x, f=named(_name): f(torch.cat([x, x / (x > 0)])))
    case(f"{_name}.i64", "i64:2,7", named(_name))
for _name in ("polygamma.1", "polygamma.2", "polygamma.0"):
    case(_name, "f32:2,7~0.5,9", lambda x, n=int(_name[-1]): torch.polygamma(n, x))
case("mvlgamma", "f32:2,7~3,9", lambda x: torch.mvlgamma(x, 2))
case("lgamma.negative", "f32:2,7~-4.9,-0.1", lambda x: torch.lgamma(x))
case("lgamma.large", "f32:2,7~10,1e6", lambda x: torch.lgamma(x))
case("digamma.negative", "f32:2,7~-4.4,-4.1", lambda x: torch.digamma(x))
for _type in ("i64", "i32", "u8", "i8", "i16", "bool"):
    case(f"bitwise_not.{_type}", f"{_type}:2,7" + ("~0,200" if _type == "u8" else ""), lambda x: ~x)
    case(f"logical_not.{_type}", f"{_type}:2,7" + ("~0,2" if _type == "u8" else ""), lambda x: torch.logical_not(x))
case("logical_not.f32", "f32:2,7", lambda x: torch.logical_not(x.round()))
case("logical_not.f16", "f16:2,7", lambda x: torch.logical_not(x.round()))
for _bounds in ((-0.5, 0.5), (None, 0.5), (-0.5, None), (0, 1), (1, -1)):
    case(f"clamp.{_bounds[0]}.{_bounds[1]}", "f32:B,7", lambda x, b=_bounds: torch.clamp(x, *b))
    case(f"clamp.i64.{_bounds[0]}.{_bounds[1]}", "i64:B,7", lambda x, b=_bounds: torch.clamp(x, *b))
    case(f"clamp.i32.{_bounds[0]}.{_bounds[1]}", "i32:B,7", lambda x, b=_bounds: torch.clamp(x, *b))
case("clamp.tensor", "f32:B,7 f32:7", lambda x, y: torch.clamp(x, y, y + 1))
case("clamp.tensor.low", "f32:B,7 f32:7", lambda x, y: torch.clamp(x, min=y))
case("clamp.tensor.high", "i64:B,7 f32:7", lambda x, y: torch.clamp(x, max=y))
case("clamp.broadcast", "f32:7 f32:B,7", lambda x, y: torch.clamp(x, min=y))
case("clamp.scalar-tensor", "f32:B,7 f32:", lambda x, y: torch.clamp(x, min=y))
case("clamp_min", "f32:B,7", lambda x: torch.clamp_min(x, 0.25))
case("clamp_max", "f32:B,7", lambda x: torch.clamp_max(x, 0.25))
case("clamp_min.tensor", "f32:B,7 f32:7", lambda x, y: torch.clamp_min(x, y))
case("clamp_max.tensor", "f32:B,7 f32:7", lambda x, y: torch.clamp_max(x, y))
case("clip", "f32:B,7", lambda x: torch.clip(x, -1, 0.25))
case("hardtanh_", "f32:B,7", lambda x: F.hardtanh(x.clone(), inplace=True))

case("bessel.far", "f64:B,40~-60,60", lambda x: (torch.i0(x), torch.special.i0e(x), torch.special.i1(x), torch.special.i1e(x)))
case("frexp", "f32:B,9~-1e3,1e3", lambda x: (*torch.frexp(x), *torch.frexp(x * 1e-41), *torch.frexp(x * 0), *torch.frexp(x / 0)))
case("frexp.f64", "f64:B,9", lambda x: (*torch.frexp(x), *torch.frexp(x * 1e-312)))
