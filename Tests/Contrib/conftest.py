import os
import pathlib
import sys

sys.path.insert(0, str(pathlib.Path(__file__).parent))

# Where the processor has AVX-512, onnxruntime multiplies QMoE's weights of 4 bits by a format of its own into which it rounds them again.
os.environ.setdefault("ORT_USE_MLAS_Q4_GEMM_MOE", "0")
