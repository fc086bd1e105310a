"""Parts of models as people write them: recurrent layers, attention, masks, open images, writes in place, complex numbers."""

import torch
import torch.nn.functional as F
from case import case
from torch import nn


class Recurrent(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.layer = nn.LSTM(6, 4, 2, batch_first=True, bidirectional=True)

    def forward(self, x: torch.Tensor) -> dict[str, torch.Tensor]:
        y, (h, c) = self.layer(x)
        return {"y": y, "h": h, "c": c}


class Heads(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.layer = nn.MultiheadAttention(8, 2, batch_first=True)

    def forward(self, x: torch.Tensor, hidden: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        mask = hidden.clone()
        mask[:, 0] = False
        y, weights = self.layer(x, x, x, key_padding_mask=mask)
        return y, weights


class Counters(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.register_buffer("mean", torch.zeros(3))
        self.register_buffer("steps", torch.tensor(0))

    def forward(self, x: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        self.mean.mul_(0.9).add_(x)
        self.steps += 1
        self.mean[0] = 1
        return self.mean * 2, self.steps.clone()


def grouped(q: torch.Tensor, k: torch.Tensor, v: torch.Tensor) -> torch.Tensor:
    return F.scaled_dot_product_attention(q, k, v, is_causal=True, enable_gqa=True)


def rows_without_keys(q: torch.Tensor, k: torch.Tensor, keep: torch.Tensor) -> torch.Tensor:
    """Of four rows the first has no key, the second one that is NaN."""
    keep = keep.clone()
    keep[0] = False
    keep[1:] = True
    mask = torch.zeros(4, 5).masked_fill(~keep, float("-inf"))
    return torch.cat([F.scaled_dot_product_attention(q, k, k, attn_mask=m) for m in (keep, mask, mask.masked_fill(mask == 0, float("nan")))])


def window(x: torch.Tensor) -> torch.Tensor:
    b, h, w, c = x.shape
    y = torch.roll(x, (-2, -2), (1, 2)).view(b, 2, h // 2, 2, w // 2, c).permute(0, 1, 3, 2, 4, 5).reshape(-1, h * w // 4, c)
    q, k, v = y.reshape(-1, h * w // 4, 3, 2, c // 6).permute(2, 0, 3, 1, 4).unbind(0)
    y = ((q * 0.5) @ k.transpose(-2, -1)).softmax(-1) @ v
    return y.transpose(1, 2).reshape(b, -1, c // 3)


def written_pieces(x: torch.Tensor) -> tuple[torch.Tensor, ...]:
    y = x.clone()
    a, b, c = y.chunk(3, 1)
    a += b
    b.mul_(2)
    d, e = y.split([2, 4], 1)
    e[:, 1] = -1
    return y, a, b, c, d


def complex_pad(x: torch.Tensor) -> tuple[torch.Tensor, ...]:
    y = torch.view_as_complex(x)
    return tuple(map(torch.view_as_real, (F.pad(y, (1, 2)), F.pad(y, (-1, 1), value=3.0), y.tril(), y.sum(), y.mean(0), y.mH, y.cumsum(1))))


def spectral() -> nn.Module:
    return nn.utils.parametrizations.spectral_norm(nn.Linear(4, 3)).eval()


case("lstm", "f32:B,5,6", Recurrent())
case("heads.padded", "f32:B,4,8 bool:B,4", Heads())
case("buffers", "f32:3", Counters())
case("encoder", "f32:B,T,8", nn.TransformerEncoder(nn.TransformerEncoderLayer(8, 2, 16, batch_first=True, norm_first=True), 1, enable_nested_tensor=False), is_open=False)
case("attention.grouped", "f32:B,4,T,8 f32:B,2,T,8 f32:B,2,T,8", grouped)
case("attention.rows-without-keys", "f32:2,3,4,8 f32:2,3,5,8 bool:4,5", rows_without_keys)
case("attention.window", "f32:B,4,8,6", window)
case("pieces.written", "f32:B,6", written_pieces)
case("pool.open.average", "f32:2,3,H,W", lambda x: (F.adaptive_avg_pool2d(x, 3), F.adaptive_avg_pool2d(x, (1, None)), F.adaptive_avg_pool2d(x, (5, 2))))
case("pool.open.max", "f32:2,3,H,W", lambda x: (*F.adaptive_max_pool2d(x, (2, 4), return_indices=True), F.adaptive_max_pool2d(x, 3)))
case("pool.open.line", "f32:2,3,T", lambda x: (F.adaptive_avg_pool1d(x, 5), *F.adaptive_max_pool1d(x, 4, return_indices=True)))
case("unfold.open", "f32:2,3,H,W", lambda x: (F.unfold(x, 3, padding=1), F.unfold(x, (2, 3), stride=2, dilation=(2, 1))))
case("complex.pad", "f32:3,4,2", complex_pad)
case("spectral-norm", "f32:B,4", spectral())
case("vdot", "f32:5 f32:5", torch.vdot)
case("solve.checked", "f32:3,3~1,2 f32:3,2", lambda a, b: torch.linalg.solve(a + 3 * torch.eye(3), b))
