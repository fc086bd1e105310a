"""Prepared calls with strings among inputs and outputs: the same results as of a session's first run, and as Python itself tells them."""

import gc
import pickle
import re
import threading

import numpy as np
import onnx
import pytest
from conftest import FLOAT, INT64, STRING, identity, model, tensor
from onnx import helper, numpy_helper

import pinion
from pinion import _addresses, _calls, _strings, _text_calls

ML = ("ai.onnx.ml", 3)
WORDS = ["", "a", "word", "Wörter", "中文", "\U0001f600", "zero\0inside", "\0", "tail\0", "\udc80raw\udcff", "x" * 100_000, " ", "\n"]
# One, those whose views lie beside the addresses, and more; those whose text has room there, and more.
COUNTS = [0, 1, 2, 4, 5, 9, 33, 127, 128, 129, 1000]


def words(count, seed):
    random = np.random.default_rng(seed)
    return np.array([WORDS[i] for i in random.integers(0, len(WORDS), count)] + [None], dtype=object)[:-1]


def texts(count, seed):
    """Without zeros in them."""
    return np.array([f"{'ä' if seed % 2 else ''}word {i * seed}" for i in range(count)] + [None], dtype=object)[:-1]


def call_of(session):
    assert isinstance(session._latest, _text_calls.TextCall)
    return session._latest


def equal(a, b):
    return a.shape == b.shape and a.dtype == b.dtype == np.dtype(object) and a.tolist() == b.tolist()


def labels(names, shape=("n",), default="?"):
    """Strings of numbers; numbers without one get the default."""
    node = helper.make_node(
        "LabelEncoder", ["x"], ["y"], domain=ML[0], keys_int64s=list(range(len(names))), values_strings=names, default_string=default
    )
    return model([node], [tensor("x", INT64, shape)], [tensor("y", STRING, shape)], domains=[ML])


def concatenation():
    """z = x + y, of which a run makes new text."""
    node = helper.make_node("StringConcat", ["x", "y"], ["z"])
    return model([node], [tensor("x", STRING, ("n",)), tensor("y", STRING, ("n",))], [tensor("z", STRING, ("n",))], opset=20)


def test_addresses_of_bytes_are_those_that_ctypes_says():
    for text in (b"", b"a", bytes(range(256)) * 9):
        assert _addresses.bytes_address(text) == _addresses._bytes_by_asking(text)
    assert _addresses.bytes_addresses([b"a", b"bc"]) == [_addresses._bytes_by_asking(b"a"), _addresses._bytes_by_asking(b"bc")]


@pytest.mark.parametrize("count", COUNTS)
@pytest.mark.parametrize("make", [words, texts])
def test_strings_come_back_as_they_are(count, make):
    session = pinion.Session(identity(STRING, ("n",)), threads=1)
    results = []
    for seed in range(6):
        given = make(count, seed)
        results.append((given, session.run({"x": given})[0]))
    call_of(session)
    gc.collect()
    # Later runs have not touched what earlier ones gave.
    assert all(equal(given, found) for given, found in results)


@pytest.mark.parametrize("shape", [(), (1, 1), (2, 3), (0, 3), (2, 0), (3, 1, 40)])
def test_shapes_are_those_of_the_input(shape):
    session = pinion.Session(identity(STRING, tuple(f"d{i}" for i in range(len(shape)))), threads=1)
    for seed in range(4):
        given = words(int(np.prod(shape)), seed).reshape(shape)
        assert equal(session.run({"x": given})[0], given)
    call_of(session)


def test_arrays_of_other_kinds_take_the_same_call():
    session = pinion.Session(identity(STRING, ("n",)), threads=1)
    spread = np.array([f"w{i}" for i in range(80)], dtype=object)
    for given in (spread[::2], spread[:40], spread[:40].astype("U7"), spread[40:].astype("U20"), spread[::-2]):
        assert session.run({"x": given})[0].tolist() == given.tolist()
    call = call_of(session)
    assert session.run({"x": np.array([b"bytes", "text"] * 20, dtype=object)})[0].tolist() == ["bytes", "text"] * 20
    assert session.run({"x": np.array([f"é{i}" for i in range(40)])})[0].tolist() == [f"é{i}" for i in range(40)]
    unpickled = pickle.loads(pickle.dumps(spread[:40]))
    assert call.run([unpickled])[0].tolist() == spread[:40].tolist()
    assert session._latest is call


@pytest.mark.parametrize("count", [1, 3, 100])
def test_what_is_no_string_is_refused_and_the_call_goes_on(count):
    session = pinion.Session(identity(STRING, ("n",)), threads=1)
    good = texts(count, 3)
    for _ in range(3):
        session.run({"x": good})
    for item in (1, None, 2.5, "\ud800"):
        bad = good.copy()
        bad[-1] = item
        with pytest.raises((pinion.InvalidArgumentError, UnicodeEncodeError)):
            session.run({"x": bad})
        assert equal(session.run({"x": good})[0], good)


@pytest.mark.parametrize("count", COUNTS)
@pytest.mark.parametrize("classes", [2, 5000])
def test_labels_are_those_of_the_model(count, classes):
    # An empty label begins where the next one does.
    names = ["", "a\u00e4", "", "third", *(f"label {i}" for i in range(4, classes))][:classes]
    session = pinion.Session(labels(names), threads=1)
    random = np.random.default_rng(count)
    for _ in range(8):
        given = random.integers(-1, classes + 1, count)
        expected = [names[i] if 0 <= i < classes else "?" for i in given.tolist()]
        assert session.run({"x": given})[0].tolist() == expected
    call = call_of(session)
    assert [own for *_, own in call._texts] == [True]
    session.trim()
    gc.collect()
    for _ in range(3):
        given = random.integers(-1, classes + 1, count)
        assert session.run({"x": given})[0].tolist() == [names[i] if 0 <= i < classes else "?" for i in given.tolist()]


@pytest.mark.parametrize("count", COUNTS)
def test_new_text_of_a_run_outlives_it(count):
    session = pinion.Session(concatenation(), threads=1)
    results = []
    for seed in range(5):
        # The second run needs more room for text than the first one, the last one less.
        a, b = texts(count, seed), texts(count, seed + 1) * (50 if seed in (1, 3) else 1)
        results.append(([x + y for x, y in zip(a, b)], session.run({"x": a, "y": b})[0]))
    call_of(session)
    assert all(found.tolist() == expected for expected, found in results)


@pytest.mark.parametrize("count", [1, 7, 100])
def test_labels_and_inputs_in_one_output(count):
    default = numpy_helper.from_array(np.array(["none"], dtype=object), "d")
    nodes = [helper.make_node("Where", ["c", "x", "d"], ["y"]), helper.make_node("Identity", ["d"], ["z"])]
    made = model(nodes, [tensor("c", 9, ("n",)), tensor("x", STRING, ("n",))], [tensor("y", STRING, ("n",)), tensor("z", STRING, (1,))], [default])
    session = pinion.Session(made, threads=1)
    for seed in range(6):
        given, chosen = texts(count, seed), np.random.default_rng(seed).random(count) < 0.5
        y, z = session.run({"c": chosen, "x": given})
        assert y.tolist() == [text if take else "none" for text, take in zip(given, chosen)] and z.tolist() == ["none"]
    assert [own for *_, own in call_of(session)._texts] == [False, True]


@pytest.mark.parametrize("rows", [1, 3, 100])
def test_a_classifier_with_string_labels_and_maps(rows):
    classes = ["red", "green", "blue"]
    nodes = [
        helper.make_node(
            "LinearClassifier",
            ["x"],
            ["label", "scores"],
            domain=ML[0],
            coefficients=[1.0, 0, 0, 1, -1, -1],
            intercepts=[0.0, 0, 0],
            classlabels_strings=classes,
            multi_class=1,
            post_transform="NONE",
        ),
        helper.make_node("ZipMap", ["scores"], ["maps"], domain=ML[0], classlabels_strings=classes),
    ]
    kind = helper.make_sequence_type_proto(helper.make_map_type_proto(STRING, helper.make_tensor_type_proto(FLOAT, ())))
    outputs = [tensor("label", STRING, ("n",)), helper.make_value_info("maps", kind)]
    session = pinion.Session(model(nodes, [tensor("x", FLOAT, ("n", 2))], outputs, domains=[ML]), threads=1)
    for seed in range(5):
        x = np.random.default_rng(seed).normal(size=(rows, 2)).astype(np.float32)
        scores = np.stack([x[:, 0], x[:, 1], -x[:, 0] - x[:, 1]], axis=1)
        label, maps = session.run({"x": x})
        assert label.tolist() == [classes[i] for i in scores.argmax(axis=1)]
        for row, found in zip(scores, maps):
            assert list(found) == classes and np.allclose(list(found.values()), row)
    call_of(session)


@pytest.mark.parametrize("options", [{"profile": True}, {"byte_budget": 1 << 24}, {"optimization": 0}])
@pytest.mark.parametrize("count", [1, 6, 200])
def test_sessions_that_do_not_run_in_place(options, count):
    names = ["no", "yes", ""]
    session, same = pinion.Session(labels(names), threads=1, **options), pinion.Session(identity(STRING, ("n",)), threads=1, **options)
    for seed in range(5):
        given = np.random.default_rng(seed).integers(0, 3, count)
        assert session.run({"x": given})[0].tolist() == [names[i] for i in given]
        text = words(count, seed)
        assert equal(same.run({"x": text})[0], text)
    call_of(session)


def test_an_output_whose_shape_depends_on_data_has_no_call():
    node = helper.make_node("StringNormalizer", ["x"], ["y"], case_change_action="UPPER", stopwords=["the"])
    session = pinion.Session(model([node], [tensor("x", STRING, ("n",))], [tensor("y", STRING, ("m",))]), threads=1)
    for given, expected in ((["the", "end"], ["END"]), (["an", "end"], ["AN", "END"]), (["the", "the"], [""])) * 2:
        assert session.run({"x": np.array(given, dtype=object)})[0].tolist() == expected


def test_threads_share_a_call():
    session = pinion.Session(identity(STRING, ("n",)), threads=1)
    wrong = []

    def work(seed):
        for turn in range(200):
            for count in (1, 3, 40):
                given = texts(count, seed * 1000 + turn)
                if not equal(session.run({"x": given})[0], given):
                    wrong.append((seed, turn, count))

    threads = [threading.Thread(target=work, args=(seed,)) for seed in range(1, 5)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not wrong


def test_numbers_of_another_type_are_told_as_without_a_call():
    session = pinion.Session(labels(["a", "b"]), threads=1)
    for _ in range(3):
        session.run({"x": np.array([0, 1])})
    with pytest.raises(pinion.InvalidShapeError):
        session.run({"x": np.array(["0", "1"], dtype=object)})
    with pytest.raises(pinion.InvalidShapeError):
        session.run({"x": np.array([0.5, 1])})
    assert session.run({"x": np.array([1, 0])})[0].tolist() == ["b", "a"]


def test_views_of_strings_split_and_join():
    for strings in (["a", "", "bc"], ["zero\0", "x"], ["\0"], ["é"] * 100):
        views, _memory = _strings.encoded_views(np.array(strings, dtype=object))
        assert views[:, 1].tolist() == [len(string.encode()) for string in strings]
        assert _strings.decoded_views(views, len(strings)).tolist() == strings


@pytest.mark.parametrize("numbers", [0, 1])
def test_operators_that_move_strings_write_to_memory_of_any_alignment(numbers):
    """Views beside the addresses are aligned to words and no further."""
    constants = {"i": np.array([2, 0]), "r": np.array([1, 2]), "one": np.array([1]), "three": np.array([3])}
    made = [
        helper.make_node("Transpose", ["x"], ["a"]),
        helper.make_node("Gather", ["x", "i"], ["b"], axis=1),
        helper.make_node("Concat", ["x", "x"], ["c"], axis=1),
        helper.make_node("Tile", ["x", "r"], ["d"]),
        helper.make_node("Slice", ["x", "one", "three", "one"], ["e"]),
        helper.make_node("ArrayFeatureExtractor", ["x", "i"], ["f"], domain=ML[0]),
        helper.make_node("Flatten", ["x"], ["g"], axis=0),
    ]
    expected = [
        lambda x: x.T,
        lambda x: x[:, [2, 0]],
        lambda x: np.concatenate([x, x], axis=1),
        lambda x: np.tile(x, (1, 2)),
        lambda x: x[:, 1:3],
        lambda x: x[:, [2, 0]],
        lambda x: x.reshape(1, -1),
    ]
    for node, formula in zip(made, expected):
        nodes, inputs, outputs = [node], [tensor("x", STRING, (2, 3))], [tensor(node.output[0], STRING, (None, None))]
        if numbers:
            nodes.append(helper.make_node("Neg", ["n"], ["m"]))
            inputs.append(tensor("n", FLOAT, (1,)))
            outputs.append(tensor("m", FLOAT, (1,)))
        initializers = [numpy_helper.from_array(constants[name], name) for name in dict.fromkeys(node.input) if name in constants]
        session = pinion.Session(model(nodes, inputs, outputs, initializers, domains=[ML]), threads=1)
        for seed in range(4):
            x = texts(6, seed + 1).reshape(2, 3)
            found = session.run({"x": x, **({"n": np.ones(1, np.float32)} if numbers else {})})
            assert found[0].tolist() == formula(x).tolist(), node.op_type
        call_of(session)


@pytest.mark.parametrize("rows", [1, 3, 50])
def test_counts_of_words_are_prepared_although_the_number_of_tokens_depends_on_data(rows):
    pool = ["an", "bc", "word"]
    nodes = [
        helper.make_node("StringNormalizer", ["x"], ["lower"], case_change_action="LOWER"),
        helper.make_node("Tokenizer", ["lower"], ["tokens"], domain="com.microsoft", mark=0, mincharnum=2, pad_value="#", tokenexp="[a-z]+"),
        helper.make_node(
            "TfIdfVectorizer", ["tokens"], ["y"], mode="TF", min_gram_length=1, max_gram_length=1, max_skip_count=0,
            ngram_counts=[0], ngram_indexes=[0, 1, 2], pool_strings=pool,
        ),
    ]  # fmt: skip
    made = model(nodes, [tensor("x", STRING, ("n",))], [tensor("y", FLOAT, ("n", 3))], domains=[("com.microsoft", 1)])
    session = pinion.Session(made, threads=1)
    for seed in range(6):
        random = np.random.default_rng(seed)
        parts = ["An", "b", "bc", "wOrd", "word", "é", "x9word", "", "\0", "other"]
        texts = [" ".join(random.choice(parts, random.integers(1, 9))) for _ in range(rows)]
        expected = [[re.findall("[a-z]+", text.lower()).count(word) for word in pool] for text in texts]
        assert session.run({"x": np.array(texts, dtype=object)})[0].tolist() == expected
    call_of(session)


@pytest.mark.parametrize("count", [1, 3, 1000])
def test_an_output_of_strings_whose_type_the_model_does_not_declare(count):
    node = helper.make_node("Cast", ["x"], ["y"], to=STRING)
    session = pinion.Session(model([node], [tensor("x", INT64, ("n",))], [onnx.ValueInfoProto(name="y")]))
    assert session.outputs[0].dtype is None
    x = np.arange(count)
    expected = [str(number) for number in range(count)]
    for _ in range(4):
        (y,) = session.run({"x": x})
        assert y.tolist() == expected
    assert call_of(session)
    numbers = pinion.Session(model([helper.make_node("Neg", ["x"], ["y"])], [tensor("x", INT64, ("n",))], [onnx.ValueInfoProto(name="y")]))
    for _ in range(3):
        numbers.run({"x": x})
    assert type(numbers._latest) is _calls.PreparedCall
