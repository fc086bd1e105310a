"""Prints what a model takes and gives, and runs it once with inputs of zeros.

describe_and_run.py MODEL.onnx [SYMBOL=SIZE ...]
"""

import sys

import numpy as np

import pinion


def zeros(info, sizes):
    if info.kind is not pinion.Kind.TENSOR or info.shape is None:
        raise ValueError(f"{info.name} is no tensor of known rank")
    shape = [dim if isinstance(dim, int) else sizes.get(dim, 1) for dim in info.shape]
    return np.full(shape, "", object) if info.dtype == object else np.zeros(shape, info.dtype)


def show(value):
    if not isinstance(value, np.ndarray):
        return repr(value)
    return f"{value.dtype}{list(value.shape)} {value.reshape(-1)[:5]}"


def main(path, *arguments):
    sizes = {symbol: int(size) for symbol, size in (argument.split("=") for argument in arguments)}
    session = pinion.Session(path)
    print(f"{path}: {session.model.node_count} nodes, written by {session.metadata.producer_name}")
    print("inputs")
    for info in session.inputs:
        print(f"  {info}")
    inputs = {info.name: zeros(info, sizes) for info in session.inputs if not info.optional}
    outputs = session.run(inputs, timeout=60)
    print("outputs")
    for name, value in zip(session.output_names, outputs):
        print(f"  {name}: {show(value)}")


if __name__ == "__main__":
    if len(sys.argv) < 2:
        sys.exit(__doc__)
    try:
        main(*sys.argv[1:])
    except pinion.Error as error:
        sys.exit(f"{error}")
