/* Buffers that a PyTorch model writes to, and paths of nested arguments. */
#include <pinion/pinion.h>
#include <string.h>

#include "check.h"
#include "counter.h"

static pinion_model *load(pinion_mutations mutations) {
  pinion_model_options options = PINION_MODEL_OPTIONS_INIT;
  pinion_model *model;
  options.mutations = mutations;
  CHECK_OK(pinion_model_load_memory(counter_pt2, sizeof counter_pt2, false, &options, &model));
  return model;
}

static float step(pinion_session *session, float x) {
  const int64_t dims[] = {1};
  const char *const name = "batch.step";
  pinion_value *input, *output = NULL;
  float result;
  CHECK_OK(pinion_tensor_wrap(&x, PINION_FLOAT32, 1, dims, NULL, NULL, NULL, &input));
  CHECK_OK(pinion_session_run(session, NULL, 1, &name, &input, 1, NULL, &output));
  result = *(const float *)pinion_tensor_data(output);
  pinion_value_release(output);
  pinion_value_release(input);
  return result;
}

static void kept(void) {
  const int64_t dims[] = {1}, wrong[] = {2};
  float contents[] = {100, 0};
  pinion_model *model = load(PINION_MUTATIONS_STATE);
  pinion_session *session;
  pinion_value *value;
  CHECK(pinion_model_input_count(model) == 1 && pinion_model_output_count(model) == 1);
  CHECK(strcmp(pinion_value_info_name(pinion_model_input(model, 0)), "x") == 0);
  CHECK(strcmp(pinion_value_info_path(pinion_model_input(model, 0)), "batch.step") == 0);
  CHECK(pinion_model_metadata_find(model, "pt2.input_tree") != NULL);
  CHECK_OK(pinion_session_create(model, NULL, &session));
  CHECK(pinion_session_buffer_count(session) == 1);
  CHECK(strcmp(pinion_session_buffer_name(session, 0), "count") == 0 && pinion_session_buffer_name(session, 1) == NULL);
  CHECK(step(session, 1) == -6 && step(session, 2) == -8 && step(session, 1) == -9);
  CHECK_OK(pinion_session_buffer_get(session, 0, &value));
  CHECK(*(const float *)pinion_tensor_data(value) == 9);
  CHECK(step(session, 1) == -10);
  CHECK(*(const float *)pinion_tensor_data(value) == 9);
  pinion_value_release(value);
  CHECK_OK(pinion_tensor_wrap(contents, PINION_FLOAT32, 1, dims, NULL, NULL, NULL, &value));
  CHECK_OK(pinion_session_buffer_set(session, 0, value));
  CHECK_STATUS(pinion_session_buffer_set(session, 1, value), PINION_NOT_FOUND);
  CHECK_STATUS(pinion_session_buffer_set(session, 0, NULL), PINION_INVALID_ARGUMENT);
  pinion_value_release(value);
  CHECK(step(session, 1) == -101);
  CHECK_OK(pinion_tensor_wrap(contents, PINION_FLOAT32, 1, wrong, NULL, NULL, NULL, &value));
  CHECK_STATUS(pinion_session_buffer_set(session, 0, value), PINION_INVALID_SHAPE);
  pinion_value_release(value);
  CHECK_STATUS(pinion_session_buffer_get(session, 1, &value), PINION_NOT_FOUND);
  CHECK_OK(pinion_session_buffers_reset(session));
  CHECK(step(session, 1) == -6);
  pinion_session_release(session);
  pinion_model_release(model);
}

static void given(void) {
  pinion_model *model = load(PINION_MUTATIONS_OUTPUTS);
  pinion_session *session;
  pinion_value *value;
  CHECK(pinion_model_input_count(model) == 2 && pinion_model_output_count(model) == 2);
  CHECK(strcmp(pinion_value_info_name(pinion_model_output(model, 1)), "count.new") == 0);
  CHECK(pinion_value_info_is_optional(pinion_model_input(model, 1)));
  CHECK_OK(pinion_session_create(model, NULL, &session));
  CHECK(step(session, 1) == -6 && step(session, 1) == -6);
  CHECK(pinion_session_buffer_count(session) == 0);
  CHECK_STATUS(pinion_session_buffer_get(session, 0, &value), PINION_UNSUPPORTED);
  CHECK_STATUS(pinion_session_buffers_reset(session), PINION_UNSUPPORTED);
  CHECK_STATUS(pinion_session_buffers_reset(NULL), PINION_INVALID_ARGUMENT);
  pinion_session_release(session);
  pinion_model_release(model);
  model = load(PINION_MUTATIONS_DROPPED);
  CHECK(pinion_model_output_count(model) == 1);
  pinion_model_release(model);
}

static void refused(void) {
  pinion_model_options options = PINION_MODEL_OPTIONS_INIT;
  pinion_model *model;
  options.mutations = (pinion_mutations)3;
  CHECK_STATUS(pinion_model_load_memory(counter_pt2, sizeof counter_pt2, false, &options, &model), PINION_INVALID_ARGUMENT);
}

int main(void) {
  /* The defaults of PyTorch's arguments. */
  MAKES_TABLES(pinion_model_release(load(PINION_MUTATIONS_STATE)));
  kept();
  given();
  refused();
  return check_result("buffers");
}
