#include "../../include/pinion/pinion.h"

// Enumerations cross the interface as 32-bit integers, whatever a later value is.
_Static_assert(sizeof(pinion_status) == 4, "pinion_status");
_Static_assert(sizeof(pinion_element_type) == 4, "pinion_element_type");
_Static_assert(sizeof(pinion_kind) == 4, "pinion_kind");
_Static_assert(sizeof(pinion_log_level) == 4, "pinion_log_level");

// A member that moved would break programs that are already compiled.
_Static_assert(offsetof(pinion_runtime_options, threads) == 8, "pinion_runtime_options");
_Static_assert(offsetof(pinion_runtime_options, log_level) == 12, "pinion_runtime_options");
_Static_assert(offsetof(pinion_runtime_options, log) == 16, "pinion_runtime_options");
_Static_assert(offsetof(pinion_runtime_options, allocate) == 32, "pinion_runtime_options");
_Static_assert(offsetof(pinion_runtime_options, allocator_context) == 48, "pinion_runtime_options");
_Static_assert(offsetof(pinion_runtime_options, parallel_for) == 56, "pinion_runtime_options");
_Static_assert(offsetof(pinion_runtime_options, parallel_for_context) == 64, "pinion_runtime_options");

_Static_assert(offsetof(pinion_model_options, runtime) == 8, "pinion_model_options");
_Static_assert(offsetof(pinion_model_options, external_data_folder) == 16, "pinion_model_options");

_Static_assert(offsetof(pinion_session_options, runtime) == 8, "pinion_session_options");
_Static_assert(offsetof(pinion_session_options, device) == 16, "pinion_session_options");
_Static_assert(offsetof(pinion_session_options, threads) == 24, "pinion_session_options");
_Static_assert(offsetof(pinion_session_options, optimization_level) == 28, "pinion_session_options");
_Static_assert(offsetof(pinion_session_options, profile) == 32, "pinion_session_options");
_Static_assert(offsetof(pinion_session_options, plan_cache_bytes) == 40, "pinion_session_options");
_Static_assert(offsetof(pinion_session_options, byte_budget) == 48, "pinion_session_options");

_Static_assert(offsetof(pinion_tensor_view, element_type) == 8, "pinion_tensor_view");
_Static_assert(offsetof(pinion_tensor_view, rank) == 12, "pinion_tensor_view");
_Static_assert(offsetof(pinion_tensor_view, dims) == 16, "pinion_tensor_view");
_Static_assert(offsetof(pinion_tensor_view, data) == 24, "pinion_tensor_view");
_Static_assert(offsetof(pinion_tensor_view, byte_size) == 32, "pinion_tensor_view");
_Static_assert(offsetof(pinion_tensor_view, element_count) == 40, "pinion_tensor_view");

_Static_assert(offsetof(pinion_run_options, timeout_ns) == 8, "pinion_run_options");
_Static_assert(offsetof(pinion_run_options, cancel_token) == 16, "pinion_run_options");
_Static_assert(offsetof(pinion_run_options, byte_budget) == 24, "pinion_run_options");
_Static_assert(offsetof(pinion_run_options, step_budget) == 32, "pinion_run_options");

_Static_assert(offsetof(pinion_input_shape, value) == 8, "pinion_input_shape");
_Static_assert(offsetof(pinion_input_shape, element_type) == 16, "pinion_input_shape");
_Static_assert(offsetof(pinion_input_shape, rank) == 20, "pinion_input_shape");
_Static_assert(offsetof(pinion_input_shape, dims) == 24, "pinion_input_shape");
_Static_assert(sizeof(pinion_input_shape) == 32, "pinion_input_shape");
