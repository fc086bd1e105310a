"""seeds.py FOLDER: writes small ONNX messages, each using other fields, as a corpus to start from."""
import pathlib
import struct
import sys


def varint(value):
    value &= (1 << 64) - 1
    out = bytearray()
    while value > 0x7F:
        out.append(value & 0x7F | 0x80)
        value >>= 7
    return bytes(out + bytes([value]))


def field(number, value):
    """An int as varint, a float as fixed32, text, bytes and messages with their length."""
    if isinstance(value, int):
        return varint(number << 3) + varint(value)
    if isinstance(value, float):
        return varint(number << 3 | 5) + struct.pack("<f", value)
    data = value.encode() if isinstance(value, str) else value
    return varint(number << 3 | 2) + varint(len(data)) + data


def message(*fields):
    return b"".join(field(number, value) for number, value in fields)


def packed(*values):
    return b"".join(varint(value) for value in values)


def tensor(element_type, data_field, data, *dims, name="t"):
    return message(*[(1, dim) for dim in dims], (2, element_type), (8, name), (data_field, data))


TENSORS = {
    "float": tensor(1, 4, struct.pack("<2f", 1.5, -2), 2),
    "double": tensor(11, 10, struct.pack("<2d", 1.5, -2), 2),
    "complex64": tensor(14, 4, struct.pack("<2f", 1.5, -2), 1),
    "complex128": tensor(15, 10, struct.pack("<2d", 1.5, -2), 1),
    "int64": tensor(7, 7, packed(1, -1), 2),
    "uint64": tensor(13, 11, packed(1, 1 << 63), 2),
    "uint32": tensor(12, 11, packed(1, 1 << 31), 2),
    "string": message((1, 2), (2, 8), (6, "a"), (6, b"\xff")),
    "external": message((1, 2), (2, 1), (14, 1), (13, message((1, "location"), (2, "w"))), (13, message((1, "offset"), (2, "8")))),
    "unpacked": message((1, 2), (2, 7), (7, 1), (7, 2)),
    "segment": message((1, 1), (2, 3), (3, message((1, 0), (2, 1))), (9, b"\x01")),
    **{f"int32-{kind}": tensor(kind, 5, packed(1, 0, 3, -1), 4) for kind in (2, 3, 4, 5, 6, 9, 10, 16, 17, 18, 19, 20, 24, 27, 28)},
    **{f"packed-{kind}": tensor(kind, 5, packed(0x21, 0x43), 4) for kind in (21, 22, 23)},
    **{f"packed-{kind}": tensor(kind, 5, packed(0xE4), 4) for kind in (25, 26)},
    **{f"raw-{kind}": tensor(kind, 9, bytes(size), 4) for kind, size in ((1, 16), (9, 4), (22, 2), (26, 1), (27, 3), (15, 64))},
}

SHAPE = message((1, message((1, 3))), (1, message((2, "N"))), (1, b""))
TENSOR_TYPE = message((1, message((1, 1), (2, SHAPE))))
TYPES = {
    "tensor": TENSOR_TYPE,
    "sequence": message((4, message((1, TENSOR_TYPE)))),
    "map": message((5, message((1, 7), (2, TENSOR_TYPE)))),
    "optional": message((9, message((1, message((4, message((1, TENSOR_TYPE)))))))),
    "sparse": message((8, message((1, 1), (2, SHAPE)))),
    "opaque": message((7, message((1, "d"), (2, "n")))),
}
SPARSE = message((1, TENSORS["float"]), (2, TENSORS["int64"]), (3, 9))


def attributes(graph):
    values = {
        "f": (1, (2, 1.5)), "i": (2, (3, -7)), "s": (3, (4, "text")), "t": (4, (5, TENSORS["float"])), "g": (5, (6, graph)),
        "floats": (6, (7, struct.pack("<2f", 1, 2))), "ints": (7, (8, packed(1, -1, 300))), "strings": (8, (9, "a")),
        "tensors": (9, (10, TENSORS["int64"])), "graphs": (10, (11, graph)), "sparse": (11, (22, SPARSE)),
        "sparses": (12, (23, SPARSE)), "tp": (13, (14, TYPES["map"])), "tps": (14, (15, TYPES["sequence"])),
    }
    return [message((1, name), (20, kind), value) for name, (kind, value) in values.items()] + [message((1, "r"), (21, "x"))]


def models():
    inner = message((2, "inner"), (1, message((1, "x"), (2, "y"), (4, "Relu"))), (12, message((1, "y"))))
    node = [(1, "x"), (1, ""), (2, "y"), (3, "n"), (4, "If"), (7, "d"), (8, "o")]
    yield "values", message((1, 10), (7, message(*[(11, message((1, name), (2, kind))) for name, kind in TYPES.items()])))
    yield "tensors", message((1, 10), (7, message(*[(5, data) for data in TENSORS.values()], (15, SPARSE))))
    for index, attribute in enumerate(attributes(inner)):
        yield f"attribute-{index}", message((1, 10), (8, message((1, ""), (2, 22))), (7, message((1, message(*node, (5, attribute))))))
    function = message((1, "f"), (10, "d"), (4, "a"), (5, "b"), (6, "k"), (11, attributes(inner)[0]), (7, message(*node)), (13, "o"))
    yield "function", message((25, function), (14, message((1, "k"), (2, "v"))), (2, "producer"), (5, 3))
    yield "group", varint(99 << 3 | 3) + field(1, 5) + varint(99 << 3 | 4) + message((1, 8))


def containers():
    data = TENSORS["float"]
    sequence = message((1, "s"), (2, 1), (3, data), (3, data))
    mapping = message((1, "m"), (2, 8), (4, "key"), (5, sequence))
    yield "sequence", sequence
    yield "nested", message((2, 3), (5, sequence), (6, mapping), (4, SPARSE), (7, message((2, 1), (3, data))))
    yield "map", mapping
    yield "optional", message((1, "o"), (2, 3), (5, sequence))


folder = pathlib.Path(sys.argv[1])
for name, data in [*(("tensor-" + name, data) for name, data in TENSORS.items()), *models(), *containers()]:
    (folder / ("seed-" + name)).write_bytes(data)
