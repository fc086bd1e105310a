"""Networks in small, in the forms in which their libraries are exported: convolutional blocks, encoders and decoders, recurrent layers, detection
heads, spectrograms, graphs of nodes, tables of embeddings, quantised layers."""

from __future__ import annotations

import math

import torch
import torch.ao.quantization.fx._decomposed  # noqa: F401  (registers quantized_decomposed)
import torch.nn.functional as F
from case import case
from torch import nn

# MARK: Pictures


class Squeeze(nn.Module):
    """An inverted residual with squeeze and excitation, as mobile networks have it."""

    def __init__(self) -> None:
        super().__init__()
        self.expand = nn.Sequential(nn.Conv2d(8, 24, 1, bias=False), nn.BatchNorm2d(24), nn.SiLU(inplace=True))
        self.depth = nn.Sequential(nn.Conv2d(24, 24, 3, 1, 1, groups=24, bias=False), nn.BatchNorm2d(24), nn.Hardswish(inplace=True))
        self.reduce, self.restore = nn.Conv2d(24, 6, 1), nn.Conv2d(6, 24, 1)
        self.project = nn.Sequential(nn.Conv2d(24, 8, 1, bias=False), nn.BatchNorm2d(8))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        y = self.depth(self.expand(x))
        gate = F.hardsigmoid(self.restore(F.relu(self.reduce(y.mean((2, 3), keepdim=True)), inplace=True)))
        return self.project(y * gate) + x


class ConvNeXt(nn.Module):
    """Norms of channels last, a scale of layers, stochastic depth that evaluation leaves out."""

    def __init__(self) -> None:
        super().__init__()
        self.stem = nn.Conv2d(3, 8, 4, 4)
        self.depth = nn.Conv2d(8, 8, 7, padding=3, groups=8)
        self.norm = nn.LayerNorm(8, eps=1e-6)
        self.up, self.down = nn.Linear(8, 32), nn.Linear(32, 8)
        self.gamma = nn.Parameter(torch.full((8,), 0.3))
        self.head = nn.Linear(8, 5)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        x = self.stem(x)
        y = self.norm(self.depth(x).permute(0, 2, 3, 1))
        y = self.gamma * self.down(F.dropout(F.gelu(self.up(y)), 0.1, self.training))
        x = x + y.permute(0, 3, 1, 2)
        return self.head(F.adaptive_avg_pool2d(x, 1).flatten(1))


class Split(nn.Module):
    """Halves of channels that are shuffled, standardised weights, blurred pooling, padding as TensorFlow has it."""

    def __init__(self) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.randn(8, 8, 3, 3))
        self.register_buffer("blur", torch.tensor([1.0, 2.0, 1.0]).outer(torch.tensor([1.0, 2.0, 1.0])) / 16)
        self.norm = nn.GroupNorm(2, 8)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        a, b = x.chunk(2, dim=1)
        x = torch.cat((a, F.relu6(b) * 2), 1)
        n, c, h, w = x.shape
        x = x.view(n, 2, c // 2, h, w).transpose(1, 2).reshape(n, c, h, w)
        weight = F.batch_norm(self.weight.reshape(1, 8, -1), None, None, training=True, momentum=0.0).reshape_as(self.weight)
        down = max((math.ceil(h / 2) - 1) * 2 + 3 - h, 0), max((math.ceil(w / 2) - 1) * 2 + 3 - w, 0)
        x = F.pad(x, (down[1] // 2, down[1] - down[1] // 2, down[0] // 2, down[0] - down[0] // 2))
        x = self.norm(F.conv2d(x, weight, stride=2))
        x = F.conv2d(F.pad(x, (1, 1, 1, 1), mode="reflect"), self.blur[None, None].expand(8, 1, 3, 3), stride=2, groups=8)
        return F.lp_pool2d(x.abs() + 0.1, 2.0, 2, 1)


class UNet(nn.Module):
    """Two depths with a skipped connection, cropped to what the deeper one gives."""

    def __init__(self) -> None:
        super().__init__()
        self.a, self.b = nn.Conv2d(3, 4, 3, padding=1), nn.Conv2d(4, 8, 3, padding=1)
        self.up, self.c = nn.ConvTranspose2d(8, 4, 2, 2), nn.Conv2d(8, 2, 1)
        self.norm = nn.InstanceNorm2d(4, affine=True)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        skip = F.leaky_relu(self.norm(self.a(x)), 0.1)
        y = self.up(F.elu(self.b(F.max_pool2d(skip, 2))))
        dy, dx = skip.size(2) - y.size(2), skip.size(3) - y.size(3)
        y = F.pad(y, [dx // 2, dx - dx // 2, dy // 2, dy - dy // 2])
        y = self.c(torch.cat([skip, y], dim=1))
        return F.interpolate(y, size=x.shape[-2:], mode="bilinear", align_corners=False).sigmoid()


class SuperResolution(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.body = nn.Sequential(nn.Conv2d(3, 6, 3, 1, 1, padding_mode="replicate"), nn.PReLU(6), nn.Conv2d(6, 12, 3, 1, 1), nn.PixelShuffle(2))

    def forward(self, x: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        base = F.interpolate(x, scale_factor=2, mode="bicubic", align_corners=False)
        y = self.body(x) + base
        return y.clamp(0, 1), F.pixel_unshuffle(y, 2)


class Warp(nn.Module):
    """Optical flow: a grid, moved, looked at with grid_sample; a correlation of neighbours."""

    def forward(self, x: torch.Tensor, flow: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        b, c, h, w = x.shape
        ys, xs = torch.meshgrid(torch.arange(h, dtype=x.dtype), torch.arange(w, dtype=x.dtype), indexing="ij")
        grid = torch.stack((xs, ys), 0).unsqueeze(0) + flow
        grid = torch.stack((2 * grid[:, 0] / (w - 1) - 1, 2 * grid[:, 1] / (h - 1) - 1), -1)
        y = F.grid_sample(x, grid, mode="bilinear", padding_mode="border", align_corners=True)
        z = F.unfold(y, 3, padding=1).view(b, c, 9, h, w)
        return y, torch.einsum("bchw,bcnhw->bnhw", x, z) / math.sqrt(c)


# MARK: Sequences


class Rotary(nn.Module):
    """A decoder layer with rotary places, shared keys, RMS norms, a gated network and a cache that is given back."""

    def __init__(self) -> None:
        super().__init__()
        self.q, self.k, self.v, self.o = nn.Linear(16, 16, False), nn.Linear(16, 8, False), nn.Linear(16, 8, False), nn.Linear(16, 16, False)
        self.gate, self.up, self.down = nn.Linear(16, 24, False), nn.Linear(16, 24, False), nn.Linear(24, 16, False)
        self.norms = nn.ParameterList([torch.ones(16), torch.rand(16)])
        self.register_buffer("frequencies", 1.0 / 10000 ** (torch.arange(0, 4, 2).float() / 4), persistent=False)

    def norm(self, x: torch.Tensor, index: int) -> torch.Tensor:
        variance = x.to(torch.float32).pow(2).mean(-1, keepdim=True)
        return self.norms[index] * (x * torch.rsqrt(variance + 1e-6)).to(x.dtype)

    @staticmethod
    def half_turn(x: torch.Tensor) -> torch.Tensor:
        return torch.cat((-x[..., x.shape[-1] // 2 :], x[..., : x.shape[-1] // 2]), dim=-1)

    def forward(self, x: torch.Tensor, keys: torch.Tensor, values: torch.Tensor) -> tuple[torch.Tensor, tuple[torch.Tensor, torch.Tensor]]:
        b, t, _ = x.shape
        past = keys.shape[2]
        places = torch.arange(past, past + t)[None]
        angles = (self.frequencies[None, :, None] @ places[:, None, :].float()).transpose(1, 2)
        angles = torch.cat((angles, angles), -1)
        cos, sin = angles.cos()[:, None], angles.sin()[:, None]
        y = self.norm(x, 0)
        q = self.q(y).view(b, t, -1, 4).transpose(1, 2)
        k = self.k(y).view(b, t, -1, 4).transpose(1, 2)
        v = self.v(y).view(b, t, -1, 4).transpose(1, 2)
        q, k = q * cos + self.half_turn(q) * sin, k * cos + self.half_turn(k) * sin
        keys, values = torch.cat((keys, k), 2), torch.cat((values, v), 2)
        all_k = keys[:, :, None].expand(b, 2, 2, past + t, 4).reshape(b, 4, past + t, 4)
        all_v = values[:, :, None].expand(b, 2, 2, past + t, 4).reshape(b, 4, past + t, 4)
        mask = torch.full((t, past + t), torch.finfo(x.dtype).min).triu(past + 1)[None, None]
        y = F.scaled_dot_product_attention(q, all_k, all_v, attn_mask=mask)
        x = x + self.o(y.transpose(1, 2).contiguous().view(b, t, -1))
        y = self.norm(x, 1)
        return x + self.down(F.silu(self.gate(y)) * self.up(y)), (keys, values)


class StaticCache(nn.Module):
    """A cache of fixed room that each step writes to at the place that it is told."""

    def __init__(self) -> None:
        super().__init__()
        self.register_buffer("keys", torch.zeros(1, 2, 8, 4))
        self.register_buffer("values", torch.zeros(1, 2, 8, 4))
        self.qkv = nn.Linear(8, 24)

    def forward(self, x: torch.Tensor, place: torch.Tensor) -> torch.Tensor:
        q, k, v = self.qkv(x).view(1, -1, 3, 2, 4).permute(2, 0, 3, 1, 4).unbind(0)
        self.keys.index_copy_(2, place, k)
        self.values[:, :, place] = v
        mask = torch.arange(8)[None, :] <= place[:, None]
        return F.scaled_dot_product_attention(q, self.keys, self.values, attn_mask=mask[None, None])


class Encoder(nn.Module):
    """BERT: three embeddings, a mask of padding, erf's gelu, a pooled first token."""

    def __init__(self) -> None:
        super().__init__()
        self.words, self.places, self.kinds = nn.Embedding(20, 8, padding_idx=0), nn.Embedding(16, 8), nn.Embedding(2, 8)
        self.norm, self.after = nn.LayerNorm(8, eps=1e-12), nn.LayerNorm(8)
        self.q, self.k, self.v, self.o = (nn.Linear(8, 8) for _ in range(4))
        self.up, self.down, self.pool = nn.Linear(8, 16), nn.Linear(16, 8), nn.Linear(8, 8)
        self.register_buffer("ids", torch.arange(16).expand(1, -1))

    def forward(self, words: torch.Tensor, keep: torch.Tensor) -> dict[str, torch.Tensor]:
        b, t = words.shape
        x = self.words(words) + self.kinds(torch.zeros_like(words)) + self.places(self.ids[:, :t])
        x = self.norm(x)
        mask = (1.0 - keep[:, None, None, :].to(x.dtype)) * torch.finfo(torch.float32).min
        q, k, v = (f(x).view(b, t, 2, 4).permute(0, 2, 1, 3) for f in (self.q, self.k, self.v))
        scores = torch.matmul(q, k.transpose(-1, -2)) / math.sqrt(4) + mask
        y = torch.matmul(F.softmax(scores, -1), v).permute(0, 2, 1, 3).contiguous()
        x = self.after(x + self.o(y.view(*y.shape[:2], -1)))
        x = x + self.down(x.new_tensor(0.5) * self.up(x) * (1.0 + torch.erf(self.up(x) / math.sqrt(2.0))))
        return {"last": x, "pooled": torch.tanh(self.pool(x[:, 0]))}


class Buckets(nn.Module):
    """T5's relative places in buckets, and ALiBi's slopes beside them."""

    def __init__(self) -> None:
        super().__init__()
        self.table = nn.Embedding(8, 2)

    def forward(self, q: torch.Tensor, k: torch.Tensor, v: torch.Tensor) -> torch.Tensor:
        t, s = q.shape[2], k.shape[2]
        place = torch.arange(s)[None, :] - torch.arange(t)[:, None]
        bucket = (place > 0).to(torch.long) * 4
        n = place.abs()
        large = 2 + (torch.log(n.float() / 2) / math.log(8 / 2) * 2).to(torch.long)
        bucket = bucket + torch.where(n < 2, n, torch.min(large, torch.full_like(large, 3)))
        bias = self.table(bucket).permute(2, 0, 1).unsqueeze(0)
        slopes = torch.tensor([0.25, 0.0625])[:, None, None] * -n.to(q.dtype)
        return F.scaled_dot_product_attention(q, k, v, attn_mask=bias + slopes, scale=1.0)


class Seq2Seq(nn.Module):
    """Packed layers of PyTorch's own: GRU encoder, attention of Bahdanau's kind, LSTM cells in a loop that the trace unrolls."""

    def __init__(self) -> None:
        super().__init__()
        self.encoder = nn.GRU(6, 4, batch_first=True, bidirectional=True)
        self.cell = nn.LSTMCell(8 + 3, 5)
        self.score = nn.Linear(8 + 5, 1)
        self.out = nn.Linear(5, 3)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        y, _ = self.encoder(x)
        b = x.shape[0]
        h, c, token = x.new_zeros(b, 5), x.new_zeros(b, 5), x.new_zeros(b, 3)
        steps = []
        for _ in range(3):
            weights = self.score(torch.cat((y, h[:, None].expand(-1, y.shape[1], -1)), -1)).softmax(1)
            h, c = self.cell(torch.cat(((weights * y).sum(1), token), -1), (h, c))
            token = F.gumbel_softmax(self.out(h), hard=False) * 0 + self.out(h).log_softmax(-1)
            steps.append(token)
        return torch.stack(steps, 1)


class Tagger(nn.Module):
    """Stacked LSTM with given states, and the best way through a chain of tags."""

    def __init__(self) -> None:
        super().__init__()
        self.lstm = nn.LSTM(5, 4, num_layers=2)
        self.emit = nn.Linear(4, 3)
        self.chain = nn.Parameter(torch.randn(3, 3))

    def forward(self, x: torch.Tensor, h: torch.Tensor, c: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor, torch.Tensor]:
        y, (h, c) = self.lstm(x, (h, c))
        scores = self.emit(y)
        best, back = scores[0], []
        for step in range(1, scores.shape[0]):
            total, place = (best[:, :, None] + self.chain[None] + scores[step][:, None, :]).max(1)
            best = total
            back.append(place)
        last = best.argmax(-1)
        path = [last]
        for place in reversed(back):
            last = place.gather(1, last[:, None]).squeeze(1)
            path.append(last)
        return torch.stack(path[::-1]), best, h, c


class StateSpace(nn.Module):
    """A selective state space as a sum of running products, with a causal convolution before."""

    def __init__(self) -> None:
        super().__init__()
        self.conv = nn.Conv1d(6, 6, 4, groups=6, padding=3)
        self.dt, self.bc = nn.Linear(6, 6), nn.Linear(6, 8)
        self.a = nn.Parameter(torch.log(torch.arange(1, 5).float()).repeat(6, 1))
        self.d = nn.Parameter(torch.ones(6))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        t = x.shape[1]
        x = F.silu(self.conv(x.transpose(1, 2))[..., :t]).transpose(1, 2)
        dt = F.softplus(self.dt(x))
        b, c = self.bc(x).split([4, 4], dim=-1)
        decay = dt.unsqueeze(-1) * -torch.exp(self.a)
        inside = torch.cumsum(decay, 1)
        fed = (dt * x).unsqueeze(-1) * b.unsqueeze(2)
        state = torch.cumsum(fed * torch.exp(-inside), 1) * torch.exp(inside)
        return torch.einsum("btdn,btn->btd", state, c) + self.d * x


# MARK: Sound


class LogMel(nn.Module):
    """Whisper's front end."""

    def __init__(self) -> None:
        super().__init__()
        self.register_buffer("window", torch.hann_window(16))
        self.register_buffer("mels", torch.rand(5, 9))
        self.a, self.b = nn.Conv1d(5, 8, 3, padding=1), nn.Conv1d(8, 8, 3, stride=2, padding=1)
        self.register_buffer("places", torch.randn(40, 8))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        spectrum = torch.stft(x, 16, 4, window=self.window, return_complex=True)
        power = spectrum[..., :-1].abs() ** 2
        mel = torch.clamp(self.mels @ power, min=1e-10).log10()
        mel = torch.maximum(mel, mel.amax(dim=(-2, -1), keepdim=True) - 8.0)
        y = F.gelu(self.b(F.gelu(self.a((mel + 4.0) / 4.0)))).permute(0, 2, 1)
        return y + self.places[: y.shape[1]]


class Vocoder(nn.Module):
    """Transposed convolutions with normed weights, then magnitude and phase through an inverse transform."""

    def __init__(self) -> None:
        super().__init__()
        self.up = nn.utils.parametrizations.weight_norm(nn.ConvTranspose1d(4, 6, 4, 2, 1))
        self.post = nn.Conv1d(6, 18, 7, padding=3, padding_mode="reflect")
        self.register_buffer("window", torch.hann_window(16))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        y = self.post(F.leaky_relu(self.up(x), 0.1))
        size, angle = torch.exp(y[:, :9].clamp(max=2)), torch.sin(y[:, 9:])
        spectrum = torch.polar(size, angle)
        return torch.istft(spectrum, 16, 4, window=self.window)


# MARK: Detection


class Heads(nn.Module):
    """Anchors of an open grid, boxes decoded from distances, the best few, and what NMS keeps of them."""

    def __init__(self) -> None:
        super().__init__()
        self.box, self.score = nn.Conv2d(4, 4 * 8, 1), nn.Conv2d(4, 3, 1)
        self.register_buffer("bins", torch.arange(8, dtype=torch.float32))

    def forward(self, x: torch.Tensor) -> tuple[torch.Tensor, ...]:
        b, _, h, w = x.shape
        y, x_ = torch.meshgrid(torch.arange(h) + 0.5, torch.arange(w) + 0.5, indexing="ij")
        centres = torch.stack((x_, y), -1).view(-1, 2)
        distances = self.box(x).view(b, 4, 8, h * w).softmax(2).permute(0, 3, 1, 2) @ self.bins
        low, high = distances.chunk(2, -1)
        boxes = torch.cat((centres - low, centres + high), -1) * 8
        scores, labels = self.score(x).flatten(2).sigmoid().max(1)
        top, places = scores.topk(min(5, 16), dim=1)
        boxes = boxes.gather(1, places[..., None].expand(-1, -1, 4))
        labels = labels.gather(1, places)
        areas = (boxes[..., 2] - boxes[..., 0]) * (boxes[..., 3] - boxes[..., 1])
        corner = torch.max(boxes[:, :, None, :2], boxes[:, None, :, :2])
        inner = (torch.min(boxes[:, :, None, 2:], boxes[:, None, :, 2:]) - corner).clamp(min=0).prod(-1)
        overlap = inner / (areas[:, :, None] + areas[:, None, :] - inner)
        kept = ~(((overlap > 0.5).triu(1)).any(1))
        return boxes, top * kept, labels


class Queries(nn.Module):
    """DETR: a grid of sines, learnt queries, matching by bipartite cost as far as the cost."""

    def __init__(self) -> None:
        super().__init__()
        self.queries = nn.Embedding(3, 8)
        self.attention = nn.MultiheadAttention(8, 2, batch_first=True)
        self.head = nn.Linear(8, 4)

    def forward(self, x: torch.Tensor, hidden: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        ys, xs = (~hidden).cumsum(1, dtype=torch.float32), (~hidden).cumsum(2, dtype=torch.float32)
        ys, xs = ys / (ys[:, -1:, :] + 1e-6) * 2 * math.pi, xs / (xs[:, :, -1:] + 1e-6) * 2 * math.pi
        sizes = 10000 ** (2 * torch.div(torch.arange(4, dtype=torch.float32), 2, rounding_mode="trunc") / 4)
        py, px = ys[..., None] / sizes, xs[..., None] / sizes
        py = torch.stack((py[..., 0::2].sin(), py[..., 1::2].cos()), 4).flatten(3)
        px = torch.stack((px[..., 0::2].sin(), px[..., 1::2].cos()), 4).flatten(3)
        places = torch.cat((py, px), 3).flatten(1, 2)
        memory = x.flatten(2).transpose(1, 2)
        queries = self.queries.weight.unsqueeze(0).repeat(x.shape[0], 1, 1)
        y, weights = self.attention(queries, memory + places, memory, key_padding_mask=hidden.flatten(1))
        boxes = self.head(y).sigmoid()
        return boxes, torch.cdist(boxes, boxes.flip(1), p=1) + weights.sum()


# MARK: Tables and graphs


class Recommender(nn.Module):
    """Bags of embeddings, products of all pairs, hashed and bucketed features."""

    def __init__(self) -> None:
        super().__init__()
        self.bag = nn.EmbeddingBag(12, 4, mode="sum")
        self.single = nn.ModuleList(nn.Embedding(7, 4) for _ in range(2))
        self.register_buffer("edges", torch.tensor([-1.0, 0.0, 0.5, 2.0]))
        self.bottom = nn.Linear(3, 4)
        self.top = nn.Linear(6 + 4, 1)

    def forward(self, dense: torch.Tensor, sparse: torch.Tensor, bags: torch.Tensor) -> torch.Tensor:
        bucket = torch.bucketize(dense[:, 0], self.edges)
        vectors = [self.bottom(dense), self.bag(bags), self.single[0](bucket), self.single[1](torch.remainder(sparse * 31 + 7, 7))]
        z = torch.stack(vectors, 1)
        pairs = torch.bmm(z, z.transpose(1, 2))
        i, j = torch.tril_indices(4, 4, offset=-1).unbind()
        return torch.sigmoid(self.top(torch.cat((vectors[0], pairs[:, i, j]), 1))).squeeze(1)


class Graph(nn.Module):
    """Messages along edges, summed, weighed by a softmax over the edges of each node, and pooled over graphs."""

    def __init__(self) -> None:
        super().__init__()
        self.a, self.b, self.attention = nn.Linear(4, 4), nn.Linear(4, 4), nn.Linear(8, 1)

    def forward(self, x: torch.Tensor, edges: torch.Tensor, of: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        n = x.size(0)
        source, target = edges[0].remainder(n), edges[1].remainder(n)
        message = self.a(x)[source]
        score = F.leaky_relu(self.attention(torch.cat((message, x.index_select(0, target)), -1)).squeeze(-1))
        most = torch.full((n,), float("-inf")).scatter_reduce(0, target, score, "amax", include_self=True)
        e = torch.exp(score - most[target])
        total = torch.zeros(n).index_add(0, target, e)
        weights = e / (total[target] + 1e-9)
        y = torch.zeros_like(x).scatter_add_(0, target[:, None].expand_as(message), message * weights[:, None])
        degree = torch.zeros(n, dtype=torch.long).index_put((target,), torch.ones_like(target), accumulate=True)
        y = F.relu(self.b(y) + x) * (degree > 0)[:, None]
        pooled = torch.zeros(3, 4).index_reduce(0, of.remainder(3), y, "mean", include_self=False)
        return pooled, degree


class Experts(nn.Module):
    """A mixture of experts of which each token takes the best two."""

    def __init__(self) -> None:
        super().__init__()
        self.router = nn.Linear(6, 4, bias=False)
        self.up, self.down = nn.Parameter(torch.randn(4, 6, 8)), nn.Parameter(torch.randn(4, 8, 6))

    def forward(self, x: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        flat = x.reshape(-1, x.shape[-1])
        logits = self.router(flat)
        weights, chosen = torch.topk(logits.softmax(-1), 2, dim=-1)
        weights = weights / weights.sum(-1, keepdim=True)
        mask = F.one_hot(chosen, 4).permute(2, 1, 0)
        gates = torch.zeros_like(logits).scatter(1, chosen, weights)
        y = torch.einsum("nd,edh->enh", flat, self.up)
        y = torch.einsum("enh,ehd->end", F.gelu(y, approximate="tanh"), self.down)
        return torch.einsum("end,ne->nd", y, gates).view_as(x), mask.sum((1, 2))


# MARK: Numbers


class Quantised(nn.Module):
    """A convolution and a product as pt2e leaves them: bytes with scales, per tensor and per channel."""

    def __init__(self) -> None:
        super().__init__()
        self.register_buffer("kernel", torch.randint(-127, 128, (4, 3, 3, 3), dtype=torch.int8))
        self.register_buffer("kernel_scales", torch.rand(4) * 0.01 + 0.001)
        self.register_buffer("matrix", torch.randint(-127, 128, (5, 4), dtype=torch.int8))
        self.register_buffer("zeros", torch.zeros(4, dtype=torch.int64))
        self.bias = nn.Parameter(torch.randn(4))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        q = torch.ops.quantized_decomposed
        x = q.dequantize_per_tensor(q.quantize_per_tensor(x, 0.03, 2, -128, 127, torch.int8), 0.03, 2, -128, 127, torch.int8)
        kernel = q.dequantize_per_channel(self.kernel, self.kernel_scales, self.zeros, 0, -127, 127, torch.int8)
        x = F.relu(F.conv2d(x, kernel, self.bias, padding=1))
        x = q.dequantize_per_tensor(q.quantize_per_tensor(x, 0.02, -128, -128, 127, torch.int8), 0.02, -128, -128, 127, torch.int8)
        x = F.adaptive_avg_pool2d(x, 1).flatten(1)
        x = q.dequantize_per_tensor(q.quantize_per_tensor(x, 0.015, -128, -128, 127, torch.int8), 0.015, -128, -128, 127, torch.int8)
        return F.linear(x, q.dequantize_per_tensor(self.matrix, 0.01, 0, -127, 127, torch.int8))


class Flow(nn.Module):
    """A spline of rational quadratic pieces, as normalising flows bend with: searches, gathers, masked writes."""

    def forward(self, x: torch.Tensor, widths: torch.Tensor, heights: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        inside = (x >= -1) & (x <= 1)
        w, h = F.softmax(widths, -1), F.softmax(heights, -1)
        w = 2 * F.pad(torch.cumsum(w, -1), (1, 0)) - 1
        h = 2 * F.pad(torch.cumsum(h, -1), (1, 0)) - 1
        w[..., -1] += 1e-6
        bin_ = (torch.sum(x[..., None] >= w, -1) - 1).clamp(0, 3)[..., None]
        left, right = w.gather(-1, bin_)[..., 0], w.gather(-1, bin_ + 1)[..., 0]
        low, high = h.gather(-1, bin_)[..., 0], h.gather(-1, bin_ + 1)[..., 0]
        slope = (high - low) / (right - left)
        y = torch.where(inside, low + (x - left) * slope, x)
        volume = torch.zeros_like(x).masked_scatter(inside, torch.log(slope)[inside])
        y[~inside] = 0
        return y, volume.sum(-1)


class Denoiser(nn.Module):
    """A step of diffusion: sines of the time, conditioned group norms, attention over a picture, a guided mix."""

    def __init__(self) -> None:
        super().__init__()
        self.time = nn.Sequential(nn.Linear(8, 8), nn.SiLU(), nn.Linear(8, 16))
        self.norm, self.conv = nn.GroupNorm(4, 8), nn.Conv2d(8, 8, 3, padding=1)
        self.qkv, self.out = nn.Conv1d(8, 24, 1), nn.Conv1d(8, 8, 1)

    def forward(self, x: torch.Tensor, step: torch.Tensor) -> torch.Tensor:
        f = torch.exp(-math.log(10000) * torch.arange(4, dtype=torch.float32) / 4)
        angles = step[:, None].float() * f[None]
        scale, shift = self.time(torch.cat([angles.cos(), angles.sin()], -1))[:, :, None, None].chunk(2, 1)
        y = self.conv(F.silu(self.norm(x) * (1 + scale) + shift))
        b, c, h, w = y.shape
        q, k, v = self.qkv(y.reshape(b, c, h * w)).reshape(b * 2, 12, h * w).split(4, dim=1)
        weights = torch.softmax(torch.einsum("bct,bcs->bts", q * 0.5**0.5, k * 0.5**0.5).float(), -1).type(q.dtype)
        y = y + self.out(torch.einsum("bts,bcs->bct", weights, v).reshape(b, c, -1)).reshape(b, c, h, w)
        one, two = y.chunk(2)
        return F.interpolate(torch.lerp(one, two, 1.5), scale_factor=2.0, mode="nearest").contiguous(memory_format=torch.channels_last)


case("squeeze", "f32:B,8,H,W", Squeeze())
case("convnext", "f32:B,3,16,16", ConvNeXt())
case("split", "f32:2,8,9,11", Split())
case("unet", "f32:B,3,9,11", UNet())
case("unet.open", "f32:B,3,H,8", UNet())
case("super-resolution", "f32:B,3,H,W", SuperResolution())
case("warp", "f32:B,3,H,W f32:B,2,H,W", Warp())
case("rotary", "f32:B,3,16 f32:B,2,T,4 f32:B,2,T,4", Rotary())
case("cache.static", "f32:1,2,8 i64:2~0,8", StaticCache())
case("encoder", "i64:B,T~0,20 bool:B,T", Encoder())
case("buckets", "f32:B,2,T,4 f32:B,2,9,4 f32:B,2,9,4", Buckets())
case("seq2seq", "f32:B,5,6", Seq2Seq())
case("tagger", "f32:4,B,5 f32:2,B,4 f32:2,B,4", Tagger())
case("state-space", "f32:B,T,6", StateSpace())
case("log-mel", "f32:B,64", LogMel())
case("vocoder", "f32:B,4,9", Vocoder())
case("heads", "f32:B,4,H,W", Heads())
case("queries", "f32:B,8,3,4 bool:B,3,4", Queries())
case("recommender", "f32:B,3 i64:B~0,50 i64:B,4~0,12", Recommender())
case("graph", "f32:6,4 i64:2,9~0,40 i64:6~0,40", Graph())
case("experts", "f32:B,T,6", Experts())
case("quantised", "f32:B,3,H,W", Quantised())
case("flow", "f32:B,5 f32:B,5,4 f32:B,5,4", Flow())
case("denoiser", "f32:2,8,4,4 i64:2~0,100", Denoiser())

# MARK: Numbers whose scales a run finds


def dynamic(x: torch.Tensor, w: torch.Tensor) -> tuple[torch.Tensor, ...]:
    """A product as pt2e's dynamic quantisation leaves it, once with a zero point and once without."""
    q = torch.ops.quantized_decomposed
    w = q.dequantize_per_tensor(w, 0.01, 0, -127, 127, torch.int8)
    scale, zero = q.choose_qparams.tensor(x, -128, 127, 1.1920929e-07, torch.int8)
    a = q.dequantize_per_tensor.tensor(q.quantize_per_tensor.tensor(x, scale, zero, -128, 127, torch.int8), scale, zero, -128, 127, torch.int8)
    scale, zero = q.choose_qparams_symmetric.tensor(x, -127, 127, 1.1920929e-07, torch.int8)
    b = q.dequantize_per_tensor.tensor(q.quantize_per_tensor.tensor(x, scale, zero, -127, 127, torch.int8), scale, zero, -127, 127, torch.int8)
    return F.linear(a, w), F.linear(b, w), scale, zero


def tokens(x: torch.Tensor, w: torch.Tensor, scales: torch.Tensor) -> tuple[torch.Tensor, ...]:
    """Rows with scales of their own against weights in groups of 4."""
    q = torch.ops.quantized_decomposed
    scale, zero = q.choose_qparams_per_token_asymmetric(x, torch.int8)
    y = q.dequantize_per_token(q.quantize_per_token(x, scale, zero, -128, 127, torch.int8), scale, zero, -128, 127, torch.int8, torch.float32)
    matrix = q.dequantize_per_channel_group(w, scales, torch.zeros_like(scales, dtype=torch.int32), -8, 7, torch.int8, 4, torch.float32)
    scale, zero = q.choose_qparams_per_token(x, torch.int8)
    z = q.dequantize_per_token(q.quantize_per_token(x, scale, zero, -127, 127, torch.int8), scale, zero, -127, 127, torch.int8, torch.float32)
    return F.linear(y, matrix), F.linear(z, matrix)


case("quantised.dynamic", "f32:B,8 i8:5,8~-127,128", dynamic)
case("quantised.tokens", "f32:B,T,8 i8:5,8~-8,8 f32:5,2~0.01,0.1", tokens)
case("quantised.integers", "i8:20,8~-127,128 i8:8,16~-127,128", torch._int_mm)
case("quantised.weights", "f32:20,8 i8:16,8~-127,128 f32:16~0.01,0.1", torch._weight_int8pack_mm)
