"""Programs with inputs and results as lines of JSON, so that they can be run where PyTorch is not."""

from __future__ import annotations

import base64
import io
import json
import lzma
import pathlib
import zipfile
from collections.abc import Iterator
from typing import Any

import numpy as np

TOLERANCE = {"float64": 1e-9, "float32": 1e-5, "float16": 4e-3, "bfloat16": 3e-2}
#: What a program's JSON has and no importer needs: where nodes come from, and what PyTorch checks itself.
LEFT_OUT = ("guards_code", "opset_version", "torch_version")


def numpy_type(name: str) -> Any:
    if name in ("bfloat16", "float8_e4m3fn", "float8_e5m2"):
        import ml_dtypes

        return np.dtype(getattr(ml_dtypes, name))
    return np.dtype(name)


def packed(array: np.ndarray) -> list[Any]:
    return [str(array.dtype), list(array.shape), base64.b64encode(np.ascontiguousarray(array).tobytes()).decode()]


def unpacked(entry: list[Any]) -> np.ndarray:
    kind, shape, text = entry
    return np.frombuffer(base64.b64decode(text), numpy_type(kind)).reshape(shape)


def _stripped(value: Any) -> Any:
    if isinstance(value, dict):
        # Hints and strides are kept: the importer reads both.
        return {key: {} if key == "metadata" else _stripped(item) for key, item in value.items() if key not in ("requires_grad", "device")}
    return [_stripped(item) for item in value] if isinstance(value, list) else value


def parts(file: Any) -> dict[str, Any]:
    """The members of a .pt2 file that hold the program and its weights."""
    with zipfile.ZipFile(file) as archive:
        names = archive.namelist()
        root = names[0].split("/")[0]
        result: dict[str, Any] = {"data": {}}
        for name in names:
            path = name[len(root) + 1 :]
            if path.startswith("models/"):
                program = json.loads(archive.read(name))
                result["program"] = {key: _stripped(item) for key, item in program.items() if key not in LEFT_OUT}
            elif path.startswith("data/") and path.endswith("_config.json"):
                folder = path.split("/")[1]
                result[folder] = _stripped(json.loads(archive.read(name)))
            elif path.startswith(("data/weights/", "data/constants/")):
                result["data"][path] = base64.b64encode(archive.read(name)).decode()
    return result


def archive(record: dict[str, Any], program: bytes | None = None, weights: bytes | None = None) -> bytes:
    """The record's program as a .pt2 file, or another program text in its place."""
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_STORED) as file:
        for folder in ("weights", "constants"):
            if folder in record:
                text = json.dumps(record[folder]).encode()
                file.writestr(f"m/data/{folder}/model_{folder}_config.json", weights if folder == "weights" and weights is not None else text)
        for path, text in record["data"].items():
            file.writestr(f"m/{path}", base64.b64decode(text))
        file.writestr("m/archive_format", "pt2")
        file.writestr("m/archive_version", "0")
        file.writestr("m/byteorder", "little")
        file.writestr("m/models/model.json", json.dumps(record["program"]).encode() if program is None else program)
    return out.getvalue()


def _bytes(entry: dict[str, Any]) -> int:
    """How much of a record are numbers, which do not compress."""
    arrays = [value[2] for run in entry["runs"] for side in ("inputs", "outputs") for value in run[side].values()]
    return sum(len(text) for text in (*arrays, *entry["data"].values()))


def thinned(records: list[dict[str, Any]], limit: int) -> list[dict[str, Any]]:
    """Of each case one export, in turn of each kind, where its numbers take no more than `limit` bytes, and of each first word of names that
    has no other the smallest, up to 20 times as many."""
    cases: dict[str, list[dict[str, Any]]] = {}
    for entry in records:
        cases.setdefault(entry["name"], []).append(entry)
    chosen = [exports[index % len(exports)] for index, exports in enumerate(cases.values())]
    kept = [entry for entry in chosen if _bytes(entry) <= limit]
    words = {entry["name"].split(".")[0] for entry in kept}
    for entry in sorted(chosen, key=_bytes):
        word = entry["name"].split(".")[0]
        if word not in words and _bytes(entry) <= 20 * limit:
            words.add(word)
            kept.append(entry)
    return kept


def write(path: pathlib.Path, records: list[dict[str, Any]]) -> None:
    lines = "".join(json.dumps(record, separators=(",", ":")) + "\n" for record in sorted(records, key=lambda record: (record["name"], record["variant"])))
    path.write_bytes(lzma.compress(lines.encode(), preset=9 | lzma.PRESET_EXTREME))


def read(path: pathlib.Path) -> Iterator[dict[str, Any]]:
    with lzma.open(path, "rt", encoding="utf-8") as file:
        for line in file:
            yield json.loads(line)


def difference(got: Any, want: np.ndarray, tolerance: float | None) -> str:
    """Why an array is not what is wanted; empty where it is."""
    got = np.asarray(got)
    if got.shape != want.shape:
        return f"shape {list(got.shape)} instead of {list(want.shape)}"
    if got.dtype != want.dtype:
        return f"{got.dtype} instead of {want.dtype}"
    kind = str(want.dtype)
    if kind not in TOLERANCE:
        return "" if np.array_equal(got, want) else f"{int((got != want).sum())} of {want.size} elements differ"
    bound = tolerance or TOLERANCE[kind]
    a, b = got.astype(np.float64), want.astype(np.float64)
    with np.errstate(all="ignore"):
        scale = max(1.0, float(np.max(np.abs(b[np.isfinite(b)]), initial=0.0)))
        same = (a == b) | (np.isnan(a) & np.isnan(b)) | (np.abs(a - b) <= bound * (np.abs(b) + 0.1 * scale))
        return "" if same.all() else f"{int((~same).sum())} of {want.size} elements differ, by {np.nanmax(np.abs(a - b)[~same]):.3g}"
