"""Convolutions, pooling, normalisation, attention, recurrence, resampling, losses."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from case import case, named
from torch import nn

SIZES = {1: "9", 2: "8,9", 3: "5,6,7"}
OPEN = {1: "T", 2: "H,W", 3: "T,H,W"}
for _n in (1, 2, 3):
    _conv, _weight = named(f"conv{_n}d"), ",".join(["3"] * _n)
    for _key, _arguments in {
        "plain": {}, "stride": {"stride": 2}, "padding": {"padding": 1}, "dilation": {"dilation": 2, "padding": 2}, "valid": {"padding": "valid"}, "same": {"padding": "same"},
        "same.dilated": {"padding": "same", "dilation": 2},
    }.items():  # fmt: skip
        case(f"conv{_n}d.{_key}", f"f32:B,4,{SIZES[_n]} f32:6,4,{_weight} f32:6", lambda x, w, b, f=_conv, a=_arguments: f(x, w, b, **a))
    case(f"conv{_n}d.groups", f"f32:B,4,{SIZES[_n]} f32:6,2,{_weight}", lambda x, w, f=_conv: f(x, w, groups=2))
    case(f"conv{_n}d.single", f"f32:4,{SIZES[_n]} f32:6,4,{_weight} f32:6", lambda x, w, b, f=_conv: f(x, w, b))
    case(f"conv{_n}d.open", f"f32:B,4,{OPEN[_n]} f32:6,4,{_weight} f32:6", lambda x, w, b, f=_conv: f(x, w, b, padding=1))
    case(f"conv{_n}d.even", f"f32:B,4,{SIZES[_n]} f32:6,4,{','.join(['2'] * _n)}", lambda x, w, f=_conv: f(x, w, padding="same"))
    case(f"conv{_n}d.f16", f"f16:B,4,{SIZES[_n]} f16:6,4,{_weight} f16:6", lambda x, w, b, f=_conv: f(x, w, b), 3e-2)
    _transposed = named(f"conv_transpose{_n}d")
    for _key, _arguments in {
        "plain": {}, "stride": {"stride": 2}, "padding": {"padding": 1}, "output_padding": {"stride": 2, "output_padding": 1, "padding": 1}, "dilation": {"dilation": 2},
    }.items():  # fmt: skip
        case(f"conv_transpose{_n}d.{_key}", f"f32:B,4,{SIZES[_n]} f32:4,6,{_weight} f32:6", lambda x, w, b, f=_transposed, a=_arguments: f(x, w, b, **a))
    case(f"conv_transpose{_n}d.groups", f"f32:B,4,{SIZES[_n]} f32:4,3,{_weight}", lambda x, w, f=_transposed: f(x, w, groups=2))
    case(f"conv_transpose{_n}d.single", f"f32:4,{SIZES[_n]} f32:4,6,{_weight}", lambda x, w, f=_transposed: f(x, w))
    for _kind in ("max", "avg"):
        _pool = named(f"{_kind}_pool{_n}d")
        for _key, _arguments in {
            "plain": {}, "stride": {"stride": 1}, "padding": {"padding": 1}, "ceil": {"stride": 2, "ceil_mode": True}, "ceil.padding": {"stride": 3, "padding": 1, "ceil_mode": True},
        }.items():  # fmt: skip
            case(f"{_kind}_pool{_n}d.{_key}", f"f32:B,4,{SIZES[_n]}", lambda x, f=_pool, a=_arguments: f(x, 3, **a))
        case(f"{_kind}_pool{_n}d.single", f"f32:4,{SIZES[_n]}", lambda x, f=_pool: f(x, 2))
        case(f"{_kind}_pool{_n}d.open", f"f32:B,4,{OPEN[_n]}", lambda x, f=_pool: f(x, 2, stride=1))
        case(f"{_kind}_pool{_n}d.f16", f"f16:B,4,{SIZES[_n]}", lambda x, f=_pool: f(x, 2))
        case(f"{_kind}_pool{_n}d.f64", f"f64:B,4,{SIZES[_n]}", lambda x, f=_pool: f(x, 2))
        for _target in (1, 2, 3):
            case(f"adaptive_{_kind}_pool{_n}d.{_target}", f"f32:B,4,{SIZES[_n]}", lambda x, f=named(f"adaptive_{_kind}_pool{_n}d"), t=_target: f(x, t))
        case(f"adaptive_{_kind}_pool{_n}d.open", f"f32:B,4,{OPEN[_n]}", lambda x, f=named(f"adaptive_{_kind}_pool{_n}d"): f(x, 1))
        case(f"adaptive_{_kind}_pool{_n}d.more", f"f32:2,4,{SIZES[_n]}", lambda x, f=named(f"adaptive_{_kind}_pool{_n}d"): f(x, 11))
        case(f"adaptive_{_kind}_pool{_n}d.single", f"f32:4,{SIZES[_n]}", lambda x, f=named(f"adaptive_{_kind}_pool{_n}d"): f(x, 2))
    case(f"max_pool{_n}d.dilation", f"f32:B,4,{SIZES[_n]}", lambda x, f=named(f"max_pool{_n}d"): f(x, 2, dilation=2))
    case(f"max_pool{_n}d.indices", f"f32:B,4,{SIZES[_n]}", lambda x, f=named(f"max_pool{_n}d"): f(x, 2, stride=1, padding=1, return_indices=True))
    if _n < 3:
        case(f"adaptive_max_pool{_n}d.indices", f"f32:2,4,{SIZES[_n]}", lambda x, f=named(f"adaptive_max_pool{_n}d"): f(x, 3, return_indices=True))
    case(f"avg_pool{_n}d.exclude", f"f32:B,4,{SIZES[_n]}", lambda x, f=named(f"avg_pool{_n}d"): f(x, 3, padding=1, count_include_pad=False))
    case(f"avg_pool{_n}d.exclude.ceil", f"f32:B,4,{SIZES[_n]}", lambda x, f=named(f"avg_pool{_n}d"): f(x, 3, stride=2, padding=1, ceil_mode=True, count_include_pad=False))
    if _n > 1:
        case(f"avg_pool{_n}d.divisor", f"f32:B,4,{SIZES[_n]}", lambda x, f=named(f"avg_pool{_n}d"): f(x, 3, padding=1, divisor_override=5))
        case(f"avg_pool{_n}d.divisor.ceil", f"f32:B,4,{SIZES[_n]}", lambda x, f=named(f"avg_pool{_n}d"): f(x, 2, stride=2, ceil_mode=True, divisor_override=3))
    case(f"lp_pool{_n}d", f"f32:B,4,{SIZES[_n]}~0.1,2", lambda x, f=named(f"lp_pool{_n}d"): f(x, 2, 2))
case("max_pool2d.rect", "f32:B,4,8,9", lambda x: F.max_pool2d(x, (2, 3), (1, 2), (1, 1)))
case("conv2d.rect", "f32:B,4,8,9 f32:6,4,2,3", lambda x, w: F.conv2d(x, w, None, (1, 2), (1, 0), (2, 1)))
case("conv2d.depthwise", "f32:B,4,H,W f32:8,1,3,3 f32:8", lambda x, w, b: F.conv2d(x, w, b, padding=1, groups=4))
case("adaptive_avg_pool2d.none", "f32:B,4,8,9", lambda x: F.adaptive_avg_pool2d(x, (None, 3)))
case("adaptive_avg_pool2d.rect", "f32:B,4,8,9", lambda x: F.adaptive_avg_pool2d(x, (2, 5)))
for _n in (1, 2, 3):
    _pool, _unpool = getattr(F, f"max_pool{_n}d"), getattr(F, f"max_unpool{_n}d")
    case(f"max_unpool{_n}d", f"f32:2,3,{','.join(['6'] * _n)}", lambda x, p=_pool, u=_unpool: u(*p(x, 2, return_indices=True), 2))
for _n, _shape in {"unfold": "f32:B,3,7,8", "unfold.single": "f32:3,7,8"}.items():
    for _arguments in ({}, {"padding": 1, "stride": 2}, {"dilation": 2}):
        case(f"{_n}.{_arguments}", _shape, lambda x, a=_arguments: F.unfold(x, 3, **a))
for _arguments in ({}, {"padding": 1, "stride": 2}):
    case(f"fold.{_arguments}", "f32:B,27,{}".format(30 if not _arguments else 12), lambda x, a=_arguments: F.fold(x, (7, 8) if not a else (5, 8), 3, **a))
case("fold.open", "f32:B,3,H,W", lambda x: F.fold(F.unfold(x, 3, padding=1) * 2, x.shape[-2:], 3, padding=1))
case("fold.open.single", "f32:3,H,W", lambda x: F.fold(F.unfold(x, 2, dilation=2), x.shape[-2:], 2, dilation=2))

# ------------------------------------------------------------------------------------------------------------ normalisation

for _type in ("f32", "f64", "f16", "bf16"):
    case(f"layer_norm.{_type}", f"{_type}:B,3,8 {_type}:8 {_type}:8", lambda x, w, b: F.layer_norm(x, (8,), w, b))
    case(f"softmax.{_type}", f"{_type}:B,8", lambda x: F.softmax(x, -1))
    case(f"log_softmax.{_type}", f"{_type}:B,8", lambda x: F.log_softmax(x, 0))
    case(f"rms_norm.{_type}", f"{_type}:B,8 {_type}:8", lambda x, w: F.rms_norm(x, (8,), w))
    case(f"group_norm.{_type}", f"{_type}:B,6,5 {_type}:6 {_type}:6", lambda x, w, b: F.group_norm(x, 3, w, b))
    case(f"batch_norm.{_type}", f"{_type}:B,3,5 {_type}:3 {_type}:3~0.5,2 {_type}:3 {_type}:3", lambda x, m, v, w, b: F.batch_norm(x, m, v, w, b))
case("layer_norm.plain", "f32:B,3,8", lambda x: F.layer_norm(x, (3, 8), eps=1e-3))
case("layer_norm.no-bias", "f32:B,3,8 f32:8", lambda x, w: F.layer_norm(x, (8,), w))
case("rms_norm.plain", "f32:B,3,8", lambda x: F.rms_norm(x, (3, 8), eps=1e-3))
case("group_norm.plain", "f32:B,6,H,W", lambda x: F.group_norm(x, 2))
case("instance_norm", "f32:B,3,H,W", lambda x: F.instance_norm(x))
case("instance_norm.affine", "f32:B,3,T f32:3 f32:3", lambda x, w, b: F.instance_norm(x, weight=w, bias=b))
case("instance_norm.running", "f32:B,3,5 f32:3 f32:3~0.5,2", lambda x, m, v: F.instance_norm(x, m, v, use_input_stats=False))
case("batch_norm.plain", "f32:B,3,H,W f32:3 f32:3~0.5,2", lambda x, m, v: F.batch_norm(x, m, v))
case("batch_norm.matrix", "f32:B,3 f32:3 f32:3~0.5,2", lambda x, m, v: F.batch_norm(x, m, v, eps=1e-2))
case("batch_norm.statistics", "f32:2,3,5", lambda x: F.batch_norm(x, None, None, training=True))
case("batch_norm.mixed", "f16:B,3,5 f32:3 f32:3~0.5,2 f32:3 f32:3", lambda x, m, v, w, b: F.batch_norm(x, m, v, w, b))
case("local_response_norm", "f32:B,6,4,4", lambda x: F.local_response_norm(x, 3))
case("softmax.dtype", "f16:B,8", lambda x: F.softmax(x, -1, dtype=torch.float32))
case("softmax.int.dtype", "i64:B,8", lambda x: F.softmax(x, -1, dtype=torch.float32))
case("softmax.middle", "f32:B,3,8", lambda x: F.softmax(x, 1))
case("softmin", "f32:B,8", lambda x: F.softmin(x, -1))
case("softmax.scalar", "f32:", lambda x: F.softmax(x, 0))
case("gumbel-like", "f32:B,8", lambda x: F.one_hot(F.softmax(x, -1).argmax(-1), 8))
case("weight_norm", "f32:B,4 f32:5,1 f32:5,4", lambda x, g, v: F.linear(x, torch._weight_norm(v, g, 0)))

# ---------------------------------------------------------------------------------------------------------------- attention

_QKV = "f32:B,2,T,4 f32:B,2,T,4 f32:B,2,T,4"
for _type in ("f32", "f64", "f16", "bf16"):
    case(f"attention.{_type}", _QKV.replace("f32", _type), F.scaled_dot_product_attention)
case("attention.causal", _QKV, lambda q, k, v: F.scaled_dot_product_attention(q, k, v, is_causal=True))
case("attention.scale", _QKV, lambda q, k, v: F.scaled_dot_product_attention(q, k, v, scale=0.3))
case("attention.mask", _QKV + " bool:B,1,T,T", lambda q, k, v, m: F.scaled_dot_product_attention(q, k, v, m))
case("attention.bias", _QKV + " f32:T,T", lambda q, k, v, m: F.scaled_dot_product_attention(q, k, v, m))
case("attention.three", "f32:B,T,4 f32:B,T,4 f32:B,T,4", F.scaled_dot_product_attention)
case("attention.two", "f32:3,4 f32:5,4 f32:5,6", F.scaled_dot_product_attention)
case("attention.longer-keys", "f32:B,2,3,4 f32:B,2,7,4 f32:B,2,7,4", lambda q, k, v: F.scaled_dot_product_attention(q, k, v, is_causal=True))
case("attention.groups", "f32:B,4,T,8 f32:B,2,T,8 f32:B,2,T,8", lambda q, k, v: F.scaled_dot_product_attention(q, k, v, enable_gqa=True))
case("attention.other-values", "f32:B,2,3,4 f32:B,2,5,4 f32:B,2,5,6", F.scaled_dot_product_attention)
case("attention.all-masked", "f32:2,2,3,4 f32:2,2,3,4 f32:2,2,3,4", lambda q, k, v: F.scaled_dot_product_attention(q, k, v, torch.tensor([[True, False, True], [False, False, False], [True, True, True]])))
for _bias in (True, False):
    case(f"multihead.{_bias}", "f32:B,T,8", nn.MultiheadAttention(8, 2, bias=_bias, batch_first=True).forward if False else lambda x, m=nn.MultiheadAttention(8, 2, bias=_bias, batch_first=True).eval(): m(x, x, x))
case("encoder", "f32:B,T,8", nn.TransformerEncoderLayer(8, 2, 16, batch_first=True))
case("encoder.first-norm", "f32:B,T,8", nn.TransformerEncoderLayer(8, 2, 16, batch_first=True, norm_first=True, activation="gelu"))
case("decoder", "f32:B,T,8 f32:B,5,8", nn.TransformerDecoderLayer(8, 2, 16, batch_first=True))

# --------------------------------------------------------------------------------------------------------------- recurrence

for _kind, _layer in {"lstm": nn.LSTM, "gru": nn.GRU, "rnn": nn.RNN}.items():
    for _key, _arguments in {
        "plain": {}, "layers": {"num_layers": 2}, "both": {"bidirectional": True}, "batch-first": {"batch_first": True}, "no-bias": {"bias": False},
        "all": {"num_layers": 2, "bidirectional": True, "batch_first": True},
    }.items():  # fmt: skip
        case(f"{_kind}.{_key}", "f32:5,3,4", _layer(4, 6, **_arguments))
    case(f"{_kind}.single", "f32:5,4", _layer(4, 6))
    case(f"{_kind}.open", "f32:T,B,4", _layer(4, 6))
    case(f"{_kind}.f64", "f64:5,3,4", _layer(4, 6).double())
    case(f"{_kind}.f16", "f16:5,3,4", _layer(4, 6).half(), 3e-2)
case("rnn.relu", "f32:5,3,4", nn.RNN(4, 6, nonlinearity="relu"))
case("lstm.states", "f32:5,3,4 f32:1,3,6 f32:1,3,6", lambda x, h, c, m=nn.LSTM(4, 6): m(x, (h, c)))
case("gru.states", "f32:5,3,4 f32:1,3,6", nn.GRU(4, 6))
case("lstm.projection", "f32:5,3,4", nn.LSTM(4, 6, proj_size=3))
case("lstm_cell", "f32:B,4", nn.LSTMCell(4, 6))
case("gru_cell", "f32:B,4", nn.GRUCell(4, 6))
case("rnn_cell", "f32:B,4", nn.RNNCell(4, 6))
case("rnn_cell.relu", "f32:B,4", nn.RNNCell(4, 6, nonlinearity="relu", bias=False))
case("gru_cell.no-bias", "f32:B,4", nn.GRUCell(4, 6, bias=False))

# --------------------------------------------------------------------------------------------------------------- resampling

for _mode, _shape in {"nearest": "f32:B,3,7", "linear": "f32:B,3,7", "nearest-exact": "f32:B,3,7"}.items():
    case(f"interpolate.{_mode}.1", _shape, lambda x, m=_mode: F.interpolate(x, scale_factor=2.0, mode=m))
    case(f"interpolate.{_mode}.1.size", _shape, lambda x, m=_mode: F.interpolate(x, size=10, mode=m))
for _mode in ("nearest", "bilinear", "bicubic", "nearest-exact", "area"):
    for _key, _arguments in {
        "up": {"scale_factor": 2}, "down": {"scale_factor": 0.5}, "odd": {"scale_factor": 1.7}, "size": {"size": (5, 11)}, "pair": {"scale_factor": (2.0, 1.5)},
        "recompute": {"scale_factor": 1.3, "recompute_scale_factor": True},
    }.items():  # fmt: skip
        case(f"interpolate.{_mode}.{_key}", "f32:B,3,6,7", lambda x, m=_mode, a=_arguments: F.interpolate(x, mode=m, **a), is_open=False)
        if _mode in ("bilinear", "bicubic"):
            case(f"interpolate.{_mode}.corners.{_key}", "f32:B,3,6,7", lambda x, m=_mode, a=_arguments: F.interpolate(x, mode=m, align_corners=True, **a), is_open=False)
            case(f"interpolate.{_mode}.antialias.{_key}", "f32:B,3,6,7", lambda x, m=_mode, a=_arguments: F.interpolate(x, mode=m, antialias=True, **a), is_open=False)
    case(f"interpolate.{_mode}.open", "f32:B,3,H,W", lambda x, m=_mode: F.interpolate(x, scale_factor=2, mode=m))
    case(f"interpolate.{_mode}.open-size", "f32:B,3,4,5 f32:B,3,H,W", lambda x, y, m=_mode: F.interpolate(x, size=y.shape[2:], mode=m))
for _mode in ("nearest", "trilinear", "nearest-exact"):
    case(f"interpolate.{_mode}.3", "f32:B,2,4,5,6", lambda x, m=_mode: F.interpolate(x, scale_factor=2, mode=m))
    case(f"interpolate.{_mode}.3.size", "f32:B,2,4,5,6", lambda x, m=_mode: F.interpolate(x, size=(3, 7, 6), mode=m))
case("interpolate.u8", "u8:B,3,4,5~0,255", lambda x: F.interpolate(x, scale_factor=2, mode="nearest"))
case("interpolate.f16", "f16:B,3,4,5", lambda x: F.interpolate(x, scale_factor=2, mode="bilinear"))
for _mode in ("bilinear", "nearest", "bicubic"):
    for _padding in ("zeros", "border", "reflection"):
        for _corners in (False, True):
            case(f"grid_sample.{_mode}.{_padding}.{_corners}", "f32:B,3,5,6 f32:B,4,4,2~-1.3,1.3", lambda x, g, m=_mode, p=_padding, c=_corners: F.grid_sample(x, g, m, p, c))
for _corners in (False, True):
    case(f"grid_sample.3.{_corners}", "f32:B,2,3,4,5 f32:B,2,3,4,3~-1.3,1.3", lambda x, g, c=_corners: F.grid_sample(x, g, align_corners=c))
    case(f"affine_grid.{_corners}", "f32:2,2,3", lambda x, c=_corners: F.affine_grid(x, [2, 3, 4, 5], c))
    case(f"affine_grid.3.{_corners}", "f32:2,3,4", lambda x, c=_corners: F.affine_grid(x, [2, 1, 3, 4, 5], c))

# ------------------------------------------------------------------------------------------------------------------- losses

for _reduction in ("none", "mean", "sum"):
    for _name in ("mse_loss", "l1_loss", "smooth_l1_loss", "huber_loss"):
        case(f"{_name}.{_reduction}", "f32:B,3 f32:B,3", lambda x, y, f=named(_name), r=_reduction: f(x, y, reduction=r))
    case(f"cross_entropy.{_reduction}", "f32:B,5 i64:B~0,5", lambda x, y, r=_reduction: F.cross_entropy(x, y, reduction=r))
    case(f"cross_entropy.weight.{_reduction}", "f32:B,5 i64:B~0,5 f32:5~0.5,2", lambda x, y, w, r=_reduction: F.cross_entropy(x, y, w, reduction=r))
    case(f"cross_entropy.smooth.{_reduction}", "f32:B,5 i64:B~0,5 f32:5~0.5,2", lambda x, y, w, r=_reduction: F.cross_entropy(x, y, w, reduction=r, label_smoothing=0.1, ignore_index=2))
    case(f"cross_entropy.image.{_reduction}", "f32:B,5,3,4 i64:B,3,4~0,5", lambda x, y, r=_reduction: F.cross_entropy(x, y, reduction=r, ignore_index=1))
    case(f"cross_entropy.shares.{_reduction}", "f32:B,5 f32:B,5~0,1", lambda x, y, r=_reduction: F.cross_entropy(x, y, reduction=r, label_smoothing=0.2))
    case(f"nll_loss.{_reduction}", "f32:B,5 i64:B~0,5 f32:5~0.5,2", lambda x, y, w, r=_reduction: F.nll_loss(F.log_softmax(x, 1), y, w, reduction=r))
    case(f"nll_loss2d.{_reduction}", "f32:B,5,3,4 i64:B,3,4~0,5", lambda x, y, r=_reduction: F.nll_loss(F.log_softmax(x, 1), y, reduction=r))
    case(f"bce.{_reduction}", "f32:B,5~0.1,0.9 f32:B,5~0,1", lambda x, y, r=_reduction: F.binary_cross_entropy(x, y, reduction=r))
    case(f"bce.weight.{_reduction}", "f32:B,5~0.1,0.9 f32:B,5~0,1 f32:5~1,2", lambda x, y, w, r=_reduction: F.binary_cross_entropy(x, y, w, reduction=r))
    case(f"bce.logits.{_reduction}", "f32:B,5 f32:B,5~0,1 f32:5~1,2", lambda x, y, w, r=_reduction: F.binary_cross_entropy_with_logits(x, y, w, reduction=r, pos_weight=w))
    case(f"kl_div.{_reduction}", "f32:B,5 f32:B,5", lambda x, y, r=_reduction: F.kl_div(F.log_softmax(x, 1), F.softmax(y, 1), reduction=r))
    case(f"kl_div.log.{_reduction}", "f32:B,5 f32:B,5", lambda x, y, r=_reduction: F.kl_div(F.log_softmax(x, 1), F.log_softmax(y, 1), reduction=r, log_target=True))
    case(f"margin_ranking.{_reduction}", "f32:B f32:B f32:B", lambda x, y, z, r=_reduction: F.margin_ranking_loss(x, y, z.sign(), 0.1, reduction=r))
    case(f"soft_margin.{_reduction}", "f32:B,3 f32:B,3", lambda x, y, r=_reduction: F.soft_margin_loss(x, y.sign(), reduction=r))
    case(f"hinge_embedding.{_reduction}", "f32:B,3 f32:B,3", lambda x, y, r=_reduction: F.hinge_embedding_loss(x, y.sign(), 0.7, reduction=r))
    case(f"triplet.{_reduction}", "f32:B,3 f32:B,3 f32:B,3", lambda x, y, z, r=_reduction: F.triplet_margin_loss(x, y, z, swap=True, reduction=r))
    case(f"cosine_embedding.{_reduction}", "f32:B,3 f32:B,3 f32:B", lambda x, y, z, r=_reduction: F.cosine_embedding_loss(x, y, z.sign(), 0.1, reduction=r))
    case(f"poisson_nll.{_reduction}", "f32:B,3 f32:B,3~1,5", lambda x, y, r=_reduction: F.poisson_nll_loss(x, y, reduction=r))
    case(f"poisson_nll.full.{_reduction}", "f32:B,3~0.1,2 f32:B,3~2,5", lambda x, y, r=_reduction: F.poisson_nll_loss(x, y, log_input=False, full=True, reduction=r))
    case(f"gaussian_nll.{_reduction}", "f32:B,3 f32:B,3 f32:B,3~0.5,2", lambda x, y, v, r=_reduction: F.gaussian_nll_loss(x, y, v, reduction=r))
    case(f"multilabel_soft_margin.{_reduction}", "f32:B,3 f32:B,3~0,1", lambda x, y, r=_reduction: F.multilabel_soft_margin_loss(x, y, reduction=r))
    case(f"multi_margin.{_reduction}", "f32:B,5 i64:B~0,5", lambda x, y, r=_reduction: F.multi_margin_loss(x, y, reduction=r))
    case(f"multilabel_margin.{_reduction}", "f32:2,4", lambda x, r=_reduction: F.multilabel_margin_loss(x, torch.tensor([[3, 0, -1, 1], [1, -1, 0, 0]]), reduction=r))
case("smooth_l1.beta", "f32:B,3 f32:B,3", lambda x, y: F.smooth_l1_loss(x, y, beta=0.3))
case("huber.delta", "f32:B,3 f32:B,3", lambda x, y: F.huber_loss(x, y, delta=0.3))
case("mse.mixed", "f32:B,3 f64:B,3", lambda x, y: F.mse_loss(x, y))
case("cross_entropy.vector", "f32:5 i64:~0,5", lambda x, y: F.cross_entropy(x, y))
case("ctc_loss", "f32:6,2,5", lambda x: F.ctc_loss(F.log_softmax(x, 2), torch.tensor([[1, 2], [3, 3]]), torch.tensor([6, 6]), torch.tensor([2, 2])))

# ------------------------------------------------------------------------------------------------------------------- others

for _p in (0.0, 0.5):
    case(f"dropout.{_p}", "f32:B,3", lambda x, p=_p: F.dropout(x, p, training=False))
    case(f"dropout_.{_p}", "f32:B,3", lambda x, p=_p: F.dropout(x.clone(), p, training=False, inplace=True))
    case(f"alpha_dropout.{_p}", "f32:B,3", lambda x, p=_p: F.alpha_dropout(x, p))
    case(f"feature_alpha_dropout.{_p}", "f32:B,3,4", lambda x, p=_p: F.feature_alpha_dropout(x, p))
    case(f"dropout2d.{_p}", "f32:B,3,4,4", lambda x, p=_p: F.dropout2d(x, p, training=False))
case("fake_quantize", "f32:B,3,4", lambda x: torch.fake_quantize_per_tensor_affine(x, 0.05, 3, 0, 255))
case("fake_quantize.signed", "f32:B,3,4", lambda x: torch.fake_quantize_per_tensor_affine(x, 0.05, -3, -128, 127))
case("fake_quantize.narrow", "f32:B,3,4", lambda x: torch.fake_quantize_per_tensor_affine(x, 0.3, 0, -8, 7))
case("fake_quantize.channels", "f32:B,3,4", lambda x: torch.fake_quantize_per_channel_affine(x, torch.tensor([0.05, 0.1, 0.2]), torch.tensor([0, 1, 2], dtype=torch.int32), 1, -128, 127))
