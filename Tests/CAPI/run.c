/* Models, sessions, runs under limits, plans, profiles. */
#define _POSIX_C_SOURCE 200809L
#include "check.h"
#include "models.h"

#include <pthread.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

static pinion_session *session_of(buffer bytes, const pinion_session_options *options) {
  pinion_model *model;
  pinion_session *session;
  CHECK_OK(pinion_model_load_memory(bytes.bytes, bytes.size, true, NULL, &model));
  CHECK_OK(pinion_session_create(model, options, &session));
  pinion_model_release(model);
  return session;
}

static void describe(const pinion_value_info *x, const pinion_value_info *b) {
  CHECK(strcmp(pinion_value_info_name(x), "x") == 0);
  CHECK(pinion_value_info_kind(x) == PINION_KIND_TENSOR);
  CHECK(pinion_value_info_element_type(x) == PINION_FLOAT32);
  CHECK(pinion_value_info_rank(x) == 2);
  CHECK(pinion_value_info_dim(x, 0) == -1 && pinion_value_info_dim(x, 1) == 2);
  CHECK(strcmp(pinion_value_info_dim_name(x, 0), "n") == 0);
  CHECK(pinion_value_info_dim_name(x, 1)[0] == 0);
  CHECK(pinion_value_info_dim_name(x, 9)[0] == 0);
  CHECK(pinion_value_info_content(x) == NULL);
  CHECK(!pinion_value_info_is_optional(x));
  CHECK(pinion_value_info_is_optional(b));
  CHECK(strcmp(pinion_value_info_text(x), "float32[n,2]") == 0);
}

static int32_t read_part(int64_t offset, size_t length, void *destination, void *context) {
  const buffer *bytes = context;
  if (offset < 0 || (size_t)offset + length > bytes->size) return 1;
  memcpy(destination, bytes->bytes + offset, length);
  return 0;
}

static int32_t refuse(int64_t offset, size_t length, void *destination, void *context) {
  (void)offset, (void)length, (void)destination, (void)context;
  return 1;
}

static void models(void) {
  buffer bytes = add_model();
  pinion_model_options options = PINION_MODEL_OPTIONS_INIT;
  pinion_model *model;
  char *text;
  CHECK_OK(pinion_model_load_callback(read_part, &bytes, (int64_t)bytes.size, &options, &model));
  CHECK(pinion_model_ir_version(model) == 9);
  CHECK(strcmp(pinion_model_producer_name(model), "capi") == 0);
  CHECK(strcmp(pinion_model_producer_version(model), "7") == 0);
  CHECK(strcmp(pinion_model_domain(model), "org.example") == 0);
  CHECK(pinion_model_version(model) == 3);
  CHECK(strcmp(pinion_model_doc_string(model), "a test") == 0);
  CHECK(strcmp(pinion_model_graph_name(model), "addition") == 0);
  CHECK(pinion_model_opset_count(model) == 1);
  CHECK(strcmp(pinion_model_opset_domain(model, 0), "ai.onnx") == 0);
  CHECK(pinion_model_opset_version(model, 0) == 18);
  CHECK(pinion_model_opset_version(model, 1) == 0 && pinion_model_opset_domain(model, 1)[0] == 0);
  CHECK(pinion_model_metadata_count(model) == 1);
  CHECK(strcmp(pinion_model_metadata_key(model, 0), "author") == 0);
  CHECK(strcmp(pinion_model_metadata_value(model, 0), "nobody") == 0);
  CHECK(strcmp(pinion_model_metadata_find(model, "author"), "nobody") == 0);
  CHECK(pinion_model_metadata_find(model, "nothing") == NULL);
  CHECK(pinion_model_input_count(model) == 2 && pinion_model_output_count(model) == 1);
  describe(pinion_model_input(model, 0), pinion_model_input(model, 1));
  CHECK(pinion_model_input(model, 2) == NULL && pinion_model_output(model, 1) == NULL);
  CHECK(pinion_model_node_count(model) == 1);
  CHECK(pinion_model_weight_bytes(model) == 8);
  CHECK(pinion_model_operator_count(model) == 1);
  CHECK(strcmp(pinion_model_operator_name(model, 0), "Add") == 0 && pinion_model_operator_uses(model, 0) == 1);
  CHECK_OK(pinion_model_text(model, &text));
  CHECK(strstr(text, "Add") != NULL);
  pinion_string_release(text);
  pinion_model_release(model);

  CHECK_STATUS(pinion_model_load_callback(refuse, NULL, 100, NULL, &model), PINION_IO);
  CHECK(model == NULL);
  CHECK_STATUS(pinion_model_load_callback(refuse, NULL, -1, NULL, &model), PINION_INVALID_ARGUMENT);
  CHECK_STATUS(pinion_model_load_memory("no model at all", 15, false, NULL, &model), PINION_INVALID_MODEL);
  CHECK(model == NULL);
  options.struct_size = 0;
  CHECK_STATUS(pinion_model_load_memory(bytes.bytes, bytes.size, true, &options, &model), PINION_INVALID_ARGUMENT);
}

static void files(void) {
  buffer bytes = add_model();
  char path[] = "/tmp/pinion-capi-XXXXXX";
  int descriptor = mkstemp(path);
  FILE *file = fdopen(descriptor, "wb");
  pinion_model *model;
  fwrite(bytes.bytes, 1, bytes.size, file);
  fclose(file);
  CHECK_OK(pinion_model_load_file(path, NULL, &model));
  CHECK(pinion_model_input_count(model) == 2);
  pinion_model_release(model);
  remove(path);
}

static void sessions(void) {
  pinion_session_options options = PINION_SESSION_OPTIONS_INIT;
  buffer bytes = add_model();
  pinion_model *model;
  pinion_session *session;
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

static double seconds(void) {
  struct timespec now;
  clock_gettime(CLOCK_MONOTONIC, &now);
  return (double)now.tv_sec + 1e-9 * (double)now.tv_nsec;
}

static void *cancel_soon(void *token) {
  const struct timespec pause = {0, 50 * 1000 * 1000};
  nanosleep(&pause, NULL);
  pinion_cancel_token_set(token);
  return NULL;
}

static void limits(void) {
  enum { size = 1500 };
  const int64_t dims[] = {size, size};
  pinion_run_options options = PINION_RUN_OPTIONS_INIT;
  pinion_value *input, *output = NULL;
  pinion_cancel_token *token;
  pthread_t thread;
  double begin;
  pinion_session *session = session_of(matmul_model(size, 40), NULL);
  CHECK_OK(pinion_tensor_create(NULL, PINION_FLOAT32, 2, dims, &input));
  memset(pinion_tensor_data(input), 0, pinion_tensor_byte_size(input));

  CHECK_OK(pinion_cancel_token_create(&token));
  CHECK(!pinion_cancel_token_is_set(token));
  options.cancel_token = token;
  begin = seconds();
  CHECK(pthread_create(&thread, NULL, cancel_soon, token) == 0);
  CHECK_STATUS(pinion_session_run(session, &options, 1, NULL, &input, 1, NULL, &output), PINION_CANCELLED);
  CHECK(seconds() - begin < 1.0);
  pthread_join(thread, NULL);
  CHECK(pinion_cancel_token_is_set(token));
  CHECK_STATUS(pinion_session_run(session, &options, 1, NULL, &input, 1, NULL, &output), PINION_CANCELLED);
  pinion_cancel_token_reset(token);
  CHECK(!pinion_cancel_token_is_set(token));

  options.timeout_ns = 20 * 1000 * 1000;
  begin = seconds();
  CHECK_STATUS(pinion_session_run(session, &options, 1, NULL, &input, 1, NULL, &output), PINION_DEADLINE_EXCEEDED);
  CHECK(seconds() - begin < 1.0);
  options.timeout_ns = 0;

  options.byte_budget = 1000;
  CHECK_STATUS(pinion_session_run(session, &options, 1, NULL, &input, 1, NULL, &output), PINION_BUDGET_EXCEEDED);
  options.byte_budget = -1;
  CHECK_STATUS(pinion_session_run(session, &options, 1, NULL, &input, 1, NULL, &output), PINION_INVALID_ARGUMENT);
  options.byte_budget = 0;
  options.step_budget = 3;
  CHECK_STATUS(pinion_session_run(session, &options, 1, NULL, &input, 1, NULL, &output), PINION_BUDGET_EXCEEDED);
  options.step_budget = 0;
  options.struct_size = 0;
  CHECK_STATUS(pinion_session_run(session, &options, 1, NULL, &input, 1, NULL, &output), PINION_INVALID_ARGUMENT);
  CHECK(output == NULL);
  pinion_cancel_token_release(token);
  pinion_value_release(input);
  pinion_session_release(session);
}

static void plans(void) {
  const int64_t dims[] = {5, 2}, wrong[] = {5, 3}, square[] = {64, 64};
  pinion_input_shape shape = {"x", NULL, PINION_UNDEFINED, 2, NULL};
  pinion_plan *plan;
  const pinion_value_info *info;
  pinion_session_options options = PINION_SESSION_OPTIONS_INIT;
  pinion_session *session = session_of(add_model(), NULL);
  shape.dims = dims;
  CHECK_OK(pinion_session_plan(session, 1, &shape, &plan));
  CHECK(pinion_plan_output_count(plan) == 1);
  info = pinion_plan_output(plan, 0);
  CHECK(strcmp(pinion_value_info_name(info), "y") == 0);
  CHECK(pinion_value_info_rank(info) == 2 && pinion_value_info_dim(info, 0) == 5 && pinion_value_info_dim(info, 1) == 2);
  CHECK(pinion_plan_is_complete(plan));
  CHECK(pinion_plan_peak_bytes(plan) >= 40);
  CHECK(pinion_plan_output(plan, 1) == NULL);
  pinion_session_release(session);
  CHECK(pinion_plan_flops(plan) >= 0);
  pinion_plan_release(plan);

  session = session_of(add_model(), NULL);
  shape.dims = wrong;
  CHECK_STATUS(pinion_session_plan(session, 1, &shape, &plan), PINION_INVALID_SHAPE);
  CHECK(plan == NULL);
  shape.dims = dims;
  shape.name = "z";
  CHECK_STATUS(pinion_session_plan(session, 1, &shape, &plan), PINION_NOT_FOUND);
  pinion_session_release(session);

  options.optimization_level = 0;
  session = session_of(matmul_model(64, 3), &options);
  shape.name = "x";
  shape.dims = square;
  CHECK_OK(pinion_session_plan(session, 1, &shape, &plan));
  CHECK(pinion_plan_flops(plan) == 3 * 2 * 64 * 64 * 64);
  CHECK(pinion_plan_peak_bytes(plan) >= 64 * 64 * 4);
  pinion_plan_release(plan);
  pinion_session_release(session);
}

/* How many nodes planning met anew. */
static long planned(pinion_session *session) {
  char *json;
  long made = -1;
  CHECK_OK(pinion_session_profile_json(session, &json));
  const char *numbers = strstr(json, "\"planned\":");
  CHECK(numbers != NULL && sscanf(numbers, "\"planned\":{\"made\":%ld,\"kept\":0}", &made) == 1);
  pinion_string_release(json);
  return made;
}

static void preparations(void) {
  const int64_t dims[] = {64, 64}, wrong[] = {5, 3};
  const char *names[] = {"x"}, *unknown[] = {"nowhere"};
  pinion_input_shape shape = {"x", NULL, PINION_UNDEFINED, 2, NULL};
  pinion_session_options options = PINION_SESSION_OPTIONS_INIT;
  pinion_run_options limits = PINION_RUN_OPTIONS_INIT;
  pinion_value *x, *y = NULL;
  pinion_session *session;
  long made;
  options.profile = 1;
  session = session_of(matmul_model(64, 3), &options);
  shape.dims = dims;
  CHECK_OK(pinion_session_prepare(session, NULL, 1, &shape, 1, NULL));
  made = planned(session);
  CHECK(made == 3);
  CHECK_OK(pinion_tensor_create(NULL, PINION_FLOAT32, 2, dims, &x));
  memset(pinion_tensor_data(x), 0, 64 * 64 * 4);
  CHECK_OK(pinion_session_run(session, NULL, 1, names, &x, 1, NULL, &y));
  /* The run has nothing to plan. */
  CHECK(planned(session) == made);
  pinion_value_release(y);
  /* Prepared again, and by an input in place of its shape: what is there already. */
  shape.value = x;
  CHECK_OK(pinion_session_prepare(session, NULL, 1, &shape, 1, NULL));
  CHECK(planned(session) == made);
  shape.value = NULL;
  pinion_value_release(x);

  limits.byte_budget = 100;
  CHECK_STATUS(pinion_session_prepare(session, &limits, 1, &shape, 1, NULL), PINION_BUDGET_EXCEEDED);
  limits.byte_budget = 0;
  CHECK_OK(pinion_cancel_token_create(&limits.cancel_token));
  pinion_cancel_token_set(limits.cancel_token);
  CHECK_STATUS(pinion_session_prepare(session, &limits, 1, &shape, 1, NULL), PINION_CANCELLED);
  pinion_cancel_token_release(limits.cancel_token);
  shape.dims = wrong;
  CHECK_STATUS(pinion_session_prepare(session, NULL, 1, &shape, 1, NULL), PINION_INVALID_SHAPE);
  shape.name = "nowhere";
  CHECK_STATUS(pinion_session_prepare(session, NULL, 1, &shape, 1, NULL), PINION_NOT_FOUND);
  shape.name = "x";
  shape.dims = dims;
  CHECK_STATUS(pinion_session_prepare(session, NULL, 1, &shape, 1, unknown), PINION_NOT_FOUND);
  CHECK_STATUS(pinion_session_prepare(session, NULL, 1, &shape, 2, NULL), PINION_INVALID_ARGUMENT);
  CHECK_STATUS(pinion_session_prepare(session, NULL, 1, NULL, 1, NULL), PINION_INVALID_ARGUMENT);
  CHECK_STATUS(pinion_session_prepare(NULL, NULL, 1, &shape, 1, NULL), PINION_INVALID_ARGUMENT);
  pinion_session_release(session);
}

static void profiles(void) {
  float data[2] = {1, 2};
  const int64_t dims[] = {1, 2};
  pinion_session_options options = PINION_SESSION_OPTIONS_INIT;
  pinion_value *input, *output = NULL;
  pinion_session *session = session_of(add_model(), NULL);
  char *json;
  CHECK_STATUS(pinion_session_profile_json(session, &json), PINION_UNSUPPORTED);
  CHECK(json == NULL);
  pinion_session_release(session);
  options.profile = 1;
  session = session_of(add_model(), &options);
  CHECK_OK(pinion_tensor_wrap(data, PINION_FLOAT32, 2, dims, NULL, NULL, NULL, &input));
  CHECK_OK(pinion_session_run(session, NULL, 1, NULL, &input, 1, NULL, &output));
  CHECK_OK(pinion_session_profile_json(session, &json));
  CHECK(strstr(json, "\"nodes\"") && strstr(json, "\"runs\"") && strstr(json, "Add"));
  pinion_string_release(json);
  CHECK_OK(pinion_session_profile_trace(session, &json));
  CHECK(strstr(json, "traceEvents") || json[0] == '[');
  pinion_string_release(json);
  pinion_session_profile_reset(session);
  pinion_value_release(input);
  pinion_value_release(output);
  pinion_session_release(session);
}

typedef struct job {
  pinion_session *session;
  int seed, wrong;
} job;

static void *run_often(void *argument) {
  job *mine = argument;
  int i, k;
  for (i = 0; i < 50; ++i) {
    float data[8];
    const int64_t dims[] = {mine->seed + 1, 2};
    pinion_value *input, *output = NULL;
    for (k = 0; k < 2 * (mine->seed + 1); ++k) data[k] = (float)(i + k);
    if (pinion_tensor_wrap(data, PINION_FLOAT32, 2, dims, NULL, NULL, NULL, &input) != PINION_OK) return ++mine->wrong, NULL;
    if (pinion_session_run(mine->session, NULL, 1, NULL, &input, 1, NULL, &output) != PINION_OK) return ++mine->wrong, NULL;
    for (k = 0; k < 2 * (mine->seed + 1); ++k)
      if (((const float *)pinion_tensor_data(output))[k] != data[k] + (k % 2 ? 20 : 10)) ++mine->wrong;
    pinion_value_release(output);
    pinion_value_release(input);
  }
  return NULL;
}

static void threads(void) {
  pthread_t running[4];
  job jobs[4];
  int i;
  pinion_session *session = session_of(add_model(), NULL);
  for (i = 0; i < 4; ++i) {
    jobs[i].session = session;
    jobs[i].seed = i;
    jobs[i].wrong = 0;
    CHECK(pthread_create(&running[i], NULL, run_often, &jobs[i]) == 0);
  }
  for (i = 0; i < 4; ++i) {
    pthread_join(running[i], NULL);
    CHECK(jobs[i].wrong == 0);
  }
  pinion_session_release(session);
}

static void prepared_calls(void) {
  const int64_t dims[] = {3, 2}, vector[] = {2}, none[] = {0, 2}, open[] = {2};
  const char *names[] = {"y", "y"};
  pinion_input_shape shapes[2] = {{"x", NULL, PINION_UNDEFINED, 2, NULL}, {"b", NULL, PINION_FLOAT32, 1, NULL}};
  float x[6] = {1, 2, 3, 4, 5, 6}, b[2] = {1, 1}, y[6], other[6];
  void *inputs[2], *outputs[2];
  pinion_session *session = session_of(add_model(), NULL);
  pinion_call *call, *second;
  pinion_run_options options = PINION_RUN_OPTIONS_INIT;
  pinion_cancel_token *token;
  int i;
  shapes[0].dims = dims;
  shapes[1].dims = vector;
  inputs[0] = x, inputs[1] = b, outputs[0] = y, outputs[1] = other;

  CHECK_OK(pinion_call_create(session, 1, shapes, 1, NULL, &call));
  CHECK(pinion_call_retain(call) == call);
  pinion_call_release(call);
  CHECK(pinion_call_output_count(call) == 1 && pinion_call_output(call, 1) == NULL);
  CHECK(strcmp(pinion_value_info_text(pinion_call_output(call, 0)), "float32[3,2]") == 0);
  CHECK(strcmp(pinion_value_info_name(pinion_call_output(call, 0)), "y") == 0);
  pinion_session_release(session);
  for (i = 0; i < 4; ++i) {
    x[0] = (float)i;
    memset(y, 0, sizeof y);
    CHECK_OK(pinion_call_run(call, NULL, inputs, outputs));
    CHECK(y[0] == (float)(i + 10) && y[5] == 26);
    CHECK_OK(pinion_call_run(call, &options, inputs, outputs));
  }
  CHECK_OK(pinion_cancel_token_create(&token));
  pinion_cancel_token_set(token);
  options.cancel_token = token;
  CHECK_STATUS(pinion_call_run(call, &options, inputs, outputs), PINION_CANCELLED);
  pinion_cancel_token_release(token);
  inputs[0] = NULL;
  CHECK_STATUS(pinion_call_run(call, NULL, inputs, outputs), PINION_INVALID_ARGUMENT);
  inputs[0] = (char *)x + 1;
  CHECK_STATUS(pinion_call_run(call, NULL, inputs, outputs), PINION_INVALID_ARGUMENT);
  inputs[0] = x;
  outputs[0] = NULL;
  CHECK_STATUS(pinion_call_run(call, NULL, inputs, outputs), PINION_INVALID_ARGUMENT);
  CHECK_STATUS(pinion_call_run(call, NULL, NULL, outputs), PINION_INVALID_ARGUMENT);
  CHECK_STATUS(pinion_call_run(call, NULL, inputs, NULL), PINION_INVALID_ARGUMENT);
  CHECK_STATUS(pinion_call_run(NULL, NULL, inputs, outputs), PINION_INVALID_ARGUMENT);
  outputs[0] = y;
  pinion_call_release(call);
  pinion_call_release(NULL);
  CHECK(pinion_call_output_count(NULL) == 0 && pinion_call_output(NULL, 0) == NULL && pinion_call_retain(NULL) == NULL);

  /* A default that is fed, in another order than the session's; one output twice. */
  session = session_of(add_model(), NULL);
  {
    pinion_input_shape swapped[2];
    void *addresses[2];
    swapped[0] = shapes[1], swapped[1] = shapes[0];
    addresses[0] = b, addresses[1] = x;
    CHECK_OK(pinion_call_create(session, 2, swapped, 2, names, &second));
    CHECK(pinion_call_output_count(second) == 2);
    for (i = 0; i < 3; ++i) {
      memset(y, 0, sizeof y);
      memset(other, 0, sizeof other);
      CHECK_OK(pinion_call_run(second, NULL, addresses, outputs));
      CHECK(y[5] == 7 && other[5] == 7);
    }
    pinion_call_release(second);
  }
  shapes[0].dims = none;
  CHECK_OK(pinion_call_create(session, 1, shapes, 1, NULL, &call));
  inputs[0] = outputs[0] = NULL;
  for (i = 0; i < 3; ++i) CHECK_OK(pinion_call_run(call, NULL, inputs, outputs));
  pinion_call_release(call);

  CHECK_STATUS(pinion_call_create(session, 0, NULL, 1, NULL, &call), PINION_INVALID_ARGUMENT);
  CHECK(call == NULL);
  CHECK_STATUS(pinion_call_create(session, 1, shapes, 2, NULL, &call), PINION_INVALID_ARGUMENT);
  shapes[1] = shapes[0];
  CHECK_STATUS(pinion_call_create(session, 2, shapes, 1, NULL, &call), PINION_INVALID_ARGUMENT);
  shapes[0].name = "nobody";
  CHECK_STATUS(pinion_call_create(session, 1, shapes, 1, NULL, &call), PINION_NOT_FOUND);
  names[0] = "nobody";
  CHECK_STATUS(pinion_call_create(session, 1, shapes + 1, 1, names, &call), PINION_NOT_FOUND);
  shapes[1].rank = -1;
  CHECK_STATUS(pinion_call_create(session, 1, shapes + 1, 1, NULL, &call), PINION_INVALID_ARGUMENT);
  CHECK_STATUS(pinion_call_create(NULL, 1, shapes + 1, 1, NULL, &call), PINION_INVALID_ARGUMENT);
  pinion_session_release(session);

  session = session_of(string_model(), NULL);
  shapes[0].name = "x", shapes[0].rank = 1, shapes[0].dims = open;
  CHECK_STATUS(pinion_call_create(session, 1, shapes, 1, NULL, &call), PINION_UNSUPPORTED);
  pinion_session_release(session);
}

static double seconds_of_other_threads(void) {
  struct timespec all, own;
  clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &all);
  clock_gettime(CLOCK_THREAD_CPUTIME_ID, &own);
  return (double)(all.tv_sec - own.tv_sec) + 1e-9 * (double)(all.tv_nsec - own.tv_nsec);
}

/* Runs whose nodes have work for one thread wake no other. */
static void idle_workers(void) {
  const int64_t dims[] = {3, 2};
  const struct timespec pause = {0, 20 * 1000 * 1000};
  pinion_session_options options = PINION_SESSION_OPTIONS_INIT;
  pinion_value *input, *output;
  pinion_session *session;
  double before;
  int i;
  options.threads = 3;
  session = session_of(add_model(), &options);
  CHECK_OK(pinion_tensor_create(NULL, PINION_FLOAT32, 2, dims, &input));
  CHECK_OK(pinion_tensor_create(NULL, PINION_FLOAT32, 2, dims, &output));
  memset(pinion_tensor_data(input), 0, pinion_tensor_byte_size(input));
  CHECK_OK(pinion_session_run(session, NULL, 1, NULL, &input, 1, NULL, &output));
  nanosleep(&pause, NULL);
  before = seconds_of_other_threads();
  for (i = 0; i < 20000; ++i) CHECK_OK(pinion_session_run(session, NULL, 1, NULL, &input, 1, NULL, &output));
  nanosleep(&pause, NULL);
  CHECK(seconds_of_other_threads() - before < 0.01);
  pinion_value_release(input);
  pinion_value_release(output);
  pinion_session_release(session);
}

typedef struct question {
  int asked, stop_at;
  pthread_t thread;
} question;

static int32_t should_stop(void *context) {
  question *mine = context;
  CHECK(pthread_equal(mine->thread, pthread_self()));
  return ++mine->asked >= mine->stop_at;
}

/* A long run asks its caller again and again, and ends soon after the answer. */
static void questions(void) {
  const int64_t dims[] = {1024, 1024};
  int32_t threads;
  for (threads = 1; threads <= 2; ++threads) {
    pinion_session_options session_options = PINION_SESSION_OPTIONS_INIT;
    pinion_run_options options = PINION_RUN_OPTIONS_INIT;
    question mine;
    pinion_session *session;
    pinion_value *input, *output = NULL;
    double start;
    session_options.threads = threads;
    session = session_of(matmul_model(1024, 60), &session_options);
    CHECK_OK(pinion_tensor_create(NULL, PINION_FLOAT32, 2, dims, &input));
    memset(pinion_tensor_data(input), 0, pinion_tensor_byte_size(input));
    mine.asked = 0, mine.stop_at = 3, mine.thread = pthread_self();
    options.should_stop = should_stop;
    options.should_stop_context = &mine;
    start = seconds();
    CHECK_STATUS(pinion_session_run(session, &options, 1, NULL, &input, 1, NULL, &output), PINION_CANCELLED);
    CHECK(mine.asked == 3 && output == NULL);
    CHECK(seconds() - start >= 0.05);
    mine.asked = 0, mine.stop_at = 1 << 30;
    CHECK_OK(pinion_session_run(session, &options, 1, NULL, &input, 1, NULL, &output));
    CHECK(mine.asked >= 3);
    pinion_value_release(output);
    pinion_value_release(input);
    pinion_session_release(session);
  }
}

/* Loading and creating end at their limits too, and both work without them afterwards. */
static void creation_limits(void) {
  buffer bytes = add_model();
  pinion_model_options load = PINION_MODEL_OPTIONS_INIT;
  pinion_session_options create = PINION_SESSION_OPTIONS_INIT;
  pinion_cancel_token *token;
  pinion_model *model;
  pinion_session *session;
  question mine = {0};
  CHECK_OK(pinion_cancel_token_create(&token));
  pinion_cancel_token_set(token);
  load.cancel_token = token;
  CHECK_STATUS(pinion_model_load_memory(bytes.bytes, bytes.size, true, &load, &model), PINION_CANCELLED);
  CHECK(model == NULL);
  CHECK_STATUS(pinion_model_load_callback(read_part, &bytes, (int64_t)bytes.size, &load, &model), PINION_CANCELLED);
  load.cancel_token = NULL;
  load.timeout_ns = 1;
  CHECK_STATUS(pinion_model_load_memory(bytes.bytes, bytes.size, true, &load, &model), PINION_DEADLINE_EXCEEDED);
  load.timeout_ns = -1;
  CHECK_STATUS(pinion_model_load_memory(bytes.bytes, bytes.size, true, &load, &model), PINION_INVALID_ARGUMENT);
  load.timeout_ns = 0;
  load.byte_budget = 100;
  CHECK_STATUS(pinion_model_load_memory(bytes.bytes, bytes.size, true, &load, &model), PINION_BUDGET_EXCEEDED);
  load.byte_budget = -1;
  CHECK_STATUS(pinion_model_load_memory(bytes.bytes, bytes.size, true, &load, &model), PINION_INVALID_ARGUMENT);
  load.byte_budget = 1 << 20;
  mine.stop_at = 1 << 30, mine.thread = pthread_self();
  load.should_stop = should_stop;
  load.should_stop_context = &mine;
  CHECK_OK(pinion_model_load_memory(bytes.bytes, bytes.size, true, &load, &model));

  create.cancel_token = token;
  CHECK_STATUS(pinion_session_create(model, &create, &session), PINION_CANCELLED);
  CHECK(session == NULL);
  create.cancel_token = NULL;
  create.timeout_ns = 1;
  CHECK_STATUS(pinion_session_create(model, &create, &session), PINION_DEADLINE_EXCEEDED);
  create.timeout_ns = -1;
  CHECK_STATUS(pinion_session_create(model, &create, &session), PINION_INVALID_ARGUMENT);
  create.timeout_ns = INT64_C(1000000000) * 60;
  create.byte_budget = 1 << 20;
  create.should_stop = should_stop;
  create.should_stop_context = &mine;
  CHECK_OK(pinion_session_create(model, &create, &session));
  pinion_session_release(session);
  pinion_model_release(model);

  /* Options of a program that was compiled before they grew. */
  load.struct_size = 24;
  CHECK_OK(pinion_model_load_memory(bytes.bytes, bytes.size, true, &load, &model));
  create.struct_size = 56;
  CHECK_OK(pinion_session_create(model, &create, &session));
  pinion_session_release(session);
  pinion_model_release(model);
  pinion_cancel_token_release(token);
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

/* A file that is read and not mapped may change afterwards. */
static void read_files(void) {
  buffer bytes = add_model();
  char path[] = "/tmp/pinion-read-XXXXXX";
  const int64_t dims[] = {1, 2};
  float data[2] = {1, 2};
  pinion_model_options options = PINION_MODEL_OPTIONS_INIT;
  pinion_model *model;
  pinion_session *session;
  pinion_value *input, *output = NULL;
  int file = mkstemp(path);
  CHECK(file >= 0 && write(file, bytes.bytes, bytes.size) == (ssize_t)bytes.size);
  options.read_files = 1;
  CHECK_OK(pinion_model_load_file(path, &options, &model));
  CHECK(ftruncate(file, 1) == 0);
  close(file);
  unlink(path);
  CHECK_OK(pinion_session_create(model, NULL, &session));
  CHECK_OK(pinion_tensor_wrap(data, PINION_FLOAT32, 2, dims, NULL, NULL, NULL, &input));
  CHECK_OK(pinion_session_run(session, NULL, 1, NULL, &input, 1, NULL, &output));
  CHECK(((const float *)pinion_tensor_data(output))[0] == 11);
  pinion_value_release(output);
  pinion_value_release(input);
  pinion_session_release(session);
  pinion_model_release(model);
}

/* A classifier's maps as one table with the keys beside. */
static void tables(void) {
  static const char *const labels[] = {"a", "b"};
  const int64_t dims[] = {-1, 2}, given[] = {3, 2};
  pinion_node_options options = PINION_NODE_OPTIONS_INIT;
  pinion_input_shape shape = {"x", NULL, PINION_FLOAT32, 2, NULL};
  float x[6] = {1, 2, 3, 4, 5, 6}, y[6], z[6];
  void *inputs[1], *outputs[2];
  pinion_graph *graph;
  pinion_attributes *attributes;
  pinion_graph_value in = 0, negated = 0, maps = 0;
  pinion_model *model;
  pinion_session *session;
  pinion_call *call;
  const pinion_value *keys;
  const char *order[] = {"z", "maps"};
  int i;
  shape.dims = given;
  inputs[0] = x, outputs[0] = y, outputs[1] = z;
  CHECK_OK(pinion_graph_create(NULL, &graph));
  CHECK_OK(pinion_graph_add_input(graph, "x", PINION_FLOAT32, 2, dims, NULL, &in));
  CHECK_OK(pinion_graph_add_node(graph, "Neg", NULL, 1, &in, 1, &negated));
  CHECK_OK(pinion_attributes_create(&attributes));
  CHECK_OK(pinion_attributes_set_strings(attributes, "classlabels_strings", labels, 2));
  options.domain = "ai.onnx.ml";
  options.attributes = attributes;
  CHECK_OK(pinion_graph_add_node(graph, "ZipMap", &options, 1, &negated, 1, &maps));
  CHECK_OK(pinion_graph_add_output(graph, maps, "maps"));
  CHECK_OK(pinion_graph_add_output(graph, negated, "z"));
  CHECK_OK(pinion_model_create(graph, NULL, &model));
  CHECK_OK(pinion_session_create(model, NULL, &session));
  CHECK_STATUS(pinion_call_create(session, 1, &shape, 2, NULL, &call), PINION_UNSUPPORTED);
  CHECK_OK(pinion_call_create_with_tables(session, 1, &shape, 2, NULL, &call));
  CHECK(strcmp(pinion_value_info_text(pinion_call_output(call, 0)), "float32[3,2]") == 0);
  keys = pinion_call_output_keys(call, 0);
  CHECK(keys != NULL && pinion_value_kind(keys) == PINION_KIND_TENSOR);
  CHECK(pinion_call_output_keys(call, 1) == NULL && pinion_call_output_keys(call, 2) == NULL && pinion_call_output_keys(NULL, 0) == NULL);
  for (i = 0; i < 3; ++i) {
    memset(y, 0, sizeof y);
    memset(z, 0, sizeof z);
    x[0] = (float)i;
    CHECK_OK(pinion_call_run(call, NULL, inputs, outputs));
    CHECK(y[0] == (float)-i && y[5] == -6 && z[5] == -6);
  }
  pinion_call_release(call);
  /* In another order. */
  CHECK_OK(pinion_call_create_with_tables(session, 1, &shape, 2, order, &call));
  CHECK(pinion_call_output_keys(call, 0) == NULL && pinion_call_output_keys(call, 1) != NULL);
  for (i = 0; i < 3; ++i) {
    memset(z, 0, sizeof z);
    CHECK_OK(pinion_call_run(call, NULL, inputs, outputs));
    CHECK(z[5] == -6);
  }
  pinion_call_release(call);
  pinion_session_release(session);
  pinion_model_release(model);
  pinion_attributes_release(attributes);
  pinion_graph_release(graph);
}

int main(void) {
  models();
  files();
  sessions();
  runs();
  containers();
  limits();
  plans();
  preparations();
  profiles();
  threads();
  prepared_calls();
  tables();
  questions();
  creation_limits();
  lent_outputs();
  read_files();
  idle_workers();
  return check_result("run");
}
