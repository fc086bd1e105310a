#define _GNU_SOURCE
#include "cthreads.h"

#include <linux/futex.h>
#include <pthread.h>
#include <signal.h>
#include <stdalign.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdlib.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

// Two lines apart, because the prefetcher of x86 processors fetches lines in pairs.
#define APART alignas(128)

// To wake a thread whose processor has gone to sleep takes up to some 200 us on a virtual machine: as long as that it is cheaper to wait awake.
enum { SPIN_NANOSECONDS = 200000, LONGEST_GAP_NANOSECONDS = 1000000, PAUSES_PER_CLOCK_READING = 64, MAXIMAL_THREADS = 1024 };

struct ct_pool {
  // The job on offer: its number in the high half, the indices nobody has claimed yet in the low half. Claiming is a
  // compare-and-swap of the whole word, so a claim succeeds only on the job whose fields below were read: they are
  // rewritten only after every index of that job was claimed and done.
  APART _Atomic uint64_t offer;
  APART _Atomic(ct_task) task;
  _Atomic(void *) context;
  _Atomic int32_t count;
  APART _Atomic uint32_t unfinished; // indices of the job not yet done; the waiting caller's futex
  _Atomic bool caller_sleeps;
  APART _Atomic bool busy;
  APART _Atomic uint32_t wake_ticket; // the parked workers' futex
  _Atomic int32_t parked;
  _Atomic int32_t brackets;
  _Atomic bool stopping;
  _Atomic int64_t last_end; // of a bracket
  _Atomic int64_t patience; // how long workers wait awake behind it: none unless brackets have followed one another at once
  APART int32_t threads;
  ct_parallel_for executor;
  void *host;
  int32_t workers;  // threads besides the caller
  uint32_t process; // the process that has them, in the count of `forks`; changes while the pool is busy
  int32_t started;
  _Atomic int32_t numbered; // workers that have their slot
  pthread_t worker[];
};

// How often a process that this one descends from has forked.
static _Atomic uint32_t forks;
static void count_fork(void) { atomic_fetch_add(&forks, 1); }
static void watch_forks(void) { pthread_atfork(NULL, NULL, count_fork); }
static pthread_once_t watching = PTHREAD_ONCE_INIT;

static void futex_wait(_Atomic uint32_t *word, uint32_t expected) {
  syscall(SYS_futex, (uint32_t *)word, FUTEX_WAIT_PRIVATE, expected, NULL, NULL, 0);
}

static void futex_wake(_Atomic uint32_t *word, int32_t sleepers) {
  syscall(SYS_futex, (uint32_t *)word, FUTEX_WAKE_PRIVATE, sleepers, NULL, NULL, 0);
}

static void relax(void) {
#if defined(__x86_64__)
  __builtin_ia32_pause();
#elif defined(__aarch64__)
  __asm__ volatile("yield");
#endif
}

static int64_t now(void) {
  struct timespec t;
  clock_gettime(CLOCK_MONOTONIC, &t);
  return (int64_t)t.tv_sec * 1000000000 + t.tv_nsec;
}

static bool work_offered(ct_pool *pool) { return (uint32_t)atomic_load(&pool->offer) != 0; }

// Claims and does indices of the job on offer until none is left to claim.
static void work(ct_pool *pool) {
  uint64_t offer = atomic_load_explicit(&pool->offer, memory_order_acquire);
  for (uint32_t left; (left = (uint32_t)offer) != 0;) {
    const ct_task task = atomic_load_explicit(&pool->task, memory_order_relaxed);
    void *const context = atomic_load_explicit(&pool->context, memory_order_relaxed);
    const int32_t count = atomic_load_explicit(&pool->count, memory_order_relaxed);
    // Long jobs are claimed in shrinking pieces: few contended claims, and still an even end.
    uint32_t piece = left / (4 * (uint32_t)pool->threads);
    if (piece == 0) piece = 1;
    if (!atomic_compare_exchange_weak_explicit(&pool->offer, &offer, offer - piece, memory_order_acq_rel, memory_order_acquire)) continue;
    const uint32_t first = (uint32_t)count - left;
    for (uint32_t i = first; i < first + piece; i++) task(context, (int32_t)i);
    if (atomic_fetch_sub(&pool->unfinished, piece) == piece && atomic_load(&pool->caller_sleeps)) futex_wake(&pool->unfinished, 1);
    offer = atomic_load_explicit(&pool->offer, memory_order_acquire);
  }
}

// Both sides announce themselves before they look at the other (all sequentially consistent), so no offer is slept through.
static void park(ct_pool *pool) {
  const uint32_t ticket = atomic_load(&pool->wake_ticket);
  atomic_fetch_add(&pool->parked, 1);
  if (!work_offered(pool) && !atomic_load(&pool->stopping)) futex_wait(&pool->wake_ticket, ticket);
  atomic_fetch_sub(&pool->parked, 1);
}

static void wake_parked(ct_pool *pool, int32_t wanted) {
  const int32_t parked = atomic_load(&pool->parked);
  if (parked == 0 || wanted <= 0) return;
  atomic_fetch_add(&pool->wake_ticket, 1);
  futex_wake(&pool->wake_ticket, parked < wanted ? parked : wanted);
}

// Whether work came within the time a worker may spin.
static bool spin_for_work(ct_pool *pool) {
  const int64_t start = now();
  while (!atomic_load_explicit(&pool->stopping, memory_order_relaxed)) {
    const bool inside = atomic_load_explicit(&pool->brackets, memory_order_relaxed) > 0;
    const int64_t end = inside ? start + SPIN_NANOSECONDS
                               : atomic_load_explicit(&pool->last_end, memory_order_relaxed) + atomic_load_explicit(&pool->patience, memory_order_relaxed);
    if (now() >= end) return false;
    for (int i = 0; i < PAUSES_PER_CLOCK_READING; i++) {
      if ((uint32_t)atomic_load_explicit(&pool->offer, memory_order_relaxed) != 0) return true;
      relax();
    }
  }
  return false;
}

// Which of a pool's workers this thread is.
static _Thread_local const ct_pool *own_pool;
static _Thread_local int32_t own_slot;

int32_t ct_pool_slot(const ct_pool *pool) { return pool->executor ? -1 : own_pool == pool ? own_slot : 0; }

static void *worker_main(void *argument) {
  ct_pool *pool = argument;
  own_pool = pool;
  own_slot = 1 + atomic_fetch_add(&pool->numbered, 1);
  pthread_setname_np(pthread_self(), "pinion-worker");
  while (!atomic_load(&pool->stopping)) {
    work(pool);
    if (!spin_for_work(pool)) park(pool);
  }
  return NULL;
}

static ct_pool *allocate(int32_t threads, int32_t workers) {
  size_t size = sizeof(ct_pool) + (size_t)workers * sizeof(pthread_t);
  size = (size + alignof(ct_pool) - 1) / alignof(ct_pool) * alignof(ct_pool);
  ct_pool *pool = aligned_alloc(alignof(ct_pool), size);
  if (!pool) return NULL;
  pthread_once(&watching, watch_forks);
  *pool = (ct_pool){.threads = threads, .workers = workers, .process = atomic_load(&forks)};
  return pool;
}

static void start_workers(ct_pool *pool) {
  // The host's signals are the host's threads' business.
  sigset_t all, before;
  sigfillset(&all);
  pthread_sigmask(SIG_SETMASK, &all, &before);
  while (pool->started < pool->workers && pthread_create(&pool->worker[pool->started], NULL, worker_main, pool) == 0) pool->started++;
  pthread_sigmask(SIG_SETMASK, &before, NULL);
}

// What a forked process does at its first job: the workers stayed behind, with whatever was counted of them. Without memory for threads
// the caller works alone. The pool is busy.
static void start_anew(ct_pool *pool, uint32_t process) {
  pool->process = process;
  pool->started = 0;
  atomic_store(&pool->numbered, 0);
  atomic_store(&pool->parked, 0);
  atomic_store(&pool->stopping, false);
  start_workers(pool);
}

ct_pool *ct_pool_create(int32_t threads) {
  if (threads < 1 || threads > MAXIMAL_THREADS) return NULL;
  ct_pool *pool = allocate(threads, threads - 1);
  if (!pool) return NULL;
  start_workers(pool);
  if (pool->started == pool->workers) return pool;
  ct_pool_destroy(pool);
  return NULL;
}

ct_pool *ct_pool_create_with_executor(int32_t threads, ct_parallel_for executor, void *host) {
  if (threads < 1 || !executor) return NULL;
  ct_pool *pool = allocate(threads, 0);
  if (!pool) return NULL;
  pool->executor = executor;
  pool->host = host;
  return pool;
}

void ct_pool_destroy(ct_pool *pool) {
  if (!pool) return;
  if (atomic_load(&forks) == pool->process) {
    atomic_store(&pool->stopping, true);
    atomic_fetch_add(&pool->wake_ticket, 1);
    futex_wake(&pool->wake_ticket, MAXIMAL_THREADS);
    for (int32_t i = 0; i < pool->started; i++) pthread_join(pool->worker[i], NULL);
  }
  free(pool);
}

int32_t ct_pool_threads(const ct_pool *pool) { return pool ? pool->threads : 1; }

void ct_pool_begin(ct_pool *pool) {
  if (!pool || pool->workers == 0) return;
  if (atomic_fetch_add(&pool->brackets, 1) > 0) return;
  // The next gap is taken to be up to twice as long as this one.
  const int64_t gap = now() - atomic_load_explicit(&pool->last_end, memory_order_relaxed);
  const int64_t patience = gap > LONGEST_GAP_NANOSECONDS ? 0 : gap > LONGEST_GAP_NANOSECONDS / 2 ? LONGEST_GAP_NANOSECONDS : 2 * gap;
  atomic_store_explicit(&pool->patience, patience, memory_order_relaxed);
}

void ct_pool_wake(ct_pool *pool) {
  if (pool && pool->workers > 0) wake_parked(pool, pool->workers);
}

void ct_pool_end(ct_pool *pool) {
  if (!pool || pool->workers == 0) return;
  atomic_store_explicit(&pool->last_end, now(), memory_order_relaxed);
  atomic_fetch_sub(&pool->brackets, 1);
}

static void run_inline(ct_task task, void *context, int32_t count) {
  for (int32_t i = 0; i < count; i++) task(context, i);
}

// A host's executor may not bear nesting, so its tasks note that they are tasks.
static _Thread_local bool inside_host_task;

typedef struct host_job {
  ct_task task;
  void *context;
} host_job;

static void host_task(void *argument, int32_t index) {
  const host_job *job = argument;
  const bool outer = inside_host_task;
  inside_host_task = true;
  job->task(job->context, index);
  inside_host_task = outer;
}

static void run_on_host(ct_pool *pool, ct_task task, void *context, int32_t count) {
  if (inside_host_task) return run_inline(task, context, count);
  host_job job = {task, context};
  pool->executor(pool->host, host_task, &job, count);
}

static void wait_for_workers(ct_pool *pool) {
  int64_t end = 0;
  uint32_t left;
  for (uint32_t turn = 0; (left = atomic_load(&pool->unfinished)) != 0; turn++) {
    relax();
    if (turn % PAUSES_PER_CLOCK_READING != PAUSES_PER_CLOCK_READING - 1) continue;
    const int64_t time = now();
    if (end == 0) end = time + SPIN_NANOSECONDS;
    if (time < end) continue;
    atomic_store(&pool->caller_sleeps, true);
    while ((left = atomic_load(&pool->unfinished)) != 0) futex_wait(&pool->unfinished, left);
    atomic_store(&pool->caller_sleeps, false);
    return;
  }
}

void ct_pool_run(ct_pool *pool, ct_task task, void *context, int32_t count) {
  if (count <= 0) return;
  if (!pool || pool->threads == 1 || count == 1) return run_inline(task, context, count);
  if (pool->executor) return run_on_host(pool, task, context, count);
  if (atomic_load_explicit(&pool->busy, memory_order_relaxed) || atomic_exchange_explicit(&pool->busy, true, memory_order_acquire))
    return run_inline(task, context, count);
  const uint32_t process = atomic_load_explicit(&forks, memory_order_relaxed);
  if (pool->process != process) start_anew(pool, process);

  atomic_store_explicit(&pool->task, task, memory_order_relaxed);
  atomic_store_explicit(&pool->context, context, memory_order_relaxed);
  atomic_store_explicit(&pool->count, count, memory_order_relaxed);
  atomic_store_explicit(&pool->unfinished, (uint32_t)count, memory_order_relaxed);
  const uint64_t number = (atomic_load_explicit(&pool->offer, memory_order_relaxed) >> 32) + 1;
  atomic_store(&pool->offer, number << 32 | (uint32_t)count);
  wake_parked(pool, count - 1);
  work(pool);
  wait_for_workers(pool);
  atomic_store_explicit(&pool->busy, false, memory_order_release);
}
