/* Version, status names, the thread's last error and its copies. */
#include "check.h"
#include "models.h"

static void version(void) {
  CHECK(strcmp(pinion_version_string(), PINION_VERSION_STRING) == 0);
  CHECK(pinion_abi_version() == PINION_ABI_VERSION);
  CHECK_OK(pinion_abi_check(PINION_ABI_VERSION));
  CHECK_STATUS(pinion_abi_check(PINION_ABI_VERSION + 1), PINION_UNSUPPORTED);
  CHECK(pinion_cpu_isa_name()[0] != 0);
}

static void names(void) {
  CHECK(strcmp(pinion_status_name(PINION_OK), "PINION_OK") == 0);
  CHECK(strcmp(pinion_status_name(PINION_INVALID_SHAPE), "PINION_INVALID_SHAPE") == 0);
  CHECK(strcmp(pinion_status_name(PINION_INTERNAL), "PINION_INTERNAL") == 0);
  CHECK(strcmp(pinion_status_name((pinion_status)999), "PINION_UNKNOWN") == 0);
  CHECK(strcmp(pinion_element_type_name(PINION_FLOAT32), "float32") == 0);
  CHECK(strcmp(pinion_element_type_name(PINION_INT4), "int4") == 0);
  CHECK(strcmp(pinion_element_type_name((pinion_element_type)999), "undefined") == 0);
  CHECK(pinion_element_type_bits(PINION_COMPLEX128) == 128);
  CHECK(pinion_element_type_bits(PINION_UINT2) == 2);
  CHECK(pinion_element_type_bits(PINION_STRING) == 0);
  CHECK(pinion_element_type_bits((pinion_element_type)-1) == 0);
}

static void before_any_failure(void) {
  CHECK(pinion_error_code(NULL) == PINION_OK);
  CHECK(pinion_error_message(NULL)[0] == 0);
  CHECK(pinion_error_copy() == NULL);
  CHECK(pinion_error_other_count(NULL) == 0);
}

static void all_unsupported_operators(void) {
  buffer bytes = unsupported_model();
  pinion_model *model = (pinion_model *)&bytes;
  pinion_error *error;
  CHECK_STATUS(pinion_model_load_memory(bytes.bytes, bytes.size, true, NULL, &model), PINION_UNSUPPORTED);
  CHECK(model == NULL);
  error = pinion_error_copy();
  CHECK(error != NULL);
  CHECK(pinion_error_code(error) == PINION_UNSUPPORTED);
  {
    int found = 0;
    size_t i;
    for (i = 0; i <= pinion_error_other_count(error); ++i) {
      const pinion_error *one = i == 0 ? error : pinion_error_other(error, i - 1);
      if (strcmp(pinion_error_operator(one), "NoSuchOperator") == 0 && strcmp(pinion_error_node(one), "first") == 0) found |= 1;
      if (strcmp(pinion_error_operator(one), "Frobnicate") == 0 && strcmp(pinion_error_node(one), "second") == 0) found |= 2;
    }
    CHECK(found == 3);
  }
  CHECK(pinion_error_other(error, 1000) == NULL);
  CHECK(strstr(pinion_error_text(error), "Frobnicate") || strstr(pinion_error_json(error), "Frobnicate"));
  CHECK(pinion_error_json(error)[0] == '{');
  CHECK(strstr(pinion_error_json(error), "\"code\":3") || strstr(pinion_error_json(error), "\"code\": 3"));
  CHECK(pinion_error_input_type(error, 1000)[0] == 0);
  CHECK(pinion_error_opset(error) >= 0);

  /* The copy outlives the next failure. */
  CHECK_STATUS(pinion_model_load_file("/no/such/file.onnx", NULL, &model), PINION_IO);
  CHECK(pinion_error_code(NULL) == PINION_IO);
  CHECK(strstr(pinion_error_message(NULL), "file.onnx") != NULL);
  CHECK(pinion_error_code(error) == PINION_UNSUPPORTED);
  pinion_error_release(error);
  pinion_error_release(NULL);
}

static void null_objects(void) {
  CHECK_STATUS(pinion_model_load_file(NULL, NULL, NULL), PINION_INVALID_ARGUMENT);
  CHECK_STATUS(pinion_session_create(NULL, NULL, NULL), PINION_INVALID_ARGUMENT);
  CHECK_STATUS(pinion_session_run(NULL, NULL, 0, NULL, NULL, 0, NULL, NULL), PINION_INVALID_ARGUMENT);
  CHECK_STATUS(pinion_model_text(NULL, NULL), PINION_INVALID_ARGUMENT);
  CHECK_STATUS(pinion_tensor_describe(NULL, NULL), PINION_INVALID_ARGUMENT);
  CHECK(pinion_model_input_count(NULL) == 0);
  CHECK(pinion_model_input(NULL, 0) == NULL);
  CHECK(pinion_model_producer_name(NULL)[0] == 0);
  CHECK(pinion_model_metadata_find(NULL, "x") == NULL);
  CHECK(pinion_session_output_count(NULL) == 0);
  CHECK(pinion_session_trim(NULL) == 0);
  CHECK(pinion_value_kind(NULL) == PINION_KIND_NONE);
  CHECK(pinion_tensor_data(NULL) == NULL);
  CHECK(pinion_tensor_dims(NULL) == NULL);
  CHECK(pinion_sequence_count(NULL) == 0);
  CHECK(pinion_plan_flops(NULL) == 0);
  CHECK(pinion_value_info_name(NULL)[0] == 0);
  CHECK(pinion_value_info_content(NULL) == NULL);
  pinion_model_release(NULL);
  pinion_session_release(NULL);
  pinion_value_release(NULL);
  pinion_runtime_release(NULL);
  pinion_plan_release(NULL);
  pinion_cancel_token_release(NULL);
  pinion_cancel_token_set(NULL);
  pinion_string_release(NULL);
  CHECK(pinion_model_retain(NULL) == NULL);
  CHECK(pinion_session_retain(NULL) == NULL);
  CHECK(pinion_value_retain(NULL) == NULL);
  CHECK(pinion_runtime_retain(NULL) == NULL);
  CHECK(pinion_plan_retain(NULL) == NULL);
  CHECK(pinion_cancel_token_retain(NULL) == NULL);
}

static void operators(void) {
  size_t i, count = pinion_operator_count();
  int found = 0;
  CHECK(count > 0);
  for (i = 0; i < count; ++i) {
    CHECK(pinion_operator_name(i)[0] != 0);
    CHECK(pinion_operator_since(i) >= 1);
    if (strcmp(pinion_operator_name(i), "Add") == 0 && strcmp(pinion_operator_domain(i), "ai.onnx") == 0) found = 1;
  }
  CHECK(found);
  CHECK(pinion_operator_name(count)[0] == 0);
  CHECK(pinion_operator_domain(count)[0] == 0);
  CHECK(pinion_operator_since(count) == 0);
}

int main(void) {
  before_any_failure();
  version();
  names();
  null_objects();
  all_unsupported_operators();
  operators();
  return check_result("errors");
}
