"""One rule for exit statuses: 64 for what the command line says, 3 for other files and runs, 2 for the model."""

import json

import numpy as np
import pytest
from test_inputs import png

COMMANDS = {
    "run": [],
    "bench": ["--runs", "1", "--warmup", "0"],
    "plan": [],
    "check": ["--expected", "y.npz"],
    "profile": ["--runs", "1"],
}

#: Of a model of one input, float32[batch,3].
WRONG_WORDS = [
    ["--input", "x=random:5:1"],
    ["--input", "x=random:a:b"],
    ["--input", "x=random:1"],
    ["--input", "x=random:nan:1"],
    ["--input", "x=random:-1e300:1e300"],
    ["--input", "x=one"],
    ["--input", "x=1,2"],
    ["--input", "x=[[1,2],[3]]"],
    ["--input", "x=[1,2,3]"],
    ["--input", "x=[[1,2,3,4]]"],
    ["--input", "x=random", "--shape", "x=2x4"],
    ["--input", "x=zeros", "--shape", "x=3"],
    ["--input", "x=ones", "--shape", "x=2x3x1"],
    ["--input", "x=random", "--shape", "x=-2x3"],
    ["--input", "x=random", "--shape", "x=9223372036854775807x3"],
    ["--input", "x=random", "--dim", "nothing=2"],
    ["--input", "x=random", "--dim", "batch=-1"],
    ["--input", "z=random"],
    ["--input", "x=random", "--input", "x=zeros"],
    ["--input", "x=random", "--seed", "-1"],
    ["--input", "x=random", "--threads", "-1"],
    ["--input", "x=random", "--threads", "1025"],
    ["--input", "x=random", "--optimization", "-1"],
    ["--input", "x=random", "--optimization", "3"],
    ["--input", "x=random", "--device", "abacus"],
    ["--image", "x=p.png", "--mean", "1,2"],
    ["--image", "x=p.png", "--std", "0"],
    ["--image", "x=p.png", "--size", "-2x2"],
]

#: Files that are not there, are no such files, or do not fit the model.
WRONG_FILES = [
    ["--input", "x=none.npy"],
    ["--input", "x=none.txt"],
    ["--input", "x=damaged.npy"],
    ["--input", "x=wide.npy"],
    ["--input", "x=text.npy"],
    ["--input", "x=two.txt"],
    ["--input", "x=two.bin", "--shape", "x=1x3"],
    ["--input", "x=several.npz"],
    ["--inputs", "none.npz"],
    ["--inputs", "damaged.npy"],
    ["--inputs", "strange.npz"],
    ["--image", "x=none.png"],
    ["--image", "x=damaged.npy"],
]


@pytest.fixture
def files(folder, double, identity):
    """Files that the tests name, beside a model that adds its input to itself and one of pictures."""
    np.savez(folder / "y.npz", y=np.zeros((1, 3), "f4"))
    np.savez(folder / "several.npz", y=np.zeros((1, 3), "f4"), z=np.zeros(1))
    np.savez(folder / "strange.npz", strange=np.zeros(3, "f4"))
    np.save(folder / "wide.npy", np.zeros((1, 4), "f4"))
    np.save(folder / "text.npy", np.array([["a", "b", "c"]]))
    (folder / "damaged.npy").write_bytes(b"no array at all")
    (folder / "two.txt").write_text("1 2")
    (folder / "two.bin").write_bytes(bytes(8))
    (folder / "p.png").write_bytes(png(np.zeros((4, 4, 3), "u1")))
    double.rename(folder / "double.onnx")
    identity("f4", [1, 3, 4, 4]).rename(folder / "pictures.onnx")
    return folder


def given(run_model, files, command, words):
    """What a command says to these options."""
    model = "pictures.onnx" if words[0] == "--image" else "double.onnx"
    return run_model(command, model, *COMMANDS[command], *words, cwd=files)


@pytest.mark.parametrize("command", COMMANDS)
def test_wrong_words(run_model, files, command):
    for words in WRONG_WORDS:
        result = given(run_model, files, command, words)
        assert result.status == 64 and result.error(), (words, result.err)


@pytest.mark.parametrize("command", COMMANDS)
def test_wrong_files(run_model, files, command):
    for words in WRONG_FILES:
        result = given(run_model, files, command, words)
        assert result.status == 3 and result.error(), (words, result.err)


@pytest.mark.parametrize("command", COMMANDS)
def test_the_same_words_with_right_values(run_model, files, command):
    """What the wrong ones differ from by their values alone is taken."""
    for words in [["--input", "x=random:-5:-1"], ["--input", "x=-1"], ["--input", "-1"], ["-i", "-1,-2,-3"], ["-i", "[[-1,2,3]]"]]:
        result = given(run_model, files, command, words)
        # The sums are not those that 'check' expects.
        assert result.status == (1 if command == "check" else 0), (words, result.err)


@pytest.mark.parametrize(
    ("arguments", "status"),
    [
        (["run", "none.onnx"], 2),
        (["run", "damaged.npy"], 2),
        (["bench", "none.onnx"], 2),
        (["inspect", "none.onnx"], 2),
        (["generate", "double.onnx", "--tokens", "1"], 2),
        (["convert", "none.onnx", "out.onnx"], 2),
        (["convert", "double.onnx", "none/out.onnx"], 3),
        (["convert", "double.onnx", "."], 3),
        (["run", "double.onnx", "-i", "1", "--output", "y=none/y.npy"], 3),
        (["run", "double.onnx", "-i", "1", "--outputs", "none/y.npz"], 3),
        (["profile", "double.onnx", "--runs", "1", "--trace", "none/trace.json"], 3),
        (["profile", "double.onnx", "--runs", "1", "--html", "none/page.html"], 3),
        (["run", "double.onnx", "-i", "1", "--top-k", "1", "--labels", "none.txt"], 3),
        (["check", "double.onnx", "-i", "1", "--expected", "none.npz"], 3),
        (["check", "double.onnx", "--data", "none"], 3),
        (["run", "double.onnx", "-i", "1", "--output", "z=z.npy"], 64),
        (["run", "double.onnx"], 64),
        (["inspect", "double.onnx", "--optimized", "--device", "abacus"], 64),
        (["generate", "double.onnx", "--tokens", "1", "--device", "abacus"], 64),
        (["convert", "double.onnx", "out.onnx", "--opset", "-1"], 64),
    ],
)
def test_other_mistakes(run_model, files, arguments, status):
    result = run_model(*arguments, cwd=files)
    # There may be notes about open dimensions before.
    assert result.status == status and "run-model: error: " in result.err, result.err


def options_of(run_model, command):
    """The names of a command's options that have a value."""
    about = json.loads(run_model(command, "--experimental-dump-help").out)["command"]
    options = [argument for argument in about["arguments"] if argument["kind"] == "option"]
    return [("-" if name["kind"] == "short" else "--") + name["name"] for option in options for name in option["names"]]


#: Options that take no number, or any number.
NO_NUMBERS = {
    *("-i", "--input", "--inputs", "--image", "-o", "--output", "--outputs", "--labels", "--data", "--expected", "--trace", "--html"),
    *("--external-data", "--scale", "--mean", "--std", "--stop", "--generate-completion-script"),
}


@pytest.mark.parametrize("command", [*COMMANDS, "inspect", "generate", "convert"])
def test_negative_values(run_model, files, command):
    """Of every option: never called missing, and refused with the option's name or its value where it is no number of the kind."""
    more = {"generate": ["--tokens", "1"], "convert": ["out.onnx"]}.get(command, COMMANDS.get(command, []))
    options = options_of(run_model, command)
    assert "--external-data" in options and len(options) >= 3
    for option in options:
        words = [word for word in more if option != "--tokens" or word not in ("--tokens", "1")]
        for value in ["-1", "-1.5e3", "-inf", "-1,2", "-1x3"]:
            result = run_model(command, "double.onnx", *words, option, value, cwd=files)
            assert "issing value" not in result.err, (option, value, result.err)
            if option not in NO_NUMBERS and (command, option) != ("inspect", "--device"):
                assert result.status == 64 and (option in result.error() or value in result.error()), (option, value, result.err)
