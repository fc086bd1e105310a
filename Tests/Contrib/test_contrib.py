"""com.microsoft operators against ONNX Runtime, on random cases. CONTRIB_SEEDS: how many of each."""

import os

import cases
import harness
import numpy as np
import pytest

SEEDS = int(os.environ.get("CONTRIB_SEEDS", "250"))
FIRST = int(os.environ.get("CONTRIB_FIRST_SEED", "0"))

PRODUCTS_OF_CODES = {"qattention", "dynamic_quantize_matmul", "matmul_integer_to_float", "qgemm", "dynamic_quantize_lstm", "qlinear_conv"}


@pytest.mark.parametrize("name", cases.GENERATORS)
def test_against_onnxruntime(name):
    if name in PRODUCTS_OF_CODES and harness.saturates():
        pytest.skip("onnxruntime's products of codes saturate on this processor")
    wrong, refused = [], []
    for seed in range(FIRST, FIRST + SEEDS):
        case = cases.GENERATORS[name](cases.Draw(np.random.default_rng([seed, sum(map(ord, name))])))
        try:
            difference = harness.compare(case)
        except harness.Refused as error:
            refused.append(f"seed {seed}: {case}: {error}")
            continue
        except Exception as error:
            difference = f"{type(error).__name__}: {error}"
        if difference:
            wrong.append(f"seed {seed}: {case}: {difference}")
    assert not wrong, f"{len(wrong)} of {SEEDS} cases:\n" + "\n".join(wrong[:10])
    # A generator that makes what nobody takes tests nothing.
    assert len(refused) <= SEEDS // 3, f"{len(refused)} of {SEEDS} refused:\n" + "\n".join(refused[:5])
