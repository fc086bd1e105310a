"""Element types against the specification in the package onnx: what a type constraint admits gets as far as the operator's kernel, and other
types are refused with a sentence. A new version of onnx that admits more fails here."""

import re
import warnings

import numpy as np
import onnx
import pinion
import pytest
from onnx import TensorProto, helper, numpy_helper

with warnings.catch_warnings(), np.errstate(all="ignore"):
    warnings.simplefilter("ignore")
    from onnx.backend.test.case.node import collect_testcases

    CASES = collect_testcases(None)

TYPES = [number for name, number in TensorProto.DataType.items() if name != "UNDEFINED"]
NAMES = {TensorProto.FLOAT: "float", TensorProto.DOUBLE: "double"}
ONE = "|".join(
    "float32 float64 float16 bfloat16 string bool complex64 complex128 u?int[0-9]+ float8e[a-z0-9]+ float4e2m1".split()
)
# The sentences of a type that the schema refuses.
REFUSED = re.compile(rf"input '\w+' is ({ONE})\[[0-9,]*\], expected (({ONE})(, | or )?)+( like input '\w+')?$")
# A tensor of these is part of the operator's value and tells the type of another.
SEEDS = 2


def spelled(element_type):
    return f"tensor({NAMES.get(element_type, TensorProto.DataType.Name(element_type).lower())})"


def converted(array, element_type):
    if element_type == TensorProto.STRING:
        return np.array([str(item) for item in np.asarray(array).reshape(-1).tolist()], object).reshape(np.shape(array))
    if array.dtype.kind in "OUS":
        array = np.ones(array.shape, np.float32)
    with warnings.catch_warnings(), np.errstate(all="ignore"):
        warnings.simplefilter("ignore")
        dtype = helper.tensor_dtype_to_np_dtype(element_type)
        if array.dtype.kind == "c" and dtype.kind != "c":
            array = array.real
        return array.astype(np.float32).astype(dtype) if array.dtype.kind not in "iubc" else array.astype(dtype)


def seeds():
    """For each operator a few nodes that run, with the arrays that they take."""
    found = {}
    for case in CASES:
        graph = case.model.graph
        if len(graph.node) != 1 or graph.initializer or graph.sparse_initializer or not case.data_sets:
            continue
        node, values = graph.node[0], case.data_sets[0][0]
        values = [numpy_helper.to_array(value) if isinstance(value, TensorProto) else value for value in values]
        if len(values) != len(graph.input) or not all(isinstance(value, np.ndarray) and value.nbytes < 20_000 for value in values):
            continue
        if any(attribute.type == onnx.AttributeProto.GRAPH for attribute in node.attribute):
            continue
        present = [(slot, name) for slot, name in enumerate(node.input) if name]
        forms = found.setdefault((node.domain, node.op_type), {})
        key = tuple(slot for slot, _ in present)
        if key in forms or len(forms) == SEEDS:
            continue
        by_name = {info.name: (value, info.type.tensor_type.elem_type) for info, value in zip(graph.input, values)}
        versions = {entry.domain: entry.version for entry in case.model.opset_import}
        forms[key] = node, versions[node.domain], {slot: by_name[name] for slot, name in present}
    return {key: list(forms.values()) for key, forms in found.items()}


OPERATORS = seeds()


def attempt(node, opset, arrays, element_types):
    """Runs the node; the error that ended it."""
    made = onnx.NodeProto()
    made.CopyFrom(node)
    del made.input[:], made.output[:]
    made.input.extend(f"x{slot}" if slot in arrays else "" for slot in range(max(arrays, default=-1) + 1))
    made.output.extend(f"y{slot}" if name else "" for slot, name in enumerate(node.output))
    inputs = [helper.make_tensor_value_info(f"x{slot}", element_types[slot], array.shape) for slot, (array, _) in arrays.items()]
    outputs = [onnx.ValueInfoProto(name=name) for name in made.output if name]
    imports = [helper.make_opsetid(node.domain, opset)] + ([helper.make_opsetid("", 21)] if node.domain else [])
    model = helper.make_model(helper.make_graph([made], "graph", inputs, outputs), opset_imports=imports, ir_version=onnx.IR_VERSION)
    feeds = {f"x{slot}": converted(array, element_types[slot]) for slot, (array, _) in arrays.items()}
    try:
        pinion.Session(model.SerializeToString(), threads=1).run(feeds)
    except pinion.Error as error:
        return error
    return None


@pytest.mark.parametrize("key", sorted(OPERATORS), ids="::".join)
def test_operator(key):
    domain, name = key
    refused, silent = [], []
    for node, opset, arrays in OPERATORS[key]:
        schema = onnx.defs.get_schema(name, opset, domain)
        natural = {slot: element_type for slot, (_, element_type) in arrays.items()}
        if isinstance(attempt(node, opset, arrays, natural), pinion.UnsupportedError):
            pytest.skip("not an operator of Pinion")
        operands = {slot: schema.inputs[min(slot, len(schema.inputs) - 1)] for slot in arrays}
        for slot, operand in operands.items():
            alike = [other for other in operands if operands[other].type_str == operand.type_str and operand.is_homogeneous]
            for element_type in TYPES:
                if element_type == natural[slot]:
                    continue
                admitted = spelled(element_type) in operand.types
                changed = dict.fromkeys(alike if admitted else [slot], element_type) | {slot: element_type}
                error = attempt(node, opset, arrays, natural | changed)
                what = f"{operand.name} of {spelled(element_type)}: {error}"
                if admitted and error and REFUSED.fullmatch(error.message):
                    refused.append(what)
                # A sentence of the operator's own, in place of the type's refusal.
                if not admitted and error and not error.message:
                    silent.append(what)
    assert not refused, "\n".join(refused)
    assert not silent, "\n".join(silent)


def test_there_are_seeds():
    assert len(OPERATORS) > 150
