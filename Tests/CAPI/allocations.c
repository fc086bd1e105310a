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

#define MOST_INPUTS 3

/* Of inputs of these dimensions, as many as the model has, and of its only output; each list ends with 0. Releases the model. */
static void run_without_allocating(pinion_model *model, const int64_t dims[][4], const int64_t *output_dims, int32_t threads) {
  pinion_session_options options = PINION_SESSION_OPTIONS_INIT;
  pinion_session *session;
  pinion_value *inputs[MOST_INPUTS], *output;
  int32_t rank;
  size_t count, i;
  long before;
  options.threads = threads;
  CHECK_OK(pinion_session_create(model, &options, &session));
  count = pinion_session_input_count(session);
  CHECK(count <= MOST_INPUTS);
  for (i = 0; i < count; ++i) {
    for (rank = 0; dims[i][rank]; ++rank) {}
    CHECK_OK(pinion_tensor_create(NULL, PINION_FLOAT32, rank, dims[i], &inputs[i]));
    memset(pinion_tensor_data(inputs[i]), 0, pinion_tensor_byte_size(inputs[i]));
  }
  for (rank = 0; output_dims[rank]; ++rank) {}
  CHECK_OK(pinion_tensor_create(NULL, PINION_FLOAT32, rank, output_dims, &output));
  for (i = 0; i < 3; ++i) CHECK_OK(pinion_session_run(session, NULL, count, NULL, inputs, 1, NULL, &output));
  before = allocations;
  CHECK(before > 0);
  for (i = 0; i < 100; ++i) CHECK_OK(pinion_session_run(session, NULL, count, NULL, inputs, 1, NULL, &output));
  if (allocations != before) fprintf(stderr, "%ld allocations in 100 runs on %d threads\n", allocations - before, (int)threads);
  CHECK(allocations == before);
  {
    pinion_input_shape shapes[MOST_INPUTS];
    void *addresses[MOST_INPUTS], *result = pinion_tensor_data(output);
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

/* A node over inputs of these types. */
static pinion_model *model_of(const char *operator_name, const char *const *types, size_t count, pinion_attributes *attributes) {
  static const char *const names[MOST_INPUTS] = {"a", "b", "c"};
  pinion_node_options options = PINION_NODE_OPTIONS_INIT;
  pinion_graph *graph;
  pinion_graph_value inputs[MOST_INPUTS], output;
  pinion_model *model;
  size_t i;
  options.attributes = attributes;
  CHECK_OK(pinion_graph_create(NULL, &graph));
  for (i = 0; i < count; ++i) CHECK_OK(pinion_graph_add_input_of_type(graph, names[i], types[i], &inputs[i]));
  CHECK_OK(pinion_graph_add_node(graph, operator_name, &options, count, inputs, 1, &output));
  CHECK_OK(pinion_graph_add_output(graph, output, "y"));
  CHECK_OK(pinion_model_create(graph, NULL, &model));
  pinion_graph_release(graph);
  return model;
}

static void products(int32_t threads) {
  const buffer bytes = matmul_model(64, 3);
  const int64_t dims[][4] = {{64, 64}, {64, 64}};
  pinion_model *model;
  CHECK_OK(pinion_model_load_memory(bytes.bytes, bytes.size, true, NULL, &model));
  run_without_allocating(model, dims, dims[0], threads);
}

/* Steps that threads share: 4 sequences of 10 steps, 512 hidden units. */
static void recurrences(int32_t threads) {
  static const char *const types[] = {"float32[t,b,8]", "float32[1,2048,8]", "float32[1,2048,512]"};
  const int64_t dims[][4] = {{10, 4, 8}, {1, 2048, 8}, {1, 2048, 512}}, output[] = {10, 1, 4, 512, 0};
  pinion_attributes *attributes;
  CHECK_OK(pinion_attributes_create(&attributes));
  CHECK_OK(pinion_attributes_set_int(attributes, "hidden_size", 512));
  run_without_allocating(model_of("LSTM", types, 3, attributes), dims, output, threads);
  pinion_attributes_release(attributes);
}

/* One name for extents that differ in the run. */
static void names_that_do_not_hold(int32_t threads) {
  static const char *const types[] = {"float32[n,n]"};
  const int64_t dims[][4] = {{4, 5}};
  run_without_allocating(model_of("Neg", types, 1, NULL), dims, dims[0], threads);
}

int main(void) {
  int32_t threads;
  for (threads = 1; threads <= 2; ++threads) {
    products(threads);
    recurrences(threads);
    names_that_do_not_hold(threads);
  }
  return check_result("allocations");
}
