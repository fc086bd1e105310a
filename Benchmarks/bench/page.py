"""The report as one page of HTML that needs nothing else: plots are SVG inside, colours follow the reader's setting."""

from __future__ import annotations

import html as escaping
import math
from typing import Any

from . import intervals

STYLE = """
:root { color-scheme: light dark; --ink: #1b1b1f; --paper: #fdfdfc; --faint: #8a8a93; --line: #d9d9dd; --own: #0b6bcb; --peer: #c2571a; --good: #1f8a4c; }
@media (prefers-color-scheme: dark) {
  :root { --ink: #e6e6ea; --paper: #17171a; --faint: #8f8f99; --line: #34343a; --own: #62a8f5; --peer: #ee9a5f; --good: #5fc98a; } }
body { font: 15px/1.45 system-ui, sans-serif; color: var(--ink); background: var(--paper); max-width: 72rem; margin: 2rem auto; padding: 0 1rem; }
h1 { font-size: 1.4rem; } h2 { font-size: 1.1rem; margin-top: 2.2rem; }
table { border-collapse: collapse; font-variant-numeric: tabular-nums; } th, td { padding: .15rem .6rem; text-align: right; border-bottom: 1px solid var(--line); }
th { color: var(--faint); font-weight: 500; } td:first-child, th:first-child { text-align: left; }
svg { max-width: 100%; height: auto; font: 11px system-ui, sans-serif; } svg text { fill: var(--ink); } svg .faint { fill: var(--faint); }
.slow { color: var(--peer); } pre { overflow-x: auto; } .axis { stroke: var(--line); } .note { color: var(--faint); }
"""


def share(row: dict[str, Any], report: dict[str, Any]) -> float:
    """The part of the machine's peak that a kernel reaches: of arithmetic, or of the level of the memory that its bytes fit."""
    machine = report["machine"]
    peaks = machine["threads"][0]["arithmetic"][machine["isa"]]
    kind = {"f": "f32", "d": "f64", "i": "int8"}.get(row["bound"])
    if kind:
        return float(row["operations"] / row["seconds"] / 1e9 / peaks[kind]) if peaks[kind] else math.nan
    places = machine["threads"][0]["bytes"]
    speed = next((p["read"] for p in places.values() if row["bytes"] <= p["size"] * 4), places["memory"]["read"])
    return float(row["bytes"] / row["seconds"] / 1e9 / speed)


def html(report: dict[str, Any]) -> str:
    parts = [
        f"<!doctype html><html lang='en'><meta charset='utf-8'><title>Pinion: measurements</title><style>{STYLE}</style><h1>Pinion: measurements</h1>"
    ]
    parts.append(f"<p>{text(report['processor'])}; " + ", ".join(f"{text(n)} {text(v)}" for n, v in report["versions"].items()) + "</p>")
    parts.append("<h2>The machine</h2>" + machine_table(report["machine"]))
    for threads in sorted({row["threads"] for row in report["models"]}):
        rows = [row for row in report["models"] if row["threads"] == threads]
        parts.append(f"<h2>Models, {threads} thread{'s' if threads > 1 else ''}</h2>" + model_part(rows))
    scaling = scaling_table(report)
    if scaling:
        parts.append("<h2>From one thread to several</h2>" + scaling)
    callers = callers_table(report["models"])
    if callers:
        parts.append("<h2>Several runs at once</h2>" + callers)
    if report["kernels"]:
        parts.append("<h2>Kernels alone, one thread</h2>" + kernel_roof(report) + kernel_table(report))
    if report.get("overhead"):
        parts.append(
            f"<h2>Overhead</h2><p>A call with one node takes {report['overhead']['call_ns']:.0f} ns, each further node {report['overhead']['node_ns']:.1f} ns.</p>"
        )
    if report.get("calls"):
        parts.append(f"<pre>{text(report['calls'])}</pre>")
    if report["decoding"]:
        parts.append("<h2>Decoding</h2>" + decoding_table(report["decoding"]))
    return "\n".join(parts) + "</html>\n"


def text(value: Any) -> str:
    return escaping.escape(str(value))


def table(head: list[str], rows: list[list[str]]) -> str:
    cells = "".join("<tr>" + "".join(f"<td>{cell}</td>" for cell in row) + "</tr>" for row in rows)
    return "<table><tr>" + "".join(f"<th>{title}</th>" for title in head) + f"</tr>{cells}</table>"


def machine_table(machine: dict[str, Any]) -> str:
    rows = []
    for entry in machine["threads"]:
        for isa, rates in entry["arithmetic"].items():
            rows.append([f"{entry['threads']} × {isa}"] + [f"{rates[kind]:.0f}" if rates[kind] else "–" for kind in ("f32", "f64", "int8")])
    places = [[f"{entry['threads']} × {name}, {place['size'] >> 10} KiB"] + [f"{place[kind]:.0f}" for kind in ("read", "write", "copy")]
              for entry in machine["threads"] for name, place in entry["bytes"].items()]  # fmt: skip
    return table(["G operations/s", "float32", "float64", "int8"], rows) + "<p></p>" + table(["GB/s", "read", "write", "copy"], places)


def model_part(rows: list[dict[str, Any]]) -> str:
    measured = sorted((row for row in rows if "ratio" in row), key=lambda row: row["ratio"][0])
    parts = []
    if measured:
        mean = intervals.geometric_mean([row["ratio"][0] for row in measured])
        below = sum(row["ratio"][0] < 1 for row in measured)
        parts.append(
            f"<p>Geometric mean against the better peer: <b>{mean:.3f}</b>; above 1 Pinion is faster. {below} of {len(measured)} models are below 1.</p>"
        )
        parts.append(ratio_plot(measured))
    names = list(rows[0]["runtimes"])
    head = (
        ["model"]
        + [f"{name}, ms" for name in names]
        + ["ratio", "95 %", "better peer", "of the roof"]
        + [f"{name}: load + first, ms; peak, MB" for name in names]
    )
    body = []
    for row in sorted(rows, key=lambda row: row["ratio"][0] if "ratio" in row else 9e9):
        cells = [text(row["model"])]
        for name in names:
            entry = row["runtimes"][name]
            cells.append(
                f"{entry['median'][0] * 1e3:.3f}" if "median" in entry else f"<span title='{escaping.escape(entry['error'], quote=True)}'>–</span>"
            )
        if "ratio" in row:
            value, low, high = row["ratio"]
            cells += [f"<span class='{'slow' if value < 1 else ''}'>{value:.2f}</span>", f"{low:.2f}–{high:.2f}", row["better_peer"]]
        else:
            cells += ["", "", ""]
        own = row["runtimes"].get("pinion", {})
        cells.append(f"{row['roof']['seconds'] / own['median'][0]:.0%}" if "roof" in row and "median" in own else "")
        for name in names:
            entry = row["runtimes"][name]
            cells.append(f"{entry['load'] * 1e3:.0f} + {entry['first'] * 1e3:.0f}; {entry['peak_bytes'] / 1e6:.0f}" if "median" in entry else "")
        body.append(cells)
    return "".join(parts) + table(head, body)


def ratio_plot(rows: list[dict[str, Any]]) -> str:
    """A bar for each model on a logarithmic axis, with its interval; the line is where both are as fast."""
    height, left, width = 15, 250, 640
    low = min(0.5, min(row["ratio"][1] for row in rows) * 0.95)
    high = max(2.0, max(row["ratio"][2] for row in rows) * 1.05)

    def x(value: float) -> float:
        return left + width * (math.log(value / low)) / math.log(high / low)

    total = len(rows) * height + 30
    parts = [f"<svg viewBox='0 0 {left + width + 70} {total}' width='{left + width + 70}' role='img' aria-label='Ratio to the better peer by model'>"]
    for tick in (0.1, 0.2, 0.33, 0.5, 0.7, 1, 1.5, 2, 3, 5, 10, 20):
        if low <= tick <= high:
            parts.append(
                f"<line class='axis' x1='{x(tick):.1f}' y1='0' x2='{x(tick):.1f}' y2='{total - 18}'/><text class='faint' x='{x(tick):.1f}' y='{total - 4}' text-anchor='middle'>{tick:g}</text>"
            )
    for index, row in enumerate(rows):
        value, lower, upper = row["ratio"]
        y = index * height
        start, end = sorted((x(1), x(value)))
        colour = "var(--good)" if value >= 1 else "var(--peer)"
        parts.append(f"<text x='{left - 6}' y='{y + 11}' text-anchor='end'>{text(row['model'])}</text>")
        parts.append(
            f"<rect x='{start:.1f}' y='{y + 3}' width='{max(end - start, 1):.1f}' height='{height - 6}' fill='{colour}'><title>{text(row['model'])}: {value:.3f}</title></rect>"
        )
        parts.append(f"<line x1='{x(lower):.1f}' x2='{x(upper):.1f}' y1='{y + height / 2}' y2='{y + height / 2}' stroke='var(--ink)'/>")
        parts.append(f"<text class='faint' x='{max(end, x(upper)) + 5:.1f}' y='{y + 11}'>{value:.2f}</text>")
    return "".join(parts) + "</svg>"


def scaling_table(report: dict[str, Any]) -> str:
    """How much faster each runtime is with more threads, and what the machine itself gains."""
    by_model: dict[str, dict[int, dict[str, Any]]] = {}
    for row in report["models"]:
        by_model.setdefault(row["model"], {})[row["threads"]] = row
    counts = sorted({row["threads"] for row in report["models"]})
    if len(counts) < 2:
        return ""
    first, last = counts[0], counts[-1]
    names = report["versions"]
    body = []
    for model, rows in by_model.items():
        if first in rows and last in rows:
            cells = [text(model)]
            for name in names:
                one, many = rows[first]["runtimes"].get(name, {}), rows[last]["runtimes"].get(name, {})
                cells.append(f"{one['median'][0] / many['median'][0]:.2f}" if "median" in one and "median" in many else "–")
            body.append(cells)
    machine = {entry["threads"]: entry for entry in report["machine"]["threads"]}
    note = ""
    if first in machine and last in machine:
        isa = report["machine"]["isa"]
        arithmetic = machine[last]["arithmetic"][isa]["f32"] / machine[first]["arithmetic"][isa]["f32"]
        memory = machine[last]["bytes"]["memory"]["read"] / machine[first]["bytes"]["memory"]["read"]
        note = f"<p>The machine itself gains {arithmetic:.2f} in arithmetic and {memory:.2f} in reads from memory.</p>"
    return note + table([f"{first} to {last} threads"] + list(names), body)


def callers_table(rows: list[dict[str, Any]]) -> str:
    body = []
    for row in rows:
        for name, entry in row["runtimes"].items():
            for point in entry.get("at_once", []):
                if "p99" in point:
                    body.append(
                        [
                            text(row["model"]),
                            name,
                            str(point["callers"]),
                            f"{point['runs_a_second']:.1f}",
                            f"{point['p50'] * 1e3:.3f}",
                            f"{point['p99'] * 1e3:.3f}",
                        ]
                    )
    return (
        "<details><summary>Callers of one session of one thread</summary>"
        + table(["model", "runtime", "callers", "runs/s", "p50, ms", "p99, ms"], body)
        + "</details>"
        if body
        else ""
    )


def kernel_table(report: dict[str, Any]) -> str:
    rows = [
        [
            text(row["kernel"]),
            f"{row['seconds'] * 1e6:.1f}",
            f"{row['operations'] / row['seconds'] / 1e9:.1f}",
            f"{row['bytes'] / row['seconds'] / 1e9:.1f}",
            f"{share(row, report):.0%}",
        ]
        for row in report["kernels"]
    ]
    return table(["kernel", "µs", "G operations/s", "GB/s", "of the peak"], rows)


def kernel_roof(report: dict[str, Any]) -> str:
    """Kernels by operations a byte, under what arithmetic and memory allow."""
    machine = report["machine"]
    peaks, places = machine["threads"][0]["arithmetic"][machine["isa"]], machine["threads"][0]["bytes"]
    left, top, width, height = 45, 10, 640, 300
    low_x, high_x, low_y, high_y = 0.05, 1000.0, 0.2, max(peaks.values()) * 3

    def x(value: float) -> float:
        return left + width * math.log(min(max(value, low_x), high_x) / low_x) / math.log(high_x / low_x)

    def y(value: float) -> float:
        return top + height - height * math.log(min(max(value, low_y), high_y) / low_y) / math.log(high_y / low_y)

    parts = [f"<svg viewBox='0 0 {left + width + 20} {top + height + 35}' width='{left + width + 20}' role='img' aria-label='Roofline of kernels'>"]
    for place, rates in places.items():
        speed = rates["read"]
        bend = peaks["f32"] / speed
        parts.append(
            f"<polyline fill='none' stroke='var(--faint)' points='{x(low_x):.1f},{y(low_x * speed):.1f} {x(bend):.1f},{y(peaks['f32']):.1f} {x(high_x):.1f},{y(peaks['f32']):.1f}'/>"
        )
        parts.append(f"<text class='faint' x='{x(low_x) + 3:.1f}' y='{y(low_x * speed) - 4:.1f}'>{text(place)} {speed:.0f} GB/s</text>")
    parts.append(f"<text class='faint' x='{left + width}' y='{y(peaks['f32']) - 4:.1f}' text-anchor='end'>float32 {peaks['f32']:.0f} G/s</text>")
    if peaks.get("int8"):
        parts.append(
            f"<line class='axis' x1='{left}' x2='{left + width}' y1='{y(peaks['int8']):.1f}' y2='{y(peaks['int8']):.1f}'/><text class='faint' x='{left + width}' y='{y(peaks['int8']) - 4:.1f}' text-anchor='end'>int8 {peaks['int8']:.0f} G/s</text>"
        )
    for row in report["kernels"]:
        intensity, rate = row["operations"] / row["bytes"], row["operations"] / row["seconds"] / 1e9
        colour = "var(--peer)" if row["bound"] == "i" else "var(--own)"
        parts.append(
            f"<circle cx='{x(intensity):.1f}' cy='{y(rate):.1f}' r='4' fill='{colour}'><title>{text(row['kernel'])}: {rate:.1f} G/s, {share(row, report):.0%} of the peak</title></circle>"
        )
    for tick in (0.1, 1, 10, 100, 1000):
        parts.append(f"<text class='faint' x='{x(tick):.1f}' y='{top + height + 15}' text-anchor='middle'>{tick:g}</text>")
    for tick in (1, 10, 100, 1000):
        if tick < high_y:
            parts.append(f"<text class='faint' x='{left - 5}' y='{y(tick) + 4:.1f}' text-anchor='end'>{tick}</text>")
    parts.append(
        f"<text class='faint' x='{left + width / 2}' y='{top + height + 30}' text-anchor='middle'>operations a byte; G operations/s upwards</text>"
    )
    return "".join(parts) + "</svg>"


def decoding_table(decoding: dict[str, dict[str, float]]) -> str:
    columns = ["onnxruntime", "pinion", "state", "fixed", "growing_by_fixed", "ratio", "state_ratio"]
    titles = [
        "model",
        "onnxruntime, ms a token",
        "Pinion",
        "with a state",
        "fixed length",
        "growing / fixed",
        "onnxruntime / Pinion",
        "onnxruntime / state",
    ]
    return table(titles, [[text(model)] + [f"{numbers[c]:.3f}" if c in numbers else "–" for c in columns] for model, numbers in decoding.items()])
