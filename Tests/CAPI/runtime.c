/* The host's threads, allocator, log and executor. */
#define _POSIX_C_SOURCE 200809L
#include "check.h"
#include "models.h"

#include <stdlib.h>

typedef struct heap {
  size_t live, most, calls, limit;
} heap;

/* The tests of this file are single-threaded, so that the counters need no lock. */
static void *host_allocate(size_t bytes, size_t alignment, void *context) {
  heap *counts = context;
  void *memory = NULL;
  ++counts->calls;
  if (counts->limit && counts->live + bytes > counts->limit) return NULL;
  CHECK(alignment >= 16 && (alignment & (alignment - 1)) == 0);
  if (posix_memalign(&memory, alignment, bytes) != 0) return NULL;
  counts->live += bytes;
  if (counts->live > counts->most) counts->most = counts->live;
  return memory;
}

static void host_deallocate(void *memory, size_t bytes, void *context) {
  heap *counts = context;
  CHECK(counts->live >= bytes);
  counts->live -= bytes;
  free(memory);
}

static void host_log(pinion_log_level level, const char *message, void *context) {
  int *lines = context;
  CHECK(level >= PINION_LOG_ERROR && level <= PINION_LOG_DEBUG);
  CHECK(message != NULL && strchr(message, '\n') == NULL);
  ++*lines;
}

static void host_parallel_for(size_t count, pinion_task_fn task, void *task_context, void *context) {
  int *loops = context;
  size_t i;
  ++*loops;
  for (i = count; i > 0; --i) task(i - 1, task_context);
}

static void call_nothing(size_t count, pinion_task_fn task, void *task_context, void *context) {
  (void)count, (void)task, (void)task_context, (void)context;
}

/* An executor that does not run what it is given: an error, and no output that nobody has written. */
static void idle_executor(void) {
  enum { size = 256 };
  const int64_t dims[] = {size, size};
  buffer bytes = matmul_model(size, 3);
  pinion_runtime_options host = PINION_RUNTIME_OPTIONS_INIT;
  pinion_model_options model_options = PINION_MODEL_OPTIONS_INIT;
  pinion_runtime *runtime;
  pinion_model *model;
  pinion_session *session;
  pinion_value *input, *output = NULL;
  host.threads = 2;
  host.parallel_for = call_nothing;
  CHECK_OK(pinion_runtime_create(&host, &runtime));
  model_options.runtime = runtime;
  CHECK_OK(pinion_model_load_memory(bytes.bytes, bytes.size, true, &model_options, &model));
  CHECK_OK(pinion_session_create(model, NULL, &session));
  CHECK_OK(pinion_tensor_create(runtime, PINION_FLOAT32, 2, dims, &input));
  memset(pinion_tensor_data(input), 0, pinion_tensor_byte_size(input));
  CHECK_STATUS(pinion_session_run(session, NULL, 1, NULL, &input, 1, NULL, &output), PINION_INVALID_ARGUMENT);
  CHECK(output == NULL);
  pinion_value_release(input);
  pinion_session_release(session);
  pinion_model_release(model);
  pinion_runtime_release(runtime);
}

enum { features = 16, hidden = 256, gates = 4 };

/* y, y_h = LSTM(x[steps, 1, features], w, r), whose product of the state and r is worth several threads at each step. */
static buffer recurrent_model(void) {
  static const int64_t x[] = {-1, 1, features}, w[] = {1, gates * hidden, features}, r[] = {1, gates * hidden, hidden}, y_h[] = {1, 1, hidden};
  buffer graph = {{0}, 0}, node = {{0}, 0}, attribute = {{0}, 0};
  put_string(&node, 1, "x");
  put_string(&node, 1, "w");
  put_string(&node, 1, "r");
  put_string(&node, 2, "");
  put_string(&node, 2, "y_h");
  put_string(&node, 4, "LSTM");
  put_string(&attribute, 1, "hidden_size");
  put_number(&attribute, 3, hidden);
  put_number(&attribute, 20, 2);
  put_message(&node, 5, &attribute);
  put_message(&graph, 1, &node);
  put_value(&graph, 11, "x", tensor_type(1, 3, x));
  put_value(&graph, 11, "w", tensor_type(1, 3, w));
  put_value(&graph, 11, "r", tensor_type(1, 3, r));
  put_value(&graph, 12, "y_h", tensor_type(1, 3, y_h));
  return finish_model("recurrent", &graph);
}

/* Runs the model for so many steps on a runtime of the host's; the state after the last one is `expected`, or is written there. */
static pinion_status run_recurrent(const pinion_runtime_options *host, int64_t steps, float *expected, bool compare) {
  const int64_t dims[3][3] = {{steps, 1, features}, {1, gates * hidden, features}, {1, gates * hidden, hidden}};
  buffer bytes = recurrent_model();
  pinion_model_options options = PINION_MODEL_OPTIONS_INIT;
  pinion_runtime *runtime;
  pinion_model *model;
  pinion_session *session;
  pinion_value *inputs[3], *output = NULL;
  pinion_status status;
  size_t i;
  int k;
  CHECK_OK(pinion_runtime_create(host, &runtime));
  options.runtime = runtime;
  CHECK_OK(pinion_model_load_memory(bytes.bytes, bytes.size, true, &options, &model));
  CHECK_OK(pinion_session_create(model, NULL, &session));
  for (k = 0; k < 3; ++k) {
    CHECK_OK(pinion_tensor_create(runtime, PINION_FLOAT32, 3, dims[k], &inputs[k]));
    for (i = 0; i < pinion_tensor_byte_size(inputs[k]) / sizeof(float); ++i)
      ((float *)pinion_tensor_data(inputs[k]))[i] = (float)((int)(i * 7919 % 193) - 96) / 1000;
  }
  status = pinion_session_run(session, NULL, 3, NULL, inputs, 1, NULL, &output);
  CHECK((status == PINION_OK) == (output != NULL));
  if (output != NULL) {
    CHECK(pinion_tensor_byte_size(output) == hidden * sizeof(float));
    if (compare) CHECK(memcmp(pinion_tensor_data(output), expected, hidden * sizeof(float)) == 0);
    else memcpy(expected, pinion_tensor_data(output), hidden * sizeof(float));
  }
  pinion_value_release(output);
  for (k = 0; k < 3; ++k) pinion_value_release(inputs[k]);
  pinion_session_release(session);
  pinion_model_release(model);
  pinion_runtime_release(runtime);
  return status;
}

static void count_and_call_nothing(size_t count, pinion_task_fn task, void *task_context, void *context) {
  (void)count, (void)task, (void)task_context;
  ++*(int *)context;
}

/*
 * A recurrence shares each step's product among threads, from within the one task that walks the steps. A host's executor gets whole stages
 * alone, so that whether it has called all of them can be told: the same bits with one that does, and with one that calls nothing an error
 * or, where nothing was given to it, the same bits.
 */
static void recurrence(void) {
  static const int64_t steps[] = {1, 2, 50};
  size_t i;
  for (i = 0; i < sizeof steps / sizeof *steps; ++i) {
    pinion_runtime_options host = PINION_RUNTIME_OPTIONS_INIT;
    float expected[hidden];
    int loops = 0;
    pinion_status status;
    host.threads = 1;
    CHECK_OK(run_recurrent(&host, steps[i], expected, false));
    host.threads = 4;
    CHECK_OK(run_recurrent(&host, steps[i], expected, true));
    host.parallel_for = host_parallel_for;
    host.parallel_for_context = &loops;
    CHECK_OK(run_recurrent(&host, steps[i], expected, true));
    /* Not one for each step. */
    CHECK(loops < 10);
    loops = 0;
    host.parallel_for = count_and_call_nothing;
    status = run_recurrent(&host, steps[i], expected, true);
    CHECK(status == (loops > 0 ? PINION_INVALID_ARGUMENT : PINION_OK));
  }
}

static void options(void) {
  pinion_runtime_options wrong = PINION_RUNTIME_OPTIONS_INIT;
  pinion_runtime *runtime;
  CHECK_OK(pinion_runtime_create(NULL, &runtime));
  CHECK(pinion_runtime_threads(runtime) >= 1);
  CHECK(pinion_runtime_retain(runtime) == runtime);
  pinion_runtime_release(runtime);
  pinion_runtime_release(runtime);
  CHECK(pinion_runtime_threads(NULL) >= 1);
  wrong.threads = -1;
  CHECK_STATUS(pinion_runtime_create(&wrong, &runtime), PINION_INVALID_ARGUMENT);
  CHECK(runtime == NULL);
  wrong.threads = 3;
  CHECK_OK(pinion_runtime_create(&wrong, &runtime));
  CHECK(pinion_runtime_threads(runtime) == 3);
  pinion_runtime_release(runtime);
  wrong.allocate = host_allocate;
  CHECK_STATUS(pinion_runtime_create(&wrong, &runtime), PINION_INVALID_ARGUMENT);
  wrong.struct_size = 0;
  CHECK_STATUS(pinion_runtime_create(&wrong, &runtime), PINION_INVALID_ARGUMENT);
}

static void hooks(void) {
  enum { size = 256 };
  const int64_t dims[] = {size, size};
  heap counts = {0, 0, 0, 0};
  int lines = 0, loops = 0, i;
  buffer bytes = matmul_model(size, 3);
  pinion_runtime_options host = PINION_RUNTIME_OPTIONS_INIT;
  pinion_model_options model_options = PINION_MODEL_OPTIONS_INIT;
  pinion_session_options session_options = PINION_SESSION_OPTIONS_INIT;
  pinion_runtime *runtime;
  pinion_model *model;
  pinion_session *session;
  pinion_value *input, *output = NULL;
  host.threads = 4;
  host.log_level = (pinion_log_level)55;
  CHECK_STATUS(pinion_runtime_create(&host, &runtime), PINION_INVALID_ARGUMENT);
  host.log_level = PINION_LOG_DEBUG;
  host.log = host_log;
  host.log_context = &lines;
  host.allocate = host_allocate;
  host.deallocate = host_deallocate;
  host.allocator_context = &counts;
  host.parallel_for = host_parallel_for;
  host.parallel_for_context = &loops;
  CHECK_OK(pinion_runtime_create(&host, &runtime));
  model_options.runtime = runtime;
  session_options.runtime = runtime;
  CHECK_OK(pinion_model_load_memory(bytes.bytes, bytes.size, true, &model_options, &model));
  CHECK_OK(pinion_session_create(model, &session_options, &session));
  CHECK_OK(pinion_tensor_create(runtime, PINION_FLOAT32, 2, dims, &input));
  CHECK(counts.live >= sizeof(float) * size * size);
  for (i = 0; i < size * size; ++i) ((float *)pinion_tensor_data(input))[i] = i / size == i % size ? 2.0f : 0.0f;
  CHECK_OK(pinion_session_run(session, NULL, 1, NULL, &input, 1, NULL, &output));
  CHECK(((const float *)pinion_tensor_data(output))[0] == 16.0f);
  CHECK(((const float *)pinion_tensor_data(output))[1] == 0.0f);
  CHECK(counts.calls > 1);
  CHECK(loops > 0);
  pinion_value_release(output);

  /* A host that has no more memory: an error, and the session works again afterwards. */
  pinion_session_trim(session);
  counts.limit = counts.live + 1000;
  output = NULL;
  CHECK_STATUS(pinion_session_run(session, NULL, 1, NULL, &input, 1, NULL, &output), PINION_OUT_OF_MEMORY);
  CHECK(output == NULL);
  counts.limit = 0;
  CHECK_OK(pinion_session_run(session, NULL, 1, NULL, &input, 1, NULL, &output));

  pinion_value_release(output);
  pinion_value_release(input);
  pinion_session_release(session);
  pinion_model_release(model);
  pinion_runtime_release(runtime);
  CHECK(counts.live == 0);
}

static void count_errors(pinion_log_level level, const char *message, void *context) {
  (void)message;
  if (level == PINION_LOG_ERROR) ++*(int *)context;
}

/* Every call of a session that fails writes one line, also where only the number or the names of its arguments are wrong. */
#define LOGGED(call)                               \
  do {                                             \
    errors = 0;                                    \
    CHECK((call) != PINION_OK && errors == 1);     \
    if (errors != 1) fprintf(stderr, "%s: %d lines\n", #call, errors); \
  } while (0)

static void wrong_arguments_are_logged(void) {
  const int64_t dims[] = {2, 2}, strange[] = {2, 3};
  const char *unknown[] = {"nobody"}, *known[] = {"x"};
  int errors = 0;
  buffer bytes = matmul_model(2, 1);
  pinion_runtime_options host = PINION_RUNTIME_OPTIONS_INIT;
  pinion_model_options model_options = PINION_MODEL_OPTIONS_INIT;
  pinion_session_options session_options = PINION_SESSION_OPTIONS_INIT;
  pinion_run_options run_options = PINION_RUN_OPTIONS_INIT;
  pinion_tensor_view views[2] = {PINION_TENSOR_VIEW_INIT, PINION_TENSOR_VIEW_INIT};
  pinion_input_shape shape = {NULL, NULL, PINION_UNDEFINED, 2, dims};
  pinion_runtime *runtime;
  pinion_model *model, *other;
  pinion_session *session, *second;
  pinion_state *state;
  pinion_call *call;
  pinion_value *inputs[2] = {NULL, NULL}, *outputs[2] = {NULL, NULL}, *wide;
  void *addresses[1] = {NULL};
  host.log_level = PINION_LOG_ERROR;
  host.log = count_errors;
  host.log_context = &errors;
  CHECK_OK(pinion_runtime_create(&host, &runtime));
  model_options.runtime = runtime;
  CHECK_OK(pinion_model_load_memory(bytes.bytes, bytes.size, true, &model_options, &model));
  CHECK_OK(pinion_session_create(model, NULL, &session));
  CHECK_OK(pinion_tensor_create(runtime, PINION_FLOAT32, 2, dims, &inputs[0]));
  CHECK_OK(pinion_tensor_create(runtime, PINION_FLOAT32, 2, strange, &wide));
  memset(pinion_tensor_data(inputs[0]), 0, pinion_tensor_byte_size(inputs[0]));
  inputs[1] = inputs[0];
  shape.name = pinion_value_info_name(pinion_session_input(session, 0));
  CHECK_OK(pinion_call_create(session, 1, &shape, 1, NULL, &call));
  CHECK(errors == 0);

  LOGGED(pinion_session_run(session, NULL, 2, NULL, inputs, 1, NULL, outputs));
  LOGGED(pinion_session_run(session, NULL, 1, NULL, inputs, 2, NULL, outputs));
  LOGGED(pinion_session_run(session, NULL, 0, NULL, NULL, 1, NULL, outputs));
  LOGGED(pinion_session_run(session, NULL, 1, NULL, NULL, 1, NULL, outputs));
  LOGGED(pinion_session_run(session, NULL, 1, NULL, inputs, 1, NULL, NULL));
  LOGGED(pinion_session_run(session, NULL, 1, unknown, inputs, 1, NULL, outputs));
  LOGGED(pinion_session_run(session, NULL, 1, NULL, inputs, 1, unknown, outputs));
  LOGGED(pinion_session_run(session, NULL, 1, NULL, &wide, 1, NULL, outputs));
  run_options.timeout_ns = -1;
  LOGGED(pinion_session_run(session, &run_options, 1, NULL, inputs, 1, NULL, outputs));
  LOGGED(pinion_session_run_views(session, NULL, 2, NULL, views, 1, NULL, outputs, NULL));
  LOGGED(pinion_session_run_views(session, NULL, 1, unknown, views, 1, NULL, outputs, NULL));
  LOGGED(pinion_session_run_views(session, NULL, 1, NULL, views, 1, NULL, outputs, NULL));
  LOGGED(pinion_session_prepare(session, NULL, 1, &shape, 2, NULL));
  LOGGED(pinion_state_create(session, 1, unknown, known, 0, &state));
  LOGGED(pinion_call_run(call, NULL, NULL, NULL));
  LOGGED(pinion_call_run(call, NULL, addresses, addresses));
  session_options.threads = 5000;
  LOGGED(pinion_session_create(model, &session_options, &second));
  model_options.byte_budget = -1;
  LOGGED(pinion_model_load_memory(bytes.bytes, bytes.size, true, &model_options, &other));
  model_options.byte_budget = 0;
  LOGGED(pinion_model_load_memory(bytes.bytes, 5, true, &model_options, &other));
  LOGGED(pinion_model_save(model, "/nonexistent/m.onnx", NULL));
  errors = 0;
  CHECK_OK(pinion_session_run(session, NULL, 1, NULL, inputs, 1, NULL, outputs));
  CHECK(errors == 0);

  pinion_value_release(outputs[0]);
  pinion_value_release(inputs[0]);
  pinion_value_release(wide);
  pinion_call_release(call);
  pinion_session_release(session);
  pinion_model_release(model);
  pinion_runtime_release(runtime);
}

int main(void) {
  options();
  wrong_arguments_are_logged();
  hooks();
  idle_executor();
  recurrence();
  return check_result("runtime");
}
