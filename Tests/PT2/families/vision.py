"""Networks of pictures, points and boxes in small, as their papers' code has them: what `networks.py` has no example of."""

from __future__ import annotations

import math

import torch
import torch.nn.functional as F
from case import case
from torch import nn


class Interpolated(nn.Module):
    """A vision transformer whose places are resized to the picture, with a class token, registers and scaled layers."""

    def __init__(self) -> None:
        super().__init__()
        self.patch = nn.Conv2d(3, 8, 2, 2)
        self.token, self.registers = nn.Parameter(torch.randn(1, 1, 8)), nn.Parameter(torch.randn(1, 2, 8))
        self.places = nn.Parameter(torch.randn(1, 10, 8))
        self.norm, self.qkv, self.out = nn.LayerNorm(8, eps=1e-6), nn.Linear(8, 24), nn.Linear(8, 8)
        self.scale = nn.Parameter(torch.full((8,), 0.1))

    def forward(self, x: torch.Tensor) -> dict[str, torch.Tensor]:
        b, _, height, width = x.shape
        y = self.patch(x).flatten(2).transpose(1, 2)
        y = torch.cat((self.token.expand(b, -1, -1), y), 1)
        first, rest = self.places[:, :1], self.places[:, 1:].reshape(1, 3, 3, 8).permute(0, 3, 1, 2)
        rest = F.interpolate(rest.float(), size=(height // 2, width // 2), mode="bicubic", align_corners=False).permute(0, 2, 3, 1).view(1, -1, 8)
        y = y + torch.cat((first, rest), 1).to(y.dtype)
        y = torch.cat((y[:, :1], self.registers.expand(b, -1, -1), y[:, 1:]), 1)
        n = y.shape[1]
        q, k, v = torch.unbind(self.qkv(self.norm(y)).reshape(b, n, 3, 2, 4).permute(2, 0, 3, 1, 4), 0)
        y = y + self.scale * self.out(F.scaled_dot_product_attention(q, k, v).transpose(1, 2).reshape(b, n, 8))
        return {"class": y[:, 0], "patches": y[:, 3:].reshape(b, height // 2, width // 2, -1).permute(0, 3, 1, 2).contiguous()}


class Reduced(nn.Module):
    """SegFormer: keys of a picture made smaller, a network with a convolution inside, levels resized and put together."""

    def __init__(self) -> None:
        super().__init__()
        self.embed, self.norm = nn.Conv2d(3, 8, 3, 1, 1), nn.LayerNorm(8)
        self.q, self.kv, self.reduce, self.after = nn.Linear(8, 8), nn.Linear(8, 16), nn.Conv2d(8, 8, 2, 2), nn.LayerNorm(8)
        self.up, self.depth, self.down = nn.Linear(8, 16), nn.Conv2d(16, 16, 3, 1, 1, groups=16), nn.Linear(16, 8)
        self.next, self.fuse, self.norm2 = nn.Conv2d(8, 8, 3, 2, 1), nn.Conv2d(16, 6, 1, bias=False), nn.BatchNorm2d(6)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        y = self.embed(x)
        b, c, h, w = y.shape
        y = self.norm(y.flatten(2).transpose(1, 2))
        q = self.q(y).reshape(b, -1, 2, c // 2).permute(0, 2, 1, 3)
        small = self.after(self.reduce(y.transpose(1, 2).reshape(b, c, h, w)).reshape(b, c, -1).permute(0, 2, 1))
        k, v = self.kv(small).reshape(b, -1, 2, 2, c // 2).permute(2, 0, 3, 1, 4)
        y = y + (((q @ k.transpose(-2, -1)) * (c // 2) ** -0.5).softmax(-1) @ v).transpose(1, 2).reshape(b, -1, c)
        z = self.depth(self.up(y).transpose(1, 2).view(b, 16, h, w)).flatten(2).transpose(1, 2)
        y = (y + self.down(F.gelu(z))).transpose(1, 2).reshape(b, c, h, w)
        second = F.interpolate(self.next(y), size=y.size()[2:], mode="bilinear", align_corners=False)
        return F.relu(self.norm2(self.fuse(torch.cat([second, y], dim=1))))


class Deformable(nn.Module):
    """Attention that looks at a few places of two levels, by grid_sample."""

    def __init__(self) -> None:
        super().__init__()
        self.offsets, self.weights, self.value = nn.Linear(8, 2 * 2 * 3 * 2), nn.Linear(8, 2 * 2 * 3), nn.Linear(8, 8)

    def forward(self, queries: torch.Tensor, one: torch.Tensor, two: torch.Tensor) -> torch.Tensor:
        b, n, _ = queries.shape
        shapes = [level.shape[-2:] for level in (one, two)]
        value = self.value(torch.cat([level.flatten(2).transpose(1, 2) for level in (one, two)], 1)).view(b, -1, 2, 4)
        offsets = self.offsets(queries).view(b, n, 2, 2, 3, 2)
        weights = self.weights(queries).view(b, n, 2, 6).softmax(-1).view(b, n, 2, 2, 3)
        centre = queries[..., :2].sigmoid()
        sizes = torch.tensor([[shapes[0][1], shapes[0][0]], [shapes[1][1], shapes[1][0]]])
        places = centre[:, :, None, None, None, :] + offsets / sizes[None, None, None, :, None, :]
        grids = 2 * places - 1
        sampled = []
        for level, part in enumerate(value.split([h * w for h, w in shapes], dim=1)):
            part = part.flatten(2).transpose(1, 2).reshape(b * 2, 4, *shapes[level])
            grid = grids[:, :, :, level].transpose(1, 2).flatten(0, 1)
            sampled.append(F.grid_sample(part, grid, mode="bilinear", padding_mode="zeros", align_corners=False))
        weights = weights.transpose(1, 2).reshape(b * 2, 1, n, 6)
        return (torch.stack(sampled, dim=-2).flatten(-2) * weights).sum(-1).view(b, 8, n).transpose(1, 2).contiguous()


class Modulated(nn.Module):
    """StyleGAN: a kernel for each picture, as groups of one convolution, demodulated, with noise and a blur."""

    def __init__(self) -> None:
        super().__init__()
        self.weight, self.style = nn.Parameter(torch.randn(1, 6, 4, 3, 3)), nn.Linear(5, 4)
        self.strength = nn.Parameter(torch.tensor(0.3))
        self.register_buffer("noise", torch.randn(1, 1, 8, 7))
        self.register_buffer("blur", torch.tensor([1.0, 3.0, 3.0, 1.0]).outer(torch.tensor([1.0, 3.0, 3.0, 1.0])) / 64)

    def forward(self, x: torch.Tensor, w: torch.Tensor) -> torch.Tensor:
        b, c, height, width = x.shape
        weight = self.weight * (self.style(w) + 1).view(b, 1, c, 1, 1)
        weight = weight * torch.rsqrt(weight.pow(2).sum([2, 3, 4]) + 1e-8).view(b, 6, 1, 1, 1)
        y = F.conv2d(x.reshape(1, b * c, height, width), weight.view(b * 6, c, 3, 3), padding=1, groups=b).view(b, 6, height, width)
        y = F.leaky_relu(y + self.noise * self.strength, 0.2) * 2**0.5
        z = F.pad(y.view(b * 6, 1, height, 1, width, 1), [0, 1, 0, 0, 0, 1]).view(b * 6, 1, height * 2, width * 2)
        return F.conv2d(F.pad(z, [2, 1, 2, 1]), torch.flip(self.blur, [0, 1])[None, None] * 4).view(b, 6, height * 2, width * 2)


class Fourier(nn.Module):
    """A layer of a Fourier neural operator: the low modes of a picture times complex weights."""

    def __init__(self) -> None:
        super().__init__()
        self.low, self.high = nn.Parameter(torch.randn(4, 4, 3, 3, 2)), nn.Parameter(torch.randn(4, 4, 3, 3, 2))
        self.skip = nn.Conv2d(4, 4, 1)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        b, c, h, w = x.shape
        f = torch.fft.rfft2(x)
        out = torch.zeros(b, 4, h, w // 2 + 1, dtype=torch.cfloat, device=x.device)
        out[:, :, :3, :3] = torch.einsum("bixy,ioxy->boxy", f[:, :, :3, :3], torch.view_as_complex(self.low))
        out[:, :, -3:, :3] = torch.einsum("bixy,ioxy->boxy", f[:, :, -3:, :3], torch.view_as_complex(self.high))
        return F.gelu(torch.fft.irfft2(out, s=(h, w)) + self.skip(x))


class Rays(nn.Module):
    """NeRF: sines of places, densities composed along rays, finer samples drawn from the weights by inversion."""

    def __init__(self) -> None:
        super().__init__()
        self.net = nn.Sequential(nn.Linear(3 + 3 * 2 * 2, 8), nn.ReLU(), nn.Linear(8, 4))

    def forward(self, origin: torch.Tensor, direction: torch.Tensor) -> tuple[torch.Tensor, ...]:
        z = torch.linspace(2.0, 6.0, 7).expand(origin.shape[0], 7)
        points = origin[..., None, :] + direction[..., None, :] * z[..., :, None]
        scaled = points[..., None, :] * 2.0 ** torch.arange(2)[:, None]
        encoded = torch.cat([points, torch.cat((scaled.sin(), scaled.cos()), -1).flatten(-2)], -1)
        raw = self.net(encoded)
        far = torch.cat([z[..., 1:] - z[..., :-1], torch.full_like(z[..., :1], 1e10)], -1) * torch.norm(direction[..., None, :], dim=-1)
        alpha = 1.0 - torch.exp(-F.relu(raw[..., 3]) * far)
        weights = alpha * torch.cumprod(torch.cat([torch.ones_like(alpha[..., :1]), 1.0 - alpha + 1e-10], -1), -1)[..., :-1]
        rgb = torch.sum(weights[..., None] * torch.sigmoid(raw[..., :3]), -2)
        inner = weights[..., 1:-1] + 1e-5
        cdf = torch.cumsum(inner / torch.sum(inner, -1, keepdim=True), -1)
        cdf = torch.cat([torch.zeros_like(cdf[..., :1]), cdf], -1)
        u = torch.linspace(0.05, 0.95, 5).expand(*cdf.shape[:-1], 5).contiguous()
        index = torch.searchsorted(cdf.detach(), u, right=True)
        below, above = torch.max(torch.zeros_like(index), index - 1), torch.min((cdf.shape[-1] - 1) * torch.ones_like(index), index)
        ends = torch.stack([below, above], -1)
        whole = (ends.shape[0], ends.shape[1], cdf.shape[-1])
        middle = 0.5 * (z[..., 1:] + z[..., :-1])
        cdf_ends = torch.gather(cdf.unsqueeze(1).expand(whole), 2, ends)
        middle_ends = torch.gather(middle.unsqueeze(1).expand(whole), 2, ends)
        span = cdf_ends[..., 1] - cdf_ends[..., 0]
        span = torch.where(span < 1e-5, torch.ones_like(span), span)
        finer = middle_ends[..., 0] + (u - cdf_ends[..., 0]) / span * (middle_ends[..., 1] - middle_ends[..., 0])
        return rgb, torch.sort(torch.cat([z, finer], -1), -1)[0], weights.sum(-1)


class Points(nn.Module):
    """PointNet++: farthest points one by one, balls of neighbours around them, the largest feature of each."""

    def __init__(self) -> None:
        super().__init__()
        self.net = nn.Sequential(nn.Conv2d(5, 6, 1), nn.BatchNorm2d(6), nn.ReLU())

    def forward(self, places: torch.Tensor, features: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        b, n, _ = places.shape
        chosen = torch.zeros(b, 4, dtype=torch.long)
        distance = torch.ones(b, n) * 1e10
        farthest = torch.zeros(b, dtype=torch.long)
        rows = torch.arange(b, dtype=torch.long)
        for step in range(4):
            chosen[:, step] = farthest
            centre = places[rows, farthest, :].view(b, 1, 3)
            away = torch.sum((places - centre) ** 2, -1)
            distance = torch.where(away < distance, away, distance)
            farthest = torch.max(distance, -1)[1]
        centres = places[rows[:, None], chosen]
        square = -2 * torch.matmul(centres, places.permute(0, 2, 1))
        square += torch.sum(centres**2, -1).view(b, 4, 1)
        square += torch.sum(places**2, -1).view(b, 1, n)
        group = torch.arange(n, dtype=torch.long).view(1, 1, n).repeat([b, 4, 1])
        group[square > 1.5] = n
        group = group.sort(dim=-1)[0][:, :, :3]
        first = group[:, :, 0].view(b, 4, 1).repeat([1, 1, 3])
        mask = group == n
        group[mask] = first[mask]
        near = places[rows[:, None, None], group] - centres[:, :, None]
        y = torch.cat([near, features[rows[:, None, None], group]], -1).permute(0, 3, 2, 1)
        return centres, torch.max(self.net(y), 2)[0]


class Refined(nn.Module):
    """RAFT: products of all pairs looked up around moving places, a convolutional GRU, convex upsampling."""

    def __init__(self) -> None:
        super().__init__()
        self.encode, self.z, self.r, self.q = nn.Conv2d(3, 4, 3, 2, 1), nn.Conv2d(15, 4, 3, 1, 1), nn.Conv2d(15, 4, 3, 1, 1), nn.Conv2d(15, 4, 3, 1, 1)
        self.flow, self.mask = nn.Conv2d(4, 2, 3, 1, 1), nn.Conv2d(4, 36, 1)

    def forward(self, one: torch.Tensor, two: torch.Tensor) -> torch.Tensor:
        a, c = self.encode(one), self.encode(two)
        b, d, h, w = a.shape
        volume = torch.matmul(a.view(b, d, h * w).transpose(1, 2), c.view(b, d, h * w)).view(b * h * w, 1, h, w) / math.sqrt(d)
        ys, xs = torch.meshgrid(torch.arange(h), torch.arange(w), indexing="ij")
        start = torch.stack([xs, ys], 0).float()[None].repeat(b, 1, 1, 1)
        places, hidden = start.clone(), torch.tanh(a)
        steps = torch.linspace(-1, 1, 3)
        delta = torch.stack(torch.meshgrid(steps, steps, indexing="ij"), -1)
        for _ in range(2):
            look = places.permute(0, 2, 3, 1).reshape(b * h * w, 1, 1, 2) + delta.view(1, 3, 3, 2)
            xg, yg = look.split([1, 1], dim=-1)
            grid = torch.cat([2 * xg / (w - 1) - 1, 2 * yg / (h - 1) - 1], -1)
            near = F.grid_sample(volume, grid, align_corners=True).view(b, h, w, -1).permute(0, 3, 1, 2)
            x = torch.cat([near, places - start], 1)
            both = torch.cat([hidden, x], 1)
            z, r = torch.sigmoid(self.z(both)), torch.sigmoid(self.r(both))
            hidden = (1 - z) * hidden + z * torch.tanh(self.q(torch.cat([r * hidden, x], 1)))
            places = places + self.flow(hidden)
        flow = places - start
        mask = torch.softmax(self.mask(hidden).view(b, 1, 9, 2, 2, h, w), dim=2)
        up = F.unfold(2 * flow, [3, 3], padding=1).view(b, 2, 9, 1, 1, h, w)
        return torch.sum(mask * up, dim=2).permute(0, 1, 4, 2, 5, 3).reshape(b, 2, 2 * h, 2 * w)


class Peaks(nn.Module):
    """CenterNet over a weighted pyramid: peaks of a heat map by pooling, the best, and what lies at their places."""

    def __init__(self) -> None:
        super().__init__()
        self.weights = nn.Parameter(torch.tensor([0.7, -0.1, 0.4]))
        self.down, self.heat, self.size = nn.Conv2d(4, 4, 3, 2, 1), nn.Conv2d(4, 3, 1), nn.Conv2d(4, 2, 1)

    def forward(self, x: torch.Tensor) -> tuple[torch.Tensor, ...]:
        small = self.down(x)
        up = F.interpolate(small, size=x.shape[-2:], mode="nearest")
        weights = F.relu(self.weights)
        weights = weights / (weights.sum() + 1e-4)
        x = F.silu(weights[0] * x + weights[1] * up + weights[2] * F.max_pool2d(x, 3, 1, 1))
        heat = self.heat(x).sigmoid()
        heat = heat * (F.max_pool2d(heat, 3, stride=1, padding=1) == heat).float()
        b, c, h, w = heat.shape
        score, place = torch.topk(heat.view(b, c, -1), 4)
        place = place % (h * w)
        score, best = torch.topk(score.view(b, -1), 4)
        kind = torch.div(best, 4, rounding_mode="floor").int()
        place = place.view(b, -1, 1).gather(1, best.unsqueeze(-1)).view(b, 4)
        size = self.size(x).permute(0, 2, 3, 1).contiguous().view(b, -1, 2).gather(1, place.unsqueeze(2).expand(b, 4, 2))
        ys, xs = (place / w).int().float(), (place % w).int().float()
        return torch.stack([xs, ys], -1), score, kind, size


class Codes(nn.Module):
    """VQ-VAE: the nearest code of each vector, straight through, with what share of the codes is used."""

    def __init__(self) -> None:
        super().__init__()
        self.codes = nn.Embedding(7, 4)

    def forward(self, x: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
        z = x.permute(0, 2, 3, 1).contiguous()
        flat = z.view(-1, 4)
        distance = torch.sum(flat**2, dim=1, keepdim=True) + torch.sum(self.codes.weight**2, dim=1) - 2 * torch.matmul(flat, self.codes.weight.t())
        index = torch.argmin(distance, dim=1).unsqueeze(1)
        one_hot = torch.zeros(index.shape[0], 7)
        one_hot.scatter_(1, index, 1)
        q = torch.matmul(one_hot, self.codes.weight).view(z.shape)
        loss = F.mse_loss(q.detach(), z) + 0.25 * F.mse_loss(q, z.detach())
        q = z + (q - z).detach()
        share = one_hot.mean(0)
        return q.permute(0, 3, 1, 2), loss + torch.exp(-torch.sum(share * torch.log(share + 1e-10))), index.view(z.shape[:-1])


class Patches(nn.Module):
    """DiT: time and class by sines and a table, norms that they shift and scale, patches put together by einsum."""

    def __init__(self) -> None:
        super().__init__()
        self.patch, self.time, self.kind = nn.Conv2d(4, 8, 2, 2), nn.Sequential(nn.Linear(8, 8), nn.SiLU(), nn.Linear(8, 8)), nn.Embedding(5, 8)
        self.norm, self.adapt = nn.LayerNorm(8, elementwise_affine=False, eps=1e-6), nn.Linear(8, 48)
        self.attention, self.net = nn.MultiheadAttention(8, 2, batch_first=True), nn.Sequential(nn.Linear(8, 16), nn.GELU("tanh"), nn.Linear(16, 8))
        self.last = nn.Linear(8, 16)

    def forward(self, x: torch.Tensor, step: torch.Tensor, kind: torch.Tensor) -> torch.Tensor:
        y = self.patch(x).flatten(2).transpose(1, 2)
        frequencies = torch.exp(-math.log(10000) * torch.arange(0, 4, dtype=torch.float32) / 4)
        angles = step[:, None].float() * frequencies[None]
        c = self.time(torch.cat([torch.cos(angles), torch.sin(angles)], dim=-1)) + self.kind(kind)
        shift, scale, gate, shift2, scale2, gate2 = self.adapt(F.silu(c)).chunk(6, dim=1)
        z = self.norm(y) * (1 + scale.unsqueeze(1)) + shift.unsqueeze(1)
        y = y + gate.unsqueeze(1) * self.attention(z, z, z, need_weights=False)[0]
        y = y + gate2.unsqueeze(1) * self.net(self.norm(y) * (1 + scale2.unsqueeze(1)) + shift2.unsqueeze(1))
        side = int(y.shape[1] ** 0.5)
        y = self.last(y).reshape(y.shape[0], side, side, 2, 2, 4)
        return torch.einsum("nhwpqc->nchpwq", y).reshape(y.shape[0], 4, side * 2, side * 2)


class Capsules(nn.Module):
    """Routing by agreement."""

    def __init__(self) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.randn(1, 6, 3, 4, 5) * 0.3)

    @staticmethod
    def squash(x: torch.Tensor) -> torch.Tensor:
        square = (x**2).sum(-1, keepdim=True)
        return square * x / ((1.0 + square) * torch.sqrt(square + 1e-8))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        u = torch.matmul(self.squash(x)[:, :, None, None, :], self.weight).squeeze(3)
        b = torch.zeros(*u.shape[:3], 1)
        for step in range(3):
            c = F.softmax(b, dim=2)
            v = self.squash((c * u).sum(dim=1, keepdim=True))
            if step < 2:
                b = b + (u * v).sum(-1, keepdim=True)
        return torch.linalg.vector_norm(v.squeeze(1), dim=-1)


class Masked(nn.Module):
    """PixelCNN: a kernel whose hidden part is written to 0 in place before it is used."""

    def __init__(self) -> None:
        super().__init__()
        self.conv = nn.Conv2d(2, 4, 3, padding=1)
        mask = torch.ones(4, 2, 3, 3)
        mask[:, :, 1, 1:] = 0
        mask[:, :, 2:] = 0
        self.register_buffer("mask", mask)
        self.out = nn.Conv2d(2, 4, 1)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        y = F.conv2d(x, self.conv.weight * self.mask, self.conv.bias, padding=1)
        a, b = y.split(2, dim=1)
        return F.log_softmax(self.out(torch.tanh(a) * torch.sigmoid(b)), 1)


case("interpolated", "f32:B,3,H,W", Interpolated())
case("reduced", "f32:B,3,H,W", Reduced())
case("deformable", "f32:B,T,8 f32:B,8,H,W f32:B,8,4,3", Deformable())
case("modulated", "f32:2,4,8,7 f32:2,5", Modulated())
case("modulated.open", "f32:B,4,8,7 f32:B,5", Modulated())
case("fourier", "f32:B,4,8,8", Fourier())
case("fourier.open", "f32:2,4,H,W", Fourier())
case("rays", "f32:B,3 f32:B,3", Rays())
case("points", "f32:B,9,3 f32:B,9,2", Points())
case("points.open", "f32:2,T,3 f32:2,T,2", Points())
case("refined", "f32:B,3,16,18 f32:B,3,16,18", Refined())
case("refined.open", "f32:2,3,H,W f32:2,3,H,W", Refined())
case("peaks", "f32:B,4,H,W", Peaks())
case("codes", "f32:B,4,H,W", Codes())
case("patches", "f32:B,4,8,8 i64:B~0,1000 i64:B~0,5", Patches())
case("capsules", "f32:B,6,4", Capsules())
case("masked", "f32:B,2,H,W", Masked())
