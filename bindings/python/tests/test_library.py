"""The declarations in _library.py against pinion.h, and the search for the library."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from pinion import _library, _types

HEADER = Path(__file__).resolve().parents[3] / "include" / "pinion" / "pinion.h"
header_text = re.sub(r"/\*.*?\*/", "", HEADER.read_text(), flags=re.S) if HEADER.is_file() else ""
needs_header = pytest.mark.skipif(not header_text, reason="the source tree is not here")


def declared():
    found = re.findall(r"PINION_API ([^;()]*?)(pinion_\w+)\(([^;]*?)\);", header_text, re.S)
    return {name: (result.strip(), arguments) for result, name, arguments in found}


@needs_header
def test_functions_take_as_many_arguments_as_in_the_header():
    functions = declared()
    assert len(functions) > 100
    for name, (result, arguments) in _library._FUNCTIONS.items():
        assert name in functions, name
        in_c, parameters = functions[name]
        count = 0 if parameters.strip() == "void" else parameters.count(",") + 1
        assert len(arguments) == count, name
        assert (result is None) == (in_c == "void"), name


@needs_header
def test_element_types_are_those_of_the_header():
    body = re.search(r"typedef enum pinion_element_type \{(.*?)\}", header_text, re.S)[1]
    in_c = {name: int(number) for name, number in re.findall(r"PINION_(\w+) = (\d+),", body)}
    assert {e.name: e.value for e in _types.ElementType} == in_c


@needs_header
def test_abi_version_is_that_of_the_header():
    assert int(re.search(r"PINION_ABI_VERSION (\d+)", header_text)[1]) == _library.ABI_VERSION


@needs_header
@pytest.mark.parametrize("name", ["ModelOptions", "SessionOptions", "TensorView", "RunOptions", "InputShape"])
def test_structures_have_the_members_of_the_header(name):
    structure = getattr(_library, name)
    c_name = "pinion" + re.sub("([A-Z])", lambda m: "_" + m[1].lower(), name)
    body = re.search(rf"typedef struct {c_name} \{{(.*?)\}} {c_name};", header_text, re.S)[1]
    members = re.findall(r"(\w+);", body)
    assert [field for field, _ in structure._fields_] == members


def python(code, **environment):
    return subprocess.run(
        [sys.executable, "-c", code],
        env={**os.environ, "PYTHONPATH": str(Path(_library.__file__).parents[1]), **environment},
        capture_output=True,
        text=True,
    )


def test_a_wrong_path_is_named():
    result = python("import pinion", PINION_LIBRARY="/nowhere/libpinion.so")
    assert result.returncode != 0
    assert "ImportError" in result.stderr and "/nowhere/libpinion.so" in result.stderr


def test_a_library_that_is_not_ours_is_refused():
    result = python("import pinion", PINION_LIBRARY="libc.so.6")
    assert result.returncode != 0 and "pinion_version_string" in result.stderr


def test_imports_without_ml_dtypes():
    code = (
        "import sys; sys.modules['ml_dtypes'] = None\n"
        "import numpy as np, pinion\n"
        "assert pinion.Value(np.float32(2)).numpy() == 2\n"
    )
    result = python(code)
    assert result.returncode == 0, result.stderr
