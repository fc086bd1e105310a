"""Gathers, scatters, x[...] and writes to it."""

from __future__ import annotations

from collections.abc import Callable

import torch
import torch.nn.functional as F
from case import case
from torch import nn

case("embedding", "f32:7,4 i64:B,3~0,7", lambda w, i: F.embedding(i, w))
case("embedding.i32", "f32:7,4 i32:B,3~0,7", lambda w, i: F.embedding(i, w))
case("embedding.padding", "f32:7,4 i64:B,3~0,7", lambda w, i: F.embedding(i, w, padding_idx=1))
case("embedding.scalar", "f32:7,4 i64:~0,7", lambda w, i: F.embedding(i, w))
case("embedding.f16", "f16:7,4 i64:B,3~0,7", lambda w, i: F.embedding(i, w))
for _mode in ("sum", "mean", "max"):
    case(f"embedding_bag.{_mode}", "f32:7,4 i64:6~0,7", lambda w, i, m=_mode: F.embedding_bag(i, w, torch.tensor([0, 2, 2, 5]), mode=m))
    case(f"embedding_bag.rows.{_mode}", "f32:7,4 i64:2,3~0,7", lambda w, i, m=_mode: F.embedding_bag(i, w, mode=m))
    case(f"embedding_bag.last.{_mode}", "f32:7,4 i64:6~0,7", lambda w, i, m=_mode: F.embedding_bag(i, w, torch.tensor([0, 2, 6]), mode=m, include_last_offset=True))
    case(f"embedding_bag.padding.{_mode}", "f32:7,4 i64:6~0,7", lambda w, i, m=_mode: F.embedding_bag(i, w, torch.tensor([0, 2]), mode=m, padding_idx=2))
case("embedding_bag.weights", "f32:7,4 i64:6~0,7 f32:6", lambda w, i, s: F.embedding_bag(i, w, torch.tensor([0, 2]), mode="sum", per_sample_weights=s))
for _dim in (0, 1, -1):
    case(f"index_select.{_dim}", "f32:4,5,6 i64:3~0,4", lambda x, i, d=_dim: torch.index_select(x, d, i))
    case(f"gather.{_dim}", "f32:4,4,4 i64:2,3,2~0,4", lambda x, i, d=_dim: torch.gather(x, d, i))
    case(f"take_along_dim.{_dim}", "f32:4,4,4 i64:4,4,4~0,4", lambda x, i, d=_dim: torch.take_along_dim(x, i, d))
    case(f"scatter.{_dim}", "f32:4,4 i64:2,3 f32:3,4", lambda x, i, s, d=_dim: torch.scatter(x, d, torch.argsort(i, d), s))
    case(f"scatter.value.{_dim}", "f32:4,4 i64:2,3~0,4", lambda x, i, d=_dim: torch.scatter(x, d, i, 2.5))
    case(f"scatter_add.{_dim}", "f32:4,4 i64:2,3~0,4 f32:3,4", lambda x, i, s, d=_dim: torch.scatter_add(x, d, i, s))
    case(f"index_add.{_dim}", "f32:3,3 i64:3~0,3 f32:3,3", lambda x, i, s, d=_dim: torch.index_add(x, d, i, s))
    case(f"index_copy.{_dim}", "f32:3,3 f32:3,3", lambda x, s, d=_dim: torch.index_copy(x, d, torch.tensor([2, 0, 1]), s))
    case(f"index_fill.{_dim}", "f32:3,3 i64:2~0,3", lambda x, i, d=_dim: torch.index_fill(x, d, i, 2))
    for _reduce in ("prod", "mean", "amax", "amin"):
        for _self in (True, False):
            case(f"index_reduce.{_dim}.{_reduce}.{_self}", "f32:3,3 i64:3~0,3 f32:3,3", lambda x, i, s, d=_dim, r=_reduce, t=_self: torch.index_reduce(x, d, i, s, r, include_self=t))
for _type in ("f32", "i64", "f16", "i32"):
    for _reduce in ("sum", "prod", "mean", "amax", "amin"):
        for _self in (True, False):
            case(f"scatter_reduce.{_type}.{_reduce}.{_self}", f"{_type}:4,4 i64:3,4~0,4 {_type}:3,4", lambda x, i, s, r=_reduce, t=_self: torch.scatter_reduce(x, 0, i, s, r, include_self=t))
for _reduce in ("add", "multiply"):
    case(f"scatter.reduce.{_reduce}", "f32:4,4 i64:3,4~0,4 f32:3,4", lambda x, i, s, r=_reduce: torch.scatter(x, 0, i, s, reduce=r))
    case(f"scatter.value.reduce.{_reduce}", "f32:4,4 i64:3,4~0,4", lambda x, i, r=_reduce: torch.scatter(x, 0, i, 2.0, reduce=r))
case("scatter_add.open", "f32:B,7 i64:B,T~0,7 f32:B,T", lambda x, i, s: torch.scatter_add(x, 1, i, s))
case("index_add.alpha", "f32:3,3 i64:2~0,3 f32:2,3", lambda x, i, s: torch.index_add(x, 0, i, s, alpha=2))
case("index_fill.tensor", "f32:3,3 i64:2~0,3 f32:", lambda x, i, v: torch.index_fill(x, 0, i, v))
case("index_select.scalar", "f32:3,3 i64:~0,3", lambda x, i: torch.index_select(x, 0, i))
case("index_select.i32", "f32:3,3 i32:2~0,3", lambda x, i: torch.index_select(x, 0, i))
case("gather.scalar", "f32: i64:~0,1", lambda x, i: torch.gather(x, 0, i))
case("gather.open", "f32:B,T i64:B,1~0,2", lambda x, i: torch.gather(x, 1, i))
case("take_along_dim.flat", "f32:3,4 i64:5~0,12", lambda x, i: torch.take_along_dim(x, i))
case("take_along_dim.broadcast", "f32:3,4 i64:3,1~0,4", lambda x, i: torch.take_along_dim(x, i, 1))
case("take_along_dim.argsort", "f32:B,7", lambda x: torch.take_along_dim(x, x.argsort(-1), -1))
case("take", "f32:3,4 i64:2,2~-12,12", torch.take)
case("masked_select", "f32:B,3 bool:B,3", lambda x, m: torch.masked_select(x, m))
case("masked_select.broadcast", "f32:2,3 bool:3", lambda x, m: torch.masked_select(x, m))
case("masked_select.both", "f32:2,1 bool:3", lambda x, m: torch.masked_select(x, m))
case("masked_scatter", "f32:B,3 bool:B,3 f32:30", lambda x, m, s: torch.masked_scatter(x, m, s))
case("masked_scatter.broadcast", "f32:2,3 bool:3 f32:2,3", lambda x, m, s: torch.masked_scatter(x, m, s))
case("nonzero", "f32:B,3", lambda x: torch.nonzero(x > 0))
case("nonzero.tuple", "i64:B,3~-1,2", lambda x: torch.nonzero(x, as_tuple=True))
case("argwhere", "i64:B,3~-1,2", lambda x: torch.argwhere(x))
case("where.one", "bool:2,3", lambda x: torch.where(x))
case("count-mask", "f32:B,7", lambda x: (x[x > 0] * 2).sum())
case("one_hot", "i64:B,3~0,5", lambda x: F.one_hot(x, 5))
INDEX: dict[str, Callable[[torch.Tensor], torch.Tensor]] = {
    "int": lambda x: x[1],
    "negative": lambda x: x[-1],
    "two": lambda x: x[1, 2],
    "ellipsis": lambda x: x[..., 1],
    "none": lambda x: x[:, None, 1:, ..., None],
    "list": lambda x: x[[0, 2, 1]],
    "list.middle": lambda x: x[:, [0, 2, 1, -1]],
    "list.two": lambda x: x[[0, 1], [1, 2]],
    "list.apart": lambda x: x[[0, 1], :, [1, 2]],
    "list.behind": lambda x: x[:, [0, 1], [1, 2]],
    "tensor.matrix": lambda x: x[torch.tensor([[0, 1], [2, -1]])],
    "tensor.broadcast": lambda x: x[torch.tensor([[0], [1]]), torch.tensor([2, 0, 1])],
    "int-and-list": lambda x: x[1, [0, 2]],
    "list-and-int": lambda x: x[[0, 2], 1],
    "list-none": lambda x: x[[0, 2], None],
    "slice-and-list": lambda x: x[1:, [0, 2]],
    "step": lambda x: x[::2, 1::2, 1:4:2],
    "mask": lambda x: x[x > 0],
    "mask.rows": lambda x: x[x[:, 0, 0] > -9],
    "mask.two": lambda x: x[x[:, :, 0] > 0],
    "mask.middle": lambda x: x[:, x[0, :, 0] > -9],
    "bool.list": lambda x: x[[True, False, True]],
    "scalar.tensor": lambda x: x[torch.tensor(1)],
    "empty": lambda x: x[torch.zeros(0, dtype=torch.int64)],
}
for _name, _body in INDEX.items():
    case(f"index.{_name}", "f32:3,4,5", _body)
case("index.input", "f32:B,4,5 i64:3~-2,2", lambda x, i: x[:, i])
case("index.input.two", "f32:B,4,5 i64:3~0,4 i64:2,1~0,5", lambda x, i, j: x[:, i, j])
case("index.i32", "f32:3,4,5 i32:3~-2,2", lambda x, i: x[i])
case("index.u8", "f32:3,4", lambda x: x[torch.tensor([1, 0, 1], dtype=torch.bool)])
case("index.arange", "f32:B,T,5 i64:B~0,2", lambda x, i: x[torch.arange(x.shape[0]), i])


def _written(body: Callable[..., None]) -> Callable[..., torch.Tensor]:
    def run(x: torch.Tensor, *rest: torch.Tensor) -> torch.Tensor:
        y = x.clone()
        body(y, *rest)
        return y

    return run


def _fill(y: torch.Tensor) -> None:
    y[1, 2:4] = 5


def _row(y: torch.Tensor) -> None:
    y[:, 1] = y[:, 0] * 2


def _mask(y: torch.Tensor) -> None:
    y[y > 0] = 0.5


def _list(y: torch.Tensor) -> None:
    y[[0, 2], 1] = torch.tensor(7.0)


def _list_rows(y: torch.Tensor) -> None:
    y[[0, 2]] = y[[1, 1]] + 1


def _step(y: torch.Tensor) -> None:
    y[::2, 1::2] += 3


def _view_chain(y: torch.Tensor) -> None:
    z = y.view(-1)[2:10].reshape(2, 4).t()
    z[1].mul_(3)
    z.add_(1)


def _diagonal(y: torch.Tensor) -> None:
    y[0].diagonal().zero_()


def _expand(y: torch.Tensor) -> None:
    y.copy_(torch.arange(5.0))


def _select(y: torch.Tensor) -> None:
    y.select(1, -1).fill_(2)
    y.narrow(0, 1, 1).sub_(1)


def _unbind(y: torch.Tensor) -> None:
    a, b, _ = y.unbind(0)
    a.copy_(b)
    b.relu_()


def _chunk(y: torch.Tensor) -> None:
    a, b = y.chunk(2, 1)
    a.mul_(b)
    b.div_(2)


def _transposed(y: torch.Tensor) -> None:
    y.transpose(0, 2)[1, 2] = 9
    y.permute(1, 0, 2)[0].neg_()


def _masked(y: torch.Tensor) -> None:
    y.masked_fill_(y > 0, 3)
    y[0].masked_fill_(y[1] > 0, 4)


def _index_put(y: torch.Tensor) -> None:
    y.index_put_((torch.tensor([0, 0, 1]), torch.tensor([1, 1, 2])), torch.tensor(1.0), accumulate=True)


def _scatter(y: torch.Tensor) -> None:
    y.scatter_(0, torch.zeros(1, 4, 5, dtype=torch.int64), 2.0)
    y.index_add_(1, torch.tensor([0, 0]), torch.ones(3, 2, 5))
    y.index_fill_(2, torch.tensor([1]), -1)


def _squeeze(y: torch.Tensor) -> None:
    y.unsqueeze(1)[:, 0, 1].add_(1)
    y[1:2].squeeze(0).mul_(2)


def _later(y: torch.Tensor) -> None:
    z = y[1]
    y.add_(1)
    y[0] = z


def _strided(y: torch.Tensor) -> None:
    y.as_strided((3,), (21,)).fill_(8)


def _functions(y: torch.Tensor) -> None:
    y.abs_().sqrt_().clamp_(0.2, 1).exp_().log1p_().tanh_().sigmoid_().round_(decimals=2)


def _compare(y: torch.Tensor) -> None:
    y.gt_(0)
    y.logical_not_()


def _triangle(y: torch.Tensor) -> None:
    y.tril_()
    y[0].triu_(1)


for _write in (_fill, _row, _mask, _list, _list_rows, _step, _view_chain, _diagonal, _expand, _select, _unbind, _chunk, _transposed, _masked, _index_put, _scatter,
               _squeeze, _later, _strided, _functions, _compare, _triangle):  # fmt: skip
    case(f"write.{_write.__name__[1:]}", "f32:3,4,5", _written(_write))


def _column(y: torch.Tensor, v: torch.Tensor) -> None:
    y[:, 1] = v


def _tail(y: torch.Tensor, v: torch.Tensor) -> None:
    y[:, 1:] += v[:, None]


def _shifted(y: torch.Tensor, v: torch.Tensor) -> None:
    y[:, 1:] = y[:, :-1].clone()
    y[:, 0] = v


for _open in (_column, _tail, _shifted):
    case(f"write.open.{_open.__name__[1:]}", "f32:B,T f32:B", _written(_open))
case("slice_scatter", "f32:B,5 f32:B,2", lambda x, s: torch.slice_scatter(x, s, 1, 1, 3))
case("slice_scatter.step", "f32:B,5 f32:B,2", lambda x, s: torch.slice_scatter(x, s, 1, 1, 4, 2))
case("slice_scatter.default", "f32:B,5 f32:B,5", lambda x, s: torch.slice_scatter(x, s))
case("select_scatter", "f32:B,5 f32:B", lambda x, s: torch.select_scatter(x, s, 1, -2))
case("diagonal_scatter", "f32:3,4 f32:3", lambda x, s: torch.diagonal_scatter(x, s))
case("diagonal_scatter.offset", "f32:3,4 f32:2", lambda x, s: torch.diagonal_scatter(x, s, -1))
case("as_strided_scatter", "f32:3,4 f32:2,2", lambda x, s: torch.as_strided_scatter(x, s, (2, 2), (4, 2), 1))
case("index_put", "f32:3,4 f32:2", lambda x, v: torch.index_put(x, (torch.tensor([0, 2]), torch.tensor([1, 3])), v))
case("index_put.accumulate", "f32:3,4 f32:3,4", lambda x, v: torch.index_put(x, (torch.tensor([0, 2, 0]),), v, accumulate=True))
case("index_put.second", "f32:3,4 f32:3,2", lambda x, v: torch.ops.aten.index_put(x, [None, torch.tensor([0, 2])], v))
case("index_put.mask", "f32:3,4 bool:3", lambda x, m: torch.index_put(x, (m,), torch.tensor(2.0)))
case("index_put.mask.matrix", "f32:3,4 bool:3,4", lambda x, m: torch.index_put(x, (m,), torch.tensor(2.0)))
case("index_put.mask.values", "f32:3,4", lambda x: torch.index_put(x, (torch.tensor([True, False, True]),), x[:2] * 2))
case("put", "f32:3,4 f32:2", lambda x, v: torch.Tensor.put(x, torch.tensor([1, -2]), v))
case("_unsafe_index", "f32:3,4 i64:2~0,3", lambda x, i: torch.ops.aten._unsafe_index(x, [i]))
case("_unsafe_masked_index", "f32:3,4 i64:4~0,3 bool:4", lambda x, i, m: torch.ops.aten._unsafe_masked_index(x, m, [i], 0.5))


class Buffers(nn.Module):
    """Counts its runs and keeps a sum."""

    def __init__(self) -> None:
        super().__init__()
        self.register_buffer("count", torch.zeros((), dtype=torch.int64))
        self.register_buffer("total", torch.zeros(3))
        self.register_buffer("scratch", torch.zeros(2, 3), persistent=False)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        self.count += 1
        self.total[1:].add_(x.sum(0)[1:])
        self.scratch[0] = self.total
        return x + self.total + self.scratch.sum(0) * self.count


case("buffers", "f32:B,3", Buffers())


def _input_written(x: torch.Tensor) -> torch.Tensor:
    x[:, 0] = 1
    return x.sum() + 0


case("input.written", "f32:B,3", _input_written)
