"""What the command says of itself and of its arguments."""

import pathlib
import re

import onnx


def test_help_and_version(run_model):
    result = run_model("--help")
    assert result.status == 0
    commands = ["run", "bench", "inspect", "plan", "check", "profile", "generate", "convert", "operators", "devices"]
    for command in commands:
        assert re.search(rf"^  {command} ", result.out, re.M)
        text = run_model(command, "--help")
        assert text.status == 0 and "Example" in text.out and f"run-model {command}" in text.out
    for status in ["0 ", "1 ", "2 ", "3 ", "64 "]:
        assert f"\n  {status}" in result.out
    assert run_model("--version").out.startswith("run-model ")


def test_wrong_command(run_model):
    result = run_model("dance")
    assert result.status == 64 and "did you mean" not in result.error()
    assert "did you mean 'bench'?" in run_model("bnch").error()
    assert "did you mean 'inspect'?" in run_model("insepct", "model.onnx").error()
    assert "run-model inspect model.onnx" in run_model("model.onnx").error()
    assert run_model("run").status == 64


def test_wrong_option(run_model, double):
    result = run_model("run", double, "--theads", "2")
    assert result.status == 64 and "--threads" in result.error()


def test_operators(run_model):
    out = run_model("operators").out
    count = int(out.split()[0])
    lines = [line.split() for line in out.splitlines() if line.startswith("  ")]
    entries = [line for line in lines if line[0] != "version"]
    assert len(entries) == count > 150 and "ai.onnx" in out.splitlines()
    assert ["22", "Conv"] in entries
    newest = {schema.name: schema.since_version for schema in onnx.defs.get_all_schemas() if schema.domain == ""}
    listed = out.split("\nai.onnx\n")[1].split("\n\n")[0]
    for line in listed.splitlines()[1:]:
        version, name = line.split()
        # This one is onnxruntime's, which put it into the standard's domain.
        assert name == "SimplifiedLayerNormalization" or int(version) <= newest[name]


def test_operators_as_a_page(run_model):
    out = run_model("operators", "--markdown").out
    assert out.startswith("# Operators\n") and "\n## ai.onnx: " in out
    assert re.search(r"^\| Conv \| 22 \| X, W, B\? \| Y \|$", out, re.M)
    page = pathlib.Path(__file__).parents[2] / "Documentation/Operators.md"
    assert out == page.read_text(), "Documentation/Operators.md is not what `run-model operators --markdown` prints"
