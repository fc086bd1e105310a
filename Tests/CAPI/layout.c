/*
 * Where the members of each structure lie that programs hand to the library, on 64-bit machines. A compiled program has these numbers
 * in it: a line here is added with a member at a structure's end, and never changed.
 */
#include <pinion/pinion.h>

#define LAYOUT(type, member, offset) _Static_assert(offsetof(type, member) == (offset), #type "." #member " has moved")
#define SIZE(type, size) _Static_assert(sizeof(type) == (size), "the size of " #type)

LAYOUT(pinion_runtime_options, struct_size, 0);
LAYOUT(pinion_runtime_options, threads, 8);
LAYOUT(pinion_runtime_options, log_level, 12);
LAYOUT(pinion_runtime_options, log, 16);
LAYOUT(pinion_runtime_options, log_context, 24);
LAYOUT(pinion_runtime_options, allocate, 32);
LAYOUT(pinion_runtime_options, deallocate, 40);
LAYOUT(pinion_runtime_options, allocator_context, 48);
LAYOUT(pinion_runtime_options, parallel_for, 56);
LAYOUT(pinion_runtime_options, parallel_for_context, 64);
SIZE(pinion_runtime_options, 72);

LAYOUT(pinion_model_options, struct_size, 0);
LAYOUT(pinion_model_options, runtime, 8);
LAYOUT(pinion_model_options, external_data_folder, 16);
LAYOUT(pinion_model_options, timeout_ns, 24);
LAYOUT(pinion_model_options, cancel_token, 32);
LAYOUT(pinion_model_options, byte_budget, 40);
LAYOUT(pinion_model_options, should_stop, 48);
LAYOUT(pinion_model_options, should_stop_context, 56);
LAYOUT(pinion_model_options, read_files, 64);
LAYOUT(pinion_model_options, mutations, 68);
SIZE(pinion_model_options, 72);

LAYOUT(pinion_session_options, struct_size, 0);
LAYOUT(pinion_session_options, runtime, 8);
LAYOUT(pinion_session_options, device, 16);
LAYOUT(pinion_session_options, threads, 24);
LAYOUT(pinion_session_options, optimization_level, 28);
LAYOUT(pinion_session_options, profile, 32);
LAYOUT(pinion_session_options, reserved, 36);
LAYOUT(pinion_session_options, plan_cache_bytes, 40);
LAYOUT(pinion_session_options, byte_budget, 48);
LAYOUT(pinion_session_options, timeout_ns, 56);
LAYOUT(pinion_session_options, cancel_token, 64);
LAYOUT(pinion_session_options, should_stop, 72);
LAYOUT(pinion_session_options, should_stop_context, 80);
SIZE(pinion_session_options, 88);

LAYOUT(pinion_tensor_view, struct_size, 0);
LAYOUT(pinion_tensor_view, element_type, 8);
LAYOUT(pinion_tensor_view, rank, 12);
LAYOUT(pinion_tensor_view, dims, 16);
LAYOUT(pinion_tensor_view, data, 24);
LAYOUT(pinion_tensor_view, byte_size, 32);
LAYOUT(pinion_tensor_view, element_count, 40);
SIZE(pinion_tensor_view, 48);

LAYOUT(pinion_run_options, struct_size, 0);
LAYOUT(pinion_run_options, timeout_ns, 8);
LAYOUT(pinion_run_options, cancel_token, 16);
LAYOUT(pinion_run_options, byte_budget, 24);
LAYOUT(pinion_run_options, step_budget, 32);
LAYOUT(pinion_run_options, should_stop, 40);
LAYOUT(pinion_run_options, should_stop_context, 48);
SIZE(pinion_run_options, 56);

LAYOUT(pinion_input_shape, name, 0);
LAYOUT(pinion_input_shape, value, 8);
LAYOUT(pinion_input_shape, element_type, 16);
LAYOUT(pinion_input_shape, rank, 20);
LAYOUT(pinion_input_shape, dims, 24);
SIZE(pinion_input_shape, 32);

LAYOUT(pinion_graph_options, struct_size, 0);
LAYOUT(pinion_graph_options, runtime, 8);
LAYOUT(pinion_graph_options, name, 16);
LAYOUT(pinion_graph_options, opset, 24);
SIZE(pinion_graph_options, 32);

LAYOUT(pinion_node_options, struct_size, 0);
LAYOUT(pinion_node_options, name, 8);
LAYOUT(pinion_node_options, domain, 16);
LAYOUT(pinion_node_options, opset, 24);
LAYOUT(pinion_node_options, attributes, 32);
LAYOUT(pinion_node_options, output_names, 40);
SIZE(pinion_node_options, 48);

LAYOUT(pinion_save_options, struct_size, 0);
LAYOUT(pinion_save_options, external_data, 8);
LAYOUT(pinion_save_options, reserved, 12);
LAYOUT(pinion_save_options, opset, 16);
SIZE(pinion_save_options, 24);

LAYOUT(pinion_text, text, 0);
LAYOUT(pinion_text, offsets, 8);
SIZE(pinion_text, 16);

LAYOUT(pinion_string_view, data, 0);
LAYOUT(pinion_string_view, length, 8);
SIZE(pinion_string_view, 16);

LAYOUT(pinion_string_output, strings, 0);
LAYOUT(pinion_string_output, owner, 8);
LAYOUT(pinion_string_output, text, 16);
LAYOUT(pinion_string_output, text_capacity, 24);
LAYOUT(pinion_string_output, text_size, 32);
SIZE(pinion_string_output, 40);

LAYOUT(pinion_call_options, struct_size, 0);
LAYOUT(pinion_call_options, tables, 8);
LAYOUT(pinion_call_options, strings, 12);
SIZE(pinion_call_options, 16);

SIZE(pinion_external_data, 4);
SIZE(pinion_graph_value, 8);
SIZE(pinion_status, 4);
SIZE(pinion_element_type, 4);
SIZE(pinion_kind, 4);
SIZE(pinion_log_level, 4);
SIZE(bool, 1);

int main(void) { return 0; }
