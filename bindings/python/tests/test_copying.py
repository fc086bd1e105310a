"""copy and pickle: nothing duplicates a handle."""

import copy
import importlib
import inspect
import multiprocessing
import pickle
import pkgutil

import numpy as np
import pytest

import pinion
from pinion._calls import PreparedCall
from pinion._graph import _Attributes
from pinion._recycled import _Lease
from pinion._results import Owner

BIAS = np.array([10, 20], np.float32)
DUPLICATE = [copy.copy, copy.deepcopy, lambda object: pickle.loads(pickle.dumps(object))]


def owners():
    """The classes of the package that own a handle: those that give something back at their end."""
    for module in pkgutil.iter_modules(pinion.__path__):
        if module.name == "backend":
            continue
        for _, kind in inspect.getmembers(importlib.import_module(f"pinion.{module.name}"), inspect.isclass):
            if kind.__module__.startswith("pinion") and "__del__" in vars(kind):
                yield kind


def examples(add_model):
    def owner():
        # Smaller outputs are copied into memory of numpy's own.
        output = pinion.Session(add_model).run({"x": np.ones((1024, 2), np.float32)})[0]
        while not isinstance(output, Owner):
            output = output.base
        return output

    def lease():
        session = pinion.Session(add_model)
        for _ in range(2):
            # The second run is of a call that was prepared for its shapes.
            output = session.run({"x": np.ones((20_000, 2), np.float32)})[0]
        while not isinstance(output, _Lease):
            output = output.base
        return output

    return {
        pinion.CancelToken: pinion.CancelToken,
        pinion.Model: lambda: pinion.Model(add_model),
        pinion.Session: lambda: pinion.Session(add_model),
        pinion.State: lambda: pinion.Session(add_model).state({"x": "y"}),
        pinion.Value: lambda: pinion.Value([1.0, 2.0]),
        Owner: owner,
        _Lease: lease,
        pinion.Graph: pinion.Graph,
        _Attributes: lambda: _Attributes({"axis": 1}),
        PreparedCall: lambda: pinion.Session(add_model).bind({"x": np.ones((1, 2), np.float32)})._call,
    }


def handle_of(object):
    return object.handle if isinstance(object, (Owner, PreparedCall)) else object._handle


@pytest.mark.parametrize("duplicate", DUPLICATE)
def test_no_two_objects_have_one_handle(add_model, duplicate):
    makers = examples(add_model)
    kinds = set(owners())
    assert kinds == set(makers), "a class that owns a handle has no example here"
    for kind in kinds:
        original = makers[kind]()
        try:
            again = duplicate(original)
        except TypeError as error:
            # The message says what to do.
            assert kind.__name__ in str(error) and ";" in str(error)
            continue
        assert again is original or handle_of(again) != handle_of(original)
        del original
        for _ in range(3):
            duplicate(again)


def test_tokens_are_not_copied():
    for duplicate in DUPLICATE:
        with pytest.raises(TypeError, match="another process needs a token of its own"):
            duplicate(pinion.CancelToken())


def test_copies_of_a_model(add_model, x):
    model = pinion.Model(add_model)
    assert copy.copy(model) is model and copy.deepcopy([model])[0] is model
    again = pickle.loads(pickle.dumps(model))
    assert again is not model
    np.testing.assert_array_equal(pinion.Session(again).run({"x": x})[0], x + BIAS)


def test_models_pickle_by_path(add_model, x, tmp_path):
    path = tmp_path / "add.onnx"
    path.write_bytes(add_model)
    model = pinion.Model(path)
    data = pickle.dumps(model)
    assert str(path).encode() in data and add_model not in data
    np.testing.assert_array_equal(pinion.Session(pickle.loads(data)).run({"x": x})[0], x + BIAS)
    path.write_bytes(add_model + b"\x00")
    with pytest.raises(pinion.InvalidModelError, match="not the file"):
        pickle.loads(data)
    with pytest.raises(pinion.InvalidModelError, match="has changed"):
        pickle.dumps(model)
    path.unlink()
    with pytest.raises(pinion.InputOutputError, match="cannot be read"):
        pickle.loads(data)
    with pytest.raises(pinion.InvalidModelError, match="has changed"):
        pickle.dumps(model)


def test_sessions_share_their_model_in_a_pickle(add_model):
    model = pinion.Model(add_model)
    one, other = pickle.loads(pickle.dumps([pinion.Session(model, threads=1), pinion.Session(model, threads=2)]))
    assert one.model is other.model
    assert copy.copy(one).model is one.model and copy.deepcopy(one)._options == one._options


@pytest.mark.parametrize(
    "value",
    [
        np.arange(6, dtype=np.int16).reshape(2, 3),
        np.float32(3.5),
        np.zeros((0, 4), np.float64),
        np.array([["a", ""], ["\u00e9", "b\0c"]], object),
        [np.ones(2, np.float32), np.zeros((1, 1), np.float32)],
        {1: 2.0, -5: 3.0},
        {"a": 1, "b": 2},
        None,
    ],
)
@pytest.mark.parametrize("duplicate", DUPLICATE)
def test_values_by_contents(value, duplicate):
    original = pinion.Value(value)
    again = duplicate(original)
    expected = original.numpy()
    del original
    assert again._handle
    np.testing.assert_equal(again.numpy(), expected)


def test_packed_values_by_contents():
    ml_dtypes = pytest.importorskip("ml_dtypes")
    array = np.array([[-8, 7, 1], [0, -1, 3]], ml_dtypes.int4)
    again = pickle.loads(pickle.dumps(pinion.Value(array)))
    assert again.element_type is pinion.ElementType.INT4 and again.shape == (2, 3)
    np.testing.assert_array_equal(again.numpy(), array)


def test_a_copy_has_memory_of_its_own():
    array = np.array([1.0, 2.0], np.float32)
    original = pinion.Value(array)
    again = copy.copy(original)
    array[0] = 7
    np.testing.assert_array_equal(again.numpy(), [1, 2])


def run_in_another_process(model, x):
    return pinion.Session(model, threads=1).run({"x": x})[0]


def test_a_model_goes_to_a_spawned_process(add_model, x, tmp_path):
    path = tmp_path / "add.onnx"
    path.write_bytes(add_model)
    with multiprocessing.get_context("spawn").Pool(1) as pool:
        for model in [pinion.Model(add_model), pinion.Model(path)]:
            y = pool.apply_async(run_in_another_process, (model, x)).get(timeout=60)
            np.testing.assert_array_equal(y, x + BIAS)
