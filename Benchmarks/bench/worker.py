"""A process with one model in one runtime, which times slices when it is told to."""

from __future__ import annotations

import multiprocessing
import os
import threading
import time
from multiprocessing.connection import Connection
from typing import Any

from . import runtimes

CONTEXT = multiprocessing.get_context("spawn")


def serve(connection: Connection, runtime: str, folder: str, threads: int) -> None:
    """Answers ("ready", load, first run, peak bytes) or ("error", text), then a list of seconds for each slice asked for."""
    try:
        os.environ["OMP_NUM_THREADS"] = str(threads)
        inputs = runtimes.read_inputs(folder)
        start = time.perf_counter()
        make = runtimes.LOADERS[runtime](os.path.join(folder, "model.onnx"), threads, inputs)
        run = make()
        loaded = time.perf_counter()
        run()
        connection.send(("ready", loaded - start, time.perf_counter() - loaded, runtimes.peak_bytes()))
    except BaseException as error:
        connection.send(("error", f"{type(error).__name__}: {error}"[:300]))
        return
    clock = time.process_time if threads == 1 else time.perf_counter
    while True:
        order = connection.recv()
        if order is None:
            return
        if order[0] == "slice":
            connection.send(slice_of(run, order[1], clock))
        else:
            connection.send(at_once(make, order[1], order[2]))


def slice_of(run: runtimes.Run, seconds: float, clock: Any) -> list[float]:
    """Seconds of each run until `seconds` are over; of one thread by the processor's clock, which other processes do not lengthen."""
    times = []
    run()  # wakes what sleeps between slices
    end = time.perf_counter() + seconds
    while True:
        start = clock()
        run()
        times.append(clock() - start)
        if time.perf_counter() >= end:
            return times


def at_once(make: runtimes.MakeCaller, callers: int, seconds: float) -> list[float]:
    """Seconds of each run of `callers` threads that call one session; the first element is the wall time of all."""
    times: list[list[float]] = [[] for _ in range(callers)]
    gate = threading.Barrier(callers + 1)

    def call(own: list[float]) -> None:
        run = make()
        run()
        gate.wait()
        end = time.perf_counter() + seconds
        while True:
            start = time.perf_counter()
            run()
            now = time.perf_counter()
            own.append(now - start)
            if now >= end:
                return

    workers = [threading.Thread(target=call, args=(own,)) for own in times]
    for worker in workers:
        worker.start()
    gate.wait()
    begin = time.perf_counter()
    for worker in workers:
        worker.join()
    return [time.perf_counter() - begin] + [t for own in times for t in own]


class Worker:
    """The other end of a process."""

    def __init__(self, runtime: str, folder: str, threads: int, timeout: float):
        self.runtime, self.error = runtime, ""
        self.load = self.first = 0.0
        self.peak = 0
        self.connection, theirs = CONTEXT.Pipe()
        self.process = CONTEXT.Process(target=serve, args=(theirs, runtime, folder, threads), daemon=True)
        self.process.start()
        theirs.close()
        answer = self.answer(timeout)
        if answer is not None and answer[0] == "ready":
            _, self.load, self.first, self.peak = answer
        elif answer is not None:
            self.error = answer[1]
        if self.error:
            self.close()

    def answer(self, timeout: float) -> Any:
        try:
            if self.connection.poll(timeout):
                return self.connection.recv()
            self.error = f"no answer in {timeout:.0f} s"
        except (EOFError, ConnectionError):
            self.error = "the process ended"
        return None

    def ask(self, *order: Any, timeout: float = 600) -> list[float]:
        """The seconds that come back; empty where the process has ended."""
        try:
            self.connection.send(order)
        except (BrokenPipeError, ConnectionError):
            self.error = "the process ended"
            return []
        return self.answer(timeout) or []

    def close(self) -> None:
        try:
            self.connection.send(None)
        except (BrokenPipeError, ConnectionError):
            pass
        self.process.join(5)
        if self.process.is_alive():
            self.process.kill()
        self.connection.close()
