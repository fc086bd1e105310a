"""`generate`: greedy decoding with caches in a state, against the same arithmetic in NumPy."""

import json

import numpy as np
import pytest
from onnx import helper

VOCABULARY = 11
RNG = np.random.default_rng(5)
TABLE = RNG.standard_normal((VOCABULARY, VOCABULARY)).astype(np.float32)
PLACES = RNG.standard_normal((64, VOCABULARY)).astype(np.float32)
#: Logits are the sum over all positions of what token and place say.
CACHE = ("past_key_values.0.key", np.float32, ["batch", 1, "past", VOCABULARY])


def expected(prompt, count):
    """The tokens that are added."""
    tokens = list(prompt)
    for _ in range(count):
        tokens.append(int(np.sum(TABLE[tokens] + PLACES[: len(tokens)], axis=0).argmax()))
    return tokens[len(prompt) :]


def nodes(with_cache):
    row = [
        helper.make_node("Gather", ["table", "input_ids"], ["e"]),
        helper.make_node("Gather", ["places", "position_ids"], ["p"]),
        helper.make_node("Add", ["e", "p"], ["s"]),
        helper.make_node("Unsqueeze", ["s", "one"], ["new"]),
    ]
    if with_cache:
        row.append(helper.make_node("Concat", ["past_key_values.0.key", "new"], ["present.0.key"], axis=2))
    # A mask of another length than all positions does not broadcast.
    return row + [
        helper.make_node("Cast", ["attention_mask"], ["m"], to=1),
        helper.make_node("Unsqueeze", ["m", "sides"], ["mask"]),
        helper.make_node("Mul", ["present.0.key" if with_cache else "new", "mask"], ["seen"]),
        helper.make_node("ReduceSum", ["seen", "two"], ["logits"], keepdims=0),
    ]


@pytest.fixture
def decoder(save):
    def decoder(with_cache=True, more=()):
        inputs = [(name, np.int64, ["batch", size]) for name, size in [("input_ids", "s"), ("position_ids", "s"), ("attention_mask", "t")]]
        outputs = [("logits", np.float32, ["batch", 1, VOCABULARY])]
        if with_cache:
            inputs.append(CACHE)
            outputs.append(("present.0.key", np.float32, ["batch", 1, "total", VOCABULARY]))
        constants = [
            ("table", TABLE), ("places", PLACES), ("one", np.array([1])), ("sides", np.array([1, 3])), ("two", np.array([2])),
        ]
        return save(nodes(with_cache), [*inputs, *more], outputs, constants, name="decoder.onnx")

    return decoder


@pytest.mark.parametrize("optimization", [0, 2])
@pytest.mark.parametrize("with_cache", [True, False])
def test_tokens_are_those_of_numpy(run_model, decoder, with_cache, optimization):
    model = decoder(with_cache)
    prompts = [[3, 1, 4, 1], [5, 9, 2, 6]]
    arguments = [f"--tokens={','.join(map(str, prompt))}" for prompt in prompts]
    result = run_model("generate", model, *arguments, "--count", 30, "--json", "--optimization", optimization)
    assert result.status == 0, result.err
    report = json.loads(result.out)
    assert report["prompt"] == prompts and report["tokens"] == [expected(prompt, 30) for prompt in prompts]
    assert report["prefill_ns"] > 0 and 0 < report["token_ns"]["p50"] <= report["token_ns"]["p99"]
    if with_cache:
        state = report["state"]
        assert state["length"] == 33 and state["values"] == state["appended"] == 1
        assert state["bytes"] == 34 * 2 * VOCABULARY * 4 and state["moved_bytes_per_token"] >= 2 * VOCABULARY * 4
    else:
        assert report["state"] is None


def test_text(run_model, decoder):
    result = run_model("generate", decoder(), "--tokens", "3,1,4", "--count", 5)
    assert result.status == 0, result.err
    lines = dict(line.split(maxsplit=1) for line in result.out.splitlines())
    assert lines["tokens"] == ",".join(map(str, expected([3, 1, 4], 5)))
    assert lines["prefill"].startswith("3 tokens in ") and "tokens/s" in lines["token"]
    assert "7 positions" in lines["state"] and "1 of 1 values appended in place" in lines["state"] and "a token" in lines["moved"]
    one = run_model("generate", decoder(), "--tokens", "3", "--count", 1)
    assert one.status == 0 and "prefill  1 token in" in one.out and "tokens/s" not in one.out


def test_stops(run_model, decoder):
    added = expected([3, 1, 4], 40)
    result = run_model("generate", decoder(), "--tokens", "3,1,4", "--count", 40, "--stop", added[0], "--json")
    assert json.loads(result.out)["tokens"] == [added[:1]]


def test_what_it_cannot_do(run_model, decoder, double):
    model = decoder()
    for arguments, status, text in [
        (["--tokens", "1,2", "--tokens", "3"], 64, "different lengths"),
        (["--tokens", "1,x"], 64, "--tokens"),
        ([], 64, "--tokens"),
        (["--tokens", "1", "--count", "0"], 64, "--count"),
        (["--tokens", "1,99"], 3, "Gather"),
        (["--tokens", "1", "--count", "70"], 3, "Gather"),
        (["--tokens", "1", "--timeout", "0"], 3, "deadline"),
        (["--tokens", "1", "--byte-budget", "100"], 3, "budget"),
    ]:
        result = run_model("generate", model, *arguments)
        assert result.status == status and text in result.error(), result.err
    result = run_model("generate", double, "--tokens", "1")
    assert result.status == 2 and "input 'x' is none that this command knows how to fill" in result.error()
    more = run_model("generate", decoder(more=[("speaker", np.float32, [3])]), "--tokens", "1")
    assert more.status == 2 and "'speaker'" in more.error()
