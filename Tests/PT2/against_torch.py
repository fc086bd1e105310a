"""Exports every case with the PyTorch that is installed, runs it with Pinion, and compares with what PyTorch computes.

    against_torch.py [--only REGEX] [--family NAME] [--every N] [--jobs N] [--all] [--failures FILE] [--save FILE [--bytes N]]

Each case is exported as it is (training dialect) and decomposed with open dimensions, which are run at two sizes; with --all also
decomposed without and open without being decomposed, and run without optimisation as well. --save records what passes for replay.py, with
--bytes only one export of each case whose numbers take no more than that, and one of each kind of cases at least.
What PyTorch itself does not export or run, or computes otherwise once it has decomposed it, is left out. Exits with 1 where a case differs or fails.
"""

from __future__ import annotations

import argparse
import collections
import contextlib
import copy
import functools
import importlib
import json
import math
import multiprocessing
import pathlib
import re
import sys
import tempfile
import warnings
from typing import Any

import numpy as np
import record
from record import difference

warnings.filterwarnings("ignore")
HERE = pathlib.Path(__file__).resolve().parent
FAMILIES = (
    "unary", "binary", "types", "shapes", "indexing", "reductions", "products", "neural", "creation", "control", "models", "networks", "sequences", "vision", "edges",
)  # fmt: skip
#: The extents that letters stand for: at the export, and in the second run.
EXTENTS = ({"B": 2, "T": 6, "H": 8, "W": 7}, {"B": 3, "T": 4, "H": 6, "W": 9})


@functools.cache
def load(family: str) -> list[Any]:
    sys.path.insert(0, str(HERE))
    import torch
    from case import CASES

    torch.manual_seed(7)
    start = len(CASES)
    importlib.import_module(f"families.{family}")
    cases = CASES[start:]
    names = collections.Counter(case.name for case in cases)
    twice = [name for name, count in names.items() if count > 1]
    if twice:
        raise SystemExit(f"cases of one name: {', '.join(twice)}")
    return cases


TYPES = {"f32": "float32", "f64": "float64", "f16": "float16", "bf16": "bfloat16", "i64": "int64", "i32": "int32", "i16": "int16", "i8": "int8", "u8": "uint8", "bool": "bool"}


def tensors(text: str, extents: dict[str, int], seed: int) -> tuple[list[Any], list[list[str]]]:
    """Inputs by their description, and for each its dimensions."""
    import torch

    generator = torch.Generator().manual_seed(seed)
    result, dims = [], []
    for word in text.split():
        kind, rest = word.split(":")
        rest, _, elements = rest.partition("=")
        shape, _, bounds = rest.partition("~")
        names = [name for name in shape.split(",") if name]
        sizes = [extents[name] if name in extents else int(name) for name in names]
        dtype = getattr(torch, TYPES[kind])
        if elements:
            # Repeated as far as the shape goes.
            numbers = [float(text) if dtype.is_floating_point else int(text) for text in elements.split(",")]
            count = math.prod(sizes)
            value = torch.tensor((numbers * (count // len(numbers) + 1))[:count], dtype=dtype).reshape(sizes)
        elif kind == "bool":
            value = torch.rand(sizes, generator=generator) > 0.5
        elif dtype.is_floating_point:
            low, high = (float(bound) for bound in bounds.split(",")) if bounds else (0.0, 0.0)
            value = (torch.rand(sizes, generator=generator, dtype=torch.float64) * (high - low) + low if bounds else torch.randn(sizes, generator=generator, dtype=torch.float64)).to(dtype)
        else:
            low, high = (int(bound) for bound in bounds.split(",")) if bounds else ((0, 9) if kind == "u8" else (-9, 9))
            value = torch.randint(low, max(high, low + 1), sizes, generator=generator, dtype=torch.int64).to(dtype)
        result.append(value)
        dims.append(names)
    return result, dims


def array(value: Any) -> np.ndarray:
    import ml_dtypes
    import torch

    if not isinstance(value, torch.Tensor):
        return np.asarray(value)
    value = value.detach().contiguous().resolve_conj()
    if value.dtype == torch.bfloat16:
        return value.view(torch.int16).numpy().view(ml_dtypes.bfloat16)
    return value.numpy()


def flat(value: Any) -> list[Any]:
    """The tensors and symbolic numbers of a nested result."""
    import torch
    from torch.utils import _pytree

    return [leaf for leaf in _pytree.tree_leaves(value) if isinstance(leaf, torch.Tensor)]


class ProgramDiffers(Exception):
    """PyTorch's own run of the exported program gives what Pinion gives, and not what the module gives."""


def run(path: str, program: Any, module: Any, inputs: list[Any], tolerance: float | None, level: int, kept: list[Any]) -> str:
    import torch

    import pinion

    session = pinion.Session(path, optimization=level)
    given = {}
    names = [spec.arg.name for spec in program.graph_signature.input_specs if spec.kind.name == "USER_INPUT" and hasattr(spec.arg, "name")]
    for name, value in zip(names, inputs, strict=True):
        given[name] = array(value)
    with torch.no_grad():
        want = [array(value) for value in flat(copy.deepcopy(module)(*[value.clone() for value in inputs]))]
    kinds = [spec for spec in program.graph_signature.output_specs if spec.kind.name == "USER_OUTPUT"]
    outputs = [name for name in session.output_names if not name.endswith(".new")]
    got = session.run(given, outputs)
    # Symbolic numbers among the outputs are left out of the comparison's tensors.
    tensor_kinds = [type(spec.arg).__name__ for spec in kinds if type(spec.arg).__name__ != "ConstantArgument"]
    got = [value for value, kind in zip(got, tensor_kinds, strict=True) if kind == "TensorArgument"]
    if len(got) != len(want):
        return f"{len(got)} outputs instead of {len(want)}"
    tensors_only = [name for name, kind in zip(outputs, tensor_kinds, strict=True) if kind == "TensorArgument"]
    kept.append({
        "inputs": {name: record.packed(value) for name, value in given.items()},
        "outputs": {name: record.packed(value) for name, value in zip(tensors_only, want, strict=True)},
    })
    problems = [text for a, b in zip(got, want, strict=True) if (text := difference(a, b, tolerance))]
    if problems:
        with torch.no_grad():
            own = [array(value) for value in flat(program.module()(*[value.clone() for value in inputs]))]
        if len(own) == len(got) and not any(difference(a, b, tolerance) for a, b in zip(got, own, strict=True)):
            raise ProgramDiffers(problems[0])
    return "; ".join(problems[:2])


def takes(program: Any, inputs: list[Any]) -> bool:
    """Whether PyTorch itself runs the program with these inputs: an export may settle an extent that was left open."""
    import torch

    try:
        with torch.no_grad():
            program.module()(*[value.clone() for value in inputs])
    except Exception:
        return False
    return True


def check(case: Any, index: int, everything: bool, records: list[dict[str, Any]]) -> list[tuple[str, str, str]]:
    """(variant, verdict, detail) of each export of a case."""
    import torch

    first, dims = tensors(case.inputs, EXTENTS[0], 100 + index)
    second, _ = tensors(case.inputs, EXTENTS[1], 200 + index)
    letters = {name for names in dims for name in names if name in EXTENTS[0]}
    results = []
    variants = ["training", "core", "open", "open core"] if everything else ["training", "open core" if letters and case.is_open else "core"]
    for variant in variants:
        is_open = variant.startswith("open")
        if is_open and not (letters and case.is_open):
            continue
        try:
            with torch.no_grad():
                copy.deepcopy(case.module)(*[value.clone() for value in first])
            shapes = None
            if is_open:
                shapes = tuple({axis: torch.export.Dim.AUTO for axis, name in enumerate(names) if name in EXTENTS[0]} or None for names in dims)
                shapes = (shapes,) if type(case.module).__name__ == "Call" else shapes
            program = torch.export.export(case.module, tuple(value.clone() for value in first), dynamic_shapes=shapes)
            if variant.endswith("core"):
                program = program.run_decompositions()
            with tempfile.NamedTemporaryFile(suffix=".pt2") as file:
                torch.export.save(program, file.name)
                runs = [first, second] if is_open and takes(program, second) else [first]
                kept: list[Any] = []
                for level in (2, 0) if everything else (2,):
                    for number, inputs in enumerate(runs):
                        try:
                            text = run(file.name, program, case.module, inputs, case.tolerance, level, kept)
                        except ProgramDiffers:
                            raise
                        except Exception as error:
                            text = f"{type(error).__name__}: {error}"
                        if text:
                            results.append((f"{variant} level {level} run {number + 1}", "unsupported" if text.startswith("Unsupported") else "wrong", text))
                            break
                    else:
                        continue
                    break
                else:
                    results.append((variant, "pass", ""))
                    records.append({"name": case.name, "variant": variant, "tolerance": case.tolerance, **record.parts(file.name), "runs": kept[: len(runs)]})
        except Exception as error:
            results.append((variant, "not exported", f"{type(error).__name__}: {error}".splitlines()[0][:160]))
    return results


def work(arguments: tuple[str, bool, tuple[int, ...]]) -> list[tuple[str, list[tuple[str, str, str]], list[dict[str, Any]]]]:
    import torch

    torch.set_num_threads(1)
    family, everything, indices = arguments
    cases = load(family)
    result = []
    for index in indices:
        records: list[dict[str, Any]] = []
        result.append((cases[index].name, check(cases[index], index, everything, records), records))
    return result


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--only", default="")
    parser.add_argument("--family", default="")
    parser.add_argument("--every", type=int, default=1, metavar="N", help="only every N-th case")
    parser.add_argument("--all", action="store_true")
    parser.add_argument("--jobs", type=int, default=2, help="processes; 0 for this one alone")
    parser.add_argument("--failures", type=pathlib.Path)
    parser.add_argument("--save", type=pathlib.Path)
    parser.add_argument("--bytes", type=int, metavar="N", help="with --save: how large a case may be")
    options = parser.parse_args()
    families = [options.family] if options.family else FAMILIES
    every = [(family, index) for family in families for index, case in enumerate(load(family)) if re.search(options.only, case.name)][:: options.every]
    chosen = {family: [index for other, index in every if other == family] for family in families}
    chunks = [(family, options.all, tuple(indices[start : start + 20])) for family, indices in chosen.items() for start in range(0, len(indices), 20)]
    tally: collections.Counter[str] = collections.Counter()
    failures: list[tuple[str, ...]] = []
    records: list[dict[str, Any]] = []
    with contextlib.ExitStack() as stack:
        if options.jobs:
            done = stack.enter_context(multiprocessing.get_context("spawn").Pool(options.jobs, maxtasksperchild=20)).imap(work, chunks)
        else:
            done = map(work, chunks)
        for chunk in done:
            for name, results, own in chunk:
                records += own
                for variant, verdict, detail in results:
                    tally[verdict] += 1
                    if verdict != "pass":
                        failures.append((name, variant, verdict, detail))
                        if verdict != "not exported":
                            print(f"{name} [{variant}] {verdict}: {detail[:200]}", flush=True)
    if options.failures:
        options.failures.write_text(json.dumps(failures, indent=1))
    if options.save:
        record.write(options.save, records if options.bytes is None else record.thinned(records, options.bytes))
    print(", ".join(f"{count} {verdict}" for verdict, count in tally.items()), f"of {len(every)} cases")
    return 1 if tally["wrong"] or tally["unsupported"] else 0


if __name__ == "__main__":
    sys.exit(main())
