"""stack.py STACK LIBRARY [--kib 256] [--least]: what a thread needs that calls Pinion.

Loads, compiles, plans and runs models that nest (graphs, functions, patterns, types, programs of torch.export, graphs in code with a
state) on threads of 256 KiB, each in a process of its own; none may end by a signal. `--least` says the least stack that each kind bears,
in steps of 16 KiB.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import tempfile
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))
import hostile  # noqa: E402
import hostile_pt2  # noqa: E402
import oom  # noqa: E402


def models() -> dict[str, bytes]:
    found = {case.name: case.model for case in hostile.nesting()}
    found.update({case.name: case.model for case in hostile.encodings() if " in " in case.name or "group" in case.name})
    found.update({name: archive for name, archive, _ in hostile_pt2.nesting()})
    found.update({f"ordinary, {name}": model for name, model, _ in oom.graphs()})
    return found


def main() -> int:
    parser = argparse.ArgumentParser()
    parser.add_argument("stack")
    parser.add_argument("library")
    parser.add_argument("--kib", type=int, default=256)
    parser.add_argument("--least", action="store_true")
    options = parser.parse_args()

    def bears(what: str, kib: int) -> bool:
        command = [os.path.abspath(options.stack), os.path.abspath(options.library), str(kib), what]
        done = subprocess.run(command, env={**os.environ, "SWIFT_BACKTRACE": "enable=no"}, capture_output=True)
        if done.returncode == 2:
            raise SystemExit(done.stderr.decode())
        return done.returncode == 0

    failed, least = 0, {}
    with tempfile.TemporaryDirectory() as folder:
        everything = models()
        for number, (name, model) in enumerate([*everything.items(), ("graphs in code and a state", b"")]):
            what = "code"
            if model:
                what = f"{folder}/{number}.onnx"
                Path(what).write_bytes(model)
            if not bears(what, options.kib):
                failed += 1
                print(f"  {name}: ends on {options.kib} KiB")
            if options.least:
                low, high = 0, 64
                while high - low > 1:
                    middle = (low + high) // 2
                    low, high = (low, middle) if bears(what, middle * 16) else (middle, high)
                least[name] = high * 16
    for name, kib in sorted(least.items(), key=lambda pair: -pair[1])[:25]:
        print(f"  {kib:4} KiB  {name}")
    print(f"stack: {len(everything) + 1} models on threads of {options.kib} KiB, {failed} ended")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
