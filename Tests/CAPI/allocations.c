/*
 * A run that has been planned, from and into the caller's memory, allocates nothing: this program stands in for the C library's
 * allocator and counts.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <stdlib.h>

#include "check.h"
#include "models.h"

void *__libc_malloc(size_t size);
void *__libc_calloc(size_t count, size_t size);
void *__libc_realloc(void *old, size_t size);
void *__libc_memalign(size_t alignment, size_t size);

static volatile long allocations;

void *malloc(size_t size) {
  ++allocations;
  return __libc_malloc(size);
}
void *calloc(size_t count, size_t size) {
  ++allocations;
  return __libc_calloc(count, size);
}
void *realloc(void *old, size_t size) {
  ++allocations;
  return __libc_realloc(old, size);
}
void *aligned_alloc(size_t alignment, size_t size) {
  ++allocations;
  return __libc_memalign(alignment, size);
}
int posix_memalign(void **result, size_t alignment, size_t size) {
  ++allocations;
  *result = __libc_memalign(alignment, size);
  return *result ? 0 : ENOMEM;
}

static void run_without_allocating(const buffer *bytes, int64_t size, int32_t threads) {
  pinion_session_options options = PINION_SESSION_OPTIONS_INIT;
  pinion_model *model;
  pinion_session *session;
  pinion_value *inputs[2], *output;
  int64_t dims[2];
  size_t count, i;
  long before;
  dims[0] = dims[1] = size;
  options.threads = threads;
  CHECK_OK(pinion_model_load_memory(bytes->bytes, bytes->size, true, NULL, &model));
  CHECK_OK(pinion_session_create(model, &options, &session));
  count = pinion_session_input_count(session);
  CHECK(count <= 2);
  for (i = 0; i < count; ++i) {
    CHECK_OK(pinion_tensor_create(NULL, PINION_FLOAT32, 2, dims, &inputs[i]));
    memset(pinion_tensor_data(inputs[i]), 0, pinion_tensor_byte_size(inputs[i]));
  }
  CHECK_OK(pinion_tensor_create(NULL, PINION_FLOAT32, 2, dims, &output));
  for (i = 0; i < 3; ++i) CHECK_OK(pinion_session_run(session, NULL, count, NULL, inputs, 1, NULL, &output));
  before = allocations;
  CHECK(before > 0);
  for (i = 0; i < 100; ++i) CHECK_OK(pinion_session_run(session, NULL, count, NULL, inputs, 1, NULL, &output));
  if (allocations != before) fprintf(stderr, "%ld allocations in 100 runs on %d threads\n", allocations - before, (int)threads);
  CHECK(allocations == before);
  {
    pinion_input_shape shapes[2];
    void *addresses[2], *result = pinion_tensor_data(output);
    pinion_call *call;
    for (i = 0; i < count; ++i) {
      shapes[i].name = pinion_value_info_name(pinion_session_input(session, i));
      shapes[i].value = inputs[i];
      addresses[i] = pinion_tensor_data(inputs[i]);
    }
    CHECK_OK(pinion_call_create(session, count, shapes, 1, NULL, &call));
    CHECK_OK(pinion_call_run(call, NULL, addresses, &result));
    before = allocations;
    for (i = 0; i < 100; ++i) CHECK_OK(pinion_call_run(call, NULL, addresses, &result));
    if (allocations != before) fprintf(stderr, "%ld allocations in 100 calls on %d threads\n", allocations - before, (int)threads);
    CHECK(allocations == before);
    pinion_call_release(call);
  }
  for (i = 0; i < count; ++i) pinion_value_release(inputs[i]);
  pinion_value_release(output);
  pinion_session_release(session);
  pinion_model_release(model);
}

int main(void) {
  const buffer product = matmul_model(64, 3);
  run_without_allocating(&product, 64, 1);
  run_without_allocating(&product, 64, 2);
  return check_result("allocations");
}
