"""Matrix products, distances, linear algebra."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from case import case, named

for _type in ("f32", "f64", "f16", "bf16", "i64", "i32"):
    case(f"matmul.{_type}", f"{_type}:B,3,4 {_type}:4,5", torch.matmul)
    case(f"mm.{_type}", f"{_type}:B,4 {_type}:4,5", torch.mm)
    case(f"bmm.{_type}", f"{_type}:B,3,4 {_type}:B,4,5", torch.bmm)
    case(f"addmm.of.{_type}", f"{_type}:5 {_type}:B,4 {_type}:4,5", torch.addmm)
for _pair in ("4 4", "3,4 4", "4 4,5", "B,3,4 B,4,5", "B,3,4 4", "4 B,4,5", "2,1,3,4 B,4,5", "B,1,3,4 3,4,5"):
    _a, _b = _pair.split()
    case(f"matmul.{_a}.{_b}", f"f32:{_a} f32:{_b}", torch.matmul)

def grouped(x: torch.Tensor, weight: torch.Tensor, offs: torch.Tensor) -> torch.Tensor:
    """Hugging Face's operator for mixtures of experts, under the name that its exports have."""
    result = x.new_zeros(x.shape[0], weight.shape[2])
    start = 0
    for matrix, end in zip(weight, offs.tolist(), strict=True):
        result[start:end] = x[start:end] @ matrix
        start = end
    return result


torch.library.custom_op("transformers::grouped_mm_fallback", grouped, mutates_args=(), schema="(Tensor input, Tensor weight, Tensor offs) -> Tensor")
torch.library.register_fake("transformers::grouped_mm_fallback", lambda x, weight, offs: x.new_empty(x.shape[0], weight.shape[2]))

case("linear", "f32:B,4 f32:5,4 f32:5", F.linear)
case("linear.no-bias", "f32:B,T,4 f32:5,4", F.linear)
case("linear.vector", "f32:4 f32:5,4 f32:5", F.linear)
case("linear.f16", "f16:B,T,4 f16:5,4 f16:5", F.linear)
case("linear.one-weight", "f32:B,4 f32:4", F.linear)
for _name in ("addmm", "addmv", "addbmm", "baddbmm", "addr"):
    _shapes = {
        "addmm": "f32:3,5 f32:3,4 f32:4,5", "addmv": "f32:3 f32:3,4 f32:4", "addbmm": "f32:3,5 f32:B,3,4 f32:B,4,5",
        "baddbmm": "f32:B,3,5 f32:B,3,4 f32:B,4,5", "addr": "f32:3,4 f32:3 f32:4",
    }[_name]  # fmt: skip
    case(_name, _shapes, named(_name))
    case(f"{_name}.scaled", _shapes, lambda x, y, z, f=named(_name): f(x, y, z, beta=0.5, alpha=2))
    case(f"{_name}.no-beta", _shapes, lambda x, y, z, f=named(_name): f(x, y, z, beta=0))
    case(f"{_name}.i64", _shapes.replace("f32", "i64"), lambda x, y, z, f=named(_name): f(x, y, z, beta=3, alpha=2))
case("addmm.broadcast", "f32:1 f32:3,4 f32:4,5", torch.addmm)
case("addmm.column", "f32:3,1 f32:3,4 f32:4,5", torch.addmm)
case("mv", "f32:B,4 f32:4", torch.mv)
case("dot", "f32:4 f32:4", torch.dot)
case("vdot", "f32:4 f32:4", torch.vdot)
case("vecdot", "f32:B,4 f32:4", lambda x, y: torch.linalg.vecdot(x, y))
case("dot.i64", "i64:4 i64:4", torch.dot)
case("inner", "f32:B,4 f32:3,4", torch.inner)
case("inner.vectors", "f32:4 f32:4", torch.inner)
case("inner.scalar", "f32: f32:3,4", torch.inner)
case("outer", "f32:3 f32:4", torch.outer)
case("outer.i64", "i64:3 f32:4", torch.outer)
case("ger", "f32:3 f32:4", torch.ger)
case("kron", "f32:2,3 f32:3,2", torch.kron)
case("kron.rank", "f32:2 f32:3,2", torch.kron)
case("tensordot", "f32:2,3,4 f32:4,3,5", lambda x, y: torch.tensordot(x, y, dims=([1, 2], [1, 0])))
case("tensordot.count", "f32:2,3,4 f32:3,4,5", lambda x, y: torch.tensordot(x, y, dims=2))
case("tensordot.outer", "f32:2,3 f32:4", lambda x, y: torch.tensordot(x, y, dims=0))
case("multi_dot", "f32:3,4 f32:4,5 f32:5,2", lambda x, y, z: torch.linalg.multi_dot([x, y, z]))
case("multi_dot.vectors", "f32:4 f32:4,5 f32:5", lambda x, y, z: torch.linalg.multi_dot([x, y, z]))
case("chain_matmul", "f32:3,4 f32:4,5 f32:5,2", torch.chain_matmul)
for _equation, _shapes in {
    "bij,bjk->bik": "f32:B,3,4 f32:B,4,5", "ij,j": "f32:3,4 f32:4", "ii->i": "f32:3,3", "ii": "f32:3,3", "i,j->ij": "f32:3 f32:4", "bhqd,bhkd->bhqk": "f32:B,2,T,4 f32:B,2,T,4",
    "...ij,...jk": "f32:B,2,3,4 f32:B,2,4,5", "abc->cab": "f32:2,3,4", "abc->b": "f32:2,3,4", "ab,bc,cd->ad": "f32:2,3 f32:3,4 f32:4,5", "b n h w, n d -> b d h w": "f32:B,3,4,5 f32:3,2",
    "bchw,c->bhw": "f32:B,3,4,5 f32:3", "iij->j": "f32:3,3,4", "bi,bi->b": "f32:B,3 f32:B,3", "b...,b...->...": "f32:2,3,4 f32:2,3,4",
}.items():  # fmt: skip
    case(f"einsum.{_equation}", _shapes, lambda *x, e=_equation: torch.einsum(e, *x))
case("einsum.i64", "i64:3,4 i64:4,2", lambda x, y: torch.einsum("ij,jk->ik", x, y))
case("einsum.f16", "f16:3,4 f16:4,2", lambda x, y: torch.einsum("ij,jk->ik", x, y))
case("bilinear", "f32:B,3 f32:B,4 f32:5,3,4 f32:5", F.bilinear)
case("bilinear.no-bias", "f32:B,2,3 f32:B,2,4 f32:5,3,4", F.bilinear)
for _dim in (None, 0, 1, -1):
    case(f"cross.{_dim}", "f32:3,3 f32:3,3", lambda x, y, d=_dim: torch.cross(x, y) if d is None else torch.cross(x, y, d))
    if _dim is not None:
        case(f"linalg.cross.{_dim}", "f32:3,3 f32:3,3", lambda x, y, d=_dim: torch.linalg.cross(x, y, dim=d))
case("linalg.cross.broadcast", "f32:B,1,3 f32:4,3", lambda x, y: torch.linalg.cross(x, y))
case("cosine_similarity", "f32:B,4 f32:B,4", lambda x, y: F.cosine_similarity(x, y))
case("cosine_similarity.broadcast", "f32:B,1,4 f32:3,4", lambda x, y: F.cosine_similarity(x, y, dim=-1, eps=1e-3))
for _p in (1.0, 2.0, 3.0, float("inf")):
    case(f"pairwise_distance.{_p}", "f32:B,4 f32:B,4", lambda x, y, p=_p: F.pairwise_distance(x, y, p))
    case(f"cdist.{_p}", "f32:B,3,4 f32:B,5,4", lambda x, y, p=_p: torch.cdist(x, y, p))
    case(f"pdist.{_p}", "f32:5,4", lambda x, p=_p: torch.pdist(x, p))
case("cdist.zero", "f32:3,4 f32:5,4", lambda x, y: torch.cdist(x, y, 0))
case("pairwise_distance.keepdim", "f32:B,4 f32:B,4", lambda x, y: F.pairwise_distance(x, y, keepdim=True))
_SPD = "f32:B,4,4"


def _spd(x: torch.Tensor) -> torch.Tensor:
    return x @ x.mT + 3 * torch.eye(4)


for _name in ("det", "slogdet", "inv", "cholesky"):
    case(f"linalg.{_name}", _SPD, lambda x, f=getattr(torch.linalg, _name): f(_spd(x)), 1e-3)
case("linalg.det.general", _SPD, lambda x: torch.linalg.det(x), 1e-3)
case("linalg.inv.f64", "f64:4,4", lambda x: torch.linalg.inv(x + 3 * torch.eye(4, dtype=torch.float64)))
case("linalg.inv_ex", "f32:4,4", lambda x: torch.linalg.inv_ex(_spd(x))[0], 1e-3)
case("linalg.cholesky_ex", "f32:4,4", lambda x: torch.linalg.cholesky_ex(_spd(x))[0], 1e-3)
case("linalg.cholesky.upper", _SPD, lambda x: torch.linalg.cholesky(_spd(x), upper=True), 1e-3)
case("logdet", _SPD, lambda x: torch.logdet(_spd(x)), 1e-3)
case("linalg.solve", "f32:B,4,4 f32:B,4,2", lambda x, y: torch.linalg.solve(_spd(x), y), 1e-3)
case("linalg.solve.vector", "f32:4,4 f32:4", lambda x, y: torch.linalg.solve(_spd(x), y), 1e-3)
case("linalg.solve.right", "f32:4,4 f32:2,4", lambda x, y: torch.linalg.solve(_spd(x), y, left=False), 1e-3)
for _upper in (False, True):
    for _unit in (False, True):
        case(f"solve_triangular.{_upper}.{_unit}", "f32:4,4 f32:4,2", lambda x, y, u=_upper, n=_unit: torch.linalg.solve_triangular(_spd(x), y, upper=u, unitriangular=n), 1e-2)
case("triangular_solve", "f32:4,4 f32:4,2", lambda x, y: torch.linalg.solve_triangular(_spd(x), y.mT.contiguous(), upper=True, left=False), 1e-3)
case("cholesky_solve", "f32:4,4 f32:4,2", lambda x, y: torch.cholesky_solve(y, torch.linalg.cholesky(_spd(x))), 1e-3)
case("cholesky_inverse", "f32:4,4", lambda x: torch.cholesky_inverse(torch.linalg.cholesky(_spd(x))), 1e-3)
for _n in (0, 1, 2, 3, 5, -1, -2):
    case(f"matrix_power.{_n}", "f32:B,4,4", lambda x, n=_n: torch.linalg.matrix_power(_spd(x) / 4, n), 1e-3)
case("vander", "f32:4", lambda x: torch.vander(x, 3, True))
case("vander.default", "f32:4", lambda x: torch.vander(x))

# -------------------------------------------------------------------------------------------------------- a matrix for each group

_GROUPED = torch.ops.transformers.grouped_mm_fallback
case("grouped", "f32:9,4 f32:3,4,5", lambda x, w: _GROUPED(x, w, torch.tensor([2, 2, 9], dtype=torch.int32)))
case("grouped.rest", "f32:9,4 f32:3,4,5", lambda x, w: _GROUPED(x, w, torch.tensor([0, 4, 7])))
case("grouped.sorted", "f32:B,4 i64:B~0,3 f32:3,4,5", lambda x, of, w: _GROUPED(x[of.argsort(stable=True)], w, torch.bincount(of, minlength=3).cumsum(0)), is_open=False)
case("grouped.torch", "bf16:8,16 bf16:2,16,8", lambda x, w: torch._grouped_mm(x, w, torch.tensor([3, 8], dtype=torch.int32)))
case("cholesky_inverse.upper", "f32:4,4", lambda x: (torch.cholesky_inverse(torch.linalg.cholesky(_spd(x))), torch.cholesky_inverse(torch.linalg.cholesky(_spd(x)).mT, upper=True)), 1e-3)
case("outer.types", "f32:3 i64:3", lambda x, y: (torch.outer(x, y), torch.outer(y, x.double()), torch.kron(x, y), torch.linalg.cross(x, y), torch.addr(x.new_zeros(3, 3).long(), x, y)))
case("solve.open", "f32:B,4,4 f32:4,3 f32:B,4", lambda x, y, z: (torch.linalg.solve(_spd(x), y), torch.linalg.solve(_spd(x), z), torch.linalg.solve(_spd(x[0]), z.unsqueeze(-1))), 1e-3)
