// What the machine gives at most, as JSON: arithmetic and memory, on one thread and on all that are asked for.
//
//   machine THREADS
//
// Figures are the best of many short rounds by the wall clock, so that other processes lower them only where they never rest.
#define _GNU_SOURCE
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "ckernels.h"
#include "pk_peak.h"

enum { MOST_THREADS = 64 };

typedef enum { F32, F64, INT8, READ, WRITE, COPY } kind;
static const char *const kind_names[] = {"f32", "f64", "int8", "read", "write", "copy"};

typedef struct {
  kind kind;
  pk_isa isa;
  char *x, *y;
  size_t bytes;
  double rate;
  double milliseconds;
  pthread_barrier_t *barrier;
} job;

static double now(void) {
  struct timespec t;
  clock_gettime(CLOCK_MONOTONIC, &t);
  return (double)t.tv_sec + (double)t.tv_nsec * 1e-9;
}

static void keep(unsigned long long value) { __asm__ volatile("" : : "r"(value)); }

static double work(const job *j) {
  switch (j->kind) {
    case READ: keep(pk_peak_read(j->isa, j->x, j->bytes)); return (double)j->bytes;
    case WRITE:
      memset(j->x, 1, j->bytes);
      __asm__ volatile("" : : "r"(j->x) : "memory");
      return (double)j->bytes;
    case COPY:
      memcpy(j->y, j->x, j->bytes);
      __asm__ volatile("" : : "r"(j->y) : "memory");
      return 2.0 * (double)j->bytes;
    default: return pk_peak_arithmetic(j->isa, j->kind == F32 ? PK_PEAK_F32 : j->kind == F64 ? PK_PEAK_F64 : PK_PEAK_INT8, 20000);
  }
}

// Billions a second, the best of the rounds; a round takes a fifth of a millisecond at least.
static void *measure(void *context) {
  job *j = context;
  pthread_barrier_wait(j->barrier);
  const double end = now() + j->milliseconds * 1e-3;
  do {
    const double start = now();
    double done = 0, seconds;
    do {
      done += work(j);
      seconds = now() - start;
    } while (seconds < 2e-4);
    if (done / seconds * 1e-9 > j->rate) j->rate = done / seconds * 1e-9;
  } while (now() < end);
  return NULL;
}

// The sum over threads.
static double rate(kind kind, pk_isa isa, size_t bytes, int threads) {
  pthread_t ids[MOST_THREADS];
  job jobs[MOST_THREADS] = {{0}};
  pthread_barrier_t barrier;
  double sum = 0;
  if (pthread_barrier_init(&barrier, NULL, (unsigned)threads)) exit(1);
  for (int t = 0; t < threads; t++) {
    jobs[t] = (job){.kind = kind, .isa = isa, .bytes = bytes, .milliseconds = bytes > 16 << 20 ? 300 : 60, .barrier = &barrier};
    if (bytes) {
      jobs[t].x = aligned_alloc(4096, bytes), jobs[t].y = aligned_alloc(4096, bytes);
      if (!jobs[t].x || !jobs[t].y) exit(1);
      memset(jobs[t].x, 1, bytes), memset(jobs[t].y, 1, bytes);
    }
    if (pthread_create(&ids[t], NULL, measure, &jobs[t])) exit(1);
  }
  for (int t = 0; t < threads; t++) {
    pthread_join(ids[t], NULL);
    free(jobs[t].x), free(jobs[t].y);
    sum += jobs[t].rate;
  }
  pthread_barrier_destroy(&barrier);
  return sum;
}

static size_t cache(int name, size_t otherwise) {
  const long bytes = sysconf(name);
  return bytes > 0 ? (size_t)bytes : otherwise;
}

int main(int argc, char **argv) {
  const int most = argc > 1 ? atoi(argv[1]) : 1;
  const pk_isa isa = pk_isa_best();
  const size_t l1 = cache(_SC_LEVEL1_DCACHE_SIZE, 32 << 10), l2 = cache(_SC_LEVEL2_CACHE_SIZE, 512 << 10);
  // Half of a level. The last one is shared with others, and virtual machines often tell a size that they do not have: four times the level before.
  const struct {
    const char *name;
    size_t bytes;
  } places[] = {{"L1", l1 / 2}, {"L2", l2 / 2}, {"L3", 4 * l2}, {"memory", (size_t)256 << 20}};
  if (most < 1 || most > MOST_THREADS) return 64;
  printf("{\"isa\":\"%s\",\"caches\":{\"L1\":%zu,\"L2\":%zu},\"threads\":[", pk_isa_name(isa), l1, l2);
  for (int threads = 1; threads <= most; threads = threads < most && threads * 2 > most ? most : threads * 2) {
    printf("%s{\"threads\":%d,\"arithmetic\":{", threads > 1 ? "," : "", threads);
    for (int level = 0; level <= (int)isa; level++) {
      printf("%s\"%s\":{", level ? "," : "", pk_isa_name((pk_isa)level));
      for (kind k = F32; k <= INT8; k++) printf("%s\"%s\":%.1f", k ? "," : "", kind_names[k], rate(k, (pk_isa)level, 0, threads));
      printf("}");
    }
    printf("},\"bytes\":{");
    for (size_t p = 0; p < sizeof places / sizeof *places; p++) {
      printf("%s\"%s\":{\"size\":%zu", p ? "," : "", places[p].name, places[p].bytes);
      for (kind k = READ; k <= COPY; k++)
        printf(",\"%s\":%.1f", kind_names[k], rate(k, isa, (k == COPY ? places[p].bytes / 2 : places[p].bytes) & ~(size_t)4095, threads));
      printf("}");
    }
    printf("}}");
    fflush(stdout);
    if (threads == most) break;
  }
  printf("]}\n");
  return 0;
}
