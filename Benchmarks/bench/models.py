"""Whole models, each in every runtime in turn."""

from __future__ import annotations

import json
import os
import statistics
import subprocess
import time
from dataclasses import dataclass
from typing import Any

from . import intervals
from .worker import Worker

# After a run onnxruntime's threads wait awake for some 60 ms, which another runtime's threads would have to share the processors with.
IDLE_SECONDS = 0.1


@dataclass
class Plan:
    """How models are timed."""

    runtimes: list[str]
    rounds: int
    slice_seconds: float
    timeout: float


def measure(folder: str, threads: int, plan: Plan, with_callers: bool) -> dict[str, Any]:
    """A row of the table: for each runtime its times and what it failed of, and Pinion's ratio to the better peer (above 1: faster)."""
    row: dict[str, Any] = {"model": os.path.basename(folder), "threads": threads, "runtimes": {}}
    workers = {name: Worker(name, folder, threads, plan.timeout) for name in plan.runtimes}
    slices: dict[str, list[float]] = {name: [] for name, worker in workers.items() if not worker.error}
    least: dict[str, float] = {}
    for _ in range(plan.rounds):
        for name in list(slices):
            if threads > 1:
                time.sleep(IDLE_SECONDS)
            times = workers[name].ask("slice", plan.slice_seconds)
            if times:
                slices[name].append(statistics.median(times))
                least[name] = min(least.get(name, times[0]), min(times))
            else:
                del slices[name]
    for name, worker in workers.items():
        if name in slices:
            entry: dict[str, Any] = {
                "load": worker.load, "first": worker.first, "peak_bytes": worker.peak, "least": least[name],
                "median": intervals.median(slices[name]), "slices": slices[name],
            }  # fmt: skip
            if with_callers:
                entry["at_once"] = [several(worker, callers, plan.slice_seconds * 4) for callers in (1, 2, 4)]
        else:
            entry = {"error": worker.error}
        row["runtimes"][name] = entry
    for worker in workers.values():
        if not worker.error:
            worker.close()
    peers = [name for name in slices if name != "pinion"]
    if "pinion" in slices and peers:
        better = min(peers, key=lambda name: statistics.median(slices[name]))
        row["better_peer"] = better
        row["ratio"] = intervals.ratio(slices[better], slices["pinion"])
    return row


def several(worker: Worker, callers: int, seconds: float) -> dict[str, Any]:
    """Runs at once: how many a second, and the time that 99 of 100 stay below."""
    answer = worker.ask("callers", callers, seconds)
    if len(answer) < 2:
        return {"callers": callers}
    return {
        "callers": callers, "runs_a_second": (len(answer) - 1) / answer[0], "p50": intervals.percentile(answer[1:], 0.5),
        "p99": intervals.percentile(answer[1:], 0.99),
    }  # fmt: skip


def profile(run_model: str, folder: str, threads: int) -> list[dict[str, Any]]:
    """What `run-model profile --json` says of each node; nothing where it cannot run the model."""
    command = [run_model, "profile", os.path.join(folder, "model.onnx"), "--inputs", os.path.join(folder, "inputs.npz")]
    command += ["--runs", "3", "--json", "--threads", str(threads)]
    result = subprocess.run(command, capture_output=True, text=True)
    if result.returncode:
        return []
    nodes: list[dict[str, Any]] = json.loads(result.stdout)["nodes"]
    return nodes


def roof(nodes: list[dict[str, Any]], peaks: dict[str, float], bandwidth: float) -> dict[str, float]:
    """Seconds a run would take if every node ran at the arithmetic's peak or, where that is later, at memory's: what a runtime that
    writes every tensor cannot go below by much. Tensors that stay in a cache move faster, so that shares of it may exceed 1."""
    seconds = operations = moved = 0.0
    for node in nodes:
        runs = max(node["calls"], 1)
        peak = peaks.get("int8" if node.get("arithmetic") == "int8" else "f64" if node.get("arithmetic") == "float64" else "f32", peaks["f32"])
        arithmetic, memory = node.get("operations", 0) / runs / (peak * 1e9), node.get("bytes", 0) / runs / (bandwidth * 1e9)
        seconds += max(arithmetic, memory) * runs / 3
        operations += node.get("operations", 0) / 3
        moved += node.get("bytes", 0) / 3
    return {"seconds": seconds, "operations": operations, "bytes": moved}
