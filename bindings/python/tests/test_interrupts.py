"""Ctrl-C while a run is in progress."""

import os
import signal
import threading
import time

import numpy as np
import pytest
from conftest import matmul_chain

import pinion


@pytest.fixture(scope="module", autouse=True)
def interrupts_are_heard():
    """A process that a shell starts in the background ignores SIGINT, and Python then raises nothing."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


@pytest.fixture(scope="module")
def long_run():
    """A session whose run takes much longer than an interruption may, and its input."""
    session = pinion.Session(matmul_chain(1500, 60), threads=2)
    return session, {"x": np.zeros((1500, 1500), np.float32)}


def interrupted_after(seconds, run, number=signal.SIGINT):
    """Seconds from the signal to the end of the run, and what the run raised."""
    sent = []

    def send():
        time.sleep(seconds)
        sent.append(time.perf_counter())
        os.kill(os.getpid(), number)

    thread = threading.Thread(target=send)
    thread.start()
    try:
        run()
        raised = None
    except BaseException as error:
        raised = error
    ended = time.perf_counter()
    thread.join()
    return ended - sent[0], raised


def test_ctrl_c_ends_a_run(long_run):
    session, inputs = long_run
    times = []
    for _ in range(3):
        passed, raised = interrupted_after(0.2, lambda: session.run(inputs))
        assert type(raised) is KeyboardInterrupt
        times.append(passed)
    # Some 50 ms; more on a machine where other processes want the processors too.
    assert min(times) < 0.1
    passed, raised = interrupted_after(0.2, lambda: session.run(inputs, timeout=100))
    assert type(raised) is KeyboardInterrupt


def test_prepared_runs_end_too():
    session = pinion.Session(matmul_chain(1500, 60), threads=1)
    x = np.zeros((1500, 1500), np.float32)
    binding = session.bind({"x": x})
    passed, raised = interrupted_after(0.2, binding.run)
    assert type(raised) is KeyboardInterrupt and passed < 0.5


def test_a_handler_of_the_programs_own_decides(long_run):
    session, inputs = long_run
    calls = []
    small = pinion.Session(matmul_chain(2, 2))

    def note(number, frame):
        calls.append(small.run({"x": np.eye(2, dtype=np.float32)})[0][0, 0])

    class Stop(Exception):
        pass

    def stop(number, frame):
        raise Stop("now")

    before = signal.signal(signal.SIGUSR1, note)
    try:
        with pytest.raises(pinion.DeadlineExceededError):
            timer = threading.Timer(0.2, os.kill, (os.getpid(), signal.SIGUSR1))
            timer.start()
            session.run(inputs, timeout=0.6)
        timer.join()
        assert calls == [1.0]
        signal.signal(signal.SIGUSR1, stop)
        passed, raised = interrupted_after(0.2, lambda: session.run(inputs), signal.SIGUSR1)
        assert type(raised) is Stop and passed < 0.5
    finally:
        signal.signal(signal.SIGUSR1, before)


def test_runs_of_other_threads_go_on():
    session = pinion.Session(matmul_chain(300, 30), threads=1)
    x = np.eye(300, dtype=np.float32)
    results = []
    stop = threading.Event()

    def work():
        while not stop.is_set():
            results.append((session.run({"x": x})[0] == x).all())

    thread = threading.Thread(target=work)
    thread.start()
    try:
        with pytest.raises(KeyboardInterrupt):
            for _ in range(3):
                os.kill(os.getpid(), signal.SIGINT)
                time.sleep(0.2)
    finally:
        time.sleep(0.1)
        stop.set()
        thread.join()
    assert results and all(results)


def test_a_cancelled_token_is_no_interruption(long_run):
    session, inputs = long_run
    token = pinion.CancelToken()
    threading.Timer(0.1, token.cancel).start()
    with pytest.raises(pinion.CancelledError):
        session.run(inputs, cancel=token)
