"""Tensors from nothing, from sizes, and Fourier transforms."""

from __future__ import annotations

from collections.abc import Callable

import torch
import torch.nn.functional as F
from case import case

MADE: dict[str, Callable[[torch.Tensor], object]] = {
    "zeros": lambda x: torch.zeros(2, 3),
    "ones.i64": lambda x: torch.ones(2, 3, dtype=torch.int64),
    "full": lambda x: torch.full((2, 3), 1.5),
    "full.int": lambda x: torch.full((2, 3), 7),
    "full.bool": lambda x: torch.full((2, 3), True),
    "full.inf": lambda x: torch.full((2, 3), float("-inf")),
    "full.f16": lambda x: torch.full((2, 3), 1.5, dtype=torch.float16),
    "full.size": lambda x: torch.full((x.shape[0], 3), 1.5),
    "zeros.size": lambda x: torch.zeros(x.shape[0], x.shape[1] + 1),
    "arange": lambda x: torch.arange(5),
    "arange.start": lambda x: torch.arange(2, 5),
    "arange.step": lambda x: torch.arange(5, -3, -2),
    "arange.float": lambda x: torch.arange(0.5, 3, 0.4),
    "arange.float.end": lambda x: torch.arange(4.5),
    "arange.dtype": lambda x: torch.arange(4, dtype=torch.float32),
    "arange.f16": lambda x: torch.arange(4, dtype=torch.float16),
    "arange.i32": lambda x: torch.arange(1, 9, 3, dtype=torch.int32),
    "arange.size": lambda x: torch.arange(x.shape[0]) * 2,
    "arange.size.float": lambda x: torch.arange(x.shape[0], dtype=torch.float32) / x.shape[1],
    "arange.size.step": lambda x: torch.arange(0, x.shape[1], 2),
    "linspace": lambda x: torch.linspace(-1, 2, 7),
    "linspace.i64": lambda x: torch.linspace(0, 9, 4, dtype=torch.int64),
    "linspace.one": lambda x: torch.linspace(3, 9, 1),
    "linspace.size": lambda x: torch.linspace(-1, 1, x.shape[1]),
    "logspace": lambda x: torch.logspace(0, 2, 5),
    "logspace.base": lambda x: torch.logspace(0, 3, 4, base=2),
    "eye": lambda x: torch.eye(3),
    "eye.m": lambda x: torch.eye(3, 4, dtype=torch.int64),
    "eye.size": lambda x: torch.eye(x.shape[1]),
    "eye.sizes": lambda x: torch.eye(x.shape[0], x.shape[1] + 1, dtype=torch.int32),
    "tril_indices": lambda x: torch.tril_indices(3, 4, 1),
    "triu_indices": lambda x: torch.triu_indices(3, 4, -1),
    "scalar_tensor": lambda x: torch.scalar_tensor(2.5),
    "tensor": lambda x: torch.tensor([1.0, 2, 3]),
    "tensor.nested": lambda x: torch.tensor([[1, 2], [3, 4]]),
    "tensor.bool": lambda x: torch.tensor([True, False]),
    "new_tensor": lambda x: x.new_tensor([1, 2, 3]),
    "zeros_like": lambda x: torch.zeros_like(x),
    "ones_like.i64": lambda x: torch.ones_like(x, dtype=torch.int64),
    "full_like": lambda x: torch.full_like(x, 3),
    "full_like.bool": lambda x: torch.full_like(x, 1, dtype=torch.bool),
    "empty_like": lambda x: torch.empty_like(x).fill_(2),
    "empty": lambda x: torch.empty(2, 3).zero_(),
    "empty_strided": lambda x: torch.empty_strided((2, 3), (1, 2)).fill_(1),
    "new_zeros": lambda x: x.new_zeros(2, 3),
    "new_ones": lambda x: x.new_ones((x.shape[0], 2), dtype=torch.int32),
    "new_full": lambda x: x.new_full((2, 3), 4),
    "new_empty": lambda x: x.new_empty((2, 3)).fill_(1.5),
    "fill": lambda x: torch.fill(x, 2),
    "fill.tensor": lambda x: torch.fill(x, x[0, 0]),
    "hann_window": lambda x: torch.hann_window(8),
    "hann_window.symmetric": lambda x: torch.hann_window(8, periodic=False),
    "hamming_window": lambda x: torch.hamming_window(8),
    "blackman_window": lambda x: torch.blackman_window(8),
    "bartlett_window": lambda x: torch.bartlett_window(8),
    "kaiser_window": lambda x: torch.kaiser_window(8),
    "fftfreq": lambda x: torch.fft.fftfreq(7, 0.5),
    "rfftfreq": lambda x: torch.fft.rfftfreq(8),
    "complex": lambda x: torch.view_as_real(torch.complex(x, -x)),
    "polar": lambda x: torch.view_as_real(torch.polar(x.abs(), x)),
    "size.float": lambda x: x / x.shape[1],
    "size.product": lambda x: x.sum() * (x.shape[0] * x.shape[1]),
    "size.division": lambda x: x[: x.shape[0] // 2 + 1],
    "size.max": lambda x: x.new_zeros(max(x.shape[0], 2)),
    "size.sqrt": lambda x: x * x.shape[1] ** 0.5,
    "size.power": lambda x: x * x.shape[1] ** 2,
    "size.mod": lambda x: x + x.shape[1] % 3,
    "size.numel": lambda x: x / x.numel(),
    "size.cast": lambda x: x * float(x.shape[0]),
    "item": lambda x: x * x.sum().item(),
    "tolist": lambda x: x[0, 0] * 2,
}
for _name, _body in MADE.items():
    # Something of the input stays in the graph, which would have no inputs otherwise.
    case(f"made.{_name}", "f32:B,T", lambda x, f=_body: (f(x), x + 1))
for _norm in (None, "ortho", "forward", "backward"):
    for _name in ("fft", "ifft", "rfft", "hfft"):
        _function = getattr(torch.fft, _name)
        if _name == "hfft":
            case(f"fft.{_name}.{_norm}", "f32:B,8", lambda x, f=_function, n=_norm: f(x, norm=n))
        else:
            case(f"fft.{_name}.{_norm}", "f32:B,8", lambda x, f=_function, n=_norm: torch.view_as_real(f(x, norm=n)))
    case(f"fft.irfft.{_norm}", "f32:B,8", lambda x, n=_norm: torch.fft.irfft(torch.fft.rfft(x), norm=n))
for _n in (5, 12):
    case(f"fft.n.{_n}", "f32:B,8", lambda x, n=_n: torch.view_as_real(torch.fft.fft(x, n)))
    case(f"rfft.n.{_n}", "f32:B,8", lambda x, n=_n: torch.view_as_real(torch.fft.rfft(x, n)))
    case(f"irfft.n.{_n}", "f32:B,8", lambda x, n=_n: torch.fft.irfft(torch.fft.rfft(x), n))
case("rfft.odd", "f32:B,7", lambda x: torch.fft.irfft(torch.fft.rfft(x), 7))
case("rfft.dim", "f32:8,B", lambda x: torch.view_as_real(torch.fft.rfft(x, dim=0)))
case("fft2", "f32:B,4,6", lambda x: torch.view_as_real(torch.fft.fft2(x)))
case("ifft2", "f32:B,4,6", lambda x: torch.fft.ifft2(torch.fft.fft2(x)).real)
case("rfft2", "f32:B,4,6", lambda x: torch.view_as_real(torch.fft.rfft2(x, norm="ortho")))
case("irfft2", "f32:B,4,6", lambda x: torch.fft.irfft2(torch.fft.rfft2(x), s=(4, 6)))
case("fftn", "f32:2,4,6", lambda x: torch.view_as_real(torch.fft.fftn(x)))
case("rfftn", "f32:2,4,6", lambda x: torch.fft.irfftn(torch.fft.rfftn(x)))
case("fftshift", "f32:B,7", lambda x: torch.fft.fftshift(x, 1))
case("fftshift.all", "f32:4,7", lambda x: torch.fft.fftshift(x))
case("ifftshift", "f32:4,7", lambda x: torch.fft.ifftshift(x))
case("fft.magnitude", "f32:B,8", lambda x: torch.fft.rfft(x).abs())
case("fft.angle", "f32:B,8", lambda x: torch.fft.rfft(x)[:, 1:-1].angle())
case("fft.multiplied", "f32:B,8", lambda x: torch.fft.irfft(torch.fft.rfft(x) * torch.fft.rfft(x).conj()))
case("fft.filter", "f32:B,8 f32:5", lambda x, w: torch.fft.irfft(torch.fft.rfft(x) * w))
case("complex.arithmetic", "f32:B,3 f32:3", lambda x, y: torch.view_as_real(torch.complex(x, x) / torch.complex(y, y + 3) + 2 * torch.complex(y, x) - 1))
case("complex.exp", "f32:B,3", lambda x: torch.view_as_real(torch.exp(torch.complex(x, x))))
case("complex.real-imag", "f32:B,3,2", lambda x: torch.view_as_complex(x).real * torch.view_as_complex(x).imag)
case("complex.reshape", "f32:B,4,2", lambda x: torch.view_as_real(torch.view_as_complex(x).reshape(-1, 2).transpose(0, 1)[None]))
case("complex.cat", "f32:B,4,2", lambda x: torch.view_as_real(torch.cat([torch.view_as_complex(x), torch.view_as_complex(x)], 1).sum(0)))
case("complex.matmul", "f32:3,4,2", lambda x: torch.view_as_real(torch.view_as_complex(x) @ torch.view_as_complex(x).mH))
case("complex.rotary", "f32:B,T,2,4 f32:T,2~-1,1", lambda x, a: torch.view_as_real(torch.view_as_complex(x.reshape(*x.shape[:-1], 2, 2)) * torch.polar(torch.ones_like(a), a)[:, None]).flatten(3))
case("complex.where", "f32:B,3,2", lambda x: torch.view_as_real(torch.where(torch.view_as_complex(x).real > 0, torch.view_as_complex(x), torch.view_as_complex(-x))))
case("stft", "f32:B,64", lambda x: torch.view_as_real(torch.stft(x, 16, 4, window=torch.hann_window(16), return_complex=True)))
case("stft.short-window", "f32:B,64", lambda x: torch.view_as_real(torch.stft(x, 16, 4, 12, window=torch.hann_window(12), return_complex=True, normalized=True)))
case("stft.plain", "f32:64", lambda x: torch.view_as_real(torch.stft(x, 16, center=False, return_complex=True, window=torch.ones(16))))
case("stft.twosided", "f32:B,64", lambda x: torch.stft(x, 16, 8, window=torch.ones(16), onesided=False, return_complex=True).abs())
case("istft", "f32:B,64", lambda x: torch.istft(torch.stft(x, 16, 4, window=torch.hann_window(16), return_complex=True), 16, 4, window=torch.hann_window(16)), 1e-3)
case("istft.length", "f32:B,64", lambda x: torch.istft(torch.stft(x, 16, 4, window=torch.hann_window(16), return_complex=True), 16, 4, window=torch.hann_window(16), length=60), 1e-3)

# --------------------------------------------------------------------------- random numbers: what holds of them, whatever they are

case("random.exponential", "f32:B,40", lambda x: ((torch.empty_like(x).exponential_(2.0) >= 0).all(), (torch.zeros(4000).exponential_(2.0).mean() - 0.5).abs() < 0.1))
case("random.uniform", "f32:B,40", lambda x: ((torch.empty_like(x).uniform_(2, 3) - 2.5).abs() <= 0.5, (torch.zeros(4000).uniform_(-1, 3).mean() - 1).abs() < 0.2))
case("random.normal", "f32:3,40", lambda x: ((torch.zeros(4000).normal_(3, 0.5).mean() - 3).abs() < 0.1, torch.normal(x, 0.0) - x, (torch.normal(2.0, torch.zeros_like(x)) == 2).all()))
case("random.normal.sized", "f32:3", lambda x: ((torch.normal(0.5, 1e-3, (2, 3)) - 0.5).abs() < 0.1, torch.normal(x, torch.zeros_like(x)) - x))
case("random.bernoulli", "f32:B,5~0,1", lambda x: (torch.bernoulli(torch.ones_like(x)), torch.zeros_like(x).bernoulli_(1.0), torch.bernoulli(x, 0.0), x.clone().bernoulli_(torch.ones(5))))
case("random.randint", "f32:B,5", lambda x: (torch.randint(7, 8, (2, 3)), torch.randint(1, (4,)), torch.randint_like(x, 3, 4), ((torch.randint(-2, 5, (500,)) + 2) // 7).sum()))
case("random.randperm", "f32:3,7", lambda x: (torch.randperm(7).sort()[0], x[:, torch.randperm(7)].sum(1)))
case("random.multinomial", "f32:3,5~0.1,1", lambda x: (torch.multinomial(torch.eye(5)[:3], 1), torch.multinomial(torch.eye(5)[2], 4, replacement=True), torch.multinomial(x, 5).sort(-1)[0], torch.multinomial(torch.eye(5), 3, True)))
case("random.gumbel", "f32:B,5", lambda x: F.gumbel_softmax(x, hard=True, dim=-1).sum(-1))
