#!/usr/bin/env python3
"""Compares the declarations of Sources/CCUDA with NVIDIA's headers, those of the Python environment that runs the script.

A C++ compiler does the comparing: of each function the number of arguments, their sizes and whether they are pointers, integers or
floating-point numbers, and the result; of each structure the size. That the names are exported under these very names is read from the
headers. cublasLt's header comes with a large package and is compared only where it is there.

    abi-check.py INCLUDE [--cxx clang++]
"""

from __future__ import annotations

import argparse
import re
import subprocess
import sys
import tempfile
from pathlib import Path

PROGRAM = """
#define __CUDA_API_VERSION_INTERNAL 1
#include <type_traits>
#include <cstdio>
#include "{theirs}"
namespace ours {{
extern "C" {{
#include "{ours}"
}}
}}

template <class T> constexpr int kind() {{
  return std::is_pointer_v<T> ? 1 : std::is_floating_point_v<T> ? 2 : std::is_integral_v<T> || std::is_enum_v<T> ? 3 : std::is_void_v<T> ? 4 : 5;
}}
template <class A, class B> constexpr bool same() {{
  if constexpr (std::is_void_v<A> || std::is_void_v<B>) return std::is_void_v<A> && std::is_void_v<B>;
  else return sizeof(A) == sizeof(B) && kind<A>() == kind<B>();
}}
template <class R, class... A, class S, class... B> constexpr bool matches(R (*)(A...), S (*)(B...)) {{
  if constexpr (sizeof...(A) != sizeof...(B)) return false;
  else return same<R, S>() && (same<A, B>() && ...);
}}
#define CHECK(name, result, arguments) \\
  if (!matches((result(*) arguments)nullptr, (decltype(&::name))nullptr)) std::printf("%s\\n", #name), bad++;

int main() {{
  using namespace ours;
  int bad = 0;
  {list}(CHECK)
  {structures}
  return bad != 0;
}}
"""

TABLES = [
    ("cuda.h", "cc_driver.h", "CC_DRIVER_FUNCTIONS", [("cc_update_info", "CUgraphExecUpdateResultInfo")]),
    ("nvrtc.h", "cc_nvrtc.h", "CC_NVRTC_FUNCTIONS", []),
    (
        "cublasLt.h",
        "cc_blaslt.h",
        "CC_BLASLT_FUNCTIONS",
        [("cc_lt_algorithm", "cublasLtMatmulAlgo_t"), ("cc_lt_heuristic", "cublasLtMatmulHeuristicResult_t")],
    ),
]
# Of these only a form with _v2 and the same arguments is declared by newer headers; the loader tries it first.
RENAMED = {"cuEventElapsedTime": "cuEventElapsedTime_v2"}


def constants(ours: str) -> dict[str, int]:
    return {name: int(value) for name, value in re.findall(r"\b(CC_ERROR_\w+) = (\d+)", ours)}


def theirs_of(name: str) -> list[str]:
    """NVIDIA's possible names for one of our error numbers."""
    tail = name.removeprefix("CC_ERROR_")
    longer = {
        "HARDWARE_STACK": "HARDWARE_STACK_ERROR",
        "DRIVER_MISMATCH": "SYSTEM_DRIVER_MISMATCH",
        "CAPTURE_UNSUPPORTED": "STREAM_CAPTURE_UNSUPPORTED",
        "CAPTURE_INVALIDATED": "STREAM_CAPTURE_INVALIDATED",
        "CAPTURE_UNJOINED": "STREAM_CAPTURE_UNJOINED",
        "GRAPH_UPDATE": "GRAPH_EXEC_UPDATE_FAILURE",
    }
    return [f"CUDA_ERROR_{longer.get(tail, tail)}"]


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("include", type=Path)
    parser.add_argument("--cxx", default="clang++")
    arguments = parser.parse_args()
    folders = [
        folder
        for site in map(Path, sys.path)
        for name in ("cu13", "cuda_runtime", "cuda_nvrtc", "cublas", "cuda_nvcc")
        if (folder := site / "nvidia" / name / "include").is_dir()
    ]
    problems = []
    for theirs, ours, table, structures in TABLES:
        found = next((folder / theirs for folder in folders if (folder / theirs).is_file()), None)
        if found is None:
            print(f"{theirs} is not here: {ours} is not compared")
            continue
        text, own = found.read_text(), (arguments.include / ours).read_text()
        names = re.findall(r"FUNCTION\(((?:cu|nvrtc)\w+),", own)
        for name in names:
            if not re.search(rf"\b{RENAMED.get(name, name)}\b", text):
                problems.append(f"{theirs} has no {name}")
        checks = " ".join(f'if (sizeof({mine}) != sizeof({other})) std::printf("{mine}\\n"), bad++;' for mine, other in structures)
        source = PROGRAM.format(theirs=theirs, ours=(arguments.include / ours).resolve(), list=table, structures=checks)
        for old, new in RENAMED.items():
            source = source.replace("int main", f"#ifndef {old}\n#define {old} {new}\n#endif\nint main") if old in names else source
        if ours == "cc_driver.h":
            for name, value in constants(own).items():
                numbers = [re.search(rf"\b{other}\s*=\s*(\d+)", text) for other in theirs_of(name)]
                if not any(number and int(number[1]) == value for number in numbers):
                    problems.append(f"{name} is {value}; {theirs} says {[number and number[1] for number in numbers]}")
        with tempfile.TemporaryDirectory() as work:
            program = Path(work) / "check.cpp"
            program.write_text(source)
            options = ["-std=c++17", "-w", *(f"-I{folder}" for folder in folders), str(program), "-o", f"{work}/check"]
            built = subprocess.run([arguments.cxx, *options], capture_output=True, text=True)
            if built.returncode:
                problems.append(f"{ours} against {theirs} does not compile:\n{built.stderr[:2000]}")
                continue
            wrong = subprocess.run([f"{work}/check"], capture_output=True, text=True).stdout.split()
            problems += [f"{name} differs from {theirs}" for name in wrong]
        print(f"{ours}: {len(names)} functions, {len(structures)} structures compared with {found}")
    for problem in problems:
        print(f"abi-check: {problem}", file=sys.stderr)
    print("abi-check: " + (f"{len(problems)} problems" if problems else "ok"))
    return 1 if problems else 0


if __name__ == "__main__":
    sys.exit(main())
