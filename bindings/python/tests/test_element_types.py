"""Element types against the specification in the package onnx: what a type constraint admits gets as far as the operator's kernel, and other
types are refused with a sentence. A new version of onnx that admits more fails here."""

import re
import warnings

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper, numpy_helper

import pinion

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
SEEDS = 2
# What operators take beyond the specification of any version. Operators that only move elements move those of any type, and int32 numbers are
# as good as int64 ones.
MOVING = set(
    """
    ArrayFeatureExtractor CenterCropPad Compress Concat DepthToSpace Expand EyeLike Gather GatherElements GatherND
    OptionalHasElement RandomNormalLike RandomUniformLike Resize ReverseSequence Scatter ScatterElements ScatterND Slice SpaceToDepth Split
    SplitToSequence TensorScatter Tile Trilu Upsample Where
    """.split()
)
BYTES, INTEGERS = "u?int(8|16)", "u?int(8|16|32|64)"
BEYOND = {
    "DequantizeLinear": r"x(_zero_point)?:float8e8m0",
    "Dropout": f"data:{INTEGERS}",
    "IsInf": "X:float(4e2m1|8e8m0)",
    "IsNaN": "X:float(4e2m1|8e8m0)",
    "MaxUnpool": f"X:{INTEGERS}",
    "Mean": f"data_0:{INTEGERS}",
    "Pow": f"X:{INTEGERS}",
    "PRelu": f"(X|slope):{BYTES}",
    "QLinearMatMul": "[aby]_scale:double",
    "QuantizeLinear": "(x|y_scale):double|y_zero_point:float8e8m0",
    "Resize": "scales:(bfloat16|double|float16)",
    "RotaryEmbedding": "(X|cos_cache|sin_cache):double",
    "Shrink": "input:bfloat16",
    "Sum": f"data_0:{INTEGERS}",
    "Upsample": "scales:(bfloat16|double|float16)",
} | dict.fromkeys(("Greater", "GreaterOrEqual", "Less", "LessOrEqual"), "[AB]:bool")
# Operands that the kernel wants alike though they are of different variables: float64 stands with float64 only.
ALIKE = {"Attention", "BatchNormalization", "RMSNormalization"}


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
        if any(info.type.WhichOneof("value") != "tensor_type" for info in graph.input):
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
    ever = {}
    for schema in onnx.defs.get_all_schemas_with_history():
        if (schema.domain, schema.name) == key:
            for operand in schema.inputs:
                ever.setdefault(operand.name, set()).update(operand.types)
    refused, taken = [], set()
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
                error = attempt(node, opset, arrays, natural | dict.fromkeys([slot, *alike], element_type))
                if spelled(element_type) in operand.types and error and REFUSED.fullmatch(error.message):
                    if name in ALIKE and "float64" in error.message:
                        continue
                    refused.append(f"{operand.name} of {spelled(element_type)}: {error}")
                elif spelled(element_type) not in ever[operand.name] and not error:
                    taken.add(f"{operand.name}:{spelled(element_type)[7:-1]}")
    assert not refused, "\n".join(refused)
    if name not in MOVING:
        beyond = {item for item in taken if not re.fullmatch(BEYOND.get(name, ""), item)}
        beyond = {item for item in beyond if not item.endswith(":int32") or "tensor(int64)" not in ever[item.split(":")[0]]}
        assert not beyond, f"takes {sorted(beyond)}"


def test_there_are_seeds():
    assert len(OPERATORS) > 150
