"""Prepared calls: session.run() with shapes that come again, and Session.bind()."""

import gc
import pickle
import threading

import numpy as np
import pytest
from conftest import FLOAT, INT64, identity, model, tensor
from onnx import TensorProto, helper

import pinion
from pinion import _addresses, _session


def sums(count):
    """y{i} = x{i} + x{i} for `count` inputs and outputs."""
    names = range(count)
    return model(
        [helper.make_node("Add", [f"x{i}", f"x{i}"], [f"y{i}"]) for i in names],
        [tensor(f"x{i}", FLOAT, ("n", 2)) for i in names],
        [tensor(f"y{i}", FLOAT, ("n", 2)) for i in names],
    )


def prepared(session):
    return [call for call in session._calls.values() if isinstance(call, _session.PreparedCall) and not isinstance(call, _session.ValueCall)]


def given_values(session):
    return [call for call in session._calls.values() if isinstance(call, _session.ValueCall)]


def test_addresses_are_those_that_numpy_says():
    base = np.arange(60, dtype=np.int16).reshape(3, 4, 5)
    for array in (base, base[1:], base[:, ::2], base.T, np.empty((0, 3)), np.array(2.0), np.array(["a", "bc"])):
        assert _addresses.address(array) == array.ctypes.data
    assert _addresses._by_layout(base) == base.ctypes.data


@pytest.mark.parametrize("count", [1, 2, 4])
def test_runs_with_shapes_that_come_again_give_the_same(count):
    session = pinion.Session(sums(count), threads=1)
    for rows in (3, 1, 3, 0, 2000, 3, 2000, 2000, 0, 0):
        inputs = {f"x{i}": np.random.rand(rows, 2).astype(np.float32) for i in range(count)}
        outputs = session.run(inputs)
        assert len(outputs) == count
        for i, output in enumerate(outputs):
            assert output.dtype == np.float32 and output.shape == (rows, 2) and output.flags.writeable
            np.testing.assert_array_equal(output, inputs[f"x{i}"] * 2)
    assert len(prepared(session)) == 3


@pytest.mark.parametrize("element_type", [FLOAT, TensorProto.BFLOAT16, INT64])
def test_memory_of_a_large_output_that_is_gone_is_taken_again(element_type):
    session = pinion.Session(identity(element_type, ["n"]), threads=1)
    dtype = session.inputs[0].dtype
    given = [np.arange(100_000).astype(dtype) + i for i in range(6)]
    for x in given[:2]:
        session.run({"x": x})
    first = session.run({"x": given[2]})[0]
    place = _addresses.address(first)
    part = first[10:20]
    # A view keeps it.
    del first
    second = session.run({"x": given[3]})[0]
    assert part.tobytes() == given[2][10:20].tobytes()
    assert _addresses.address(second) != place
    del part
    third = session.run({"x": given[4]})[0]
    assert _addresses.address(third) == place
    assert second.tobytes() == given[3].tobytes() and third.tobytes() == given[4].tobytes()
    assert third.dtype == dtype and third.flags.writeable and third.flags.c_contiguous
    del second
    assert session.trim() >= third.nbytes
    assert session.trim() < third.nbytes
    # It outlives what it came from.
    del session
    gc.collect()
    assert third.tobytes() == given[4].tobytes()


def test_memory_of_outputs_goes_with_their_shapes():
    """One call at a time keeps memory of outputs that are gone."""
    session = pinion.Session(sums(2), threads=1)
    for rows in (20_000, 30_000, 20_000, 30_000):
        for _ in range(3):
            session.run({f"x{i}": np.zeros((rows, 2), np.float32) for i in range(2)})
    kept = [call.trim() for call in prepared(session)]
    assert len(kept) == 2 and sorted(kept) == [0, 2 * 30_000 * 8]


def test_outputs_of_earlier_runs_stay():
    session = pinion.Session(sums(1), threads=1)
    results = [session.run({"x0": np.full((1, 2), i, np.float32)})[0] for i in range(10)]
    gc.collect()
    assert [result[0, 0] for result in results] == [2 * i for i in range(10)]


def test_large_outputs_begin_a_cache_line():
    session = pinion.Session(sums(1), threads=1)
    x = np.ones((5000, 2), np.float32)
    for _ in range(5):
        [y] = session.run({"x0": x})
    assert prepared(session) and y.ctypes.data % 64 == 0


def test_the_order_of_inputs_is_the_callers():
    made = model(
        [helper.make_node("Sub", ["a", "b"], ["y"])], [tensor("a", FLOAT, (2,)), tensor("b", FLOAT, (2,))], [tensor("y", FLOAT, (2,))]
    )
    session = pinion.Session(made)
    a, b = np.array([5, 7], np.float32), np.array([1, 2], np.float32)
    for _ in range(4):
        np.testing.assert_array_equal(session.run({"a": a, "b": b})[0], [4, 5])
        np.testing.assert_array_equal(session.run({"b": b, "a": a})[0], [4, 5])
    assert len(prepared(session)) == 2


def test_arrays_that_no_address_describes_still_run():
    session = pinion.Session(sums(1), threads=1)
    wide = np.arange(24, dtype=np.float32).reshape(4, 6)
    plain, strided, swapped = wide[:, :2].copy(), wide[:, ::3], wide[:, :2].astype(">f4")
    block = np.zeros(4 * 8 + 1, np.uint8)
    unaligned = block[1:].view(np.float32).reshape(4, 2)
    unaligned[:] = 3
    for _ in range(3):
        for array in (plain, strided, swapped, unaligned, np.asfortranarray(plain)):
            np.testing.assert_array_equal(session.run({"x0": array})[0], np.asarray(array, np.float32) * 2)


def test_wrong_types_and_names_are_named_after_prepared_runs_too():
    session = pinion.Session(sums(1), threads=1)
    for _ in range(3):
        session.run({"x0": np.ones((1, 2), np.float32)})
    for _ in range(3):
        with pytest.raises(pinion.InvalidShapeError, match="x0"):
            session.run({"x0": np.ones((1, 2), np.int64)})
        with pytest.raises(pinion.InvalidShapeError, match="x0"):
            session.run({"x0": np.ones((1, 3), np.float32)})
        with pytest.raises(pinion.NotFoundError, match="nothing"):
            session.run({"nothing": np.ones((1, 2), np.float32)})
        with pytest.raises(pinion.InvalidArgumentError, match="x0"):
            session.run({})


def test_an_array_whose_shape_was_changed_in_place():
    session = pinion.Session(sums(1), threads=1)
    x = np.ones((2, 2), np.float32)
    for _ in range(3):
        assert session.run({"x0": x})[0].shape == (2, 2)
    x.resize((4, 2), refcheck=False)
    assert session.run({"x0": x})[0].shape == (4, 2)


def test_outputs_whose_shape_depends_on_data():
    made = model([helper.make_node("NonZero", ["x"], ["y"])], [tensor("x", FLOAT, ("n",))], [tensor("y", INT64, (1, "m"))])
    session = pinion.Session(made)
    for values in ([1, 0, 1], [0, 0, 0], [1, 1, 1], [0, 1, 0]) * 2:
        [y] = session.run({"x": np.array(values, np.float32)})
        np.testing.assert_array_equal(y, [np.nonzero(values)[0]])
        assert y.dtype == np.int64 and y.flags.writeable
    assert not prepared(session) and len(given_values(session)) == 1
    with pytest.raises(pinion.UnsupportedError, match="depends on data"):
        session.bind({"x": np.ones(3, np.float32)})


@pytest.mark.parametrize("count", [3, 5000])
def test_outputs_whose_shape_depends_on_data_stay_and_may_be_written(count):
    made = model(
        [helper.make_node("Compress", ["x", "c"], ["y"], axis=0), helper.make_node("Neg", ["y"], ["z"])],
        [tensor("x", FLOAT, ("n", 2)), tensor("c", TensorProto.BOOL, ("n",))],
        [tensor("z", FLOAT, ("m", 2)), tensor("y", FLOAT, ("m", 2))],
    )
    session = pinion.Session(made)
    random = np.random.default_rng(count)
    kept = []
    for _ in range(8):
        x, c = random.random((count, 2)).astype(np.float32), random.random(count) < 0.5
        z, y = session.run({"x": x, "c": c})
        np.testing.assert_array_equal(y, x[c])
        np.testing.assert_array_equal(z, -x[c])
        y += 1
        kept.append((z, -x[c]))
    gc.collect()
    for z, expected in kept:
        np.testing.assert_array_equal(z, expected)
    assert len(given_values(session)) == 1


def test_sequences_maps_and_nothing_after_runs():
    half = TensorProto.FLOAT16
    nodes = [
        helper.make_node("Cast", ["x"], ["h"], to=half),
        helper.make_node("SplitToSequence", ["x"], ["parts"], axis=0, keepdims=0),
        helper.make_node("SequenceConstruct", ["h", "h"], ["halves"]),
        helper.make_node("Optional", [], ["none"], type=helper.make_tensor_type_proto(FLOAT, None)),
    ]
    outputs = [
        helper.make_tensor_sequence_value_info("parts", FLOAT, None),
        helper.make_tensor_sequence_value_info("halves", half, None),
        helper.make_value_info("none", helper.make_optional_type_proto(helper.make_tensor_type_proto(FLOAT, None))),
    ]
    session = pinion.Session(model(nodes, [tensor("x", FLOAT, ("n", "m"))], outputs))
    for rows, columns in ((3, 2), (0, 2), (130, 3), (2, 2000)) * 3:
        x = np.random.rand(rows, columns).astype(np.float32)
        parts, halves, none = session.run({"x": x})
        assert len(parts) == rows and all(part.shape == (columns,) and part.dtype == np.float32 for part in parts)
        np.testing.assert_array_equal(np.array(parts).reshape(rows, columns), x)
        assert len(halves) == 2 and all(array.dtype == np.float16 for array in halves)
        np.testing.assert_array_equal(halves[1], x.astype(np.float16))
        assert none is None
    assert len(given_values(session)) == 4


def test_threads_share_a_call_that_gives_values():
    made = model([helper.make_node("NonZero", ["x"], ["y"])], [tensor("x", FLOAT, ("n",))], [tensor("y", INT64, (1, "m"))])
    session = pinion.Session(made)
    wrong = []

    def work(seed):
        random = np.random.default_rng(seed)
        for _ in range(200):
            x = (random.random(64) < 0.5).astype(np.float32)
            if not np.array_equal(session.run({"x": x})[0], [np.nonzero(x)[0]]):
                wrong.append(x)

    threads = [threading.Thread(target=work, args=(seed,)) for seed in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not wrong


def test_errors_of_values_are_those_of_other_runs():
    made = model(
        [helper.make_node("Gather", ["x", "i"], ["y"], name="pick")],
        [tensor("x", FLOAT, (3,)), tensor("i", INT64, (1,))],
        [tensor("y", FLOAT, (1,))],
    )
    session = pinion.Session(made)
    x = np.arange(3, dtype=np.float32)
    for index in (0, 1, 2):
        assert session.run({"x": x, "i": np.array([index])})[0] == [index]
    assert prepared(session)
    with pytest.raises(pinion.InvalidValueError) as caught:
        session.run({"x": x, "i": np.array([9])})
    assert caught.value.node == "pick"
    assert session.run({"x": x, "i": np.array([1])})[0] == [1]


def test_half_and_bfloat16():
    ml_dtypes = pytest.importorskip("ml_dtypes")
    for code, dtype in ((TensorProto.FLOAT16, np.float16), (TensorProto.BFLOAT16, ml_dtypes.bfloat16), (TensorProto.BOOL, np.bool_)):
        session = pinion.Session(identity(code, ("n",)))
        x = np.array([0, 1, 1], dtype)
        for _ in range(4):
            [y] = session.run({"x": x})
            assert y.dtype == x.dtype and (y == x).all()
        assert prepared(session)


def test_defaults_may_be_fed_or_left_out(add_model, x):
    session = pinion.Session(add_model)
    b = np.array([1, 1], np.float32)
    for _ in range(4):
        np.testing.assert_array_equal(session.run({"x": x})[0], x + [10, 20])
        np.testing.assert_array_equal(session.run({"x": x, "b": b})[0], x + 1)


def test_many_shapes_are_forgotten():
    session = pinion.Session(sums(1), threads=1)
    for rows in range(300):
        for _ in range(2):
            assert session.run({"x0": np.ones((rows, 2), np.float32)})[0].shape == (rows, 2)
    assert len(session._calls) <= 64


def test_threads_share_a_call():
    session = pinion.Session(sums(2), threads=1)
    failures = []

    def work(seed):
        for i in range(2000):
            a = np.full((2, 2), seed * 10000 + i, np.float32)
            y0, y1 = session.run({"x0": a, "x1": -a})
            if (y0 != 2 * a).any() or (y1 != -2 * a).any():
                failures.append((seed, i))

    threads = [threading.Thread(target=work, args=(seed,)) for seed in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not failures and prepared(session)


def test_binding_reads_and_writes_its_arrays():
    session = pinion.Session(sums(2), threads=1)
    a, b = np.ones((3, 2), np.float32), np.zeros((3, 2), np.float32)
    mine = np.empty((3, 2), np.float32)
    binding = session.bind({"x1": b, "x0": a}, {"y1": mine, "y0": np.empty((3, 2), np.float32)})
    assert binding.outputs["y1"] is mine
    for i in range(5):
        a[:], b[:] = i, -i
        binding.run()
        assert (binding.outputs["y0"] == 2 * i).all() and (mine == -2 * i).all()
    binding = session.bind({"x0": a, "x1": b}, output_names=["y1"])
    assert list(binding.outputs) == ["y1"]
    binding.run(timeout=10)
    assert (binding.outputs["y1"] == -8).all()
    token = pinion.CancelToken()
    token.cancel()
    with pytest.raises(pinion.CancelledError):
        binding.run(cancel=token)


def test_binding_refuses_what_it_cannot_hold():
    session = pinion.Session(sums(1), threads=1)
    x = np.ones((3, 4), np.float32)
    with pytest.raises(pinion.InvalidArgumentError, match="x0"):
        session.bind({"x0": x[:, ::2]})
    with pytest.raises(pinion.InvalidArgumentError, match="x0"):
        session.bind({"x0": [[1.0, 2.0]]})
    with pytest.raises(pinion.InvalidArgumentError, match="y0"):
        session.bind({"x0": x[:, :2].copy()}, {"y0": np.empty((2, 2), np.float32)})
    with pytest.raises(pinion.NotFoundError, match="z"):
        session.bind({"x0": x[:, :2].copy()}, {"z": np.empty((3, 2), np.float32)})
    with pytest.raises(pinion.InvalidArgumentError, match="missing"):
        session.bind({})


def test_types_that_are_equal_and_not_the_same_object_take_the_call():
    """Arrays that come out of a pickle have such a type."""
    session = pinion.Session(sums(1), threads=1)
    array = np.ones((3, 2), pickle.loads(pickle.dumps(np.dtype(np.float32))))
    assert array.dtype is not np.dtype(np.float32)
    for _ in range(3):
        assert np.array_equal(session.run({"x0": array})[0], array + array)
    assert session._latest.run([array]) is not None and session._latest.run([np.ones((3, 2), np.float32)]) is not None
    assert session._latest.run([np.ones((3, 2), np.int32)]) is None
