"""Session.state(): values that stay in the session from run to run give what plain inputs and outputs give."""

import copy
import gc
import pickle
import threading

import numpy as np
import pytest
from conftest import FLOAT, model, tensor
from onnx import TensorProto, helper, numpy_helper

import pinion


def decoder():
    """Attention over a cache of two heads, whose keys are the new rows and whose values are twice them."""
    return model(
        [
            helper.make_node("Concat", ["past_key_values.0.key", "x"], ["present.0.key"], axis=-2),
            helper.make_node("Add", ["x", "x"], ["v"]),
            helper.make_node("Concat", ["past_key_values.0.value", "v"], ["present.0.value"], axis=2),
            helper.make_node("Transpose", ["present.0.key"], ["t"], perm=[0, 1, 3, 2]),
            helper.make_node("MatMul", ["x", "t"], ["m"]),
            helper.make_node("Softmax", ["m"], ["p"], axis=-1),
            helper.make_node("MatMul", ["p", "present.0.value"], ["logits"]),
        ],
        [
            tensor("x", FLOAT, ("batch", 2, "sequence", 4)),
            tensor("past_key_values.0.key", FLOAT, ("batch", 2, "past", 4)),
            tensor("past_key_values.0.value", FLOAT, ("batch", 2, "past", 4)),
        ],
        [
            tensor("logits", FLOAT, ("batch", 2, "sequence", 4)),
            tensor("present.0.key", FLOAT, ("batch", 2, "total", 4)),
            tensor("present.0.value", FLOAT, ("batch", 2, "total", 4)),
        ],
    )


KEY, VALUE = "past_key_values.0.key", "past_key_values.0.value"


class Plain:
    def __init__(self, session, batch):
        self.session = session
        self.caches = {name: np.zeros((batch, 2, 0, 4), np.float32) for name in (KEY, VALUE)}

    def step(self, x):
        logits, key, value = self.session.run({"x": x, **self.caches})
        self.caches = {KEY: key, VALUE: value}
        return logits


def rows(count, seed, batch=1):
    return np.random.default_rng(seed).standard_normal((batch, 2, count, 4)).astype(np.float32)


def recurrent():
    return model(
        [helper.make_node("Add", ["x", "h"], ["s"]), helper.make_node("Tanh", ["s"], ["hn"]), helper.make_node("Neg", ["s"], ["y"])],
        [tensor("x", FLOAT, ("batch", 3)), tensor("h", FLOAT, ("batch", 3))],
        [tensor("y", FLOAT, ("batch", 3)), tensor("hn", FLOAT, ("batch", 3))],
    )


@pytest.mark.parametrize("optimization", [0, 1, 2])
def test_agrees_with_plain_caches(optimization):
    session = pinion.Session(decoder(), threads=1, optimization=optimization)
    state, plain = session.state(), Plain(session, 2)
    assert state.pairs == [(KEY, "present.0.key", True), (VALUE, "present.0.value", True)]
    assert state.input_names == ["x"] and state.output_names == ["logits"] and state.length == 0
    for seed, count in enumerate([5, *[1] * 30, 8, 1]):
        x = rows(count, seed, 2)
        [logits] = state.run({"x": x})
        np.testing.assert_array_equal(logits, plain.step(x))
        for name, cache in plain.caches.items():
            np.testing.assert_array_equal(state[name], cache)
            assert state.length == cache.shape[2]
    assert state.nbytes >= sum(cache.nbytes for cache in plain.caches.values())
    assert "length 44" in repr(state)


def group_query(element, past):
    """GroupQueryAttention of two heads of queries for one of keys over caches of an extent."""
    return model(
        [
            helper.make_node(
                "GroupQueryAttention",
                ["q", "k", "v", "past_key", "past_value", "lengths", "total"],
                ["y", "present_key", "present_value"],
                domain="com.microsoft",
                num_heads=2,
                kv_num_heads=1,
            )
        ],
        [
            tensor("q", element, ("batch", "sequence", 16)),
            tensor("k", element, ("batch", "sequence", 8)),
            tensor("v", element, ("batch", "sequence", 8)),
            tensor("past_key", element, ("batch", 1, past, 8)),
            tensor("past_value", element, ("batch", 1, past, 8)),
            tensor("lengths", TensorProto.INT32, ("batch",)),
            tensor("total", TensorProto.INT32, (1,)),
        ],
        [
            tensor("y", element, ("batch", "sequence", 16)),
            tensor("present_key", element, ("batch", 1, "all", 8)),
            tensor("present_value", element, ("batch", 1, "all", 8)),
        ],
        domains=[("com.microsoft", 1)],
    )


@pytest.mark.parametrize("element", [np.float32, np.float16])
@pytest.mark.parametrize("past", ["past", 40])
def test_sequences_of_their_own_lengths_share_a_cache(element, past):
    session = pinion.Session(group_query(helper.np_dtype_to_tensor_dtype(np.dtype(element)), past), threads=1)
    state = session.state([("past_key", "present_key"), ("past_value", "present_value")], capacity=40)
    assert [appended for _, _, appended in state.pairs] == [True, True]
    caches = {name: np.zeros((2, 1, 0 if past == "past" else past, 8), element) for name in ("past_key", "past_value")}
    lengths = np.array([6, 4], np.int32)
    for seed, count in enumerate([6, *[1] * 20, 3]):
        if seed:
            lengths += count
        random = np.random.default_rng(seed)
        feeds = {name: random.standard_normal((2, count, width)).astype(element) for name, width in (("q", 16), ("k", 8), ("v", 8))}
        feeds |= {"lengths": lengths - 1, "total": lengths.max(keepdims=True)}
        [y] = state.run(feeds)
        expected, *present = session.run(feeds | caches)
        np.testing.assert_array_equal(y, expected)
        caches = dict(zip(caches, present, strict=True))
        for name, cache in caches.items():
            np.testing.assert_array_equal(state[name], cache)
        assert state.length == lengths[0]
        # The other sequence writes over what the prompt's padding has left, once: behind that nothing is in use any more.
        kept = 1 if seed == 1 else 0
        assert state.moved_bytes == (2 * count + kept) * 2 * 8 * np.dtype(element).itemsize


def test_room_from_the_beginning():
    state = pinion.Session(decoder(), threads=1).state(capacity=64)
    for seed in range(20):
        state.run({"x": rows(1, seed)})
        assert state.moved_bytes == 2 * 2 * 4 * 4 and state.nbytes == 64 * 2 * 2 * 4 * 4


def test_going_back_and_forks():
    session = pinion.Session(decoder(), threads=1)
    state, plain = session.state(), Plain(session, 1)
    for seed in range(4):
        state.run({"x": rows(2, seed)})
    fork = state.fork()
    state.truncate(4)
    for seed in range(2):
        plain.step(rows(2, seed))
    for seed in range(10, 14):
        np.testing.assert_array_equal(state.run({"x": rows(3, seed)})[0], plain.step(rows(3, seed)))
    other = Plain(session, 1)
    for seed in range(4):
        other.step(rows(2, seed))
    np.testing.assert_array_equal(fork.run({"x": rows(1, 9)})[0], other.step(rows(1, 9)))
    for length in (17, -1, 2**70):
        with pytest.raises(pinion.InvalidArgumentError):
            state.truncate(length)
    with pytest.raises(pinion.InvalidArgumentError, match="ragged"):
        state.truncate([1, 2])
    state.reset()
    assert state.length == 0
    np.testing.assert_array_equal(state.run({"x": rows(2, 0, 3)})[0], Plain(session, 3).step(rows(2, 0, 3)))


def test_a_cancelled_run_changes_nothing():
    session = pinion.Session(decoder(), threads=1)
    state, plain = session.state(), Plain(session, 1)
    token = pinion.CancelToken()
    for seed in range(20):
        np.testing.assert_array_equal(state.run({"x": rows(1, seed)})[0], plain.step(rows(1, seed)))
        token.cancel()
        with pytest.raises(pinion.CancelledError):
            state.run({"x": rows(40, 99)}, cancel=token)
        with pytest.raises(pinion.BudgetExceededError):
            state.run({"x": rows(40, 99)}, byte_budget=100)
        with pytest.raises(pinion.InvalidShapeError):
            state.run({"x": rows(1, 99, 2)})
        assert state.length == seed + 1
        np.testing.assert_array_equal(state[KEY], plain.caches[KEY])


def test_limits_of_a_states_creation():
    session = pinion.Session(decoder(), threads=1)
    token = pinion.CancelToken()
    session.state(timeout=60, cancel=token, byte_budget=1 << 20).run({"x": rows(2, 1)})
    token.cancel()
    with pytest.raises(pinion.CancelledError):
        session.state(cancel=token)
    with pytest.raises(pinion.DeadlineExceededError):
        session.state(timeout=0)
    with pytest.raises(pinion.InvalidArgumentError):
        session.state(byte_budget=0)
    session.state().run({"x": rows(2, 1)})


def test_a_budget_of_its_own_changes_no_result():
    """A state whose input has a default has a program of its own, for which constants are computed beforehand as far as the budget goes."""
    default = numpy_helper.from_array(np.ones((1, 300), np.float32), "h")
    bytes_ = model(
        [
            helper.make_node("Expand", ["one", "extents"], ["wide"]),
            helper.make_node("ReduceSum", ["wide"], ["sums"], keepdims=1),
            helper.make_node("Add", ["h", "sums"], ["hn"]),
        ],
        [tensor("h", FLOAT, (1, 300))],
        [tensor("hn", FLOAT, (1, 300))],
        initializers=[default, numpy_helper.from_array(np.ones((1, 1), np.float32), "one"), numpy_helper.from_array(np.array([300, 300]), "extents")],
    )
    session = pinion.Session(bytes_, threads=1)
    for budget in (None, 100, 1 << 20, None):
        state = session.state({"h": "hn"}, byte_budget=budget)
        for times in (1, 2):
            state.run({})
            np.testing.assert_array_equal(state["h"], np.full((1, 300), 90000.0 * times, np.float32))


def test_budget_of_the_session():
    session = pinion.Session(decoder(), threads=1, byte_budget=1 << 14)
    state = session.state()
    with pytest.raises(pinion.BudgetExceededError):
        for seed in range(1000):
            state.run({"x": rows(1, seed)})
    length = state.length
    assert 50 < length < 256
    state.truncate(length - 1)
    state.run({"x": rows(1, 1)})
    assert state.length == length


def test_values_are_set_and_asked_for():
    session = pinion.Session(decoder(), threads=1)
    state, plain = session.state(), Plain(session, 1)
    plain.caches = {KEY: rows(3, 1), VALUE: rows(3, 2)}
    state[KEY] = plain.caches[KEY]
    with pytest.raises(pinion.InvalidArgumentError, match="different lengths"):
        state.run({"x": rows(1, 0)})
    assert state.length is None
    state[VALUE] = plain.caches[VALUE][:, :, ::-1][:, :, ::-1]
    assert state.length == 3
    out = np.zeros((1, 2, 1, 4), np.float32)
    given = state.run({"x": rows(1, 0)}, ["present.0.value", "logits"], out={"logits": out})
    np.testing.assert_array_equal(out, plain.step(rows(1, 0)))
    np.testing.assert_array_equal(given[0], plain.caches[VALUE])
    with pytest.raises(pinion.InvalidArgumentError, match="holds"):
        state.run({"x": rows(1, 0), KEY: rows(4, 0)})
    with pytest.raises(pinion.InvalidArgumentError, match="missing input 'x'"):
        state.run({})
    with pytest.raises(pinion.NotFoundError):
        state["x"]
    with pytest.raises(pinion.InvalidShapeError):
        state[KEY] = np.zeros((1, 3, 1, 4), np.float32)
    with pytest.raises(pinion.NotFoundError):
        session.state({"nobody": "logits"})
    with pytest.raises(pinion.NotFoundError):
        session.state({KEY: "nobody"})
    for bad in ({}, {KEY: "present.0.key", VALUE: "present.0.key"}):
        with pytest.raises(pinion.InvalidArgumentError):
            session.state(bad)
    with pytest.raises(pinion.InvalidArgumentError):
        session.state(capacity=-1)


def test_pairs_whose_types_do_not_fit():
    for kind, shape in ((TensorProto.INT64, ("n",)), (FLOAT, (1, "n"))):
        made = model([helper.make_node("Cast", ["x"], ["y"], to=kind)], [tensor("x", FLOAT, ("n",))], [tensor("y", kind, shape)])
        with pytest.raises(pinion.InvalidArgumentError, match=r"'y' is .* and cannot be input 'x'"):
            pinion.Session(made).state({"x": "y"})


def test_recurrent_state():
    session = pinion.Session(recurrent(), threads=1)
    state = session.state()
    assert state.pairs == [("h", "hn", False)] and state.length is None
    h = np.zeros((2, 3), np.float32)
    for seed in range(5):
        x = np.random.default_rng(seed).standard_normal((2, 3)).astype(np.float32)
        y, h = session.run({"x": x, "h": h})
        np.testing.assert_array_equal(state.run({"x": x})[0], y)
        np.testing.assert_array_equal(state["h"], h)
    with pytest.raises(pinion.UnsupportedError):
        state.truncate(1)
    with pytest.raises(pinion.NotFoundError, match="name the pairs"):
        pinion.Session(model([helper.make_node("Neg", ["a"], ["b"])], [tensor("a")], [tensor("b")])).state()


def test_states_of_one_session_in_threads():
    session = pinion.Session(decoder(), threads=1)
    plain = Plain(session, 1)
    expected = [plain.step(rows(1, seed)) for seed in range(50)]
    wrong = []

    def decode():
        state = session.state()
        for seed in range(50):
            if not np.array_equal(state.run({"x": rows(1, seed)})[0], expected[seed]):
                wrong.append(seed)

    threads = [threading.Thread(target=decode) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not wrong


def test_a_state_keeps_its_session_and_is_not_copied():
    state = pinion.Session(decoder(), threads=1).state()
    gc.collect()
    assert state.run({"x": rows(1, 0)})[0].shape == (1, 2, 1, 4)
    for duplicate in (copy.copy, copy.deepcopy, pickle.dumps):
        with pytest.raises(TypeError, match="fork"):
            duplicate(state)


def test_caches_that_grow_at_different_rates():
    """Each run appends 4 rows of 3 ones to a and every second of them to b: the sums grow by 12 and by 6."""
    info = helper.make_tensor_value_info
    node = helper.make_node
    graph = helper.make_graph(
        [
            node("Concat", ["past_a", "x"], ["present_a"], axis=1),
            node("Slice", ["x", "begin", "end", "axis", "step"], ["half"]),
            node("Concat", ["past_b", "half"], ["present_b"], axis=1),
            node("ReduceSum", ["present_a"], ["sum_a"], keepdims=0),
            node("ReduceSum", ["present_b"], ["sum_b"], keepdims=0),
            node("Add", ["sum_a", "sum_b"], ["y"]),
        ],
        "g",
        [info(name, FLOAT, ["b", rows, 3]) for name, rows in (("x", "n"), ("past_a", "p"), ("past_b", "q"))],
        [info("y", FLOAT, [])] + [info(name, FLOAT, ["b", None, 3]) for name in ("present_a", "present_b")],
        [numpy_helper.from_array(np.array([n], np.int64), name) for name, n in (("begin", 0), ("end", 1 << 60), ("axis", 1), ("step", 2))],
    )
    model = helper.make_model(graph, ir_version=10, opset_imports=[helper.make_opsetid("", 21)])
    state = pinion.Session(model.SerializeToString()).state()
    x = np.ones((1, 4, 3), np.float32)
    for run in range(1, 4):
        [y] = state.run({"x": x})
        assert y == 18 * run
    assert state.length is None
    with pytest.raises(pinion.InvalidArgumentError, match="positions"):
        state.truncate(4)
    state.reset()
    assert state.run({"x": x})[0] == 18
