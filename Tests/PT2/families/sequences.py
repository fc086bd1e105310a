"""Networks of text, sound, series and tables in small, as their papers' code has them: what `networks.py` has no example of."""

from __future__ import annotations

import math

import torch
import torch.nn.functional as F
from case import case
from torch import nn

# MARK: Attention of other kinds


class Relative(nn.Module):
    """Transformer-XL: a memory before the sequence, places relative to each token, shifted into rows by a view."""

    def __init__(self) -> None:
        super().__init__()
        self.qkv, self.r, self.o = nn.Linear(8, 24, False), nn.Linear(8, 8, False), nn.Linear(8, 8, False)
        self.u, self.v = nn.Parameter(torch.randn(2, 4)), nn.Parameter(torch.randn(2, 4))

    def forward(self, x: torch.Tensor, memory: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        t, b, _ = x.shape
        both = torch.cat([memory, x], 0)
        n = both.size(0)
        q, k, v = torch.chunk(self.qkv(both), 3, dim=-1)
        q, k, v = q[-t:].view(t, b, 2, 4), k.view(n, b, 2, 4), v.view(n, b, 2, 4)
        place = torch.arange(n - 1, -1, -1.0)
        angle = torch.outer(place, 1 / (10000 ** (torch.arange(0.0, 8, 2.0) / 8)))
        r = self.r(torch.cat([angle.sin(), angle.cos()], dim=-1)).view(n, 2, 4)
        content = torch.einsum("ibnd,jbnd->ijbn", q + self.u, k)
        position = torch.einsum("ibnd,jnd->ijbn", q + self.v, r)
        padded = torch.cat([torch.zeros((t, 1, b, 2)), position], dim=1).view(n + 1, t, b, 2)
        scores = (content + padded[1:].view_as(position)) * 4**-0.5
        hidden = torch.triu(torch.ones(t, n, dtype=torch.uint8), diagonal=1 + n - t).bool()[:, :, None, None]
        weights = F.softmax(scores.float().masked_fill(hidden, -65000).type_as(scores), dim=1)
        y = torch.einsum("ijbn,jbnd->ibnd", weights, v).contiguous().view(t, b, 8)
        return x + self.o(y), both[-t:].detach()


class Sliding(nn.Module):
    """Longformer: keys in overlapping pieces, and Gemma's softly capped scores under a window and a causal mask."""

    def __init__(self) -> None:
        super().__init__()
        self.q, self.k, self.v = nn.Linear(8, 8), nn.Linear(8, 8), nn.Linear(8, 8)

    def forward(self, x: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        b, t, d = x.shape
        q, k, v = self.q(x), self.k(x), self.v(x)
        pieces = F.pad(k, (0, 0, 1, 1)).unfold(1, 3, 1)
        values = F.pad(v, (0, 0, 1, 1)).unfold(1, 3, 1)
        near = torch.einsum("btd,btdw->btw", q, pieces) / math.sqrt(d)
        near = near.masked_fill(torch.stack([torch.arange(t) == 0, torch.zeros(t, dtype=torch.bool), torch.arange(t) == t - 1], -1), -1e9)
        y = torch.einsum("btw,btdw->btd", near.softmax(-1), values)
        scores = torch.tanh(q @ k.transpose(1, 2) / 50.0) * 50.0
        i, j = torch.arange(t).view(-1, 1), torch.arange(t).view(1, -1)
        scores = torch.where((j <= i) & (j > i - 3), scores, torch.finfo(x.dtype).min)
        return y, scores.softmax(-1) @ v


class Kernels(nn.Module):
    """Linear attention by running sums, and RetNet's decay beside it."""

    def __init__(self) -> None:
        super().__init__()
        self.qkv = nn.Linear(8, 24)
        self.register_buffer("decay", torch.log(1 - 2 ** (-5 - torch.arange(2, dtype=torch.float))))
        self.norm = nn.GroupNorm(2, 8)

    def forward(self, x: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        b, t, _ = x.shape
        q, k, v = self.qkv(x).view(b, t, 3, 2, 4).unbind(2)
        fq, fk = F.elu(q) + 1, F.elu(k) + 1
        sums = torch.cumsum(torch.einsum("bthd,bthe->bthde", fk, v), dim=1)
        scale = 1 / (torch.einsum("bthd,bthd->bth", fq, fk.cumsum(1)) + 1e-6)
        y = torch.einsum("bthd,bthde,bth->bthe", fq, sums, scale)
        index = torch.arange(t).to(self.decay)
        mask = torch.tril(torch.ones(t, t))
        mask = torch.masked_fill(index[:, None] - index[None, :], ~mask.bool(), float("inf"))
        mask = torch.nan_to_num(torch.exp(mask * self.decay[:, None, None]))
        mask = mask / mask.sum(dim=-1, keepdim=True).sqrt()
        scores = q.transpose(1, 2) @ k.permute(0, 2, 3, 1) * mask
        z = scores / scores.detach().abs().sum(dim=-1, keepdim=True).clamp(min=1) @ v.transpose(1, 2)
        return y.reshape(b, t, 8), self.norm(z.transpose(1, 2).reshape(b * t, 8)).view(b, t, 8)


class Latent(nn.Module):
    """DeepSeek: keys and values out of a small latent vector, places as complex numbers on a part of each head."""

    def __init__(self) -> None:
        super().__init__()
        self.down, self.up, self.q, self.o = nn.Linear(8, 6 + 4), nn.Linear(6, 2 * 8), nn.Linear(8, 2 * 8), nn.Linear(8, 8)
        self.norm = nn.RMSNorm(6)
        angles = torch.outer(torch.arange(16).float(), 1.0 / (10000 ** (torch.arange(0, 4, 2).float() / 4)))
        self.register_buffer("turns", torch.polar(torch.ones_like(angles), angles), persistent=False)

    @staticmethod
    def turn(x: torch.Tensor, turns: torch.Tensor) -> torch.Tensor:
        y = torch.view_as_complex(x.float().view(*x.shape[:-1], -1, 2))
        return torch.view_as_real(y * turns.view(1, y.size(1), 1, y.size(-1))).flatten(3).to(x.dtype)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        b, t, _ = x.shape
        q = self.q(x).view(b, t, 2, 8)
        plain, turned = torch.split(q, [4, 4], dim=-1)
        turned = self.turn(turned, self.turns[:t])
        latent, place = torch.split(self.down(x), [6, 4], dim=-1)
        place = self.turn(place.unsqueeze(2), self.turns[:t])
        k, v = torch.split(self.up(self.norm(latent)).view(b, t, 2, 8), [4, 4], dim=-1)
        q = torch.cat([plain, turned], dim=-1)
        k = torch.cat([k, place.expand(-1, -1, 2, -1)], dim=-1)
        scores = torch.einsum("bshd,bthd->bsht", q, k) * 8**-0.5
        scores += torch.full((t, t), float("-inf")).triu_(1).unsqueeze(1)
        y = torch.einsum("bsht,bthd->bshd", scores.softmax(dim=-1, dtype=torch.float32).type_as(x), v)
        return self.o(y.flatten(2))


class Triangles(nn.Module):
    """AlphaFold: pairs made of products along a third residue, a mean of outer products, attention with pairs as bias."""

    def __init__(self) -> None:
        super().__init__()
        self.a, self.b, self.gate, self.out, self.norm = nn.Linear(4, 4), nn.Linear(4, 4), nn.Linear(4, 4), nn.Linear(4, 4), nn.LayerNorm(4)
        self.left, self.outer, self.bias, self.qkv = nn.Linear(6, 3), nn.Linear(9, 4), nn.Linear(4, 2, False), nn.Linear(6, 12)

    def forward(self, pairs: torch.Tensor, rows: torch.Tensor, keep: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        x = self.norm(pairs)
        a, b = torch.sigmoid(self.gate(x)) * self.a(x), torch.sigmoid(self.gate(x)) * self.b(x)
        pairs = pairs + self.out(torch.einsum("...ikc,...jkc->...ijc", a, b))
        left = self.left(rows) * keep[..., None]
        mean = torch.einsum("...sic,...sjd->...ijcd", left, left).flatten(-2)
        count = torch.einsum("...si,...sj->...ij", keep.float(), keep.float())[..., None]
        pairs = pairs + self.outer(mean / (count + 1e-3))
        q, k, v = (y.unflatten(-1, (2, 2)).transpose(-2, -3) for y in self.qkv(rows).chunk(3, -1))
        scores = torch.matmul(q, k.transpose(-1, -2)) + self.bias(pairs).permute(0, 3, 1, 2).unsqueeze(1)
        scores = scores + (1e9 * (keep.float() - 1))[..., None, None, :]
        return pairs, torch.matmul(scores.softmax(-1), v).transpose(-2, -3).flatten(-2)


# MARK: Long convolutions


class Diagonal(nn.Module):
    """S4D: a kernel of complex exponentials, convolved by Fourier transforms of twice the length."""

    def __init__(self) -> None:
        super().__init__()
        self.c = nn.Parameter(torch.view_as_real(torch.randn(4, 3, dtype=torch.cfloat)))
        self.step, self.real, self.d = nn.Parameter(torch.rand(4) * -2 - 2), nn.Parameter(torch.log(0.5 * torch.ones(4, 3))), nn.Parameter(torch.randn(4))
        self.register_buffer("imaginary", math.pi * torch.arange(3).repeat(4, 1))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        n = x.size(-1)
        step = torch.exp(self.step)
        a = -torch.exp(self.real) + 1j * self.imaginary
        turn = a * step.unsqueeze(-1)
        c = torch.view_as_complex(self.c) * (torch.exp(turn) - 1.0) / a
        kernel = 2 * torch.einsum("hn,hnl->hl", c, torch.exp(turn.unsqueeze(-1) * torch.arange(n))).real
        y = torch.fft.irfft(torch.fft.rfft(x, n=2 * n) * torch.fft.rfft(kernel, n=2 * n), n=2 * n)[..., :n]
        return F.gelu(y + x * self.d.unsqueeze(-1))


class Mixed(nn.Module):
    """FNet: the real part of Fourier transforms over tokens and features; Autoformer's delays found by correlation."""

    def __init__(self) -> None:
        super().__init__()
        self.norm, self.q, self.k = nn.LayerNorm(8), nn.Linear(8, 8), nn.Linear(8, 8)

    def forward(self, x: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        y = self.norm(x + torch.fft.fft(torch.fft.fft(x, dim=-1), dim=-2).real)
        q, k, v = self.q(x).transpose(1, 2), self.k(x).transpose(1, 2), x.transpose(1, 2)
        t = x.shape[1]
        likeness = torch.fft.irfft(torch.fft.rfft(q, dim=-1) * torch.conj(torch.fft.rfft(k, dim=-1)), n=t, dim=-1)
        weights, delay = torch.topk(torch.mean(likeness, dim=1), 2, dim=-1)
        weights = torch.softmax(weights, dim=-1)
        index = torch.arange(t).unsqueeze(0).unsqueeze(0).expand(v.shape[0], v.shape[1], -1)
        twice = v.repeat(1, 1, 2)
        z = torch.zeros_like(v).float()
        for i in range(2):
            pattern = torch.gather(twice, dim=-1, index=index + delay[:, i].view(-1, 1, 1))
            z = z + pattern * weights[:, i].view(-1, 1, 1)
        trend = F.avg_pool1d(torch.cat([z[..., :1].repeat(1, 1, 1), z, z[..., -1:].repeat(1, 1, 1)], -1), 3, 1)
        return y, (z - trend).transpose(1, 2)


class Gated(nn.Module):
    """WaveNet: dilated causal convolutions, gates, a sum of what is skipped."""

    def __init__(self) -> None:
        super().__init__()
        self.first = nn.Conv1d(2, 4, 1)
        self.layers = nn.ModuleList(nn.utils.parametrizations.weight_norm(nn.Conv1d(4, 8, 2, dilation=2**i)) for i in range(3))
        self.skips, self.rest = nn.ModuleList(nn.Conv1d(4, 3, 1) for _ in range(3)), nn.ModuleList(nn.Conv1d(4, 4, 1) for _ in range(3))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        x = self.first(x)
        total: torch.Tensor | int = 0
        for i, layer in enumerate(self.layers):
            a, b = layer(F.pad(x, (2**i, 0))).chunk(2, 1)
            y = torch.tanh(a) * torch.sigmoid(b)
            total = total + self.skips[i](y)
            x = (x + self.rest[i](y)) * math.sqrt(0.5)
        return F.log_softmax(F.relu(total), dim=1)


# MARK: Sound


class Chunks(nn.Module):
    """SepFormer: a signal cut into overlapping chunks, each through a GRU, and put together again; masks on an encoder's filters."""

    def __init__(self) -> None:
        super().__init__()
        self.encode, self.decode = nn.Conv1d(1, 4, 4, 2, bias=False), nn.ConvTranspose1d(4, 1, 4, 2, bias=False)
        self.rnn, self.out, self.mask, self.slope = nn.GRU(4, 3, batch_first=True, bidirectional=True), nn.Linear(6, 4), nn.Conv1d(4, 8, 1), nn.PReLU()

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        w = F.relu(self.encode(x.unsqueeze(1)))
        b, n, length = w.shape
        gap = 4 - (2 + length % 4) % 4
        y = F.pad(w, (2, 2 + gap))
        pieces = y.unfold(-1, 4, 2).permute(0, 1, 3, 2)
        count = pieces.shape[3]
        z, _ = self.rnn(pieces.permute(0, 3, 2, 1).reshape(b * count, 4, n))
        z = self.out(z).view(b, count, 4, n).permute(0, 3, 2, 1) + pieces
        whole = F.fold(z.reshape(b, n * 4, count), (1, y.shape[-1]), (1, 4), stride=(1, 2)).squeeze(2)[..., 2 : 2 + length]
        masks = F.relu(self.mask(self.slope(whole))).view(b, 2, n, length)
        parts = (w.unsqueeze(1) * masks).flatten(0, 1)
        return self.decode(parts).view(b, 2, -1)


class Aligned(nn.Module):
    """Tacotron 2: a decoder whose attention sees where it looked before, for three frames."""

    def __init__(self) -> None:
        super().__init__()
        self.pre, self.first, self.second = nn.Linear(3, 4), nn.LSTMCell(4 + 6, 5), nn.LSTMCell(5 + 6, 5)
        self.query, self.memory, self.v = nn.Linear(5, 4, False), nn.Linear(6, 4, False), nn.Linear(4, 1, False)
        self.conv, self.place, self.out, self.stop = nn.Conv1d(2, 3, 3, padding=1, bias=False), nn.Linear(3, 4, False), nn.Linear(11, 3), nn.Linear(11, 1)

    def forward(self, memory: torch.Tensor, lengths: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
        b, t, _ = memory.shape
        hidden = ~(torch.arange(t) < lengths.clamp(min=1).unsqueeze(1))
        h1, c1, h2, c2 = (memory.new_zeros(b, 5) for _ in range(4))
        weights, total, context, frame = memory.new_zeros(b, t), memory.new_zeros(b, t), memory.new_zeros(b, 6), memory.new_zeros(b, 3)
        keys = self.memory(memory)
        frames, stops, ways = [], [], []
        for _ in range(3):
            h1, c1 = self.first(torch.cat((F.relu(self.pre(frame)), context), -1), (h1, c1))
            both = torch.cat((weights.unsqueeze(1), total.unsqueeze(1)), dim=1)
            energy = self.v(torch.tanh(self.query(h1.unsqueeze(1)) + self.place(self.conv(both).transpose(1, 2)) + keys)).squeeze(-1)
            weights = F.softmax(energy.masked_fill(hidden, -float("inf")), dim=1)
            context = torch.bmm(weights.unsqueeze(1), memory).squeeze(1)
            total = total + weights
            h2, c2 = self.second(torch.cat((h1, context), -1), (h2, c2))
            y = torch.cat((h2, context), dim=1)
            frame = self.out(y)
            frames.append(frame)
            stops.append(self.stop(y).squeeze(1))
            ways.append(weights)
        return torch.stack(frames).transpose(0, 1).contiguous(), torch.sigmoid(torch.stack(stops, 1)), torch.stack(ways, 1)


class Residual(nn.Module):
    """EnCodec: padded convolutions, an LSTM across them, codes of what former codes left over."""

    def __init__(self) -> None:
        super().__init__()
        self.conv, self.lstm = nn.Conv1d(1, 4, 4, 2), nn.LSTM(4, 4, num_layers=2)
        self.register_buffer("codes", torch.randn(3, 6, 4))
        self.back = nn.ConvTranspose1d(4, 1, 4, 2)

    def forward(self, x: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        length = x.shape[-1]
        frames = math.ceil((length - 4 + 2) / 2 + 1)
        extra = (frames - 1) * 2 + (4 - 2) - length
        y = F.elu(self.conv(F.pad(x, (2, extra), mode="reflect")))
        z = y.permute(2, 0, 1)
        z = (self.lstm(z)[0] + z).permute(1, 2, 0)
        left, total, chosen = z.transpose(1, 2), torch.zeros_like(z.transpose(1, 2)), []
        for codes in self.codes:
            index = torch.cdist(left, codes).argmin(dim=-1)
            q = F.embedding(index, codes)
            left, total = left - q, total + q
            chosen.append(index)
        return torch.stack(chosen), self.back(total.transpose(1, 2))[..., 1 : 1 + length]


# MARK: Choosing


def beams(scores: torch.Tensor, logits: torch.Tensor, cache: torch.Tensor, tokens: torch.Tensor) -> tuple[torch.Tensor, ...]:
    """A step of beam search of width 2: the best of all continuations, their beams' tokens and caches, what ends kept apart."""
    b, _, vocabulary = logits.shape
    total = scores[:, :, None] + F.log_softmax(logits, -1)
    banned = torch.zeros_like(total).scatter_(2, tokens.remainder(vocabulary), -1e4)
    best, place = (total + banned).view(b, -1).topk(4, dim=1, largest=True, sorted=True)
    beam, token = torch.div(place, vocabulary, rounding_mode="trunc"), place % vocabulary
    ends = token.eq(2)
    kept = best.masked_fill(ends, -1e9).topk(2, 1)[1]
    beam, token, best = beam.gather(1, kept), token.gather(1, kept), best.gather(1, kept)
    flat = (beam + torch.arange(b)[:, None] * 2).view(-1)
    cache = cache.flatten(0, 1).index_select(0, flat).view_as(cache)
    tokens = torch.cat([tokens.flatten(0, 1)[flat].view(b, 2, -1), token.unsqueeze(-1)], -1)
    return best, tokens, cache, ends.any(1)


def sampled(logits: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
    """What is left of scores after top-k and top-p, with a penalty for what was said."""
    x = torch.where(logits < 0, logits * 1.2, logits / 1.2) / 0.7
    x = x.masked_fill(x < torch.topk(x, 5)[0][..., -1, None], -float("inf"))
    ordered, places = torch.sort(x, descending=False)
    share = ordered.softmax(dim=-1).cumsum(dim=-1)
    gone = share <= 1 - 0.9
    gone[..., -1:] = False
    gone = gone.scatter(1, places, gone)
    x = x.masked_fill(gone, -float("inf"))
    return x.softmax(-1), x.argmax(-1, keepdim=True)


def collapsed(logits: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
    """The best path of a connectionist model, without repetitions and blanks."""
    best = torch.argmax(logits, dim=-1)
    path = torch.unique_consecutive(best, dim=-1)
    return path[path != 0], best


def ragged(x: torch.Tensor, lengths: torch.Tensor) -> tuple[torch.Tensor, ...]:
    """Rows of which each ends where it is told: means, maxima, last ones, all of them in one list and back, and two filled up to the longer."""
    mask = torch.arange(x.shape[1])[None] < lengths[:, None]
    mean = (x * mask[..., None]).sum(1) / lengths.clamp(min=1)[:, None]
    last = x.gather(1, (lengths.clamp(max=x.shape[1]) - 1)[:, None, None].expand(-1, 1, x.shape[2])).squeeze(1)
    most = x.masked_fill(~mask[..., None], -1e9).amax(1)
    flat = x[mask]
    row = torch.repeat_interleave(torch.arange(x.shape[0]), mask.sum(1))
    sums = torch.zeros(x.shape[0], x.shape[2]).index_add(0, row, flat)
    return mean, last, most, sums, nn.utils.rnn.pad_sequence([x[0], x[1, :2]], batch_first=True, padding_value=-1.0)


# MARK: Tables and numbers


class Splines(nn.Module):
    """A Kolmogorov-Arnold layer: cubic B-splines by recursion, beside a plain layer."""

    def __init__(self) -> None:
        super().__init__()
        grid = torch.arange(-3, 5 + 3 + 1) * (2 / 5) - 1
        self.register_buffer("grid", grid.expand(4, -1).contiguous())
        self.base, self.spline, self.scale = nn.Parameter(torch.randn(3, 4)), nn.Parameter(torch.randn(3, 4, 8)), nn.Parameter(torch.randn(3, 4))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        shape, x = x.shape, x.reshape(-1, 4)
        y, grid = x.unsqueeze(-1), self.grid
        bases = ((y >= grid[:, :-1]) & (y < grid[:, 1:])).to(x.dtype)
        for k in range(1, 4):
            left = (y - grid[:, : -(k + 1)]) / (grid[:, k:-1] - grid[:, : -(k + 1)]) * bases[:, :, :-1]
            bases = left + (grid[:, k + 1 :] - y) / (grid[:, k + 1 :] - grid[:, 1:(-k)]) * bases[:, :, 1:]
        out = F.linear(F.silu(x), self.base) + F.linear(bases.view(x.size(0), -1), (self.spline * self.scale.unsqueeze(-1)).view(3, -1))
        return out.reshape(*shape[:-1], 3)


class Crossed(nn.Module):
    """xDeepFM's crossed vectors and DIN's attention over what was clicked, of open length."""

    def __init__(self) -> None:
        super().__init__()
        self.table, self.cross = nn.Embedding(30, 4, padding_idx=0), nn.Conv1d(9, 5, 1)
        self.unit, self.alpha, self.norm = nn.Linear(16, 1), nn.Parameter(torch.zeros(1)), nn.BatchNorm1d(1, affine=False)
        self.out = nn.Linear(5 + 4, 1)

    def forward(self, fields: torch.Tensor, clicked: torch.Tensor, shown: torch.Tensor) -> torch.Tensor:
        x = self.table(fields)
        b, f, d = x.shape
        crossed = torch.einsum("bhd,bmd->bhmd", x, x).reshape(b, f * f, d)
        crossed = F.relu(self.cross(crossed)).sum(-1)
        first = x.sum(1).pow(2) - x.pow(2).sum(1)
        keys, query = self.table(clicked), self.table(shown).unsqueeze(1)
        query = query.expand(-1, keys.shape[1], -1)
        unit = self.unit(torch.cat([query, keys, query - keys, query * keys], -1))
        p = torch.sigmoid(self.norm(unit.transpose(1, 2)).transpose(1, 2))
        weights = (self.alpha * (1 - p) * unit + p * unit).squeeze(-1)
        weights = torch.where(clicked != 0, weights, torch.zeros_like(weights))
        interest = torch.matmul(weights.unsqueeze(1), keys).squeeze(1)
        return torch.sigmoid(self.out(torch.cat([crossed, interest + 0.5 * first], -1)) + torch.log1p((clicked != 0).sum(1, keepdim=True)))


class Packed(nn.Module):
    """GPTQ: eight numbers of four bits in each integer, scales and zero points of groups, rows in an order of their own."""

    def __init__(self) -> None:
        super().__init__()
        self.register_buffer("weight", torch.randint(-(2**31), 2**31 - 1, (2, 6), dtype=torch.int32))
        self.register_buffer("zeros", torch.randint(-(2**31), 2**31 - 1, (4, 1), dtype=torch.int32))
        self.register_buffer("scales", torch.rand(4, 8) * 0.1)
        self.register_buffer("group", torch.randint(0, 4, (16,), dtype=torch.int32))
        self.register_buffer("shifts", torch.arange(0, 32, 4, dtype=torch.int32).unsqueeze(0))
        self.a, self.b = nn.Parameter(torch.randn(2, 16)), nn.Parameter(torch.randn(6, 2))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        zeros = torch.bitwise_right_shift(torch.unsqueeze(self.zeros, 2).expand(-1, -1, 8), self.shifts.unsqueeze(0)).to(torch.int8)
        zeros = torch.bitwise_and(zeros, 15).reshape(self.scales.shape)
        weight = torch.bitwise_right_shift(torch.unsqueeze(self.weight, 1).expand(-1, 8, -1), self.shifts.unsqueeze(-1)).to(torch.int8)
        weight = torch.bitwise_and(weight, 15).reshape(16, 6)
        scales, zeros = self.scales[self.group.long()][:, :6], zeros[self.group.long()][:, :6]
        y = torch.matmul(x, (scales * (weight - zeros)).to(x.dtype))
        return y + F.linear(F.linear(x, self.a), self.b) * 2.0


class Forecast(nn.Module):
    """PatchTST: a series normed by itself, in overlapping patches; its end moved on in four steps of Runge and Kutta."""

    def __init__(self) -> None:
        super().__init__()
        self.patch, self.norm, self.head = nn.Linear(4, 6), nn.BatchNorm1d(6), nn.Linear(6, 3)
        self.slope = nn.Sequential(nn.Linear(3, 5), nn.Tanh(), nn.Linear(5, 3))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        mean = torch.mean(x, dim=-1, keepdim=True).detach()
        deviation = torch.sqrt(torch.var(x, dim=-1, keepdim=True, unbiased=False) + 1e-5).detach()
        y = F.pad((x - mean) / deviation, (0, 2), mode="replicate").unfold(dimension=-1, size=4, step=2)
        y = self.norm(self.patch(y).flatten(0, 1).transpose(1, 2)).transpose(1, 2)
        y = self.head(F.gelu(y).mean(1)).view(x.shape[0], x.shape[1], 3)
        for _ in range(4):
            k1 = self.slope(y)
            k2 = self.slope(y + 0.05 * k1)
            k3 = self.slope(y + 0.05 * k2)
            y = y + 0.1 / 6 * (k1 + 2 * (k2 + k3) + self.slope(y + 0.1 * k3))
        return y * deviation + mean


case("relative", "f32:T,B,8 f32:5,B,8", Relative())
case("sliding", "f32:B,T,8", Sliding())
case("kernels", "f32:B,T,8", Kernels())
case("latent", "f32:B,T,8", Latent())
case("triangles", "f32:B,T,T,4 f32:B,3,T,6 bool:B,3,T", Triangles())
case("diagonal", "f32:B,4,T", Diagonal())
case("mixed", "f32:B,T,8", Mixed())
case("gated", "f32:B,2,T", Gated())
case("chunks", "f32:B,22", Chunks())
case("aligned", "f32:B,T,6 i64:B~1,5", Aligned())
case("residual", "f32:B,1,20", Residual())
case("residual.open", "f32:2,1,H", Residual())
case("beams", "f32:B,2 f32:B,2,7 f32:B,2,3,4 i64:B,2,T~0,7", beams)
case("sampled", "f32:B,9", sampled)
case("collapsed", "f32:12,4", collapsed)
case("splines", "f32:B,T,4~-0.99,0.99", Splines())
case("crossed", "i64:B,3~0,30 i64:B,T~0,30 i64:B~0,30", Crossed())
case("packed", "f32:B,T,16", Packed())
case("forecast", "f32:B,2,12", Forecast())
case("forecast.open", "f32:2,2,T", Forecast())
case("ragged", "f32:B,T,4 i64:B~1,5", ragged)
