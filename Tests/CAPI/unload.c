/* dlclose() while the library's threads wait and threads of the host that called it still live. */
#define _POSIX_C_SOURCE 200809L
#include "models.h"

#include <dlfcn.h>
#include <pinion/pinion.h>
#include <pthread.h>
#include <stdio.h>
#include <time.h>

enum { hosts = 3, rounds = 4, size = 192 };

static int failures;

#define CHECK(condition)                                                      \
  do {                                                                        \
    if (!(condition)) {                                                       \
      ++failures;                                                             \
      fprintf(stderr, "%s:%d: not so: %s\n", __FILE__, __LINE__, #condition); \
    }                                                                         \
  } while (0)

/* A function of the library that the program is not linked with. */
#define DECLARE(name) static __typeof__(name) *p_##name
#define FIND(library, name) (*(void **)&p_##name = dlsym(library, #name), p_##name != NULL)
DECLARE(pinion_model_load_memory);
DECLARE(pinion_model_release);
DECLARE(pinion_session_create);
DECLARE(pinion_session_run);
DECLARE(pinion_session_release);
DECLARE(pinion_tensor_wrap);
DECLARE(pinion_tensor_data);
DECLARE(pinion_value_release);
DECLARE(pinion_error_message);

static int find(void *library) {
  return FIND(library, pinion_model_load_memory) && FIND(library, pinion_model_release) && FIND(library, pinion_session_create) &&
         FIND(library, pinion_session_run) && FIND(library, pinion_session_release) && FIND(library, pinion_tensor_wrap) &&
         FIND(library, pinion_tensor_data) && FIND(library, pinion_value_release) && FIND(library, pinion_error_message);
}

static pthread_barrier_t ran, closed;

/* Runs and fails once, so that this thread has whatever the library keeps for a thread, and ends after the dlclose(). */
static void *host(void *argument) {
  static float elements[size * size];
  const int64_t dims[] = {size, size};
  pinion_session *session = argument;
  pinion_value *input = NULL, *output = NULL;
  CHECK(p_pinion_tensor_wrap(elements, PINION_FLOAT32, 2, dims, NULL, NULL, NULL, &input) == PINION_OK);
  CHECK(p_pinion_session_run(session, NULL, 1, NULL, &input, 1, NULL, &output) == PINION_OK);
  CHECK(output != NULL && ((const float *)p_pinion_tensor_data(output))[0] == 0.0f);
  p_pinion_value_release(output);
  p_pinion_value_release(input);
  CHECK(p_pinion_session_run(session, NULL, 1, NULL, NULL, 1, NULL, NULL) != PINION_OK);
  CHECK(p_pinion_error_message(NULL)[0] != '\0');
  pthread_barrier_wait(&ran);
  pthread_barrier_wait(&closed);
  return NULL;
}

static void round_trip(void) {
  buffer bytes = matmul_model(size, 3);
  pthread_t threads[hosts];
  const struct timespec pause = {0, 20000000};
  pinion_session_options options = PINION_SESSION_OPTIONS_INIT;
  pinion_model *model = NULL;
  pinion_session *session = NULL;
  int i;
  void *library = dlopen(LIBRARY, RTLD_NOW | RTLD_LOCAL);
  if (!library) {
    fprintf(stderr, "%s\n", dlerror());
    ++failures;
    return;
  }
  CHECK(find(library));
  if (failures) return;
  pthread_barrier_init(&ran, NULL, hosts + 1);
  pthread_barrier_init(&closed, NULL, hosts + 1);
  CHECK(p_pinion_model_load_memory(bytes.bytes, bytes.size, true, NULL, &model) == PINION_OK);
  CHECK(p_pinion_session_create(model, &options, &session) == PINION_OK);
  for (i = 0; i < hosts; ++i) CHECK(pthread_create(&threads[i], NULL, host, session) == 0);
  pthread_barrier_wait(&ran);
  p_pinion_session_release(session);
  p_pinion_model_release(model);
  CHECK(dlclose(library) == 0);
  pthread_barrier_wait(&closed);
  for (i = 0; i < hosts; ++i) pthread_join(threads[i], NULL);
  pthread_barrier_destroy(&ran);
  pthread_barrier_destroy(&closed);
  /* The library's own threads, which wait, have their time to wake up in code that is not there. */
  nanosleep(&pause, NULL);
}

int main(void) {
  int i;
  for (i = 0; i < rounds && !failures; ++i) round_trip();
  if (failures) return 1;
  printf("unload: ok\n");
  return 0;
}
