"""Kernels that run for the first time in a forked child, on several threads."""
import subprocess
import sys
from pathlib import Path


def test_children_run_every_kernel_from_the_start():
    script = Path(__file__).with_name("forked_runs.py")
    done = subprocess.run([sys.executable, str(script), "240"], capture_output=True, text=True, timeout=300)
    assert done.returncode == 0, done.stdout + done.stderr
