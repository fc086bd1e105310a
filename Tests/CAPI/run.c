/* Sessions, runs, containers, results in memory that was lent. */
#define _POSIX_C_SOURCE 200809L
#include "sessions.h"

static void sessions(void) {
  pinion_session_options options = PINION_SESSION_OPTIONS_INIT;
  pinion_model_options model_options = PINION_MODEL_OPTIONS_INIT;
  buffer bytes = add_model();
  pinion_model *model;
  pinion_session *session;
  model_options.read_files = 9;
  CHECK_STATUS(pinion_model_load_memory(bytes.bytes, bytes.size, false, &model_options, &model), PINION_INVALID_ARGUMENT);
  CHECK_OK(pinion_model_load_memory(bytes.bytes, bytes.size, false, NULL, &model));
  options.device = "abacus";
  CHECK_STATUS(pinion_session_create(model, &options, &session), PINION_NOT_FOUND);
  CHECK(session == NULL);
  options.device = "cpu";
  options.optimization_level = 7;
  CHECK_STATUS(pinion_session_create(model, &options, &session), PINION_INVALID_ARGUMENT);
  options.optimization_level = 0;
  options.threads = -1;
  CHECK_STATUS(pinion_session_create(model, &options, &session), PINION_INVALID_ARGUMENT);
  options.threads = 1;
  options.profile = 9;
  CHECK_STATUS(pinion_session_create(model, &options, &session), PINION_INVALID_ARGUMENT);
  options.profile = 0;
  options.reserved = 1;
  CHECK_STATUS(pinion_session_create(model, &options, &session), PINION_INVALID_ARGUMENT);
  options.reserved = 0;
  CHECK_OK(pinion_session_create(model, &options, &session));
  CHECK(pinion_session_input_count(session) == 2 && pinion_session_output_count(session) == 1);
  describe(pinion_session_input(session, 0), pinion_session_input(session, 1));
  CHECK(strcmp(pinion_value_info_name(pinion_session_output(session, 0)), "y") == 0);
  CHECK(pinion_session_input(session, 2) == NULL && pinion_session_output(session, 1) == NULL);
  CHECK(pinion_session_retain(session) == session);
  pinion_session_release(session);
  pinion_session_release(session);
  pinion_model_release(model);
}

static void runs(void) {
  float data[4] = {1, 2, 3, 4}, bias_data[2] = {1, 1}, target_data[4] = {0, 0, 0, 0};
  const float expected[] = {11, 22, 13, 24}, with_bias[] = {2, 3, 4, 5};
  const int64_t dims[] = {2, 2}, two[] = {2}, wrong[] = {2, 3};
  const char *names[] = {"x", "b"}, *twice[] = {"x", "x"}, *unknown[] = {"z"}, *outputs[] = {"y"};
  pinion_value *inputs[2], *again[2], *output = NULL, *target;
  pinion_session *session = session_of(add_model(), NULL);
  int i;
  CHECK_OK(pinion_tensor_wrap(data, PINION_FLOAT32, 2, dims, NULL, NULL, NULL, &inputs[0]));
  CHECK_OK(pinion_tensor_wrap(bias_data, PINION_FLOAT32, 1, two, NULL, NULL, NULL, &inputs[1]));

  /* By position, the default left out. */
  CHECK_OK(pinion_session_run(session, NULL, 1, NULL, inputs, 1, NULL, &output));
  CHECK(memcmp(pinion_tensor_data(output), expected, sizeof expected) == 0);
  CHECK(pinion_tensor_rank(output) == 2 && pinion_tensor_dims(output)[0] == 2);
  pinion_value_release(output);

  /* By name, and a second time with other contents in the same memory. */
  for (i = 0; i < 2; ++i) {
    output = NULL;
    CHECK_OK(pinion_session_run(session, NULL, 2, names, inputs, 1, outputs, &output));
    CHECK(memcmp(pinion_tensor_data(output), with_bias, sizeof with_bias) == 0);
    pinion_value_release(output);
  }
  data[0] = 100;
  output = NULL;
  CHECK_OK(pinion_session_run(session, NULL, 1, names, inputs, 1, outputs, &output));
  CHECK(((const float *)pinion_tensor_data(output))[0] == 110);
  pinion_value_release(output);
  data[0] = 1;

  /* Into memory of the caller's. */
  CHECK_OK(pinion_tensor_wrap(target_data, PINION_FLOAT32, 2, dims, NULL, NULL, NULL, &target));
  output = target;
  CHECK_OK(pinion_session_run(session, NULL, 1, NULL, inputs, 1, NULL, &output));
  CHECK(output == target && memcmp(target_data, expected, sizeof expected) == 0);
  pinion_value_release(target);
  CHECK_OK(pinion_tensor_create(NULL, PINION_FLOAT32, 2, wrong, &target));
  output = target;
  CHECK(pinion_session_run(session, NULL, 1, NULL, inputs, 1, NULL, &output) != PINION_OK);
  CHECK(output == target);
  pinion_value_release(target);

  /* Mistakes. */
  output = NULL;
  again[0] = again[1] = inputs[0];
  CHECK_STATUS(pinion_session_run(session, NULL, 1, unknown, inputs, 1, NULL, &output), PINION_NOT_FOUND);
  CHECK_STATUS(pinion_session_run(session, NULL, 1, NULL, inputs, 1, unknown, &output), PINION_NOT_FOUND);
  CHECK_STATUS(pinion_session_run(session, NULL, 0, NULL, NULL, 1, NULL, &output), PINION_INVALID_ARGUMENT);
  CHECK_STATUS(pinion_session_run(session, NULL, 2, twice, again, 1, NULL, &output), PINION_INVALID_ARGUMENT);
  CHECK_STATUS(pinion_session_run(session, NULL, 9, NULL, inputs, 1, NULL, &output), PINION_INVALID_ARGUMENT);
  CHECK_STATUS(pinion_session_run(session, NULL, 1, names, &inputs[1], 1, NULL, &output), PINION_INVALID_SHAPE);
  CHECK(output == NULL);
  CHECK(strstr(pinion_error_message(NULL), "x") != NULL);

  CHECK(pinion_session_trim(session) >= 0);
  CHECK_OK(pinion_session_run(session, NULL, 1, NULL, inputs, 1, NULL, &output));
  pinion_session_release(session);
  CHECK(memcmp(pinion_tensor_data(output), expected, sizeof expected) == 0);
  pinion_value_release(output);
  pinion_value_release(inputs[0]);
  pinion_value_release(inputs[1]);
}

static void containers(void) {
  float data[2] = {1, 2};
  const int64_t dims[] = {2};
  const char *words[] = {"eins", "zwei"}, *text;
  size_t length;
  pinion_value *inputs[2], *output = NULL, *element;
  pinion_session *session = session_of(sequence_model(), NULL);
  const pinion_value_info *info = pinion_session_input(session, 0);
  CHECK(pinion_value_info_kind(info) == PINION_KIND_SEQUENCE);
  CHECK(pinion_value_info_element_type(pinion_value_info_content(info)) == PINION_FLOAT32);
  CHECK(pinion_value_info_rank(pinion_value_info_content(info)) == -1);
  CHECK_OK(pinion_sequence_create(&inputs[0]));
  CHECK_OK(pinion_tensor_wrap(data, PINION_FLOAT32, 1, dims, NULL, NULL, NULL, &inputs[1]));
  CHECK_OK(pinion_sequence_append(inputs[0], inputs[1]));
  CHECK_OK(pinion_session_run(session, NULL, 2, NULL, inputs, 1, NULL, &output));
  CHECK(pinion_sequence_count(output) == 2);
  CHECK_OK(pinion_sequence_get(output, 1, &element));
  CHECK(memcmp(pinion_tensor_data(element), data, sizeof data) == 0);
  CHECK(pinion_tensor_data(element) != data);
  pinion_value_release(element);
  pinion_value_release(output);
  pinion_value_release(inputs[0]);
  pinion_value_release(inputs[1]);
  pinion_session_release(session);

  session = session_of(string_model(), NULL);
  CHECK_OK(pinion_tensor_create_strings(words, NULL, 1, dims, &inputs[0]));
  output = NULL;
  CHECK_OK(pinion_session_run(session, NULL, 1, NULL, inputs, 1, NULL, &output));
  CHECK_OK(pinion_tensor_string(output, 1, &text, &length));
  CHECK(length == 4 && memcmp(text, "zwei", 4) == 0);
  pinion_value_release(output);
  /* Memory of the caller's for strings would point into the input's text: refused, planned or not. */
  CHECK_OK(pinion_tensor_create(NULL, PINION_STRING, 1, dims, &output));
  for (int time = 0; time < 3; time++) {
    CHECK_STATUS(pinion_session_run(session, NULL, 1, NULL, inputs, 1, NULL, &output), PINION_INVALID_ARGUMENT);
  }
  pinion_value_release(inputs[0]);
  CHECK_OK(pinion_tensor_string(output, 1, &text, &length));
  CHECK(length == 0);
  pinion_value_release(output);
  pinion_session_release(session);
}

/* Results are written to the memory that was lent for them, or refused. */
static void lent_outputs(void) {
  const int64_t dims[] = {1, 2}, strides[] = {4, 2};
  float data[2] = {1, 2};
  double room[4] = {0};
  char *odd = (char *)room + 1;
  pinion_value *input, *output;
  pinion_session *session = session_of(add_model(), NULL);
  CHECK_OK(pinion_tensor_wrap(data, PINION_FLOAT32, 2, dims, NULL, NULL, NULL, &input));
  CHECK_OK(pinion_tensor_wrap(odd, PINION_FLOAT32, 2, dims, NULL, NULL, NULL, &output));
  CHECK_STATUS(pinion_session_run(session, NULL, 1, NULL, &input, 1, NULL, &output), PINION_INVALID_ARGUMENT);
  pinion_value_release(output);
  CHECK_OK(pinion_tensor_wrap(room, PINION_FLOAT32, 2, dims, strides, NULL, NULL, &output));
  CHECK_STATUS(pinion_session_run(session, NULL, 1, NULL, &input, 1, NULL, &output), PINION_INVALID_ARGUMENT);
  pinion_value_release(output);
  CHECK_OK(pinion_tensor_wrap(room, PINION_FLOAT32, 2, dims, NULL, NULL, NULL, &output));
  CHECK_OK(pinion_session_run(session, NULL, 1, NULL, &input, 1, NULL, &output));
  CHECK(((float *)room)[0] == 11 && ((float *)room)[1] == 22);
  pinion_value_release(output);
  pinion_value_release(input);
  pinion_session_release(session);
}

int main(void) {
  sessions();
  runs();
  containers();
  lent_outputs();
  return check_result("run");
}
