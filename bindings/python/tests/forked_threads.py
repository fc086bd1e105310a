"""Forks while threads run, plan and make sessions, and runs on two threads in the child: `forked_threads.py CHILDREN`. Used by test_fork.py.

A lock that another thread held when the process forked has nobody to give it back in the child, and a lock that knows its owner by the
number of a thread waits there for a thread that is none of the process's.
"""
import sys
import threading

import numpy as np
from forking import failures
from onnx import TensorProto, helper, numpy_helper

import pinion

WARM_RUNS = 48


def model():
    weight = numpy_helper.from_array(np.ones((16, 16), np.float32), "w")
    nodes = [helper.make_node("MatMul", [f"h{i}", "w"], [f"h{i + 1}"]) for i in range(4)]
    graph = helper.make_graph(
        nodes,
        "chain",
        [helper.make_tensor_value_info("h0", TensorProto.FLOAT, ["n", 16])],
        [helper.make_tensor_value_info("h4", TensorProto.FLOAT, None)],
        [weight],
    )
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 23)], ir_version=11).SerializeToString()


MODEL = model()


def use(session, turns, number):
    for turn in range(turns):
        rows = 1 + (turn * 7 + number) % 40
        (result,) = session.run({"h0": np.ones((rows, 16), np.float32)})
        if result.shape != (rows, 16) or result[0, 0] != 16**4:
            raise AssertionError(result)


def child(session):
    """Shares the parent's session between two threads, and makes sessions on both."""
    failed = []

    def work(number):
        try:
            use(session, 40, number)
            use(pinion.Session(MODEL, threads=2), 3, number)
        except BaseException as error:
            failed.append(error)

    threads = [threading.Thread(target=work, args=(number,)) for number in range(2)]
    for thread in threads:
        thread.start()
    work(2)
    for thread in threads:
        thread.join()
    if failed:
        raise failed[0]


def main(children):
    session = pinion.Session(MODEL, threads=2)
    use(session, WARM_RUNS, 0)
    stop = threading.Event()

    def parent(number):
        while not stop.is_set():
            use(session, 20, number)
            if number % 2:
                use(pinion.Session(MODEL, threads=1), 2, number)

    threads = [threading.Thread(target=parent, args=(number,)) for number in range(4)]
    for thread in threads:
        thread.start()
    failed = failures(children, lambda number: child(session))
    stop.set()
    for thread in threads:
        thread.join()
    return failed


if __name__ == "__main__":
    sys.exit(min(main(int(sys.argv[1])), 1))
