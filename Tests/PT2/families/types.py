"""Conversions and views of other element types."""

from __future__ import annotations

import torch
from case import case

for _from in ("f32", "f64", "f16", "bf16", "i64", "i32", "i16", "i8", "u8", "bool"):
    for _to in ("float32", "float64", "float16", "bfloat16", "int64", "int32", "int16", "int8", "uint8", "bool"):
        case(f"to.{_from}.{_to}", f"{_from}:B,5" + ("~0,9" if _from != "bool" else ""), lambda x, t=getattr(torch, _to): x.to(t))
for _to in ("float8_e4m3fn", "float8_e5m2"):
    case(f"to.{_to}", "f32:B,5", lambda x, t=getattr(torch, _to): x.to(t).to(torch.float32))
    case(f"to.f16.{_to}", "f16:B,5", lambda x, t=getattr(torch, _to): x.to(t).to(torch.float16))
case("to.u16", "i64:B,5~0,9", lambda x: x.to(torch.uint16).to(torch.int64))
case("to.u32", "i64:B,5~0,9", lambda x: x.to(torch.uint32).to(torch.int64))
case("to.other", "f32:B,5 f16:1", lambda x, y: x.to(y))
case("to.dtype.copy", "f32:B,5", lambda x: x.to(torch.float32, copy=True))
case("type_as", "f32:B,5 i64:1", lambda x, y: x.type_as(y))
case("float", "i64:B,5", lambda x: x.float())
case("half", "f32:B,5", lambda x: x.half())
case("to.negative-floor", "f32:B,5~-9,9", lambda x: x.to(torch.int32))
case("view.dtype.f32.i32", "f32:B,5", lambda x: x.view(torch.int32))
case("view.dtype.i64.f64", "f64:B,5", lambda x: x.view(torch.int64))
case("view.dtype.narrower", "f32:B,6", lambda x: x.view(torch.int16))
case("view.dtype.wider", "i16:B,6", lambda x: x.view(torch.int32))
case("view.dtype.u8", "u8:B,8~0,255", lambda x: x.view(torch.int8))
case("is_floating", "f32:B,5", lambda x: x * (2 if x.is_floating_point() else 3))
case("result_type", "i32:B,5 f16:5", lambda x, y: torch.result_type(x, y) and x * y)
