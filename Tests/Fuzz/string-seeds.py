"""string-seeds.py FOLDER COUNT [FIRST]: writes random models through which strings go, for fuzz-run; needs the Python package onnx.

Each is a few nodes over constants and inputs of text: joined, split, cast, compared, gathered, padded out, looked up, in sequences and
branches. Some elements are empty, long, no UTF-8, or as long as what a string holds in place; some nodes fit no input. `fuzz-run` with
`-runs=0` runs each once, under the address sanitizer where it is built so.
"""

from __future__ import annotations

import random
import sys
from pathlib import Path
from typing import Any

from onnx import StringStringEntryProto, TensorProto, ValueInfoProto, helper

STRING, INT64, FLOAT, BOOL = TensorProto.STRING, TensorProto.INT64, TensorProto.FLOAT, TensorProto.BOOL
WORDS = [b"", b"a", b"word", b"two words", b"1", b"-2.5", b"1e400", b"nan", b"true", "ä ö".encode(), "\U0001f600".encode(), b"\xff\xfe", b"x" * 15, b"x" * 16, b"y" * 300, b"a,b,,c", b" "]


class Maker:
    def __init__(self, seed: int) -> None:
        self.random = random.Random(seed)
        self.nodes: list[Any] = []
        self.constants: list[Any] = []
        self.inputs: list[Any] = []
        self.values: dict[int, list[str]] = {STRING: [], INT64: [], FLOAT: [], BOOL: []}
        self.sequences: list[str] = []
        self.count = 0

    def name(self, kind: int | None = None) -> str:
        self.count += 1
        name = f"v{self.count}"
        if kind is not None:
            self.values[kind].append(name)
        return name

    def dims(self) -> list[int]:
        # Most fit most.
        return self.random.choice([[2]] * 7 + [[], [1], [1], [0], [7], [2, 2], [1, 2], [2, 1, 3]])

    def constant(self, kind: int, dims: list[int] | None = None, values: list[Any] | None = None) -> str:
        dims = self.dims() if dims is None else dims
        count = 1
        for extent in dims:
            count *= extent
        if values is None:
            pool: list[Any] = {STRING: WORDS, INT64: [0, 1, 2, -1, 5], FLOAT: [0.0, 1.5, -2.0, 3e38], BOOL: [True, False]}[kind]
            values = [self.random.choice(pool) for _ in range(count)]
        name = self.name(kind)
        self.constants.append(helper.make_tensor(name, kind, dims, values))
        return name

    def any(self, kind: int) -> str:
        return self.random.choice(self.values[kind][-6:]) if self.values[kind] and self.random.random() < 0.8 else self.constant(kind)

    def add(self, operator: str, inputs: list[str], kinds: list[int], domain: str = "", **attributes: Any) -> None:
        self.nodes.append(helper.make_node(operator, inputs, [self.name(kind) for kind in kinds], domain=domain, **attributes))

    def step(self) -> None:
        text, pick = self.any(STRING), self.random.choice
        forms = [
            lambda: self.add("StringConcat", [text, self.any(STRING)], [STRING]),
            lambda: self.add("StringSplit", [text], [STRING, INT64], **pick(({}, {"delimiter": ","}, {"delimiter": ""}, {"maxsplit": 1}, {"delimiter": "xx"}))),
            lambda: self.add("RegexFullMatch", [text], [BOOL], pattern=pick((".*", "[a-z]+", "(a|b)*", "\\d{1,3}", "x{15}", "["))),
            lambda: self.add("StringNormalizer", [text], [STRING], case_change_action=pick(("LOWER", "UPPER", "NONE")), stopwords=pick(([""], ["a", "word"]))),
            lambda: self.add("Cast", [text], [FLOAT], to=FLOAT),
            lambda: self.add("Cast", [text], [INT64], to=INT64),
            lambda: self.add("Cast", [self.any(pick((FLOAT, INT64, BOOL)))], [STRING], to=STRING),
            lambda: self.add("Identity", [text], [STRING]),
            lambda: self.add("Gather", [text, self.any(INT64)], [STRING], axis=pick((0, 0, -1, 1))),
            lambda: self.add("GatherElements", [text, self.any(INT64)], [STRING], axis=pick((0, -1))),
            lambda: self.add("GatherND", [text, self.any(INT64)], [STRING]),
            lambda: self.add("ScatterElements", [text, self.any(INT64), self.any(STRING)], [STRING], axis=0),
            lambda: self.add("ScatterND", [text, self.any(INT64), self.any(STRING)], [STRING]),
            lambda: self.add("Concat", [text, self.any(STRING)], [STRING], axis=pick((0, -1))),
            lambda: self.add("Reshape", [text, self.constant(INT64, [1], [-1])], [STRING]),
            lambda: self.add("Expand", [text, self.constant(INT64, [2], [pick((1, 2, 3)), pick((1, 7))])], [STRING]),
            lambda: self.add("Tile", [text, self.constant(INT64, [1], [pick((0, 1, 2))])], [STRING]),
            lambda: self.add("Transpose", [text], [STRING]),
            lambda: self.add("Unsqueeze", [text, self.constant(INT64, [1], [0])], [STRING]),
            lambda: self.add("Slice", [text, self.constant(INT64, [1]), self.constant(INT64, [1])], [STRING]),
            lambda: self.add("Pad", [text, self.constant(INT64, [2], [1, pick((0, 2))]), self.any(STRING)], [STRING], mode=pick(("constant", "edge", "reflect", "wrap"))),
            lambda: self.add("Where", [self.any(BOOL), text, self.any(STRING)], [STRING]),
            lambda: self.add("Equal", [text, self.any(STRING)], [BOOL]),
            lambda: self.add("Compress", [text, self.any(BOOL)], [STRING]),
            lambda: self.add("ConstantOfShape", [self.any(INT64)], [INT64]),
            lambda: self.add("Shape", [text], [INT64]),
            lambda: self.add("Size", [text], [INT64]),
            lambda: self.add("Split", [text], [STRING, STRING], num_outputs=2),
            lambda: self.add("Unique", [text], [STRING, INT64, INT64, INT64], sorted=pick((0, 1))),
            lambda: self.add("ReverseSequence", [text, self.any(INT64)], [STRING]),
            lambda: self.add("SpaceToDepth", [text], [STRING], blocksize=1),
            lambda: self.add("LabelEncoder", [text], [INT64], "ai.onnx.ml", keys_strings=["a", "word", ""], values_int64s=[1, 2, 3]),
            lambda: self.add("LabelEncoder", [self.any(INT64)], [STRING], "ai.onnx.ml", keys_int64s=[0, 1, 2], values_strings=["zero", "", "x" * 40]),
            lambda: self.add("CategoryMapper", [text], [INT64], "ai.onnx.ml", cats_int64s=[0, 1], cats_strings=["a", "word"]),
            lambda: self.add("OneHotEncoder", [text], [FLOAT], "ai.onnx.ml", cats_strings=["a", "word"], zeros=pick((0, 1))),
            lambda: self.add("TfIdfVectorizer", [text], [FLOAT], mode="TF", min_gram_length=1, max_gram_length=2, max_skip_count=1, ngram_counts=[0, 2], ngram_indexes=[0, 1, 2], pool_strings=["a", "word", "a", "word"]),
            lambda: self.add("Tokenizer", [text], [STRING], "com.microsoft", mark=pick((0, 1)), pad_value="#", mincharnum=1, **pick(({"separators": [" ", ","]}, {"tokenexp": "[a-z]+"}, {"separators": [""]}))),
            self.sequence, self.branch, self.loop,
        ]  # fmt: skip
        pick(forms)()

    def sequence(self) -> None:
        kind = self.random.randrange(5)
        if not self.sequences or kind == 0:
            made = self.name()
            operator = self.random.choice(("SequenceConstruct", "SplitToSequence"))
            self.nodes.append(helper.make_node(operator, [self.any(STRING)] + ([self.any(STRING)] if operator == "SequenceConstruct" else []), [made]))
            self.sequences.append(made)
            return
        last = self.random.choice(self.sequences)
        if kind == 1:
            self.add("SequenceAt", [last, self.constant(INT64, [], [self.random.choice((0, -1, 3))])], [STRING])
        elif kind == 2:
            self.add("ConcatFromSequence", [last], [STRING], axis=0, new_axis=self.random.choice((0, 1)))
        else:
            made = self.name()
            operator = "SequenceInsert" if kind == 3 else "SequenceErase"
            self.nodes.append(helper.make_node(operator, [last] + ([self.any(STRING)] if kind == 3 else []), [made]))
            self.sequences.append(made)

    def branch(self) -> None:
        text, other = self.any(STRING), self.any(STRING)
        graphs = [helper.make_graph([helper.make_node(*form)], "b", [], [helper.make_tensor_value_info(f"o{self.count}", STRING, None)]) for form in (("StringConcat", [text, other], [f"o{self.count}"]), ("Identity", [other], [f"o{self.count}"]))]
        self.add("If", [self.constant(BOOL, [])], [STRING], then_branch=graphs[0], else_branch=graphs[1])

    def loop(self) -> None:
        info, at = helper.make_tensor_value_info, self.count
        body = helper.make_graph(
            [helper.make_node("StringConcat", [f"c{at}", f"c{at}"], [f"d{at}"]), helper.make_node("Identity", [f"k{at}"], [f"g{at}"])], "b",
            [info(f"i{at}", INT64, []), info(f"k{at}", BOOL, []), info(f"c{at}", STRING, None)], [info(f"g{at}", BOOL, []), info(f"d{at}", STRING, None), info(f"d{at}", STRING, None)])  # fmt: skip
        self.add("Loop", [self.constant(INT64, [], [self.random.choice((0, 1, 3, 60))]), "", self.any(STRING)], [STRING, STRING], body=body)

    def model(self) -> bytes:
        for kind in (STRING, INT64, STRING):
            if self.random.random() < 0.7:
                name = self.name(kind)
                self.inputs.append(helper.make_tensor_value_info(name, kind, self.random.choice((["n"], [2], [2], ["n", "m"], []))))
        for _ in range(self.random.randint(1, 6)):
            self.step()
        made = [name for node in self.nodes for name in node.output]
        outputs = [ValueInfoProto(name=name) for name in made if self.random.random() < 0.5 or name == made[-1]]
        graph = helper.make_graph(self.nodes, "strings", self.inputs, outputs, self.constants)
        opsets = [helper.make_opsetid("", 21), helper.make_opsetid("ai.onnx.ml", 2), helper.make_opsetid("com.microsoft", 1)]
        model = helper.make_model(graph, opset_imports=opsets, ir_version=10)
        model.metadata_props.append(StringStringEntryProto(key="text", value=""))
        return bytes(model.SerializeToString())


def main() -> None:
    folder, count, first = Path(sys.argv[1]), int(sys.argv[2]), int(sys.argv[3]) if len(sys.argv) > 3 else 0
    folder.mkdir(parents=True, exist_ok=True)
    for seed in range(first, first + count):
        (folder / f"strings-{seed}").write_bytes(Maker(seed).model())


if __name__ == "__main__":
    main()
