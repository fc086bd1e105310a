/*
 * Runs a model of one float32 input five times and once more in `measured`, where instructions are counted.
 *
 *   count-model MODEL [TIMES] DIM...      TIMES: how often `measured` runs, 1 for a tool that knows functions
 *
 * Outputs are the library's own the first time and the same memory from then on, as a host that has settled runs a model.
 */
#include <stdio.h>
#include <stdlib.h>

#include <pinion/pinion.h>

enum { RANK = 8 };

static pinion_session *session;
static pinion_value *input, *output;

__attribute__((noinline)) static pinion_status measured(void) {
  const pinion_status status = pinion_session_run(session, NULL, 1, NULL, &input, 1, NULL, &output);
  __asm__ volatile("" : : : "memory");
  return status;
}

static int fail(void) {
  fprintf(stderr, "%s\n", pinion_error_text(NULL));
  return 1;
}

int main(int argc, char **argv) {
  pinion_session_options options = PINION_SESSION_OPTIONS_INIT;
  pinion_model *model;
  int64_t dims[RANK];
  size_t count = 1, i;
  const int rank = argc - 3;
  float *x;
  if (rank < 1 || rank > RANK) return 64;
  for (i = 0; i < (size_t)rank; i++) {
    dims[i] = atoll(argv[3 + i]);
    if (dims[i] < 1 || dims[i] > 1 << 20) return 64;
    count *= (size_t)dims[i];
  }
  x = malloc(count * sizeof *x);
  if (!x) return 1;
  for (i = 0; i < count; i++) x[i] = (float)(i * 37 % 101) / 50 - 1;
  options.threads = 1;
  if (pinion_model_load_file(argv[1], NULL, &model) || pinion_session_create(model, &options, &session) ||
      pinion_tensor_wrap(x, PINION_FLOAT32, (size_t)rank, dims, NULL, NULL, NULL, &input))
    return fail();
  for (i = 0; i < 5; i++)
    if (pinion_session_run(session, NULL, 1, NULL, &input, 1, NULL, &output)) return fail();
  for (i = 0; i < (size_t)atoi(argv[2]); i++)
    if (measured()) return fail();
  pinion_value_release(output);
  pinion_value_release(input);
  pinion_session_release(session);
  pinion_model_release(model);
  free(x);
  return 0;
}
