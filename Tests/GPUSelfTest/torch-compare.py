#!/usr/bin/env python3
"""Sets the times of gpu-selftest beside those of torch.compile for the same layers: products, attention, norms, convolutions.

Runs where PyTorch is. Without a result only PyTorch is timed; on a processor (--device cpu) shapes are cut by --scale, and nothing is compared.

    torch-compare.py [RESULT.json] [--device cuda] [--mode max-autotune] [--json FILE] [--scale X]
"""

from __future__ import annotations

import argparse
import json
import statistics
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

# What gpu-selftest calls a layer, and what its shape means.
PRODUCTS = {"gemm_f16_wide": "float16", "gemm_f16_aligned": "float16", "gemm_bf16_wide": "bfloat16", "gemm_tf32_wide": "tf32", "gemm_f32": "float32"}
DEFAULT = [
    ("gemm_f16_wide", "4096x4096x4096"),
    ("gemm_f16_aligned", "512x3072x768"),
    ("gemm_f16_aligned", "128x768x3072"),
    ("attention_64_f16", "8x12x512x512x64"),
    ("attention_128_f16", "1x32x2048x2048x128"),
    ("attention_row_f16", "1x32x1x4096x128"),
    ("layer_norm_f16", "8192x1024"),
    ("softmax_1024_f16", "8192x1024"),
    ("conv_f16_aligned", "32x56x64x64x3x1"),
    ("conv_f16_aligned", "32x14x256x256x3x1"),
    ("conv_f16_aligned", "32x56x64x256x1x1"),
    ("conv_f16_aligned", "32x28x512x256x1x1"),
]


def layer(torch: Any, kernel: str, shape: list[int], device: str) -> tuple[Callable[..., Any], list[Any]] | None:
    """A function of PyTorch and its operands; None for kernels that have no counterpart here."""
    functional = torch.nn.functional

    def random(*extents: int, dtype: Any = torch.float16) -> Any:
        return torch.randn(*extents, device=device).to(dtype)

    if kernel in PRODUCTS or kernel == "skinny_1_f16":
        m, n, k = shape
        kind = PRODUCTS.get(kernel, "float16")
        torch.backends.cuda.matmul.allow_tf32 = kind == "tf32"
        dtype = torch.float32 if kind in ("tf32", "float32") else getattr(torch, kind)
        return torch.matmul, [random(m, k, dtype=dtype), random(k, n, dtype=dtype)]
    if kernel.startswith("attention_"):
        batch, heads, queries, keys, size = shape
        operands = [random(batch, heads, rows, size) for rows in (queries, keys, keys)]
        return functional.scaled_dot_product_attention, operands
    if kernel == "layer_norm_f16":
        rows, columns = shape
        return (lambda x, scale, shift: functional.layer_norm(x, (columns,), scale, shift)), [random(rows, columns), random(columns), random(columns)]
    if kernel == "softmax_1024_f16":
        return (lambda x: torch.softmax(x, -1)), [random(*shape)]
    if kernel == "conv_f16_aligned":
        images, side, channels, outputs, size, stride = shape
        x = random(images, channels, side, side).to(memory_format=torch.channels_last)
        w = random(outputs, channels, size, size).to(memory_format=torch.channels_last)
        # relu is part of the kernel's way out as well.
        return (lambda x, w: torch.relu(functional.conv2d(x, w, stride=stride, padding=size // 2))), [x, w]
    return None


def microseconds(torch: Any, call: Callable[[], Any], device: str) -> float:
    for _ in range(5):
        call()
    times = []
    for _ in range(5):
        if device == "cuda":
            start, end = torch.cuda.Event(enable_timing=True), torch.cuda.Event(enable_timing=True)
            start.record()
            for _ in range(20):
                call()
            end.record()
            torch.cuda.synchronize()
            times.append(start.elapsed_time(end) * 1e3 / 20)
        else:
            begin = time.perf_counter()
            call()
            times.append((time.perf_counter() - begin) * 1e6)
    return float(statistics.median(times))


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("result", type=Path, nargs="?", help="what gpu-selftest --json wrote on the same machine")
    parser.add_argument("--device", default="cuda")
    parser.add_argument("--mode", default="max-autotune", help="torch.compile's mode; 'eager' does not compile")
    parser.add_argument("--json", type=Path)
    parser.add_argument("--scale", type=float, default=1.0)
    arguments = parser.parse_args()
    try:
        import torch
    except ImportError:
        print("torch-compare: PyTorch is not installed here", file=sys.stderr)
        return 2
    if arguments.device == "cuda" and not torch.cuda.is_available():
        print("torch-compare: PyTorch sees no GPU; --device cpu times the processor", file=sys.stderr)
        return 2
    ours: list[dict[str, Any]] = json.loads(arguments.result.read_text())["times"] if arguments.result else []
    entries = [(entry["kernel"], entry["shape"], entry["microseconds"]) for entry in ours] or [(*entry, None) for entry in DEFAULT]
    rows = []
    print(f"{'kernel':22} {'shape':24} {'pinion us':>10} {'torch us':>10} {'torch / pinion':>14}")
    for kernel, shape, own in entries:
        extents = [max(1, int(int(part) * arguments.scale)) if int(part) > 3 else int(part) for part in shape.split("x")]
        found = layer(torch, kernel, extents, arguments.device)
        if found is None:
            continue
        function, operands = found
        # Each shape is compiled for itself, as a session of fixed shapes is.
        torch._dynamo.reset()
        compiled = function if arguments.mode == "eager" else torch.compile(function, mode=arguments.mode, dynamic=False)
        with torch.inference_mode():
            theirs = microseconds(torch, lambda: compiled(*operands), arguments.device)
        ratio = theirs / own if own else None
        rows.append({"kernel": kernel, "shape": shape, "pinion_microseconds": own, "torch_microseconds": theirs, "ratio": ratio})
        print(f"{kernel:22} {shape:24} {own if own else '-':>10} {theirs:10.2f} {f'{ratio:.2f}' if ratio else '-':>14}")
    if arguments.json:
        where = torch.cuda.get_device_name() if arguments.device == "cuda" else "cpu"
        arguments.json.write_text(json.dumps({"device": where, "torch": torch.__version__, "mode": arguments.mode, "layers": rows}, indent=1) + "\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
