"""Where inputs come from, and where outputs go: each file is read and written by NumPy or ONNX on the other side."""

import ctypes
import struct
import zlib

import ml_dtypes
import numpy as np
import onnx
import pytest
from onnx import helper

ELEMENTS = ["f4", "f8", "f2", "i1", "i2", "i4", "i8", "u1", "u2", "u4", "u8", "?", "c8", "c16"]


def through(run_model, model, array, folder, *arguments):
    """The array after Identity, by way of .npy files."""
    np.save(folder / "x.npy", array)
    result = run_model("run", model, "--input", f"x={folder}/x.npy", "--output", f"y={folder}/y.npy", *arguments)
    assert result.status == 0, result.err
    return np.load(folder / "y.npy")


@pytest.mark.parametrize("element", ELEMENTS)
def test_npy_of_every_type(run_model, identity, folder, element):
    array = (np.arange(24) % 5).reshape(2, 3, 4).astype(element)
    result = through(run_model, identity(element, [2, 3, 4]), array, folder)
    assert result.dtype == array.dtype
    np.testing.assert_array_equal(result, array)


@pytest.mark.parametrize("element", [ml_dtypes.bfloat16, ml_dtypes.float8_e4m3fn, ml_dtypes.float8_e5m2, ml_dtypes.int4])
def test_npy_of_narrow_types(run_model, identity, folder, element):
    array = np.array([-2, 0, 1, 5], element)
    result = through(run_model, identity(element, [4]), array, folder)
    np.testing.assert_array_equal(result.view(element).astype("f4"), array.astype("f4"))


@pytest.mark.parametrize("array", [np.arange(12.0).reshape(3, 4).T, np.arange(12).reshape(4, 3).astype(">f4"), np.zeros((4, 0), "f4")])
def test_npy_of_other_layouts(run_model, identity, folder, array):
    array = array.astype(array.dtype.newbyteorder(array.dtype.byteorder)) if array.dtype != "f8" else np.asfortranarray(array, "f4")
    result = through(run_model, identity("f4", list(array.shape)), array, folder)
    np.testing.assert_array_equal(result, array)


def test_npy_of_strings(run_model, save, folder):
    info = helper.make_tensor_value_info("x", onnx.TensorProto.STRING, [3])
    out = helper.make_tensor_value_info("y", onnx.TensorProto.STRING, [3])
    model = save([helper.make_node("Identity", ["x"], ["y"])], [info], [out])
    array = np.array(["a", "grün", "\U0001f600!"])
    np.testing.assert_array_equal(through(run_model, model, array, folder), array)


@pytest.mark.parametrize("savez", [np.savez, np.savez_compressed])
def test_npz_both_ways(run_model, save, folder, savez):
    model = save(
        [helper.make_node("Add", ["a", "b"], ["out/sum"]), helper.make_node("Sub", ["a", "b"], ["difference"])],
        [("a", "f4", ["n", 2]), ("b", "f4", ["n", 2])],
        [("out/sum", "f4", ["n", 2]), ("difference", "f4", ["n", 2])],
    )
    a, b = np.random.default_rng(0).random((2, 1000, 2), "f4")
    savez(folder / "in.npz", a=a, b=b)
    result = run_model("run", model, "--inputs", folder / "in.npz", "--outputs", folder / "out.npz")
    assert (result.status, result.out, result.err) == (0, "", "")
    with np.load(folder / "out.npz") as outputs:
        assert set(outputs.files) == {"out/sum", "difference"}
        np.testing.assert_array_equal(outputs["out/sum"], a + b)
        np.testing.assert_array_equal(outputs["difference"], a - b)
    result = run_model("run", model, "--input", f"a={folder}/in.npz", "--input", f"b={folder}/in.npz", "-o", f"difference={folder}/d.npy")
    assert result.status == 0 and "out/sum  float32[1000,2]" in result.out
    np.testing.assert_array_equal(np.load(folder / "d.npy"), a - b)


def test_pb(run_model, double, folder):
    array = np.array([[1, 2, 3]], "f4")
    (folder / "x.pb").write_bytes(onnx.numpy_helper.from_array(array).SerializeToString())
    result = run_model("run", double, "--input", f"{folder}/x.pb")
    assert result.out == "y  float32[1,3]  min 2  mean 4  max 6\n  2 4 6\n"


def test_text_and_raw_files(run_model, double, folder):
    (folder / "x.txt").write_text("1 2 3\n4, 5 6\n")
    result = run_model("run", double, "--input", f"x={folder}/x.txt")
    assert result.out == "y  float32[2,3]  min 2  mean 7  max 12\n  2 4 6 8 10 12\n"
    np.arange(6, dtype="f4").tofile(folder / "x.bin")
    result = run_model("run", double, "--input", f"x={folder}/x.bin", "--dim", "batch=2")
    assert result.out.endswith("\n  0 2 4 6 8 10\n")
    result = run_model("run", double, "--input", f"x={folder}/x.bin")
    assert result.status == 3 and "24 bytes" in result.error()


@pytest.mark.parametrize(
    "what, shape, shown",
    [
        ("x=1,2,3", "[1,3]", "2 4 6"),
        ("1,2,3,4,5,6", "[2,3]", "2 4 6 8 10 12"),
        ("[[1,2,3],[4,5,-6]]", "[2,3]", "2 4 6 8 10 -12"),
        ("ones", "[1,3]", "2 2 2"),
        ("zeros", "[1,3]", "0 0 0"),
        ("0.25", "[1,3]", "0.5 0.5 0.5"),
        ("nan,inf,-inf", "[1,3]", "nan inf -inf"),
    ],
)
def test_values(run_model, double, what, shape, shown):
    result = run_model("run", double, "--input", what)
    assert result.status == 0, result.err
    assert f"float32{shape}" in result.out and result.out.endswith(f"\n  {shown}\n")


def test_string_values(run_model, save):
    info = helper.make_tensor_value_info("x", onnx.TensorProto.STRING, ["n"])
    out = helper.make_tensor_value_info("y", onnx.TensorProto.STRING, ["n"])
    model = save([helper.make_node("Identity", ["x"], ["y"])], [info], [out])
    assert run_model("run", model, "--input", "x=hello, world").out.endswith('\n  "hello, world"\n')
    assert run_model("run", model, "--input", 'x=["a, b", c, "\x1b[1m"]').out.endswith('\n  "a, b" "c" "\\u001b[1m"\n')
    assert run_model("run", model, "--input", "x=random", "--dim", "n=3").out.count('"') == 6


def test_random_inputs(run_model, identity, folder):
    model = identity("f4", ["n", 100])
    arguments = ["run", model, "--dim", "n=50", "--output", f"y={folder}/y.npy"]

    def draw(*more):
        assert run_model(*arguments, *more).status == 0
        return np.load(folder / "y.npy")

    first = draw("--input", "random")
    assert first.shape == (50, 100) and first.min() >= 0 and first.max() < 1 and abs(first.mean() - 0.5) < 0.02
    np.testing.assert_array_equal(first, draw("--input", "random"))
    assert (first != draw("--input", "random", "--seed", "1")).mean() > 0.99
    wide = draw("--input", "x=random:-10:30")
    assert wide.min() < -9 and wide.max() > 29


def test_open_dimensions(run_model, save, folder):
    """They follow inputs from files, --dim and --shape, and are 1 with a note otherwise."""
    model = save(
        [helper.make_node("Identity", ["a"], ["c"]), helper.make_node("Identity", ["b"], ["d"])],
        [("a", "f4", ["n", "m"]), ("b", "f4", ["m", None])],
        [("c", "f4", None), ("d", "f4", None)],
    )
    np.save(folder / "a.npy", np.zeros((4, 5), "f4"))
    result = run_model("run", model, "--input", f"a={folder}/a.npy", "--input", "b=random")
    assert "d  float32[5,1]" in result.out
    assert result.err == "run-model: note: dimension 1 of input 'b' is open and taken as 1; --shape b=... sets it\n"
    result = run_model("run", model, "--input", "a=random", "--input", "b=random", "--shape", "b=2x3", "--dim", "n=7")
    assert "c  float32[7,1]" in result.out and "d  float32[2,3]" in result.out
    assert result.err == "run-model: note: dimension 'm' is open and taken as 1; --dim m=SIZE sets it\n"


def test_conversion_that_loses_nothing(run_model, double, identity, folder):
    np.save(folder / "x.npy", np.array([[0.5, 1, 2]]))
    result = run_model("run", double, "--input", f"x={folder}/x.npy")
    assert result.out.endswith("\n  1 2 4\n") and "converted to float32" in result.err
    model = identity("i4", [3])
    np.save(folder / "x.npy", np.array([1, 2, 2**31 - 1]))
    assert run_model("run", model, "--input", f"x={folder}/x.npy").status == 0
    np.save(folder / "x.npy", np.array([1, 2, 2**31]))
    result = run_model("run", model, "--input", f"x={folder}/x.npy")
    assert result.status == 3 and "int64[3] cannot become int32" in result.error()


def test_inputs_with_a_default(run_model, save):
    model = save(
        [helper.make_node("Mul", ["x", "factor"], ["y"])],
        [("x", "f4", [2]), ("factor", "f4", [2])],
        [("y", "f4", [2])],
        [("factor", np.array([10, 100], "f4"))],
    )
    assert run_model("run", model, "--input", "1,2").out.endswith("\n  10 200\n")
    assert run_model("run", model, "--input", "x=1,2", "--input", "factor=3,4").out.endswith("\n  3 8\n")


def png(array):
    """A PNG file of 8-bit pixels, grey or RGB or RGBA."""
    height, width, channels = array.shape
    rows = b"".join(b"\0" + row.tobytes() for row in array)

    def chunk(kind, data):
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    head = struct.pack(">IIBBBBB", width, height, 8, {1: 0, 3: 2, 4: 6}[channels], 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + chunk(b"IDAT", zlib.compress(rows)) + chunk(b"IEND", b"")


def jpeg(array):
    """A JPEG file of RGB pixels at full quality and without subsampling, by libjpeg-turbo."""
    library = ctypes.CDLL("libturbojpeg.so.0")
    library.tjInitCompress.restype = ctypes.c_void_p
    handle = ctypes.c_void_p(library.tjInitCompress())
    data, size = ctypes.POINTER(ctypes.c_ubyte)(), ctypes.c_ulong()
    height, width, _ = array.shape
    pixels = np.ascontiguousarray(array).ctypes.data_as(ctypes.c_void_p)
    assert library.tjCompress2(handle, pixels, width, 0, height, 0, ctypes.byref(data), ctypes.byref(size), 0, 100, 0) == 0
    contents = bytes(data[: size.value])
    library.tjFree(data)
    library.tjDestroy(handle)
    return contents


@pytest.fixture
def pixels():
    # Smooth, as JPEG likes it.
    y, x = np.mgrid[0:16, 0:24]
    return np.stack([x * 10, y * 15, 255 - x * 5], -1).astype("u1")


def picture(run_model, model, folder, *arguments):
    result = run_model("run", model, "--output", f"y={folder}/y.npy", *arguments)
    assert result.status == 0, result.err
    return np.load(folder / "y.npy")


def test_png_as_imagenet_models_want_it(run_model, identity, folder, pixels):
    (folder / "p.png").write_bytes(png(pixels))
    mean, std = np.array([0.485, 0.456, 0.406]), np.array([0.229, 0.224, 0.225])
    got = picture(
        run_model, identity("f4", [1, 3, 16, 24]), folder,
        "--image", f"x={folder}/p.png", "--mean", "0.485,0.456,0.406", "--std", "0.229,0.224,0.225",
    )  # fmt: skip
    np.testing.assert_allclose(got[0], ((pixels / 255 - mean) / std).transpose(2, 0, 1), atol=1e-5)


def test_png_options(run_model, identity, folder, pixels):
    (folder / "p.png").write_bytes(png(pixels))
    got = picture(run_model, identity("u1", [1, None, None, 3]), folder, "--image", f"{folder}/p.png", "--channel-order", "bgr")
    np.testing.assert_array_equal(got[0], pixels[..., ::-1])
    got = picture(run_model, identity("f4", ["n", "c", "h", "w"]), folder, "--image", f"{folder}/p.png", "--scale", "1", "--layout", "nhwc")
    np.testing.assert_array_equal(got[0], pixels)
    got = picture(run_model, identity("f4", [1, 1, None, None]), folder, "--image", f"{folder}/p.png", "--size", "8x12")
    assert got.shape == (1, 1, 8, 12)
    alpha = np.zeros((2, 2, 4), "u1")
    (folder / "a.png").write_bytes(png(alpha))
    got = picture(run_model, identity("u1", [1, 3, 2, 2]), folder, "--image", f"{folder}/a.png")
    assert (got == 255).all()
    got = picture(run_model, identity("u1", [1, 4, 2, 2]), folder, "--image", f"{folder}/a.png")
    assert (got == 0).all()


def test_picture_halved_in_size(run_model, identity, folder):
    # Away from the border, a triangle twice as wide keeps a ramp a ramp.
    ramp = np.repeat(np.arange(0, 240, 10, dtype="u1")[None, :, None], 16, 0)
    (folder / "p.png").write_bytes(png(ramp))
    got = picture(run_model, identity("f4", [1, 1, 8, 12]), folder, "--image", f"{folder}/p.png", "--scale", "1")[0, 0]
    np.testing.assert_allclose(got[:, 1:-1], np.repeat((np.arange(1, 11) * 20 + 5.0)[None], 8, 0), atol=1e-3)


def test_jpeg(run_model, identity, folder, pixels):
    (folder / "p.jpg").write_bytes(jpeg(pixels))
    got = picture(run_model, identity("u1", [1, 16, 24, 3]), folder, "--image", f"x={folder}/p.jpg")
    assert np.abs(got[0].astype(int) - pixels).max() <= 4


def test_damaged_pictures(run_model, identity, folder, pixels):
    model = identity("f4", [1, 3, 16, 24])
    for contents in [png(pixels)[:-30], jpeg(pixels)[:300], b"GIF89a", png(pixels)[:20]]:
        (folder / "p").write_bytes(contents)
        result = run_model("run", model, "--image", f"{folder}/p")
        assert result.status == 3 and result.error().startswith("input 'x': ")


@pytest.mark.parametrize(
    "name, contents",
    [
        ("x.npy", b"\x93NUMPY"),
        ("x.npy", b"no array at all"),
        ("x.npy", b"\x93NUMPY\x02\0\xff\xff\xff\xff"),
        ("x.npz", b"PK\x05\x06" + b"\xff" * 18),
        ("x.npz", b"PK"),
        ("x.pb", b"\xff" * 40),
        ("x.txt", b"1 2 three"),
        ("x.txt", b"\xff\xfe"),
        ("x.bin", b"12345"),
    ],
)
def test_damaged_files(run_model, double, folder, name, contents):
    (folder / name).write_bytes(contents)
    result = run_model("run", double, "--input", f"x={folder / name}")
    assert result.status == 3
    assert name in result.error()


def test_objects_are_not_unpickled(run_model, double, folder):
    np.save(folder / "x.npy", np.array([{}, 1], object), allow_pickle=True)
    result = run_model("run", double, "--input", f"x={folder}/x.npy")
    assert result.status == 3 and "pickled" in result.error()


@pytest.mark.parametrize(
    "arguments, part",
    [
        ([], "no input 'x: float32[batch,3]'"),
        (["--input", "z=random"], "the model has no input 'z'; it has 'x'"),
        (["--input", "random", "--input", "x=zeros"], "input 'x' is given twice"),
        (["--input", "x=one"], "'one' is no number"),
        (["--input", "x=[1,2],[3"], "there is text after the last bracket"),
        (["--input", "x=1,2"], "2 values do not fill float32[1,3]"),
        (["--input", "x=random:1"], "expected random or random:LOW:HIGH"),
        (["--input", "x=p.jpg"], "pictures are given by --image"),
        (["--input", "x=random", "--dim", "bitch=2"], "no input has a dimension 'bitch'; there are 'batch'"),
        (["--input", "x=random", "--dim", "batch=-2"], "invalid for '--dim"),
        (["--input", "x=random", "--dim", "batch=2", "--dim", "batch=3"], "twice"),
        (["--input", "x=random", "--shape", "x=2x"], "invalid for '--shape"),
        (["--input", "x=random", "--shape", "x=9223372036854775807x3"], "too many elements"),
        (["--input", "x=random", "--output", "z=z.npy"], "the model has no output 'z'; it has 'y'"),
        (["--input", "x=random", "--byte-budget", "5 apples"], "invalid for '--byte-budget"),
        (["--input", "x=random", "--threads", "2000"], "expected 0 to 1024"),
        (["--input", "x=random", "--optimization", "3"], "expected 0, 1 or 2"),
        (["--input", "x=random", "--labels", "l.txt"], "belong to --top-k"),
        (["--input", "x=random", "--top-k", "0"], "expected 1 or more"),
        (["--input", "x=random", "--mean", "1,x"], "invalid for '--mean"),
        (["--nonsense"], "Unknown option '--nonsense'"),
    ],
)
def test_wrong_command_lines(run_model, double, arguments, part):
    result = run_model("run", double, *arguments)
    assert result.status == 64
    assert part in result.error()
