/* Runs of many threads, and threads that have nothing to do. */
#define _POSIX_C_SOURCE 200809L
#include "sessions.h"

#include <pthread.h>
#include <time.h>

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

int main(void) {
  threads();
  idle_workers();
  return check_result("threads");
}
