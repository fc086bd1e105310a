/*
 * Prints what a model takes and gives, and runs it once with inputs of zeros.
 *
 *   describe-and-run MODEL.onnx [SYMBOL=SIZE ...]
 */
#include <pinion/pinion.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { max_values = 64, max_rank = 16 };

static int fail(const char *what) {
  fprintf(stderr, "%s: %s\n", what, pinion_error_text(NULL));
  return 1;
}

/* The size that the command line gives a symbol, else 1. */
static int64_t size_of_symbol(const char *symbol, int count, char **arguments) {
  const size_t length = strlen(symbol);
  int i;
  for (i = 0; i < count; ++i)
    if (length && strncmp(arguments[i], symbol, length) == 0 && arguments[i][length] == '=')
      return strtoll(arguments[i] + length + 1, NULL, 10);
  return 1;
}

static pinion_value *zeros(const pinion_value_info *info, int count, char **arguments) {
  int64_t dims[max_rank];
  pinion_value *value;
  const int32_t rank = pinion_value_info_rank(info);
  int32_t axis;
  if (pinion_value_info_kind(info) != PINION_KIND_TENSOR || rank < 0 || rank > max_rank) return NULL;
  for (axis = 0; axis < rank; ++axis) {
    dims[axis] = pinion_value_info_dim(info, axis);
    if (dims[axis] < 0) dims[axis] = size_of_symbol(pinion_value_info_dim_name(info, axis), count, arguments);
  }
  if (pinion_tensor_create(NULL, pinion_value_info_element_type(info), rank, dims, &value) != PINION_OK) return NULL;
  if (pinion_tensor_data(value)) memset(pinion_tensor_data(value), 0, pinion_tensor_byte_size(value));
  return value;
}

static void print_value(const char *name, const pinion_value *value) {
  pinion_tensor_view view = PINION_TENSOR_VIEW_INIT;
  int64_t i;
  if (pinion_tensor_describe(value, &view) != PINION_OK) {
    printf("  %s: a sequence of %zu values, or a map, or nothing\n", name, pinion_sequence_count(value));
    return;
  }
  printf("  %s: %s[", name, pinion_element_type_name(view.element_type));
  for (i = 0; i < view.rank; ++i) printf(i ? ",%lld" : "%lld", (long long)view.dims[i]);
  printf("]");
  if (view.element_type == PINION_FLOAT32)
    for (i = 0; i < view.element_count && i < 5; ++i) printf(" %g", ((const float *)view.data)[i]);
  if (view.element_type == PINION_INT64)
    for (i = 0; i < view.element_count && i < 5; ++i) printf(" %lld", (long long)((const int64_t *)view.data)[i]);
  printf("\n");
}

int main(int argc, char **argv) {
  pinion_model *model;
  pinion_session *session;
  pinion_value *inputs[max_values] = {NULL}, *outputs[max_values] = {NULL};
  size_t input_count, output_count, i;
  pinion_run_options options = PINION_RUN_OPTIONS_INIT;

  if (argc < 2) {
    fprintf(stderr, "usage: describe-and-run MODEL.onnx [SYMBOL=SIZE ...]\n");
    return 2;
  }
  if (pinion_abi_check(PINION_ABI_VERSION) != PINION_OK) return fail("libpinion.so");
  if (pinion_model_load_file(argv[1], NULL, &model) != PINION_OK) return fail(argv[1]);
  if (pinion_session_create(model, NULL, &session) != PINION_OK) return fail(argv[1]);
  printf("%s: %zu nodes, written by %s\n", argv[1], pinion_model_node_count(model), pinion_model_producer_name(model));

  input_count = pinion_session_input_count(session);
  output_count = pinion_session_output_count(session);
  if (input_count > max_values || output_count > max_values) return 1;
  printf("inputs\n");
  for (i = 0; i < input_count; ++i) {
    const pinion_value_info *info = pinion_session_input(session, i);
    printf("  %s: %s\n", pinion_value_info_name(info), pinion_value_info_text(info));
    if (!pinion_value_info_is_optional(info)) inputs[i] = zeros(info, argc - 2, argv + 2);
  }

  options.timeout_ns = 60 * 1000000000LL;
  if (pinion_session_run(session, &options, input_count, NULL, inputs, output_count, NULL, outputs) != PINION_OK)
    return fail("run");
  printf("outputs\n");
  for (i = 0; i < output_count; ++i) print_value(pinion_value_info_name(pinion_session_output(session, i)), outputs[i]);

  for (i = 0; i < input_count; ++i) pinion_value_release(inputs[i]);
  for (i = 0; i < output_count; ++i) pinion_value_release(outputs[i]);
  pinion_session_release(session);
  pinion_model_release(model);
  return 0;
}
