"""Elementwise targets of two operands and more: promotion, scalars, broadcasting."""

from __future__ import annotations

import math
import operator
from typing import Any

import torch
from case import case, named

PAIRS = ("f32:B,3,4 f32:B,3,4", "f32:B,3,4 f32:4", "f32:3,1 f32:B,1,4", "i64:2,3 f32:3", "i32:2,3 i64:3", "f16:2,3 f32:3", "f16:2,3 bf16:3",
         "f32:2,3 f64:", "i64:2,3 f32:", "i64:2,3 i32:", "f32: f32:2,3", "f64:2,3 f32:3", "bool:2,3 i64:3", "u8:2,3~0,9 i8:3", "bf16:B,3 bf16:3",
         "f16:B,3 f16:3", "bool:2,3 f32:3", "i32:2,3 f32:", "f16:2,3 f32:", "i16:2,3 i16:3")  # fmt: skip
SCALARS: tuple[Any, ...] = (2, 0.75, -3, True)
ARITHMETIC = ("add", "sub", "mul", "div", "maximum", "minimum", "true_divide")
for _name in (*ARITHMETIC, "eq", "ne", "lt", "le", "gt", "ge"):
    for _pair in PAIRS:
        if _name == "sub" and "bool" in _pair:
            continue
        case(f"{_name}.{_pair.replace(' ', '.')}", _pair, named(_name))
    for _type in ("f32", "f16", "bf16", "f64", "i64", "i32", "u8", "bool"):
        for _scalar in SCALARS if _name not in ("maximum", "minimum") else ():
            if _type == "bool" and _name == "sub" or isinstance(_scalar, bool) and _name == "sub":
                continue
            case(f"{_name}.{_type}.{_scalar}", f"{_type}:B,3" + ("~0,9" if _type == "u8" else ""), lambda x, f=named(_name), s=_scalar: f(x, s))
for _scalar in (2, 0.5):
    case(f"rsub.{_scalar}", "f32:B,3", lambda x, s=_scalar: s - x)
    case(f"rsub.i64.{_scalar}", "i64:B,3", lambda x, s=_scalar: s - x)
    case(f"rsub.alpha.{_scalar}", "f32:B,3", lambda x, s=_scalar: torch.rsub(x, s, alpha=3))
    case(f"rdiv.{_scalar}", "f32:B,3~1,2", lambda x, s=_scalar: s / x)
    case(f"rdiv.i64.{_scalar}", "i64:B,3~1,5", lambda x, s=_scalar: s / x)
    case(f"rpow.{_scalar}", "f32:B,3", lambda x, s=_scalar: s**x)
    case(f"rpow.i64.{_scalar}", "i64:B,3~0,5", lambda x, s=_scalar: s**x)
    case(f"rfloordiv.{_scalar}", "f32:B,3~1,2", lambda x, s=_scalar: s // x)
    case(f"rmod.{_scalar}", "f32:B,3~1,2", lambda x, s=_scalar: s % x)
    case(f"rmod.i64.{_scalar}", "i64:B,3~1,5", lambda x, s=_scalar: s % x)
case("rsub.tensor", "f32:B,3 f32:3", lambda x, y: torch.rsub(x, y, alpha=2))
case("add.alpha", "f32:B,3 f32:3", lambda x, y: torch.add(x, y, alpha=2.5))
case("add.alpha.i64", "i64:B,3 i64:3", lambda x, y: torch.add(x, y, alpha=2))
case("add.alpha.mixed", "i64:B,3 f32:3", lambda x, y: torch.add(x, y, alpha=2))
case("add.scalar.alpha", "f32:B,3", lambda x: torch.add(x, 3, alpha=2))
case("sub.alpha", "f32:B,3 f32:3", lambda x, y: torch.sub(x, y, alpha=2.5))
case("sub.scalar.alpha", "f32:B,3", lambda x: torch.sub(x, 3, alpha=2))
case("add.bool.alpha", "bool:B,3 bool:3", lambda x, y: torch.add(x, y))
for _mode in (None, "trunc", "floor"):
    for _pair in ("f32:B,3 f32:3~1,4", "i64:B,3 i64:3~1,4", "i32:B,3 f32:3~1,4", "i64:B,3 i64:3~-4,-1", "i32:B,3 i32:3~1,4", "u8:B,3~0,99 u8:3~1,4", "f16:B,3 f16:3~1,4"):
        case(f"div.{_mode}.{_pair.replace(' ', '.')}", _pair, lambda x, y, m=_mode: torch.div(x, y, rounding_mode=m))
    for _scalar in (2, -3, 0.75):
        for _type in ("f32", "i64", "i32"):
            case(f"div.{_mode}.{_type}.{_scalar}", f"{_type}:B,3~-20,20", lambda x, m=_mode, s=_scalar: torch.div(x, s, rounding_mode=m))
for _name in ("remainder", "fmod", "floor_divide"):
    for _pair in ("f32:B,3~-9,9 f32:3~1,4", "f32:B,3~-9,9 f32:3~-4,-1", "i64:B,3 i64:3~1,4", "i64:B,3 i64:3~-4,-1", "i32:B,3 f32:3~1,4", "i32:B,3 i32:3~-4,-1",
                  "f64:B,3~-9,9 f64:3~1,4", "f16:B,3~-9,9 f16:3~1,4", "u8:B,3~0,99 u8:3~1,4"):  # fmt: skip
        case(f"{_name}.{_pair.replace(' ', '.')}", _pair, named(_name))
    for _scalar in (2, -3, 0.75, -2.5):
        for _type in ("f32", "i64", "i32"):
            case(f"{_name}.{_type}.{_scalar}", f"{_type}:B,3~-20,20", lambda x, f=named(_name), s=_scalar: f(x, s))
for _exponent in (0, 1, 2, 3, 4, 0.5, 1.5, 2.0, 3.0):
    case(f"pow.f32.{_exponent}", "f32:B,3~0.1,3", lambda x, e=_exponent: torch.pow(x, e))
    case(f"pow.f16.{_exponent}", "f16:B,3~0.1,3", lambda x, e=_exponent: torch.pow(x, e))
    case(f"pow.i64.{_exponent}", "i64:B,3~0,5", lambda x, e=_exponent: torch.pow(x, e))
    case(f"pow.i32.{_exponent}", "i32:B,3~0,5", lambda x, e=_exponent: torch.pow(x, e))
for _exponent in (-1, -2, -0.5, -1.0, -1.5):
    case(f"pow.f32.{_exponent}", "f32:B,3~0.1,3", lambda x, e=_exponent: torch.pow(x, e))
for _pair in ("f32:B,3~0.1,3 f32:3", "i64:B,3~0,4 i64:3~0,4", "i64:B,3~1,4 f32:3", "f32:B,3~0.1,3 i64:3", "f16:B,3~0.1,3 f32:", "i32:B,3~0,4 i64:~0,4"):
    case(f"pow.{_pair.replace(' ', '.')}", _pair, torch.pow)
    case(f"float_power.{_pair.replace(' ', '.')}", _pair, torch.float_power)
case("pow.negative-base", "f32:B,3", lambda x: x**3 + x**2)
case("float_power.scalar", "f32:B,3~0.1,3", lambda x: torch.float_power(x, 2))
case("float_power.base", "f32:B,3", lambda x: torch.float_power(2, x))
for _name in ("atan2", "hypot", "copysign", "nextafter", "logaddexp", "logaddexp2", "fmax", "fmin", "heaviside", "xlogy", "xlog1py"):
    _range = "~0.1,3" if _name.startswith("xlog") else ""
    for _pair in ("f32:B,3,4", "f64:B,3,4", "f16:B,3,4"):
        if _name in ("nextafter", "hypot", "logaddexp", "logaddexp2") and "f16" in _pair:
            continue
        case(f"{_name}.{_pair[:3]}", f"{_pair}{_range} {_pair[:4]}4{_range}", named(_name))
case("fmax.nan", "f32:B,3 f32:3", lambda x, y: torch.fmax(x / (x > 0), y / (y > 0)))
case("fmin.nan", "f32:B,3 f32:3", lambda x, y: torch.fmin(x / (x > 0), y / (y > 0)))
case("maximum.nan", "f32:B,3 f32:3", lambda x, y: torch.maximum(x / (x > 0), y / (y > 0)))
case("atan2.axes", "f32:2,9", lambda x: torch.atan2(torch.tensor([0.0, -0.0, 1, -1, 0, -0.0, 2, -2, 0]), torch.tensor([1.0, 1, 0, 0, -1, -1, -0.0, 0, -0.0])) + x)
case("atan2.i64", "i64:B,3 i64:3", torch.atan2)
case("copysign.scalar", "f32:B,3", lambda x: torch.copysign(x, -2.0))
case("copysign.i64", "i64:B,3 f32:3", torch.copysign)
case("xlogy.scalar", "f32:B,3~0.1,4", lambda x: torch.xlogy(x, 2.0))
case("xlogy.self", "f32:B,3~0.1,4", lambda x: torch.xlogy(2.0, x))
case("xlogy.zero", "f32:B,3~0.1,4", lambda x: torch.xlogy(x.floor(), x - x))
case("gcd", "i64:B,5~1,400 i64:5~1,400", torch.gcd)
case("gcd.i32", "i32:B,5 i32:5", torch.gcd)
case("lcm", "i64:B,5~1,40 i64:5~1,40", torch.lcm)
case("ldexp", "f32:B,3 i64:3~0,5", torch.ldexp)
case("max.other", "f32:B,3 f32:3", lambda x, y: torch.max(x, y))
case("min.other", "i64:B,3 f32:3", lambda x, y: torch.min(x, y))
case("dist", "f32:B,3 f32:3", lambda x, y: torch.dist(x, y))
case("frexp", "f32:B,3", lambda x: torch.frexp(x))
for _name in ("bitwise_and", "bitwise_or", "bitwise_xor"):
    for _pair in ("i64:B,3 i64:3", "i32:B,3 i64:3", "bool:B,3 bool:3", "u8:B,3~0,99 i16:3", "bool:B,3 i64:3"):
        case(f"{_name}.{_pair.replace(' ', '.')}", _pair, named(_name))
    case(f"{_name}.scalar", "i64:B,3", lambda x, f=named(_name): f(x, 5))
    case(f"{_name}.bool.scalar", "bool:B,3", lambda x, f=named(_name): f(x, True))
for _name, _function in {"and": operator.and_, "or": operator.or_, "xor": operator.xor}.items():
    case(f"__{_name}__", "i64:B,3 i64:3", _function)
    case(f"__{_name}__.scalar", "i32:B,3", lambda x, f=_function: f(x, 6))
    case(f"__i{_name}__", "bool:B,3 bool:3", lambda x, y, f=getattr(operator, f"i{_name}"): f(x.clone(), y))
for _name in ("bitwise_left_shift", "bitwise_right_shift"):
    case(_name, "i64:B,3 i64:3~0,5", named(_name))
    case(f"{_name}.i32", "i32:B,3 i32:3~0,5", named(_name))
    case(f"{_name}.u8", "u8:B,3~0,255 u8:3~0,5", named(_name))
    case(f"{_name}.scalar", "i64:B,3", lambda x, f=named(_name): f(x, 2))
case("__lshift__", "i64:B,3", lambda x: x << 3)
case("__rshift__", "i64:B,3", lambda x: x >> 1)
for _name in ("logical_and", "logical_or", "logical_xor"):
    for _pair in ("f32:B,3 f32:3", "i64:B,3 bool:3", "bool:B,3 bool:3"):
        case(f"{_name}.{_pair.replace(' ', '.')}", _pair, lambda x, y, f=named(_name): f(x > 0 if x.is_floating_point() else x, y))
case("isclose", "f32:B,3 f32:3", lambda x, y: torch.isclose(x, y, rtol=0.3, atol=0.2))
case("isclose.nan", "f32:B,3", lambda x: torch.isclose(x / (x > 0), x / (x > 0), equal_nan=True))
case("isclose.i64", "i64:B,3 i64:3", lambda x, y: torch.isclose(x, y))
case("allclose", "f32:B,3 f32:3", lambda x, y: torch.isclose(x, y).all())
case("equal-all", "i64:B,3", lambda x: (x == 2).any())
case("isin", "i64:B,5 i64:4", torch.isin)
case("isin.invert", "i64:B,5 i64:4", lambda x, y: torch.isin(x, y, invert=True))
case("isin.scalar", "i64:B,5", lambda x: torch.isin(x, 3))
case("isin.scalar.self", "i64:B,5", lambda x: torch.isin(3, x))
case("lerp.scalar", "f32:B,3 f32:3", lambda x, y: torch.lerp(x, y, 0.3))
case("lerp.tensor", "f32:B,3 f32:3 f32:3", torch.lerp)
for _types in ("f32", "f16", "i64"):
    case(f"addcmul.{_types}", f"{_types}:B,3 {_types}:3 {_types}:B,1", lambda x, y, z: torch.addcmul(x, y, z, value=2))
case("addcmul", "f32:B,3 f32:3 f32:B,1", lambda x, y, z: torch.addcmul(x, y, z))
case("addcdiv", "f32:B,3 f32:3 f32:B,1~1,2", lambda x, y, z: torch.addcdiv(x, y, z, value=0.5))
for _pair in ("f32:B,3 f32:3", "i64:B,3 f32:3", "f16:B,3 f32:", "bool:B,3 i64:3", "f32:B,3 f64:"):
    case(f"where.{_pair.replace(' ', '.')}", "bool:3 " + _pair, torch.where)
case("where.scalar.other", "bool:B,3 f32:3", lambda c, x: torch.where(c, x, 2))
case("where.scalar.self", "bool:B,3 i64:3", lambda c, x: torch.where(c, 2.5, x))
case("where.scalars", "bool:B,3", lambda c: torch.where(c, 1, 0))
case("where.scalars.f", "bool:B,3", lambda c: torch.where(c, 1.0, 0.0))
case("where.u8", "u8:B,3~0,2 f32:3", lambda c, x: torch.where(c.bool(), x, -x))
case("masked_fill", "f32:B,3 bool:3", lambda x, m: x.masked_fill(m, -math.inf))
case("masked_fill.tensor", "f32:B,3 bool:B,1 f32:", lambda x, m, v: x.masked_fill(m, v))
case("masked_fill.i64", "i64:B,3 bool:3", lambda x, m: x.masked_fill(m, 7))
case("masked_fill.broadcast", "f32:3 bool:2,3", lambda x, m: x.expand(2, 3).masked_fill(m, 7))
case("masked_fill.f16", "f16:B,3 bool:3", lambda x, m: x.masked_fill(m, -65504.0))

case("lcm.types", "i64:B,9 i64:9", lambda x, y: (torch.lcm(x, y), torch.lcm(x.int(), y.int()), torch.lcm(x, torch.tensor(0))))
