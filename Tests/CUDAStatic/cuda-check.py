#!/usr/bin/env python3
"""Compiles every kernel text with NVIDIA's compiler for every architecture, without a GPU, and reports what became of each kernel.

Fails where a text does not compile, a kernel uses local memory (spilled registers, most often), a launch would not fit, or a kernel
lacks the instructions it is written for.

    cuda-check.py [--architectures 75,80,90] [--nvdisasm PATH] [--json FILE] [--images FOLDER] [--brief] KERNELS [MORE.cu ...]

With --images a text is not compiled again where the folder has its image, made by the same NVRTC of the same text, headers and options: a run that was
cut off goes on where it was.

KERNELS is the folder with the kernel texts and their headers; further texts are compiled against the same headers. NVRTC is that of
the Python environment that runs the script.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import re
import sys
import tempfile
import time
from pathlib import Path

from cubin import count_instructions, kernels_of
from nvrtc import NVRTC
from occupancy import warps_per_multiprocessor

# Dynamic shared memory that the host asks for, by kernel.
DYNAMIC = [
    (r"gemm_\w+_wide", 3 * 80 * 256),
    (r"gemm_f32|packed_\d_[14]_\w+|conv_f32", 0),
    (r"(gemm|conv|packed)_\w+", 3 * 80 * 128),
    (r"attention_(64|128)_\w+", None),
    (r"top_k_\w+", 1024 * 8),
]
# Instructions that kernels are written for, from which capability on.
COPIED, MATRICES = ("LDGSTS", 80), ("LDSM", 75)
REQUIRED = [
    (r"gemm_f16_(aligned|wide|columns)|conv_f16_aligned|attention_(64|128)_f16", [("HMMA", 75), MATRICES, COPIED]),
    (r"(gemm|conv)_(bf16|tf32)_(aligned|wide|columns)|conv_(bf16|tf32)_aligned|attention_(64|128)_bf16", [("HMMA", 80), COPIED]),
    (r"(gemm|conv)_f16_any|gemm_(normalized|gated)_f16|packed_\d_tiles_f16_\w+", [("HMMA", 75), MATRICES]),
    (r"(gemm|conv)_(bf16|tf32)_any|gemm_(normalized|gated)_bf16|packed_\d_tiles_bf16_\w+", [("HMMA", 80)]),
    (r"gemm_i8_\w+", [("IMMA", 75), MATRICES]),
]
# What is never launched on devices of 7.5.
SINCE_80 = re.compile(
    r"(gemm|conv)_(bf16|tf32)_\w+|gemm_(normalized|gated)_bf16|packed_\d_tiles_bf16_\w+|attention_(64|128)_bf16|primitive_multiply_add_(bfloat|tf32)"
)


def dynamic_of(name: str) -> int:
    for pattern, size in DYNAMIC:
        if re.fullmatch(pattern, name):
            # Three tiles of 64 rows with 8 elements of padding.
            return size if size is not None else 3 * 64 * (int(name.split("_")[1]) + 8) * 2
    return 0


def required_of(name: str) -> list[tuple[str, int]]:
    return next((needed for pattern, needed in REQUIRED if re.fullmatch(pattern, name)), [])


OPTIONS = ["-std=c++17", "-default-device"]


class Images:
    """Compiled texts in a folder, each beside what it was made of."""

    def __init__(self, folder: Path, compiler: NVRTC, headers: dict[str, str]) -> None:
        self.folder = folder
        self.compiler = compiler
        self.headers = headers
        folder.mkdir(parents=True, exist_ok=True)

    def included(self, source: str) -> list[str]:
        """The headers of a text and theirs, in order."""
        names: list[str] = []
        for name in re.findall(r'^#include "(.+)"', source, re.MULTILINE):
            if name in self.headers:
                names += [other for other in [*self.included(self.headers[name]), name] if other not in names]
        return names

    def compile(self, text: Path, options: list[str], architecture: int) -> tuple[bytes | None, str]:
        source = text.read_text()
        included = [part for name in self.included(source) for part in (name, self.headers[name])]
        key = hashlib.sha256("\0".join([self.compiler.version, text.name, source, *included, *options]).encode()).hexdigest()
        image = self.folder / f"{text.name}.sm_{architecture}.cubin"
        made_of = self.folder / f"{text.name}.sm_{architecture}.made-of"
        if image.exists() and made_of.exists() and made_of.read_text() == key:
            return image.read_bytes(), ""
        made_of.unlink(missing_ok=True)
        data, log = self.compiler.compile(text.name, source, self.headers, options)
        if data is not None:
            image.write_bytes(data)
            # A text that the compiler complains of is compiled again, so that it complains again.
            if not log:
                made_of.write_text(key)
        return data, log


def find(name: str) -> Path | None:
    for site in map(Path, sys.path):
        for folder in ("nvidia/cu13", "nvidia/cuda_nvrtc", "nvidia/cuda_nvdisasm"):
            for path in sorted((site / folder).glob(name)):
                return path
    return None


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--architectures", default="75,80,86,89,90,100,120")
    parser.add_argument("--nvrtc", type=Path)
    parser.add_argument("--nvdisasm", type=Path)
    parser.add_argument("--json", type=Path)
    parser.add_argument("--images", type=Path, help="keep the images there, as TEXT.cu.sm_NN.cubin")
    parser.add_argument("--brief", action="store_true", help="print one line an architecture")
    parser.add_argument("kernels", type=Path)
    parser.add_argument("more", type=Path, nargs="*")
    arguments = parser.parse_args()

    path = arguments.nvrtc or find("lib/libnvrtc.so.1?")
    if path is None:
        print("cuda-check: NVRTC was not found; pip install nvidia-cuda-nvrtc", file=sys.stderr)
        return 2
    compiler = NVRTC(path)
    disassembler = arguments.nvdisasm or find("bin/nvdisasm")
    if disassembler:
        disassembler.chmod(0o755)
    headers = {header.name: header.read_text() for header in sorted(arguments.kernels.glob("*.cuh"))}
    headers["emulator_prims.h"] = ""
    images = Images(arguments.images, compiler, headers) if arguments.images else None
    texts = sorted(arguments.kernels.glob("*.cu")) + arguments.more
    print(f"NVRTC {compiler.version}, {'nvdisasm' if disassembler else 'no nvdisasm: instructions are not counted'}")

    problems: list[str] = []
    report: list[dict] = []
    columns = f"{'arch':>5} {'kernel':34} {'regs':>4} {'frame':>5} {'shared':>6} {'dynamic':>7} {'threads':>7} {'warps':>7}  instructions"
    if not arguments.brief:
        print(columns)
    for architecture in map(int, arguments.architectures.split(",")):
        start = time.monotonic()
        count = 0
        for text in texts:
            options = [f"--gpu-architecture=sm_{architecture}", *OPTIONS]
            if images:
                image, log = images.compile(text, options, architecture)
            else:
                image, log = compiler.compile(text.name, text.read_text(), headers, options)
            if image is None or re.search(r"\b(warning|error)\b", log):
                problems.append(f"sm_{architecture} {text.name}: {log or 'no image'}")
            if image is None:
                continue
            kernels = kernels_of(image, architecture)
            if disassembler:
                with tempfile.NamedTemporaryFile(suffix=".cubin") as file:
                    file.write(image)
                    file.flush()
                    count_instructions(disassembler, Path(file.name), kernels)
            for name, facts in sorted(kernels.items()):
                if architecture < 80 and SINCE_80.fullmatch(name):
                    continue
                count += 1
                dynamic = dynamic_of(name)
                warps, most = warps_per_multiprocessor(architecture, facts.threads, facts.registers, facts.shared + dynamic)
                where = f"sm_{architecture} {name}"
                if facts.frame or facts.instructions["local"]:
                    problems.append(f"{where}: local memory, {facts.frame} bytes, {facts.instructions['local']} instructions")
                if not warps:
                    problems.append(f"{where}: a block does not fit")
                for instruction, since in required_of(name):
                    if disassembler and architecture >= since and not facts.instructions[instruction]:
                        problems.append(f"{where}: no {instruction}")
                shown = " ".join(f"{key}:{number}" for key, number in facts.instructions.items() if number and key != "all")
                if not arguments.brief:
                    print(
                        f"{architecture:5} {name:34} {facts.registers:4} {facts.frame:5} {facts.shared:6} {dynamic:7} {facts.threads:7} "
                        f"{warps:3}/{most:3}  {shown} of {facts.instructions['all']}"
                    )
                report.append(
                    {
                        "architecture": architecture,
                        "kernel": name,
                        "registers": facts.registers,
                        "local_bytes": facts.frame,
                        "shared_bytes": facts.shared,
                        "dynamic_bytes": dynamic,
                        "threads": facts.threads,
                        "warps": warps,
                        "instructions": dict(facts.instructions),
                    }
                )
        seconds = time.monotonic() - start
        print(f"sm_{architecture}: {count} kernels of {len(texts)} texts in {seconds:.1f} s")
    if arguments.json:
        arguments.json.write_text(json.dumps(report, indent=1) + "\n")
    for problem in problems:
        print(f"cuda-check: {problem}", file=sys.stderr)
    print("cuda-check: " + (f"{len(problems)} problems" if problems else "ok"))
    return 1 if problems else 0


if __name__ == "__main__":
    sys.exit(main())
