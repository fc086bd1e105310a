"""Forked children: kernels that run for the first time there, and locks that threads of the parent held."""
import subprocess
import sys
from pathlib import Path


def test_children_run_every_kernel_from_the_start():
    script = Path(__file__).with_name("forked_runs.py")
    done = subprocess.run([sys.executable, str(script), "240"], capture_output=True, text=True, timeout=300)
    assert done.returncode == 0, done.stdout + done.stderr


def test_children_of_busy_processes_run_on_threads():
    script = Path(__file__).with_name("forked_threads.py")
    done = subprocess.run([sys.executable, str(script), "60"], capture_output=True, text=True, timeout=300)
    assert done.returncode == 0, done.stdout + done.stderr
