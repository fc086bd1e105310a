"""Reductions, sorting and searching."""

from __future__ import annotations

import torch
from case import case, named

AXES: tuple[tuple[object, ...], ...] = ((), (0,), (-1,), ((0, 2),), (1, True), ((0, -1), True))
for _name in ("sum", "mean", "prod", "amax", "amin", "all", "any", "logsumexp", "std", "var", "nansum", "nanmean", "count_nonzero", "argmax", "argmin"):
    for _args in AXES:
        if _name in ("prod", "argmax", "argmin") and _args and isinstance(_args[0], tuple):
            continue
        if _name == "count_nonzero" and len(_args) > 1 or _name == "logsumexp" and not _args:
            continue
        _types = ("f32", "f64", "f16", "bf16") if _name not in ("sum", "prod", "amax", "amin", "all", "any", "count_nonzero", "argmax", "argmin") else ("f32", "f16", "i64", "i32", "u8", "bool")
        for _type in _types:
            if _type == "bool" and _name in ("argmax", "argmin"):
                continue
            if _type in ("f16", "bf16", "bool", "u8", "i32") and _args not in ((), (-1,)):
                continue
            _given = "~0.5,1.5" if _name == "prod" and _type == "f32" else "~1,3" if _name == "prod" and _type != "bool" else "~0,99" if _type == "u8" else ""

            def _reduce(x: torch.Tensor, f: object = named(_name), a: tuple[object, ...] = _args) -> torch.Tensor:
                if len(a) > 1:
                    return f(x, dim=a[0], keepdim=a[1])  # type: ignore[operator, no-any-return]
                return f(x, *a)  # type: ignore[operator, no-any-return]

            case(f"{_name}.{_type}.{_args}", f"{_type}:B,3,4{_given}", _reduce)
case("sum.dtype", "i64:B,3", lambda x: torch.sum(x, 1, dtype=torch.float32))
case("sum.dtype.f16", "f16:B,3", lambda x: torch.sum(x, dtype=torch.float32))
case("mean.dtype", "i64:B,3", lambda x: torch.mean(x, 1, dtype=torch.float32))
case("prod.dtype", "i64:B,3~1,4", lambda x: torch.prod(x, 1, dtype=torch.float32))
case("cumsum.dtype", "i64:B,3", lambda x: torch.cumsum(x, 1, dtype=torch.float32))
case("sum.scalar", "f32:", lambda x: torch.sum(x))
case("mean.scalar", "f32:", lambda x: torch.mean(x, 0))
case("amax.scalar", "f32:", lambda x: torch.amax(x, 0))
case("sum.empty", "f32:0,3", lambda x: torch.sum(x, 0))
case("sum.empty.list", "f32:B,3", lambda x: torch.sum(x, []))
case("mean.open", "f32:B,T,3", lambda x: x.mean(1))
case("nansum.nan", "f32:B,3", lambda x: torch.nansum(x / (x > 0), 1))
case("nanmean.nan", "f32:B,9", lambda x: torch.nanmean(torch.where(x > 1, torch.nan, x), 1))
for _correction in (0, 1, 2):
    for _name in ("var", "std", "var_mean", "std_mean"):
        case(f"{_name}.correction.{_correction}", "f32:B,5", lambda x, f=named(_name), c=_correction: f(x, dim=1, correction=c, keepdim=True))
for _name in ("var", "std", "var_mean", "std_mean"):
    case(f"{_name}.unbiased", "f32:B,5", lambda x, f=named(_name): f(x, 1, False))
    case(f"{_name}.all", "f32:B,5", lambda x, f=named(_name): f(x))
    case(f"{_name}.all.biased", "f32:B,5", lambda x, f=named(_name): f(x, unbiased=False))
    case(f"{_name}.f16", "f16:B,5", lambda x, f=named(_name): f(x, -1))
for _name in ("max", "min", "median", "nanmedian", "mode", "cummax", "cummin", "kthvalue"):
    for _dim in (0, -1):
        for _type in ("f32", "i64", "f16"):

            def _pair(x: torch.Tensor, n: str = _name, d: int = _dim) -> object:
                return named(n)(x, 2, d) if n == "kthvalue" else named(n)(x, d)

            # Equal elements may be found at any of their places: only the values are compared.
            case(f"{_name}.dim.{_dim}.{_type}", f"{_type}:4,5", _pair if _type == "f32" else lambda x, f=_pair: f(x)[0])  # type: ignore[misc]
    if _name in ("max", "min", "median", "nanmedian"):
        case(f"{_name}.all", "f32:B,5", named(_name))
        case(f"{_name}.i64.all", "i64:B,5", named(_name))
for _name in ("max", "min", "median", "kthvalue", "mode"):
    case(f"{_name}.keepdim", "f32:4,5", lambda x, n=_name: named(n)(x, 2, 1, True) if n == "kthvalue" else named(n)(x, 1, True))
    case(f"{_name}.one", "f32:", lambda x, n=_name: named(n)(x, 1, 0) if n == "kthvalue" else named(n)(x, 0))
case("median.nan", "f32:3,5", lambda x: torch.median(torch.where(x > 1, torch.nan, x), 1)[0])
case("nanmedian.nan", "f32:3,5", lambda x: torch.nanmedian(torch.where(x > 1, torch.nan, x), 1)[0])
case("median.even", "f32:3,4", lambda x: torch.median(x, 1))
case("argmax.keepdim", "f32:B,5", lambda x: torch.argmax(x, 1, keepdim=True))
case("argmax.flat.keepdim", "f32:2,5", lambda x: torch.argmax(x, keepdim=True))
case("argmin.ties", "i64:B,9~0,2", lambda x: torch.argmin(x, 1))
case("argmax.nan", "f32:2,5", lambda x: torch.argmax(x / (x > 0), 1))
case("max.nan", "f32:2,5", lambda x: torch.max(x / (x > 0), 1)[0])
case("aminmax", "f32:B,5", lambda x: torch.aminmax(x))
case("aminmax.dim", "f32:B,5", lambda x: torch.aminmax(x, dim=1, keepdim=True))
case("max.open", "f32:B,T", lambda x: torch.max(x, 1))
for _name in ("cumsum", "cumprod", "logcumsumexp"):
    for _dim in (0, -1):
        for _type in ("f32", "f64", "i64", "i32", "bool") if _name != "logcumsumexp" else ("f32", "f64"):
            case(f"{_name}.{_dim}.{_type}", f"{_type}:B,5" + ("~1,3" if _type[0] == "i" else ""), lambda x, f=named(_name), d=_dim: f(x, d))
    case(f"{_name}.open", "f32:B,T", lambda x, f=named(_name): f(x, 1))
for _name in ("cummax", "cummin"):
    case(f"{_name}.open", "f32:B,T", lambda x, f=named(_name): f(x, 1))
for _name in ("trapezoid", "cumulative_trapezoid"):
    case(_name, "f32:B,5", lambda x, f=named(_name): f(x))
    case(f"{_name}.dx", "f32:B,5", lambda x, f=named(_name): f(x, dx=0.5, dim=0))
    case(f"{_name}.x", "f32:B,5 f32:5", lambda x, y, f=named(_name): f(x, y))
for _n in (1, 2):
    case(f"diff.{_n}", "f32:B,5", lambda x, n=_n: torch.diff(x, n))
case("diff.pads", "f32:B,5 f32:B,1", lambda x, y: torch.diff(x, prepend=y, append=y))
case("diff.i64", "i64:5,2", lambda x: torch.diff(x, dim=0))
case("diff.bool", "bool:5", lambda x: torch.diff(x))
case("gradient", "f32:7", lambda x: torch.gradient(x))
for _p in (0, 1, 2, 3, 0.5, float("inf"), float("-inf")):
    case(f"vector_norm.{_p}", "f32:B,5", lambda x, p=_p: torch.linalg.vector_norm(x, p, 1))
    case(f"norm.{_p}", "f32:B,5", lambda x, p=_p: torch.norm(x, p, 1, keepdim=True))
case("norm", "f32:B,5", lambda x: torch.norm(x))
case("norm.fro", "f32:4,5", lambda x: torch.norm(x, "fro"))
case("linalg.norm", "f32:4,5", lambda x: torch.linalg.norm(x))
case("linalg.norm.dim", "f32:B,4,5", lambda x: torch.linalg.norm(x, dim=(1, 2)))
for _order in (1, -1, float("inf"), float("-inf"), "fro"):
    case(f"matrix_norm.{_order}", "f32:B,4,5", lambda x, o=_order: torch.linalg.matrix_norm(x, o, keepdim=True))
case("norm.f16", "f16:B,5", lambda x: torch.linalg.vector_norm(x, 2, -1))
case("norm.dtype", "f16:B,5", lambda x: torch.linalg.vector_norm(x, 2, -1, dtype=torch.float32))
case("normalize", "f32:B,5", lambda x: torch.nn.functional.normalize(x))
case("renorm", "f32:B,5", lambda x: torch.renorm(x, 2, 0, 1.0))
case("renorm.1", "f32:B,5", lambda x: torch.renorm(x, 1, 1, 0.5))
for _args in ((2,), (2, 0), (2, 1, False), (3, -1, True, True)):
    case(f"topk.{_args}", "f32:4,5", lambda x, a=_args: torch.topk(x, *a))
case("topk.i64", "i64:4,5", lambda x: torch.topk(x, 2)[0])
case("topk.open", "f32:B,T", lambda x: torch.topk(x, 2))
for _type in ("f32", "f64", "f16", "i64", "i32", "u8"):
    for _descending in (False, True):
        case(f"sort.{_type}.{_descending}", f"{_type}:4,5" + ("~0,99" if _type == "u8" else ""), lambda x, d=_descending: torch.sort(x, -1, d)[0])
        case(f"sort.stable.{_type}.{_descending}", f"{_type}:4,9" + ("~0,3" if _type[0] in "iu" else ""), lambda x, d=_descending: torch.sort(x, dim=1, descending=d, stable=True))
case("sort.first", "f32:4,5", lambda x: torch.sort(x, 0))
case("sort.scalar", "f32:", lambda x: torch.sort(x))
case("sort.bool", "bool:4,5", lambda x: torch.sort(x)[0])
case("sort.open", "f32:B,T", lambda x: torch.sort(x))
case("argsort", "f32:B,5", lambda x: torch.argsort(x))
case("argsort.stable", "i64:B,9~0,3", lambda x: torch.argsort(x, stable=True))
case("argsort.stable.descending", "i64:2,9~0,3", lambda x: torch.argsort(x, dim=0, descending=True, stable=True))
case("msort", "f32:4,5", torch.msort)
for _q in (0.0, 0.3, 0.5, 1.0):
    case(f"quantile.{_q}", "f32:B,7", lambda x, q=_q: torch.quantile(x, q, 1))
for _interpolation in ("linear", "lower", "higher", "nearest", "midpoint"):
    case(f"quantile.{_interpolation}", "f32:2,7", lambda x, i=_interpolation: torch.quantile(x, 0.4, 1, interpolation=i))
case("quantile.all", "f32:2,7", lambda x: torch.quantile(x, 0.25))
case("quantile.list", "f32:2,7", lambda x: torch.quantile(x, torch.tensor([0.1, 0.6]), 1))
case("quantile.keepdim", "f32:2,7", lambda x: torch.quantile(x, 0.25, 0, keepdim=True))
case("nanquantile", "f32:2,7", lambda x: torch.nanquantile(torch.where(x > 1, torch.nan, x), 0.4, 1))
for _right in (False, True):
    case(f"bucketize.{_right}", "f32:B,5", lambda x, r=_right: torch.bucketize(x, torch.tensor([-1.0, 0, 0.5, 2]), right=r))
    case(f"searchsorted.{_right}", "f32:4 f32:B,5", lambda s, x, r=_right: torch.searchsorted(s.sort()[0], x, right=r))
case("bucketize.scalar", "f32:4", lambda x: torch.bucketize(torch.tensor(0.3), x.sort()[0]))
case("bucketize.int32", "i64:B,5", lambda x: torch.bucketize(x, torch.tensor([-1, 0, 2]), out_int32=True))
case("searchsorted.rows", "f32:3,4 f32:3,5", lambda s, x: torch.searchsorted(s.sort()[0], x))
case("searchsorted.side", "f32:4 f32:5", lambda s, x: torch.searchsorted(s.sort()[0], x, side="right"))
case("searchsorted.sorter", "f32:4 f32:5", lambda s, x: torch.searchsorted(s, x, sorter=s.argsort()))
case("searchsorted.scalar", "f32:4", lambda s: torch.searchsorted(s.sort()[0], 0.2))
case("histc", "f32:20", lambda x: torch.histc(x, 5, -2, 2))
case("histc.default", "f32:20", lambda x: torch.histc(x, 6))
case("bincount", "i64:9~0,4", lambda x: torch.bincount(x, minlength=5))
case("unique", "i64:9~0,4", lambda x: torch.unique(x))
case("unique.all", "i64:3,3~0,4", lambda x: torch.unique(x, return_inverse=True, return_counts=True))
case("unique_consecutive", "i64:9~0,3", lambda x: torch.unique_consecutive(x, return_inverse=True, return_counts=True))
case("unique.dim", "i64:5,2~0,2", lambda x: torch.unique(x, dim=0))
case("cov", "f32:3,5", lambda x: torch.cov(x))
case("corrcoef", "f32:3,5", lambda x: torch.corrcoef(x))

# -------------------------------------------------------------------------------------------------------------------- counts

case("bincount.plain", "i64:9~0,5", torch.bincount)
case("bincount.minlength", "i32:9~0,5", lambda x: torch.bincount(x, minlength=8))
case("bincount.weights", "i64:9~0,5 f64:9 f32:9", lambda x, w, v: (torch.bincount(x, w), torch.bincount(x, v, 7)))
case("bincount.empty", "i64:0", lambda x: torch.bincount(x, minlength=3))
case("is_all_true", "bool:3", lambda x: (torch._is_all_true(x), torch._is_any_true(x)))

# ---------------------------------------------------------------------------------------------------------- ranks and slopes

_HOLES = "f32:4,7"


def _holed(x: torch.Tensor) -> torch.Tensor:
    return torch.where(x > 0.8, torch.nan, x)


case("median.nan.places", _HOLES, lambda x: (*torch.median(_holed(x), 0), torch.median(_holed(x))))
case("nanmedian.places", _HOLES, lambda x: (*torch.nanmedian(_holed(x), 0, keepdim=True), torch.nanmedian(_holed(x)), torch.nanmedian(_holed(x) * torch.nan)))
case("cummax.nan", _HOLES, lambda x: (*torch.cummax(_holed(x), 1), *torch.cummin(_holed(x), 0)))
case("quantile.list.keepdim", "f64:B,3,7", lambda x: torch.quantile(x, torch.tensor([0.1, 0.6], dtype=torch.float64), 1, keepdim=True))
case("quantile.nan", _HOLES, lambda x: (torch.quantile(_holed(x), 0.4, 1), torch.quantile(_holed(x), 0.4)))
for _interpolation in ("linear", "lower", "higher", "nearest", "midpoint"):
    case(f"nanquantile.{_interpolation}", _HOLES, lambda x, i=_interpolation: torch.nanquantile(_holed(x), torch.tensor([0.0, 0.45, 1.0]), 1, True, interpolation=i))
case("trapezoid.places", "f32:3,5 f32:3,5", lambda y, x: (torch.trapezoid(y, x), torch.trapezoid(y, x[:, 0], dim=0), torch.cumulative_trapezoid(y, x, dim=0)))
case("trapezoid.i64", "i64:3,5", lambda y: (torch.trapezoid(y), torch.cumulative_trapezoid(y, dx=2)))
case("gradient.spacing", "f32:5,6", lambda x: (*torch.gradient(x, spacing=2.0), *torch.gradient(x, spacing=0.5, dim=1), *torch.gradient(x, spacing=[1.0, 3.0])))
case("gradient.edges", "f32:5,6", lambda x: torch.gradient(x, dim=(0, 1), edge_order=2))
case("gradient.places", "f32:5,6 f32:5~0.5,2 f32:6~0.5,2", lambda x, a, b: (*torch.gradient(x, spacing=(a.cumsum(0), b.cumsum(0))), *torch.gradient(x, spacing=(b.cumsum(0),), dim=1, edge_order=2)))
case("unique.dim.all", "i64:6,3~0,2", lambda x: (*torch.unique(x, dim=0, return_inverse=True, return_counts=True), *torch.unique(x, dim=1, return_counts=True)))
case("unique_consecutive.dim", "i64:6,2~0,2", lambda x: (*torch.unique_consecutive(x, dim=0, return_inverse=True, return_counts=True), torch.unique_consecutive(x, dim=1)))
case("topk.scalar", "f32:", lambda x: torch.topk(x, 1))
case("searchsorted.sorter.rows", "f32:3,4 f32:3,5", lambda s, x: torch.searchsorted(s, x, sorter=s.argsort(1)))
case("sum_to_size", "f32:B,3,5", lambda x: (x.sum_to_size(3, 1), x.sum_to_size(5), x.sum_to_size(x.shape[0], 1, 1)))
