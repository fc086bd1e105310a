"""Models and their metadata."""

from __future__ import annotations

import ctypes
import os
from ctypes import byref, c_void_p
from dataclasses import dataclass
from typing import Any, Union

from ._errors import InputOutputError, InvalidArgumentError, InvalidModelError, check
from ._info import ValueInfo, read_info
from ._interrupts import question
from ._library import ModelOptions, SaveOptions, lib, take_string, text
from ._limits import CancelToken, int64, limit, timeout_ns, token
from ._log import runtime
from ._text import c_path

#: A file's path, or the file's bytes.
ModelSource = Union[str, "os.PathLike[str]", bytes, bytearray, memoryview]


#: In the order of pinion_mutations.
_MUTATIONS = ("outputs", "state", "dropped")


@dataclass(frozen=True)
class Metadata:
    """What a model says about itself."""

    ir_version: int
    producer_name: str
    producer_version: str
    domain: str
    version: int
    doc_string: str
    graph_name: str
    #: domain -> version of the imported operator sets
    opsets: dict[str, int]
    #: the model's own key-value pairs
    properties: dict[str, str]


class Model:
    """A loaded model, which several sessions may share.

    A model never changes, so that a copy is the model itself. It is pickled by its bytes, or by its path and the SHA-256 of the file,
    (one made in code by the bytes of its ONNX file) and loaded anew where it is unpickled; files of external data are not looked at.

    Args:
        source: the path of a file, or its bytes.
        external_data_folder: where the files with the model's external data lie; default: beside the model's file. Symbolic links
            may lead from there into the folder where the model's file really lies, as in a Hugging Face cache, and nowhere else.
        timeout: seconds after which loading ends with DeadlineExceededError.
        cancel: a token that ends loading with CancelledError.
        byte_budget: bytes that the model's structures and tensors that are not in the file as they are may take; None: no limit.
        read_files: copy files into memory instead of mapping them, for files that others may change or truncate meanwhile.
        mutations: what becomes of new contents that a .pt2 model writes to its buffers and inputs. "outputs": they are outputs
            behind the model's own, "NAME.new", and buffers are inputs with a default. "state": each session keeps the buffers'
            contents from run to run. "dropped": they are left out.

    Raises:
        UnsupportedError: operators that this build does not have, all at once.
        InvalidModelError, InputOutputError: the file is no model, or cannot be read.
    """

    def __init__(
        self,
        source: ModelSource,
        *,
        external_data_folder: str | os.PathLike[str] | None = None,
        timeout: float | None = None,
        cancel: CancelToken | None = None,
        byte_budget: int | None = None,
        read_files: bool = False,
        mutations: str = "outputs",
    ) -> None:
        self._handle: int | None = None
        #: What constants of a model that was made in code lie in.
        self._memory: list[Any] = []
        #: The absolute path of the model's file; None for a model from bytes.
        self.path: str | None = None
        folder = None if external_data_folder is None else c_path(external_data_folder)
        if mutations not in _MUTATIONS:
            raise InvalidArgumentError(f"mutations is {mutations!r}; expected one of {', '.join(map(repr, _MUTATIONS))}")
        options = ModelOptions(
            ctypes.sizeof(ModelOptions),
            runtime(),
            folder,
            timeout_ns(timeout),
            token(cancel),
            limit(byte_budget, "byte_budget"),
            question(),
            None,
            bool(read_files),
            _MUTATIONS.index(mutations),
        )
        #: What becomes of new contents of buffers and inputs.
        self.mutations = mutations
        self._reads_files = bool(read_files)
        out = c_void_p()
        if isinstance(source, (bytes, bytearray, memoryview)):
            # Immutable bytes are borrowed and kept alive by this object's sessions; others are copied once, here.
            self._bytes: bytes | None = bytes(source)
            check(lib.pinion_model_load_memory(self._bytes, len(self._bytes), False, byref(options), byref(out)))
        elif isinstance(source, (str, os.PathLike)):
            self._bytes = None
            c_path(source)
            self.path = os.path.abspath(os.fsdecode(source))
            self._stamp = _stamp(self.path)
            check(lib.pinion_model_load_file(c_path(self.path), byref(options), byref(out)))
        else:
            raise InvalidArgumentError(f"a model is a path or bytes, not {type(source).__name__}")
        self._handle = out.value
        self._folder = None if external_data_folder is None else os.fspath(external_data_folder)

    @classmethod
    def _own(cls, handle: int | None, memory: list[Any]) -> Model:
        """A model of a graph that was made in code, which shares this memory."""
        model = cls.__new__(cls)
        model._handle = handle
        model.path = None
        model._bytes = None
        model._memory = memory
        return model

    def __del__(self, release: Any = lib.pinion_model_release) -> None:
        if getattr(self, "_handle", None):
            release(self._handle)

    def __repr__(self) -> str:
        inputs, outputs = ", ".join(map(str, self.inputs)), ", ".join(map(str, self.outputs))
        source = f"'{self.path}'" if self.path is not None else "of bytes" if self._bytes is not None else "made in code"
        return f"<pinion.Model {source} ({inputs}) -> ({outputs})>"

    def __copy__(self) -> Model:
        return self

    def __deepcopy__(self, memo: Any) -> Model:
        return self

    def save(self, path: str | os.PathLike[str], *, external_data: str = "auto", opset: int | None = None) -> None:
        """Writes the model as an ONNX file: the graph that was loaded or made, before any optimisation.

        Functions are expanded, and nodes of older operator sets have their newest form. The file appears when it is complete.

        Args:
            external_data: "auto" puts weights in a file of their own (the path and ".data") where there are more than 2 GB, "always"
                all of at least a kilobyte, "never" none.
            opset: the version of ai.onnx, 21 or later; None for 21, or the model's own or a needed one where that is later.

        Raises:
            UnsupportedError: what ONNX cannot express, or not in this version.
            InputOutputError: the file cannot be written.
        """
        if external_data not in _EXTERNAL_DATA:
            raise InvalidArgumentError(f"external_data is {external_data!r}, expected 'auto', 'always' or 'never'")
        options = SaveOptions(ctypes.sizeof(SaveOptions), _EXTERNAL_DATA.index(external_data), 0, int64(opset or 0, "opset"))
        check(lib.pinion_model_save(self._handle, c_path(path), byref(options)))

    def __getstate__(self) -> dict[str, Any]:
        if self.path is None and self._bytes is None:
            return {"bytes": self._saved(), "folder": None}
        if self.path is None:
            return {"bytes": self._bytes, "folder": self._folder, "mutations": self.mutations}
        if _stamp(self.path) != self._stamp:
            raise InvalidModelError(f"'{self.path}' has changed since it was loaded")
        return {"path": self.path, "sha256": _sha256(self.path), "folder": self._folder, "mutations": self.mutations, "read": self._reads_files}

    def __setstate__(self, state: dict[str, Any]) -> None:
        source = state.get("bytes")
        if source is None:
            source = state["path"]
            if _sha256(source) != state["sha256"]:
                raise InvalidModelError(f"'{source}' is not the file that this model was pickled with")
        self.__init__(  # type: ignore[misc]
            source, external_data_folder=state["folder"], mutations=state.get("mutations", "outputs"), read_files=state.get("read", False)
        )

    def _saved(self) -> bytes:
        """The bytes of an ONNX file of the model."""
        import tempfile

        with tempfile.TemporaryDirectory() as folder:
            path = os.path.join(folder, "model.onnx")
            self.save(path, external_data="never")
            with open(path, "rb") as file:
                return file.read()

    @property
    def inputs(self) -> list[ValueInfo]:
        """The inputs that a run can feed, those with a default included."""
        handle = self._handle
        return [read_info(lib.pinion_model_input(handle, i)) for i in range(lib.pinion_model_input_count(handle))]

    @property
    def outputs(self) -> list[ValueInfo]:
        handle = self._handle
        return [read_info(lib.pinion_model_output(handle, i)) for i in range(lib.pinion_model_output_count(handle))]

    @property
    def metadata(self) -> Metadata:
        handle = self._handle
        return Metadata(
            ir_version=lib.pinion_model_ir_version(handle),
            producer_name=text(lib.pinion_model_producer_name(handle)),
            producer_version=text(lib.pinion_model_producer_version(handle)),
            domain=text(lib.pinion_model_domain(handle)),
            version=lib.pinion_model_version(handle),
            doc_string=text(lib.pinion_model_doc_string(handle)),
            graph_name=text(lib.pinion_model_graph_name(handle)),
            opsets={
                text(lib.pinion_model_opset_domain(handle, i)): lib.pinion_model_opset_version(handle, i)
                for i in range(lib.pinion_model_opset_count(handle))
            },
            properties={
                text(lib.pinion_model_metadata_key(handle, i)): text(lib.pinion_model_metadata_value(handle, i))
                for i in range(lib.pinion_model_metadata_count(handle))
            },
        )

    @property
    def operators(self) -> dict[str, int]:
        """The operators that the model uses and the number of their nodes."""
        handle = self._handle
        return {
            text(lib.pinion_model_operator_name(handle, i)): lib.pinion_model_operator_uses(handle, i)
            for i in range(lib.pinion_model_operator_count(handle))
        }

    @property
    def node_count(self) -> int:
        """The number of nodes of the graph as it was loaded: functions expanded, Constant nodes among the weights."""
        return int(lib.pinion_model_node_count(self._handle))

    @property
    def weight_bytes(self) -> int:
        return int(lib.pinion_model_weight_bytes(self._handle))

    def text(self) -> str:
        """The graph as text, one line a node."""
        out = c_void_p()
        check(lib.pinion_model_text(self._handle, byref(out)))
        return take_string(out)


#: The names of pinion_external_data, in order.
_EXTERNAL_DATA = ["auto", "always", "never"]


def _stamp(path: str) -> tuple[int, int] | None:
    """Size and time of change; None where there is no file, as loading then says."""
    try:
        stat = os.stat(path)
    except OSError:
        return None
    return stat.st_size, stat.st_mtime_ns


def _sha256(path: str) -> str:
    import hashlib

    digest = hashlib.sha256()
    try:
        with open(path, "rb") as file:
            while block := file.read(1 << 20):
                digest.update(block)
    except OSError as error:
        raise InputOutputError(f"'{path}' cannot be read: {error.strerror}") from error
    return digest.hexdigest()
