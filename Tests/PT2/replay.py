"""replay.py RECORDS...: runs the recorded programs with Pinion and compares with what PyTorch computed. Needs no PyTorch."""

from __future__ import annotations

import pathlib
import sys

import record

import pinion


def main() -> int:
    count = failed = 0
    for path in sys.argv[1:]:
        for entry in record.read(pathlib.Path(path)):
            label = f"{entry['name']} [{entry['variant']}]"
            for level in (2, 0):
                count += 1
                problem = ""
                try:
                    session = pinion.Session(record.archive(entry), threads=1, optimization=level)
                    for run in entry["runs"]:
                        got = session.run({name: record.unpacked(value) for name, value in run["inputs"].items()}, list(run["outputs"]))
                        for value, (name, wanted) in zip(got, run["outputs"].items()):
                            problem = problem or (text and f"{name}: {text}" if (text := record.difference(value, record.unpacked(wanted), entry["tolerance"])) else "")
                except pinion.Error as error:
                    problem = f"{type(error).__name__}: {error}"
                if problem:
                    failed += 1
                    print(f"{label} at level {level}: {problem[:300]}")
    print(f"{count - failed} passed, {failed} failed")
    return 1 if failed or not count else 0


if __name__ == "__main__":
    sys.exit(main())
