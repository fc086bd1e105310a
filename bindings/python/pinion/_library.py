"""Finds libpinion.so and declares the functions of pinion.h."""

from __future__ import annotations

import ctypes
import os
import sys
from collections.abc import Iterator
from ctypes import CDLL, POINTER, c_bool, c_char_p, c_float, c_int32, c_int64, c_size_t, c_void_p
from pathlib import Path

ABI_VERSION = 3
SONAME = "libpinion.so.0"


class ModelOptions(ctypes.Structure):
    _fields_ = [
        ("struct_size", c_size_t),
        ("runtime", c_void_p),
        ("external_data_folder", c_char_p),
        ("timeout_ns", c_int64),
        ("cancel_token", c_void_p),
        ("byte_budget", c_int64),
        ("should_stop", c_void_p),
        ("should_stop_context", c_void_p),
        ("read_files", c_int32),
        ("mutations", c_int32),
    ]


class SessionOptions(ctypes.Structure):
    _fields_ = [
        ("struct_size", c_size_t),
        ("runtime", c_void_p),
        ("device", c_char_p),
        ("threads", c_int32),
        ("optimization_level", c_int32),
        ("profile", c_int32),
        ("reserved", c_int32),
        ("plan_cache_bytes", c_int64),
        ("byte_budget", c_int64),
        ("timeout_ns", c_int64),
        ("cancel_token", c_void_p),
        ("should_stop", c_void_p),
        ("should_stop_context", c_void_p),
    ]


class TensorView(ctypes.Structure):
    _fields_ = [
        ("struct_size", c_size_t),
        ("element_type", c_int32),
        ("rank", c_int32),
        ("dims", POINTER(c_int64)),
        ("data", c_void_p),
        ("byte_size", c_size_t),
        ("element_count", c_int64),
    ]


class Text(ctypes.Structure):
    """Strings that lie one after the other, and the address of where each begins."""

    _fields_ = [("text", ctypes.c_char_p), ("offsets", c_void_p)]


class RunOptions(ctypes.Structure):
    _fields_ = [
        ("struct_size", c_size_t),
        ("timeout_ns", c_int64),
        ("cancel_token", c_void_p),
        ("byte_budget", c_int64),
        ("step_budget", c_int64),
        ("should_stop", c_void_p),
        ("should_stop_context", c_void_p),
    ]


class InputShape(ctypes.Structure):
    _fields_ = [
        ("name", c_char_p),
        ("value", c_void_p),
        ("element_type", c_int32),
        ("rank", c_int32),
        ("dims", POINTER(c_int64)),
    ]


class CallOptions(ctypes.Structure):
    _fields_ = [("struct_size", c_size_t), ("tables", c_int32), ("strings", c_int32)]


class GraphOptions(ctypes.Structure):
    _fields_ = [("struct_size", c_size_t), ("runtime", c_void_p), ("name", c_char_p), ("opset", c_int64)]


class NodeOptions(ctypes.Structure):
    _fields_ = [
        ("struct_size", c_size_t),
        ("name", c_char_p),
        ("domain", c_char_p),
        ("opset", c_int64),
        ("attributes", c_void_p),
        ("output_names", c_void_p),
    ]


class SaveOptions(ctypes.Structure):
    _fields_ = [("struct_size", c_size_t), ("external_data", c_int32), ("reserved", c_int32), ("opset", c_int64)]


_OUT = POINTER(c_void_p)
_STATUS = c_int32
_TEXT = c_char_p

# name: (result, arguments). Strings that the caller gives back are c_void_p, so that ctypes leaves the pointer alone.
_FUNCTIONS = {
    "pinion_version_string": (_TEXT, []),
    "pinion_abi_version": (c_int32, []),
    "pinion_abi_check": (_STATUS, [c_int32]),
    "pinion_runtime_create": (_STATUS, [c_void_p, _OUT]),
    "pinion_status_name": (_TEXT, [_STATUS]),
    "pinion_error_code": (_STATUS, [c_void_p]),
    "pinion_error_message": (_TEXT, [c_void_p]),
    "pinion_error_json": (_TEXT, [c_void_p]),
    "pinion_string_release": (None, [c_void_p]),
    "pinion_value_info_name": (_TEXT, [c_void_p]),
    "pinion_value_info_path": (_TEXT, [c_void_p]),
    "pinion_value_info_kind": (c_int32, [c_void_p]),
    "pinion_value_info_element_type": (c_int32, [c_void_p]),
    "pinion_value_info_rank": (c_int32, [c_void_p]),
    "pinion_value_info_dim": (c_int64, [c_void_p, c_int32]),
    "pinion_value_info_dim_name": (_TEXT, [c_void_p, c_int32]),
    "pinion_value_info_content": (c_void_p, [c_void_p]),
    "pinion_value_info_is_optional": (c_bool, [c_void_p]),
    "pinion_value_info_text": (_TEXT, [c_void_p]),
    "pinion_model_load_file": (_STATUS, [c_char_p, POINTER(ModelOptions), _OUT]),
    "pinion_model_load_memory": (_STATUS, [c_void_p, c_size_t, c_bool, POINTER(ModelOptions), _OUT]),
    "pinion_model_release": (None, [c_void_p]),
    "pinion_model_ir_version": (c_int64, [c_void_p]),
    "pinion_model_producer_name": (_TEXT, [c_void_p]),
    "pinion_model_producer_version": (_TEXT, [c_void_p]),
    "pinion_model_domain": (_TEXT, [c_void_p]),
    "pinion_model_version": (c_int64, [c_void_p]),
    "pinion_model_doc_string": (_TEXT, [c_void_p]),
    "pinion_model_graph_name": (_TEXT, [c_void_p]),
    "pinion_model_opset_count": (c_size_t, [c_void_p]),
    "pinion_model_opset_domain": (_TEXT, [c_void_p, c_size_t]),
    "pinion_model_opset_version": (c_int64, [c_void_p, c_size_t]),
    "pinion_model_metadata_count": (c_size_t, [c_void_p]),
    "pinion_model_metadata_key": (_TEXT, [c_void_p, c_size_t]),
    "pinion_model_metadata_value": (_TEXT, [c_void_p, c_size_t]),
    "pinion_model_metadata_find": (_TEXT, [c_void_p, c_char_p]),
    "pinion_model_input_count": (c_size_t, [c_void_p]),
    "pinion_model_input": (c_void_p, [c_void_p, c_size_t]),
    "pinion_model_output_count": (c_size_t, [c_void_p]),
    "pinion_model_output": (c_void_p, [c_void_p, c_size_t]),
    "pinion_model_node_count": (c_size_t, [c_void_p]),
    "pinion_model_weight_bytes": (c_int64, [c_void_p]),
    "pinion_model_operator_count": (c_size_t, [c_void_p]),
    "pinion_model_operator_name": (_TEXT, [c_void_p, c_size_t]),
    "pinion_model_operator_uses": (c_size_t, [c_void_p, c_size_t]),
    "pinion_model_text": (_STATUS, [c_void_p, _OUT]),
    "pinion_session_create": (_STATUS, [c_void_p, POINTER(SessionOptions), _OUT]),
    "pinion_session_release": (None, [c_void_p]),
    "pinion_session_input_count": (c_size_t, [c_void_p]),
    "pinion_session_input": (c_void_p, [c_void_p, c_size_t]),
    "pinion_session_output_count": (c_size_t, [c_void_p]),
    "pinion_session_output": (c_void_p, [c_void_p, c_size_t]),
    "pinion_session_trim": (c_int64, [c_void_p]),
    "pinion_session_buffer_count": (c_size_t, [c_void_p]),
    "pinion_session_buffer_name": (_TEXT, [c_void_p, c_size_t]),
    "pinion_session_buffer_get": (_STATUS, [c_void_p, c_size_t, _OUT]),
    "pinion_session_buffer_set": (_STATUS, [c_void_p, c_size_t, c_void_p]),
    "pinion_session_buffers_reset": (_STATUS, [c_void_p]),
    "pinion_value_retain": (c_void_p, [c_void_p]),
    "pinion_value_release": (None, [c_void_p]),
    "pinion_value_kind": (c_int32, [c_void_p]),
    "pinion_tensor_wrap": (
        _STATUS,
        [c_void_p, c_int32, c_int32, POINTER(c_int64), POINTER(c_int64), c_void_p, c_void_p, _OUT],
    ),
    "pinion_tensor_create": (_STATUS, [c_void_p, c_int32, c_int32, POINTER(c_int64), _OUT]),
    "pinion_tensor_create_strings": (
        _STATUS,
        [POINTER(c_char_p), POINTER(c_size_t), c_int32, POINTER(c_int64), _OUT],
    ),
    "pinion_tensor_data": (c_void_p, [c_void_p]),
    "pinion_tensor_describe": (_STATUS, [c_void_p, POINTER(TensorView)]),
    "pinion_tensor_strings": (_STATUS, [c_void_p, _OUT, _OUT]),
    "pinion_tensor_create_text": (_STATUS, [c_char_p, c_void_p, c_int32, POINTER(c_int64), _OUT]),
    "pinion_tensor_string": (_STATUS, [c_void_p, c_int64, _OUT, POINTER(c_size_t)]),
    "pinion_sequence_create": (_STATUS, [_OUT]),
    "pinion_sequence_append": (_STATUS, [c_void_p, c_void_p]),
    "pinion_sequence_count": (c_size_t, [c_void_p]),
    "pinion_sequence_describe": (_STATUS, [c_void_p, c_size_t, c_size_t, c_void_p]),
    "pinion_sequence_get": (_STATUS, [c_void_p, c_size_t, _OUT]),
    "pinion_map_create": (_STATUS, [c_void_p, c_void_p, _OUT]),
    "pinion_map_get_keys": (_STATUS, [c_void_p, _OUT]),
    "pinion_map_get_values": (_STATUS, [c_void_p, _OUT]),
    "pinion_sequence_get_maps": (_STATUS, [c_void_p, _OUT, _OUT, _OUT]),
    "pinion_none_create": (_STATUS, [_OUT]),
    "pinion_tensor_from_dlpack": (_STATUS, [c_void_p, _OUT]),
    "pinion_tensor_from_dlpack_versioned": (_STATUS, [c_void_p, _OUT]),
    "pinion_tensor_to_dlpack": (_STATUS, [c_void_p, _OUT]),
    "pinion_tensor_to_dlpack_versioned": (_STATUS, [c_void_p, _OUT]),
    "pinion_cancel_token_create": (_STATUS, [_OUT]),
    "pinion_cancel_token_release": (None, [c_void_p]),
    "pinion_cancel_token_set": (None, [c_void_p]),
    "pinion_cancel_token_reset": (None, [c_void_p]),
    "pinion_cancel_token_is_set": (c_bool, [c_void_p]),
    "pinion_session_run": (
        _STATUS,
        [
            c_void_p,
            # The address of RunOptions, or the structure by reference.
            c_void_p,
            c_size_t,
            POINTER(c_char_p),
            POINTER(c_void_p),
            c_size_t,
            POINTER(c_char_p),
            POINTER(c_void_p),
        ],
    ),
    # Addresses as integers, and arrays as they are.
    "pinion_session_run_views": (
        _STATUS,
        [c_void_p, c_void_p, c_size_t, c_void_p, c_void_p, c_size_t, c_void_p, c_void_p, c_void_p],
    ),
    "pinion_call_create": (
        _STATUS,
        [c_void_p, c_size_t, POINTER(InputShape), c_size_t, POINTER(c_char_p), _OUT],
    ),
    "pinion_call_create_with_options": (
        _STATUS,
        [c_void_p, POINTER(CallOptions), c_size_t, POINTER(InputShape), c_size_t, POINTER(c_char_p), _OUT],
    ),
    "pinion_call_create_for_values": (
        _STATUS,
        [c_void_p, c_size_t, POINTER(InputShape), c_size_t, POINTER(c_char_p), _OUT],
    ),
    "pinion_call_run_values": (_STATUS, [c_void_p, c_void_p, c_void_p, c_void_p, c_void_p]),
    "pinion_call_output_has_own_strings": (c_bool, [c_void_p, c_size_t]),
    "pinion_string_views_join": (_STATUS, [c_void_p, c_size_t, c_void_p, c_size_t]),
    "pinion_string_views_split": (_STATUS, [c_void_p, c_size_t, c_size_t, c_void_p]),
    "pinion_call_output_keys": (c_void_p, [c_void_p, c_size_t]),
    "pinion_call_release": (None, [c_void_p]),
    "pinion_call_output": (c_void_p, [c_void_p, c_size_t]),
    # Addresses as integers: nothing is converted, and so nothing made, for a call.
    "pinion_call_run": (_STATUS, [c_void_p, c_void_p, c_void_p, c_void_p]),
    "pinion_state_create_with_options": (
        _STATUS,
        [c_void_p, POINTER(RunOptions), c_size_t, POINTER(c_char_p), POINTER(c_char_p), c_int64, _OUT],
    ),
    "pinion_state_release": (None, [c_void_p]),
    "pinion_state_pair_count": (c_size_t, [c_void_p]),
    "pinion_state_pair_input": (c_void_p, [c_void_p, c_size_t]),
    "pinion_state_pair_output": (c_void_p, [c_void_p, c_size_t]),
    "pinion_state_pair_is_appended": (c_bool, [c_void_p, c_size_t]),
    "pinion_state_run": (
        _STATUS,
        [
            c_void_p,
            c_void_p,
            c_size_t,
            POINTER(c_char_p),
            POINTER(c_void_p),
            c_size_t,
            POINTER(c_char_p),
            POINTER(c_void_p),
        ],
    ),
    "pinion_state_length": (c_int64, [c_void_p]),
    "pinion_state_bytes": (c_int64, [c_void_p]),
    "pinion_state_moved_bytes": (c_int64, [c_void_p]),
    "pinion_state_reset": (_STATUS, [c_void_p]),
    "pinion_state_truncate": (_STATUS, [c_void_p, c_int64]),
    "pinion_state_fork": (_STATUS, [c_void_p, _OUT]),
    "pinion_state_get": (_STATUS, [c_void_p, c_char_p, _OUT]),
    "pinion_state_set": (_STATUS, [c_void_p, c_char_p, c_void_p]),
    "pinion_session_plan": (_STATUS, [c_void_p, c_size_t, POINTER(InputShape), _OUT]),
    "pinion_session_plan_with_options": (_STATUS, [c_void_p, c_void_p, c_size_t, POINTER(InputShape), _OUT]),
    "pinion_session_prepare": (_STATUS, [c_void_p, c_void_p, c_size_t, POINTER(InputShape), c_size_t, c_void_p]),
    "pinion_plan_release": (None, [c_void_p]),
    "pinion_plan_output_count": (c_size_t, [c_void_p]),
    "pinion_plan_output": (c_void_p, [c_void_p, c_size_t]),
    "pinion_plan_is_complete": (c_bool, [c_void_p]),
    "pinion_plan_peak_bytes": (c_int64, [c_void_p]),
    "pinion_plan_flops": (c_int64, [c_void_p]),
    "pinion_session_profile_json": (_STATUS, [c_void_p, _OUT]),
    "pinion_session_profile_trace": (_STATUS, [c_void_p, _OUT]),
    "pinion_session_profile_reset": (None, [c_void_p]),
    "pinion_graph_create": (_STATUS, [POINTER(GraphOptions), _OUT]),
    "pinion_graph_create_subgraph": (_STATUS, [c_void_p, c_char_p, _OUT]),
    "pinion_graph_release": (None, [c_void_p]),
    "pinion_graph_set_opset": (_STATUS, [c_void_p, c_char_p, c_int64]),
    "pinion_graph_set_metadata": (_STATUS, [c_void_p, c_char_p, c_char_p]),
    "pinion_graph_add_input": (
        _STATUS,
        [c_void_p, c_char_p, c_int32, c_int32, POINTER(c_int64), POINTER(c_char_p), POINTER(c_int64)],
    ),
    "pinion_graph_add_input_of_type": (_STATUS, [c_void_p, c_char_p, c_char_p, POINTER(c_int64)]),
    "pinion_graph_add_input_with_default": (_STATUS, [c_void_p, c_char_p, c_void_p, c_bool, POINTER(c_int64)]),
    "pinion_graph_add_constant": (_STATUS, [c_void_p, c_char_p, c_void_p, c_bool, POINTER(c_int64)]),
    "pinion_graph_add_node": (
        _STATUS,
        [c_void_p, c_char_p, POINTER(NodeOptions), c_size_t, POINTER(c_int64), c_size_t, POINTER(c_int64)],
    ),
    "pinion_graph_add_output": (_STATUS, [c_void_p, c_int64, c_char_p]),
    "pinion_graph_value_info": (c_void_p, [c_void_p, c_int64]),
    "pinion_graph_text": (_STATUS, [c_void_p, _OUT]),
    "pinion_attributes_create": (_STATUS, [_OUT]),
    "pinion_attributes_release": (None, [c_void_p]),
    "pinion_attributes_set_int": (_STATUS, [c_void_p, c_char_p, c_int64]),
    "pinion_attributes_set_float": (_STATUS, [c_void_p, c_char_p, c_float]),
    "pinion_attributes_set_string": (_STATUS, [c_void_p, c_char_p, c_char_p, c_size_t]),
    "pinion_attributes_set_ints": (_STATUS, [c_void_p, c_char_p, POINTER(c_int64), c_size_t]),
    "pinion_attributes_set_floats": (_STATUS, [c_void_p, c_char_p, POINTER(c_float), c_size_t]),
    "pinion_attributes_set_strings": (_STATUS, [c_void_p, c_char_p, POINTER(c_char_p), c_size_t]),
    "pinion_attributes_set_tensor": (_STATUS, [c_void_p, c_char_p, c_void_p]),
    "pinion_attributes_set_tensors": (_STATUS, [c_void_p, c_char_p, POINTER(c_void_p), c_size_t]),
    "pinion_attributes_set_type": (_STATUS, [c_void_p, c_char_p, c_char_p]),
    "pinion_attributes_set_graph": (_STATUS, [c_void_p, c_char_p, c_void_p]),
    "pinion_model_create": (_STATUS, [c_void_p, POINTER(ModelOptions), _OUT]),
    "pinion_model_save": (_STATUS, [c_void_p, c_char_p, POINTER(SaveOptions)]),
    "pinion_device_count": (c_size_t, []),
    "pinion_device_name": (_TEXT, [c_size_t]),
    "pinion_device_description": (_TEXT, [c_size_t]),
    "pinion_device_why_not": (_TEXT, [c_char_p]),
    "pinion_cpu_isa_name": (_TEXT, []),
    "pinion_operator_count": (c_size_t, []),
    "pinion_operator_name": (_TEXT, [c_size_t]),
    "pinion_operator_domain": (_TEXT, [c_size_t]),
    "pinion_operator_since": (c_int64, [c_size_t]),
}


def _candidates() -> Iterator[str]:
    """Where the library may lie, best first; the last name is left to the dynamic loader (LD_LIBRARY_PATH, ldconfig)."""
    chosen = os.environ.get("PINION_LIBRARY")
    if chosen:
        yield chosen
        return
    here = Path(__file__).resolve().parent
    folders = [here, *(parent / "lib" for parent in here.parents), Path(sys.prefix) / "lib"]
    for folder in folders:
        for name in ("libpinion.so", SONAME):
            if (folder / name).is_file():
                yield str(folder / name)
    yield SONAME


def _load() -> CDLL:
    tried = []
    for candidate in _candidates():
        try:
            library = CDLL(candidate)
            break
        except OSError as error:
            tried.append(f"  {candidate}: {error}")
    else:
        raise ImportError("libpinion.so was not found. Set PINION_LIBRARY to its path, or install Pinion. Tried:\n" + "\n".join(tried))
    for name, (result, arguments) in _FUNCTIONS.items():
        try:
            function = getattr(library, name)
        except AttributeError:
            raise ImportError(f"{library._name} is older than this package: it has no {name}") from None
        function.restype = result
        function.argtypes = arguments
    if library.pinion_abi_check(ABI_VERSION) != 0:
        raise ImportError(f"{library._name}: {library.pinion_error_message(None).decode()}")
    return library


lib = _load()


def take_string(pointer: c_void_p) -> str:
    """The text of a string that the caller owns, which is given back."""
    try:
        return ctypes.string_at(pointer).decode("utf-8", "replace")
    finally:
        lib.pinion_string_release(pointer)


def text(value: bytes | None) -> str:
    return "" if value is None else value.decode("utf-8", "replace")
