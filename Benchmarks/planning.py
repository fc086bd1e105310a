#!/usr/bin/env python3
"""What planning takes, in microseconds a node: for shapes never seen, and for nodes that a change of shape does not reach.

    PYTHONPATH=bindings/python PINION_LIBRARY=.build/release/libpinion.so python3 Benchmarks/planning.py [--nodes 2000] [--shapes 100] [KIND...]

Kinds are those of creation.py (chain, wide, blocks). `first` is the first plan of a session, of which weights are packed already by another
one of the same file; `next` is a plan for extents that no plan was made for, made from the plan used last; `unchanged` adds as many nodes
again that depend on another input, whose shape stays, and is what each of these costs a new plan. Each number is the least of many, by
the processor time of this thread. Needs onnx and numpy.
"""
import argparse
import os
import tempfile
import time

from creation import Builder, blocks, chain, wide

import pinion

OPERATORS = ["Sin", "Abs", "Cos", "Exp", "Neg", "Tanh"]


def beside(changed: int, unchanged: int):
    """A chain over an input that changes, and one over an input that does not."""
    graph = Builder()
    ends = []
    for name, count in (("x", changed), ("y", unchanged)):
        value = name
        for index in range(count):
            value = graph.node(OPERATORS[index % len(OPERATORS)], value)
        ends.append(value)
    return graph.model([("x", ["batch", 4]), ("y", ["fixed", 4])], [(value, [None, 4]) for value in ends])


def seconds(work) -> float:
    start = time.thread_time_ns()
    work()
    return (time.thread_time_ns() - start) / 1e9


def shapes_of(session, extent: int):
    return {info.name: tuple(extent if not isinstance(dim, int) else dim for dim in info.shape) for info in session.inputs}


def measure(path: str, shapes: int, rounds: int = 20):
    """Seconds of the first plan and of the next ones, and how many nodes are planned."""
    keeper = pinion.Session(path, threads=1)
    keeper.prepare(shapes_of(keeper, 1))
    first, following = [], []
    for turn in range(rounds):
        # Another limit makes it a session with plans of its own.
        session = pinion.Session(path, threads=1, plan_cache_bytes=(1 << 28) + turn)
        first.append(seconds(lambda: session.prepare(shapes_of(session, 2))))
        for extent in range(3, 3 + shapes // rounds):
            following.append(seconds(lambda: session.prepare(shapes_of(session, extent))))
    counting = pinion.Session(path, threads=1, plan_cache_bytes=1 << 27, profile=True)
    counting.prepare(shapes_of(counting, 2))
    nodes = counting.profile()["planned"]["made"]
    return min(first), min(following), nodes


def unchanged(nodes: int, shapes: int, folder: str) -> float:
    """Seconds that each node which a change does not reach costs."""
    least = []
    for count in (0, nodes):
        path = os.path.join(folder, f"beside-{count}.onnx")
        with open(path, "wb") as file:
            file.write(beside(10, max(count, 1)).SerializeToString())
        session = pinion.Session(path, threads=1)
        session.prepare({"x": (1, 4), "y": (2, 4)})
        least.append(min(seconds(lambda: session.prepare({"x": (extent, 4), "y": (2, 4)})) for extent in range(2, 2 + shapes)))
    return (least[1] - least[0]) / nodes


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("kinds", nargs="*", default=["chain", "wide", "blocks"])
    parser.add_argument("--nodes", type=int, default=2000)
    parser.add_argument("--shapes", type=int, default=100)
    arguments = parser.parse_args()
    kinds = {"chain": chain, "wide": wide, "blocks": blocks}
    with tempfile.TemporaryDirectory() as folder:
        for kind in arguments.kinds:
            path = kind
            if kind in kinds:
                path = os.path.join(folder, kind + ".onnx")
                with open(path, "wb") as file:
                    file.write(kinds[kind](arguments.nodes).SerializeToString())
            first, following, nodes = measure(path, arguments.shapes)
            print(f"{kind:24} {nodes:6} nodes planned: first {first / nodes * 1e6:6.2f} us a node, next {following / nodes * 1e6:6.2f}")
        print(f"unchanged nodes: {unchanged(arguments.nodes, arguments.shapes, folder) * 1e6:.3f} us each")


if __name__ == "__main__":
    main()
