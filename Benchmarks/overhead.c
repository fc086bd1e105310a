/*
 * What a call and a node cost besides kernels: a chain of N cheap nodes over 4 floats, run with N = 1 and N = 200.
 *
 *   make -C Benchmarks overhead PREFIX=/where/pinion/is/installed && Benchmarks/overhead
 *
 * Prints nanoseconds a call and a node, the least of 20 rounds; exit status 1 if a node costs over 100 ns.
 */
#define _POSIX_C_SOURCE 199309L
#include <stdio.h>
#include <time.h>

#include "../Tests/CAPI/models.h"
#include <pinion/pinion.h>

enum { CHAIN = 200, ROUNDS = 20, CALLS = 2000 };

static double now(void) {
  struct timespec time;
  clock_gettime(CLOCK_MONOTONIC, &time);
  return (double)time.tv_sec * 1e9 + (double)time.tv_nsec;
}

/* y = -(-(...x)): the model text of `count` Neg nodes. */
static size_t chain(int count, unsigned char *bytes, size_t capacity) {
  static unsigned char graph[CHAIN * 64];
  const int64_t dims[] = {4};
  size_t size = 0;
  buffer header = {{0}, 0}, model = {{0}, 0}, tail = {{0}, 0};
  int i;
  for (i = 0; i < count; ++i) {
    buffer node = {{0}, 0};
    char in[8], out[8];
    snprintf(in, sizeof in, "v%d", i);
    snprintf(out, sizeof out, "v%d", i + 1);
    put_node(&node, "Neg", out, in, NULL, out);
    memcpy(graph + size, node.bytes, node.size);
    size += node.size;
  }
  put_value(&header, 11, "v0", tensor_type(1, 1, dims));
  {
    char out[8];
    snprintf(out, sizeof out, "v%d", count);
    put_value(&header, 12, out, tensor_type(1, 1, dims));
  }
  put_number(&model, 1, 8);
  {
    buffer opset = {{0}, 0};
    put_number(&opset, 2, 17);
    put_message(&tail, 8, &opset);
  }
  /* The graph is too large for a `buffer`: its tag, length and contents are put together here. */
  put_varint(&model, 7 << 3 | 2);
  put_varint(&model, size + header.size);
  if (model.size + size + header.size + tail.size > capacity) return 0;
  memcpy(bytes, model.bytes, model.size);
  memcpy(bytes + model.size, graph, size);
  memcpy(bytes + model.size + size, header.bytes, header.size);
  memcpy(bytes + model.size + size + header.size, tail.bytes, tail.size);
  return model.size + size + header.size + tail.size;
}

static double call_ns(int count) {
  static unsigned char bytes[CHAIN * 64 + 1024];
  const size_t size = chain(count, bytes, sizeof bytes);
  float x[4] = {1, 2, 3, 4}, y[4];
  const int64_t dims[] = {4};
  pinion_session_options options = PINION_SESSION_OPTIONS_INIT;
  pinion_model *model;
  pinion_session *session;
  pinion_value *input, *output;
  double best = 1e18;
  int round, call;
  options.threads = 1;
  options.optimization_level = 0;
  if (pinion_model_load_memory(bytes, size, true, NULL, &model) || pinion_session_create(model, &options, &session) ||
      pinion_tensor_wrap(x, PINION_FLOAT32, 1, dims, NULL, NULL, NULL, &input) ||
      pinion_tensor_wrap(y, PINION_FLOAT32, 1, dims, NULL, NULL, NULL, &output)) {
    fprintf(stderr, "%s\n", pinion_error_text(NULL));
    return -1;
  }
  for (round = 0; round < ROUNDS; ++round) {
    double start = now(), time;
    for (call = 0; call < CALLS; ++call)
      if (pinion_session_run(session, NULL, 1, NULL, &input, 1, NULL, &output)) return -1;
    time = (now() - start) / CALLS;
    if (time < best) best = time;
  }
  pinion_value_release(output);
  pinion_value_release(input);
  pinion_session_release(session);
  pinion_model_release(model);
  return best;
}

int main(void) {
  const double one = call_ns(1), many = call_ns(CHAIN);
  const double node = (many - one) / (CHAIN - 1);
  printf("a call with one node: %.0f ns; each further node: %.1f ns\n", one, node);
  return one > 0 && many > 0 && node < 100 ? 0 : 1;
}
