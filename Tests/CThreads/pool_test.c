// Checks of the fork-join pool; the Makefile also builds it with ThreadSanitizer. Exits non-zero on the first failure.
#define _GNU_SOURCE
#include "cthreads.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define CHECK(condition)                                                        \
  do {                                                                          \
    if (!(condition)) {                                                         \
      fprintf(stderr, "%s:%d: failed: %s\n", __FILE__, __LINE__, #condition);   \
      exit(1);                                                                  \
    }                                                                           \
  } while (0)

enum { LONGEST = 5000 };

typedef struct job {
  int calls[LONGEST]; // not atomic: each index belongs to one call, and the join orders them before the reader
  ct_pool *nested;
} job;

static void count_call(void *context, int32_t index) { ((job *)context)->calls[index]++; }

static void run_and_check(ct_pool *pool, int32_t count) {
  job *j = calloc(1, sizeof *j);
  CHECK(j);
  ct_pool_run(pool, count_call, j, count);
  for (int32_t i = 0; i < LONGEST; i++) CHECK(j->calls[i] == (i < count));
  free(j);
}

static void nested_task(void *context, int32_t index) {
  (void)index;
  run_and_check(((job *)context)->nested, 37);
}

static void test_counts(ct_pool *pool, int rounds) {
  static const int32_t counts[] = {0, -1, 1, 2, 3, 7, 64, 1000, LONGEST};
  for (int round = 0; round < rounds; round++)
    for (size_t c = 0; c < sizeof counts / sizeof *counts; c++) run_and_check(pool, counts[c]);
}

static void *competing_caller(void *pool) {
  for (int i = 0; i < 50; i++) {
    if (i % 3 == 0) ct_pool_begin(pool);
    if (i % 2 == 0) ct_pool_wake(pool);
    run_and_check(pool, 1 + i * 7 % 300);
    if (i % 3 == 0) ct_pool_end(pool);
  }
  return NULL;
}

// Tiny jobs back to back, with pauses that let workers park in between: a lost wake-up of the caller would hang here.
static void test_rapid(ct_pool *pool) {
  job *j = calloc(1, sizeof *j);
  CHECK(j);
  for (int i = 0; i < 20000; i++) {
    if (i % 100 == 0) ct_pool_begin(pool);
    ct_pool_run(pool, count_call, j, 2 + i % 3);
    if (i % 100 == 60) ct_pool_end(pool);
    if (i % 1000 == 999) usleep(200);
  }
  CHECK(j->calls[0] == 20000 && j->calls[1] == 20000);
  free(j);
}

static void slow_task(void *context, int32_t index) {
  usleep(index == 0 ? 100 : 3000);
  count_call(context, index);
}

// The caller runs out of work long before a worker does and has to sleep.
static void test_sleeping_caller(ct_pool *pool) {
  for (int i = 0; i < 10; i++) {
    job *j = calloc(1, sizeof *j);
    CHECK(j);
    ct_pool_run(pool, slow_task, j, 2);
    CHECK(j->calls[0] == 1 && j->calls[1] == 1);
    free(j);
  }
}

typedef struct gathering {
  _Atomic int arrived;
  int wanted;
} gathering;

static void meet(void *context, int32_t index) {
  (void)index;
  gathering *g = context;
  atomic_fetch_add(&g->arrived, 1);
  const time_t end = time(NULL) + 20;
  while (atomic_load(&g->arrived) < g->wanted && time(NULL) < end) usleep(10);
}

// Really parallel: every task waits for all the others. Workers park before, so each has to be woken.
static void test_parallel(ct_pool *pool) {
  for (int i = 0; i < 20; i++) {
    usleep(500);
    gathering g = {0, ct_pool_threads(pool)};
    ct_pool_run(pool, meet, &g, g.wanted);
    CHECK(atomic_load(&g.arrived) == g.wanted);
  }
}

static double clock_seconds(clockid_t clock) {
  struct timespec t;
  CHECK(clock_gettime(clock, &t) == 0);
  return (double)t.tv_sec + (double)t.tv_nsec * 1e-9;
}

static double seconds_of_other_threads(void) {
  return clock_seconds(CLOCK_PROCESS_CPUTIME_ID) - clock_seconds(CLOCK_THREAD_CPUTIME_ID);
}

static void do_nothing(void *context, int32_t index) { (void)context, (void)index; }

// Brackets of jobs with one index leave the workers parked.
static void test_idle_workers(void) {
  ct_pool *pool = ct_pool_create(3);
  CHECK(pool);
  usleep(20000);
  const double before = seconds_of_other_threads();
  for (int i = 0; i < 20000; i++) {
    ct_pool_begin(pool);
    ct_pool_run(pool, do_nothing, NULL, 1);
    ct_pool_end(pool);
  }
  usleep(20000);
  CHECK(seconds_of_other_threads() - before < 0.01);
  ct_pool_destroy(pool);
}

// Workers of a child's own: all lanes of a job are there at once.
static void test_fork(ct_pool *pool) {
  const pid_t child = fork();
  CHECK(child >= 0);
  if (child == 0) {
    ct_pool_begin(pool);
    run_and_check(pool, 100);
    test_parallel(pool);
    ct_pool_end(pool);
    const pid_t grandchild = fork();
    if (grandchild == 0) {
      test_parallel(pool);
      ct_pool_destroy(pool);
      _exit(0);
    }
    int status = -1;
    CHECK(waitpid(grandchild, &status, 0) == grandchild && status == 0);
    ct_pool_destroy(pool);
    _exit(0);
  }
  int status = -1;
  CHECK(waitpid(child, &status, 0) == child && WIFEXITED(status) && WEXITSTATUS(status) == 0);
}

static _Atomic int host_depth;
static _Atomic int host_jobs;

static void backwards(void *host, ct_task task, void *context, int32_t count) {
  CHECK(host == &host_jobs);
  CHECK(atomic_fetch_add(&host_depth, 1) == 0);
  atomic_fetch_add(&host_jobs, 1);
  for (int32_t i = count; i-- > 0;) task(context, i);
  atomic_fetch_sub(&host_depth, 1);
}

static void test_executor(void) {
  CHECK(!ct_pool_create_with_executor(0, backwards, &host_jobs) && !ct_pool_create_with_executor(2, NULL, NULL));
  ct_pool *pool = ct_pool_create_with_executor(3, backwards, &host_jobs);
  CHECK(pool && ct_pool_threads(pool) == 3);
  ct_pool_begin(pool);
  run_and_check(pool, 20);
  CHECK(atomic_load(&host_jobs) == 1);
  job *j = calloc(1, sizeof *j);
  CHECK(j);
  j->nested = pool;
  ct_pool_run(pool, nested_task, j, 4);
  CHECK(atomic_load(&host_jobs) == 2);
  free(j);
  ct_pool_end(pool);
  ct_pool_destroy(pool);
}

static void nothing(void *context, int32_t index) { (void)context, (void)index; }

static void report_overhead(void) {
  ct_pool *pool = ct_pool_create(2);
  CHECK(pool);
  enum { JOBS = 200000 };
  struct timespec a, b;
  ct_pool_begin(pool);
  clock_gettime(CLOCK_MONOTONIC, &a);
  for (int i = 0; i < JOBS; i++) ct_pool_run(pool, nothing, NULL, 2);
  clock_gettime(CLOCK_MONOTONIC, &b);
  ct_pool_end(pool);
  ct_pool_destroy(pool);
  printf("fork-join of 2 inside a bracket: %.0f ns\n", ((b.tv_sec - a.tv_sec) * 1e9 + (b.tv_nsec - a.tv_nsec)) / JOBS);
}

int main(int argc, char **argv) {
  CHECK(!ct_pool_create(0) && !ct_pool_create(-3) && !ct_pool_create(1 << 20));
  ct_pool_destroy(NULL);
  ct_pool_begin(NULL);
  ct_pool_wake(NULL);
  ct_pool_end(NULL);
  CHECK(ct_pool_threads(NULL) == 1);
  run_and_check(NULL, 5);
  for (int32_t threads = 1; threads <= 5; threads++) {
    ct_pool *pool = ct_pool_create(threads);
    CHECK(pool && ct_pool_threads(pool) == threads);
    test_counts(pool, 20);
    ct_pool_begin(pool);
    test_counts(pool, 20);
    ct_pool_end(pool);
    test_parallel(pool);
    test_rapid(pool);
    test_sleeping_caller(pool);

    job *j = calloc(1, sizeof *j);
    CHECK(j);
    j->nested = pool;
    ct_pool_run(pool, nested_task, j, 9);
    free(j);

    pthread_t callers[4];
    for (int i = 0; i < 4; i++) CHECK(pthread_create(&callers[i], NULL, competing_caller, pool) == 0);
    for (int i = 0; i < 4; i++) pthread_join(callers[i], NULL);
    test_fork(pool);
    ct_pool_destroy(pool);
  }
  for (int i = 0; i < 200; i++) {
    ct_pool *pool = ct_pool_create(3);
    CHECK(pool);
    if (i % 2) ct_pool_run(pool, nothing, NULL, 3);
    ct_pool_destroy(pool);
  }
  test_executor();
  test_idle_workers();
  if (argc > 1 && strcmp(argv[1], "--time") == 0) report_overhead();
  puts("pool_test: passed");
  return 0;
}
