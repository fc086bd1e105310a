import gc
import pickle
import sys

import ml_dtypes
import numpy as np
import pytest
from conftest import FLOAT, INT64, STRING, identity, model, tensor
from onnx import TensorProto, helper

import pinion

NUMPY = {
    TensorProto.FLOAT: np.float32,
    TensorProto.DOUBLE: np.float64,
    TensorProto.FLOAT16: np.float16,
    TensorProto.INT8: np.int8,
    TensorProto.INT16: np.int16,
    TensorProto.INT32: np.int32,
    TensorProto.INT64: np.int64,
    TensorProto.UINT8: np.uint8,
    TensorProto.UINT16: np.uint16,
    TensorProto.UINT32: np.uint32,
    TensorProto.UINT64: np.uint64,
    TensorProto.BOOL: np.bool_,
}
NARROW = {
    TensorProto.BFLOAT16: ml_dtypes.bfloat16,
    TensorProto.FLOAT8E4M3FN: ml_dtypes.float8_e4m3fn,
    TensorProto.FLOAT8E4M3FNUZ: ml_dtypes.float8_e4m3fnuz,
    TensorProto.FLOAT8E5M2: ml_dtypes.float8_e5m2,
    TensorProto.FLOAT8E5M2FNUZ: ml_dtypes.float8_e5m2fnuz,
    TensorProto.INT4: ml_dtypes.int4,
    TensorProto.UINT4: ml_dtypes.uint4,
    TensorProto.FLOAT4E2M1: ml_dtypes.float4_e2m1fn,
}
PACKED = {
    **{k: NARROW[k] for k in (TensorProto.INT4, TensorProto.UINT4, TensorProto.FLOAT4E2M1)},
    TensorProto.INT2: ml_dtypes.int2,
    TensorProto.UINT2: ml_dtypes.uint2,
}


def same(a, b):
    assert a.dtype == b.dtype and a.shape == b.shape
    if a.dtype.name in ("int4", "int2"):  # the unused bits of their bytes may differ
        a, b = a.astype(np.int8), b.astype(np.int8)
    size = a.dtype.itemsize
    np.testing.assert_array_equal(
        np.ascontiguousarray(a).reshape(-1).view(f"u{size}"), np.ascontiguousarray(b).reshape(-1).view(f"u{size}")
    )


@pytest.mark.parametrize("code", [*NUMPY, *NARROW])
def test_each_type_goes_through_a_model(code):
    dtype = np.dtype({**NUMPY, **NARROW}[code])
    array = np.array([[0, 1, 2], [3, 1, 0], [1, 0, 1]]).astype(dtype)
    session = pinion.Session(identity(code, (3, 3)))
    assert session.inputs[0].dtype == dtype
    [y] = session.run({"x": array})
    same(y, array)


@pytest.mark.parametrize("code", [*NUMPY, *NARROW, *PACKED])
@pytest.mark.parametrize("shape", [(), (0,), (1,), (2, 3), (5,), (4, 0), (1, 2, 3, 1, 2)])
def test_each_type_keeps_its_bits(code, shape):
    dtype = np.dtype({**NUMPY, **NARROW, **PACKED}[code])
    count = int(np.prod(shape))
    array = (np.arange(count) % 3).astype(dtype).reshape(shape)
    if np.dtype(dtype).name in ("int4", "int2"):
        array = ((np.arange(count) % 4) - 2).astype(dtype).reshape(shape)
    value = pinion.Value(array)
    assert value.kind is pinion.Kind.TENSOR
    assert (value.shape, value.dtype, int(value.element_type)) == (shape, dtype, code)
    same(value.numpy(), array)


@pytest.mark.parametrize(
    ("values", "dtype", "packed"),
    [
        ([1, 2, 3], ml_dtypes.uint4, [0x21, 0x03]),
        ([-1, -8, 7], ml_dtypes.int4, [0x8F, 0x07]),
        ([1, 2, 3, 0, 2], ml_dtypes.uint2, [0b00111001, 0b10]),
        ([-1, -2, 1], ml_dtypes.int2, [0b00011011]),
        ([0.5, 6.0, -6.0], ml_dtypes.float4_e2m1fn, [0x71, 0x0F]),
    ],
)
def test_packing_is_that_of_onnx(values, dtype, packed):
    from pinion._types import DIRECT, PACKED, pack, unpack

    array = np.array(values).astype(dtype)
    code, bits = PACKED[np.dtype(dtype)]
    assert pack(array, bits).tolist() == packed
    same(unpack(np.array(packed, np.uint8), len(values), code), array)
    assert np.dtype(dtype) not in DIRECT


def test_layouts(x):
    shape = ("a", "b")
    session = pinion.Session(
        model([helper.make_node("Neg", ["x"], ["y"])], [tensor("x", FLOAT, shape)], [tensor("y", FLOAT, shape)])
    )
    wide = np.arange(48, dtype=np.float32).reshape(6, 8)
    frozen = wide.copy()
    frozen.flags.writeable = False
    views = [wide.T, wide[::2], wide[:, ::-1], wide[1:4, 2:5], np.asfortranarray(wide), frozen, wide.astype(">f4")]
    views.append(np.broadcast_to(np.float32(3), (4, 5)))
    for view in views:
        [y] = session.run({"x": view})
        np.testing.assert_array_equal(y, -view)
        assert y.dtype == np.dtype("f4")


def test_scalars_and_lists_take_the_declared_type():
    session = pinion.Session(
        model([helper.make_node("Mul", ["x", "s"], ["y"])], [tensor("x"), tensor("s", FLOAT, ())], [tensor("y")])
    )
    [y] = session.run({"x": [[1, 2], [3, 4]], "s": 2})
    np.testing.assert_array_equal(y, np.array([[2, 4], [6, 8]], np.float32))
    [y] = session.run({"x": ((1, 2),), "s": np.float32(0.5)})
    np.testing.assert_array_equal(y, np.array([[0.5, 1]], np.float32))


def test_a_list_that_is_no_array_is_an_argument_error(add_model):
    with pytest.raises(pinion.InvalidArgumentError, match="'x'"):
        pinion.Session(add_model).run({"x": [[1], [1, 2]]})


def test_strings():
    session = pinion.Session(identity(STRING, ("n", "m")))
    words = np.array([["", "plain"], ["Größe", "日本語\0mit Null"]], dtype=object)
    [y] = session.run({"x": words})
    assert y.dtype == object and y.tolist() == words.tolist()
    [y] = session.run({"x": np.array([["a", "bc"]])})
    assert y.tolist() == [["a", "bc"]]
    [y] = session.run({"x": np.array([[b"a", "é".encode()]], dtype=object)})
    assert y.tolist() == [["a", "é"]]
    [y] = session.run({"x": [["one", "two"]]})
    assert y.tolist() == [["one", "two"]]
    [y] = session.run({"x": np.empty((0, 3), object)})
    assert y.shape == (0, 3)


def test_bytes_that_are_no_text_survive():
    value = pinion.Value(np.array([b"\xff\xfe"], dtype=object))
    [item] = value.numpy()
    assert item.encode("utf-8", "surrogateescape") == b"\xff\xfe"


def test_an_object_array_without_strings_fails():
    with pytest.raises(pinion.InvalidArgumentError):
        pinion.Value(np.array([object()], dtype=object))


def test_types_without_an_element_type_fail():
    with pytest.raises(pinion.InvalidArgumentError):
        pinion.Value(np.zeros(2, np.longdouble))
    with pytest.raises(pinion.InvalidArgumentError):
        pinion.Value(np.zeros(2, "datetime64[s]"))


def sequence(name, element_type=FLOAT):
    return helper.make_tensor_sequence_value_info(name, element_type, None)


def test_sequences(x):
    session = pinion.Session(
        model(
            [helper.make_node("SequenceInsert", ["s", "x"], ["t"]), helper.make_node("SequenceLength", ["t"], ["n"])],
            [sequence("s"), tensor("x", FLOAT, None)],
            [sequence("t"), tensor("n", INT64, ())],
        )
    )
    assert session.inputs[0].kind is pinion.Kind.SEQUENCE
    assert session.inputs[0].content.dtype == np.float32
    t, n = session.run({"s": [x, x[:1]], "x": np.float32(7)})
    assert n == 3 and isinstance(t, list)
    np.testing.assert_array_equal(t[0], x)
    np.testing.assert_array_equal(t[1], x[:1])
    np.testing.assert_array_equal(t[2], np.float32(7))
    t, n = session.run({"s": [], "x": x})
    assert n == 1
    t, n = session.run({"s": [[1, 2], [3]], "x": [4]})
    assert [a.tolist() for a in t] == [[1, 2], [3], [4]] and t[0].dtype == np.float32


def test_nested_values_without_a_model(x):
    value = pinion.Value([x, x * 2])
    assert value.kind is pinion.Kind.SEQUENCE
    first, second = value.numpy()
    del value
    gc.collect()
    np.testing.assert_array_equal(second, x * 2)
    assert not first.flags.writeable
    assert pinion.Value({1: 0.5, -3: 2.0}).numpy() == {1: 0.5, -3: 2.0}
    assert pinion.Value({"a": 1, "b": 2}).numpy() == {"a": 1, "b": 2}
    assert pinion.Value(None).numpy() is None
    assert pinion.Value([{"a": 1.5}, {"a": 2.5}]).numpy() == [{"a": 1.5}, {"a": 2.5}]


def test_sequences_do_not_nest(x):
    for nested in ([pinion.Value([x])], [None], [x, None]):
        with pytest.raises(pinion.Error):
            pinion.Value(nested)
    session = pinion.Session(model([helper.make_node("SequenceLength", ["s"], ["n"])], [sequence("s")], [tensor("n", INT64, ())]))
    with pytest.raises(pinion.InvalidValueError, match="sequence"):
        session.run({"s": [pinion.Value([x])]})


def test_zipmap():
    probabilities = helper.make_tensor_value_info("x", FLOAT, ("n", 2))
    output = helper.make_value_info(
        "y", helper.make_sequence_type_proto(helper.make_map_type_proto(STRING, helper.make_tensor_type_proto(FLOAT, ())))
    )
    made = model(
        [helper.make_node("ZipMap", ["x"], ["y"], domain="ai.onnx.ml", classlabels_strings=["no", "yes"])],
        [probabilities],
        [output],
        domains=[("ai.onnx.ml", 1)],
    )
    session = pinion.Session(made)
    assert session.outputs[0].content.kind is pinion.Kind.MAP
    [y] = session.run({"x": np.array([[0.25, 0.75], [1, 0]], np.float32)})
    assert y == [{"no": 0.25, "yes": 0.75}, {"no": 1.0, "yes": 0.0}]


def test_optionals(x):
    kind = helper.make_optional_type_proto(helper.make_tensor_type_proto(FLOAT, ("n", 2)))
    session = pinion.Session(
        model(
            [helper.make_node("OptionalHasElement", ["o"], ["y"])],
            [helper.make_value_info("o", kind)],
            [tensor("y", TensorProto.BOOL, ())],
        )
    )
    assert session.inputs[0].kind is pinion.Kind.OPTIONAL
    assert session.run({"o": x})[0]
    assert session.run({"o": [[1, 2]]})[0]
    assert not session.run({"o": None})[0]


class Foreign:
    """Another library's tensor."""

    def __init__(self, array, old=False, device=None):
        self.array, self.old, self.device = array, old, device
        self.exported = 0

    def __dlpack_device__(self):
        return self.device or self.array.__dlpack_device__()

    def __dlpack__(self, **options):
        if self.old and options:
            raise TypeError("an old producer")
        self.exported += 1
        return self.array.__dlpack__(**options)


@pytest.mark.parametrize("old", [False, True])
def test_dlpack_in(add_model, x, old):
    foreign = Foreign(x, old)
    [y] = pinion.Session(add_model).run({"x": foreign})
    np.testing.assert_array_equal(y, x + np.array([10, 20], np.float32))
    assert foreign.exported == 1


def test_dlpack_in_shares_memory(x):
    value = pinion.Value(Foreign(x))
    assert np.shares_memory(value.numpy(), x)
    pointer = x.ctypes.data
    array = value.numpy()
    del value, x
    gc.collect()
    assert array.ctypes.data == pointer
    assert array[0, 1] == 2


def test_dlpack_in_strided(x):
    np.testing.assert_array_equal(pinion.Value(Foreign(x.T)).numpy(), x.T)


def test_dlpack_of_another_device_fails(x):
    with pytest.raises(pinion.UnsupportedError):
        pinion.Value(Foreign(x, device=(2, 0)))


@pytest.mark.parametrize("version", [None, (1, 0)])
def test_dlpack_out(add_model, x, version):
    class Old:
        def __init__(self, value):
            self.value = value

        def __dlpack_device__(self):
            return self.value.__dlpack_device__()

        def __dlpack__(self, **options):
            return self.value.__dlpack__(max_version=version)

    [value] = pinion.Session(add_model).run_values({"x": x})
    array = np.from_dlpack(Old(value))
    del value
    gc.collect()
    np.testing.assert_array_equal(array, x + np.array([10, 20], np.float32))


def test_a_capsule_that_nobody_takes_is_freed(x):
    [value] = pinion.Session(identity(FLOAT, ("n", 2))).run_values({"x": x})
    for version in (None, (1, 1)):
        value.__dlpack__(max_version=version)
    gc.collect()


def test_values_go_from_run_to_run(add_model, x):
    session = pinion.Session(add_model)
    [value] = session.run_values({"x": x})
    [value] = session.run_values({"x": value})
    assert repr(value) == "<pinion.Value float32[3, 2]>"
    np.testing.assert_array_equal(value.numpy(), x + np.array([20, 40], np.float32))


def test_value_borrows_numpy_memory(x):
    value = pinion.Value(x)
    assert np.shares_memory(value.numpy(), x)
    x[0, 0] = 99
    assert value.numpy()[0, 0] == 99


def test_inputs_are_released(x):
    session = pinion.Session(identity(FLOAT, ("n", 2)))
    before = sys.getrefcount(x)
    for _ in range(10):
        session.run({"x": x})
    assert sys.getrefcount(x) == before


@pytest.mark.parametrize("count", [0, 1, 31, 32, 1000])
@pytest.mark.parametrize("word", ["", "word", "wörter ✓", "zero\0inside", "\0", "bad \udce4"])
def test_many_strings(count, word):
    session = pinion.Session(identity(STRING, ("n", 2)))
    array = np.array([f"{word}{i % 7 or ''}" for i in range(2 * count)], dtype=object).reshape(count, 2)
    for given in (array, array.astype(str) if "\0" not in word else array):
        [output] = session.run({"x": given})
        assert output.dtype == object and output.shape == (count, 2)
        assert output.tolist() == array.tolist() and all(type(item) is str for item in output.flat)
    mixed = array.copy()
    if count:
        mixed[0, 0] = b"bytes"
        assert session.run({"x": mixed})[0][0, 0] == "bytes"
    value = pinion.Value(array)
    assert pickle.loads(pickle.dumps(value)).numpy().tolist() == array.tolist()


def zipmap_model(keys, **labels):
    output = helper.make_value_info(
        "y", helper.make_sequence_type_proto(helper.make_map_type_proto(keys, helper.make_tensor_type_proto(FLOAT, ())))
    )
    return model(
        [helper.make_node("ZipMap", ["x"], ["y"], domain="ai.onnx.ml", **labels)],
        [tensor("x", FLOAT, ("n", 3))],
        [output],
        domains=[("ai.onnx.ml", 3)],
    )


@pytest.mark.parametrize("rows", [0, 1, 200])
def test_zipmap_gives_dictionaries(rows):
    x = np.arange(rows * 3, dtype=np.float32).reshape(rows, 3) / 8
    for labels in (["a", "bc", "ü"], [5, -1, 2**40]):
        keys, name = (STRING, "classlabels_strings") if isinstance(labels[0], str) else (INT64, "classlabels_int64s")
        session = pinion.Session(zipmap_model(keys, **{name: labels}))
        [maps] = session.run({"x": x})
        assert maps == [dict(zip(labels, row)) for row in x.tolist()]
        assert all(type(one) is dict and type(one[labels[0]]) is float for one in maps)
        [value] = session.run_values({"x": x})
        assert value.numpy() == maps
        for _ in range(3):
            assert session.run({"x": x}) == [maps]
            assert all(type(one) is dict and type(one[labels[0]]) is float for one in session.run({"x": x})[0])


def test_zipmap_beside_other_outputs():
    labels = [f"class {i}" for i in range(40)]
    output = helper.make_value_info(
        "maps", helper.make_sequence_type_proto(helper.make_map_type_proto(STRING, helper.make_tensor_type_proto(FLOAT, ())))
    )
    session = pinion.Session(
        model(
            [
                helper.make_node("ArgMax", ["x"], ["best"], axis=-1, keepdims=0),
                helper.make_node("Neg", ["x"], ["scores"]),
                helper.make_node("ZipMap", ["scores"], ["maps"], domain="ai.onnx.ml", classlabels_strings=labels),
            ],
            [tensor("x", FLOAT, None)],
            [tensor("best", INT64, None), output, tensor("scores", FLOAT, None)],
            domains=[("ai.onnx.ml", 3)],
        )
    )
    for shape in ((2, 40), (40,), (1, 40), (2, 40), (40,), (1, 40), (2, 40), (40,), (1, 40)):
        x = np.random.default_rng(0).standard_normal(shape).astype(np.float32)
        best, maps, scores = session.run({"x": x})
        assert maps == [dict(zip(labels, row)) for row in (-x).reshape(-1, 40).tolist()]
        assert np.array_equal(scores, -x) and np.array_equal(best, x.argmax(-1))
    for _ in range(4):
        with pytest.raises(pinion.InvalidShapeError):
            session.run({"x": np.zeros((2, 39), np.float32)})
    with pytest.raises(pinion.UnsupportedError):
        session.bind({"x": np.zeros((2, 40), np.float32)})


def test_maps_with_keys_of_their_own():
    for maps in ([{"a": 1.5}, {"b": 2.5, "a": 0.0}], [{1: 2}, {1: 3}], [{1: 2}, {2: 2}], [{"x": "y"}, {"x": "zz"}]):
        assert pinion.Value(maps).numpy() == maps
