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

int main(void) {
  options();
  hooks();
  idle_executor();
  return check_result("runtime");
}
