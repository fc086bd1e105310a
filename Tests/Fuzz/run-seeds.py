"""run-seeds.py FOLDER: writes ONNX's small backend-test models as a corpus to start from; needs the Python package onnx."""
import pathlib
import sys
import warnings

import numpy as np

warnings.filterwarnings("ignore")
from onnx.backend.test.case.node import collect_testcases  # noqa: E402

folder = pathlib.Path(sys.argv[1])
with np.errstate(all="ignore"):
    for case in collect_testcases(None):
        data = case.model.SerializeToString()
        if len(data) <= 4096:
            (folder / case.name).write_bytes(data)
