"""Pinion as a backend of onnx's own interface (onnx.backend.base), e.g. for its conformance tests."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import onnx
import onnx.shape_inference
from onnx import helper
from onnx.backend.base import Backend, BackendRep, namedtupledict

from ._errors import InvalidArgumentError, UnsupportedError
from ._session import Session

__all__ = ["PinionBackend", "PinionBackendRep", "is_compatible", "prepare", "run_model", "run_node", "supports_device"]


class PinionBackendRep(BackendRep):
    """A prepared model."""

    def __init__(self, session: Session) -> None:
        self.session = session

    def run(self, inputs: Any, **kwargs: Any) -> tuple[Any, ...]:
        """Runs the model on a list of inputs in its order, a dict by name, or one array."""
        if not isinstance(inputs, Mapping):
            if not isinstance(inputs, (list, tuple)):
                inputs = [inputs]
            names = self.session.input_names
            if len(inputs) > len(names):
                raise InvalidArgumentError(f"{len(inputs)} inputs for a model that has {len(names)}")
            inputs = dict(zip(names, inputs))
        return tuple(self.session.run(inputs, **kwargs))


class PinionBackend(Backend):
    """onnx.backend.base.Backend over pinion.Session."""

    @classmethod
    def is_compatible(cls, model: onnx.ModelProto, device: str = "CPU", **kwargs: Any) -> bool:
        """True if this build has all that the model needs."""
        try:
            cls.prepare(model, device, **kwargs)
        except UnsupportedError:
            return False
        return True

    @classmethod
    def prepare(cls, model: onnx.ModelProto | bytes | str, device: str = "CPU", **kwargs: Any) -> PinionBackendRep:
        """Makes a model ready; `kwargs` are those of Session."""
        if not cls.supports_device(device):
            raise UnsupportedError(f"no device '{device}'")
        source = model.SerializeToString() if isinstance(model, onnx.ModelProto) else model
        return PinionBackendRep(Session(source, **kwargs))

    @classmethod
    def run_node(
        cls,
        node: onnx.NodeProto,
        inputs: Any,
        device: str = "CPU",
        outputs_info: Sequence[tuple[np.dtype, tuple[int, ...]]] | None = None,
        **kwargs: Any,
    ) -> tuple[Any, ...]:
        """Runs one node; `opset_version` may be given, default is the newest that this onnx knows."""
        version = kwargs.pop("opset_version", None) or onnx.defs.onnx_opset_version()
        names = [name for name in node.input if name]
        if isinstance(inputs, Mapping):
            feeds = dict(inputs)
        else:
            feeds = dict(zip(names, inputs if isinstance(inputs, (list, tuple)) else [inputs]))
        arrays = {name: np.asarray(value) for name, value in feeds.items()}
        graph = helper.make_graph(
            [node],
            "node",
            [
                helper.make_tensor_value_info(name, _element_type(array), array.shape)
                for name, array in arrays.items()
            ],
            _outputs(node, outputs_info),
        )
        imports = [helper.make_opsetid("", version)]
        if node.domain not in ("", "ai.onnx"):
            imports.append(helper.make_opsetid(node.domain, kwargs.pop("domain_version", 1)))
        model = helper.make_model(graph, opset_imports=imports)
        if outputs_info is None:
            model = onnx.shape_inference.infer_shapes(model)
        outputs = cls.prepare(model, device, **kwargs).run(arrays)
        return namedtupledict("Outputs", [name for name in node.output if name])(*outputs)

    @classmethod
    def supports_device(cls, device: str) -> bool:
        return device.split(":")[0].upper() == "CPU"


def _element_type(array: np.ndarray) -> int:
    if array.dtype.kind in "OUST":
        return onnx.TensorProto.STRING
    return helper.np_dtype_to_tensor_dtype(array.dtype)


def _outputs(node: onnx.NodeProto, outputs_info: Any) -> list[onnx.ValueInfoProto]:
    names = [name for name in node.output if name]
    if outputs_info is None:
        return [onnx.ValueInfoProto(name=name) for name in names]
    return [
        helper.make_tensor_value_info(name, helper.np_dtype_to_tensor_dtype(np.dtype(dtype)), shape)
        for name, (dtype, shape) in zip(names, outputs_info)
    ]


prepare = PinionBackend.prepare
run_model = PinionBackend.run_model
run_node = PinionBackend.run_node
supports_device = PinionBackend.supports_device
is_compatible = PinionBackend.is_compatible
