#ifndef PINION_CTHREADS_H
#define PINION_CTHREADS_H

#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/// A fork-join pool: one caller and `threads - 1` workers share the indices of a job.
///
/// Every function but ct_pool_destroy is thread-safe. A pool runs one job at a time; whoever asks while it is busy
/// (another thread, or a task of the running job) does its job alone on its own thread, so nesting never deadlocks.
///
/// After fork() the child's first job of more than one index starts workers of the child's own; a pool that was busy when the process forked
/// stays so there, and its jobs run on the calling thread. Destroying the pool works either way. `ct_lock` is a lock for such processes.
typedef struct ct_pool ct_pool;

/// One piece of a job. Pieces of one job run in no particular order and possibly at the same time.
typedef void (*ct_task)(void *context, int32_t index);

/// A host's own executor: calls task(context, i) for every i in 0..<count, on whatever threads, and returns when all are done.
typedef void (*ct_parallel_for)(void *host, ct_task task, void *context, int32_t count);

/// A pool of `threads` threads, the caller of ct_pool_run being one of them. One thread means every job runs inline.
/// NULL if threads is not in 1...1024 or a thread or memory cannot be had.
ct_pool *ct_pool_create(int32_t threads);

/// A pool without threads of its own that hands its jobs to the host. `threads` is the parallelism ct_pool_threads reports.
/// Tasks that start jobs of their own run those inline. NULL if threads < 1, executor is NULL or memory cannot be had.
ct_pool *ct_pool_create_with_executor(int32_t threads, ct_parallel_for executor, void *host);

/// Stops the workers and frees the pool; no job may be running. NULL is allowed.
void ct_pool_destroy(ct_pool *pool);

/// The number of threads a job may use, the caller included; 1 for NULL.
int32_t ct_pool_threads(const ct_pool *pool);

/// Brackets a sequence of jobs (a model run); brackets nest and may overlap between threads. Inside a bracket a worker spins for
/// some 200 us after its last job before it parks; behind one it does so up to twice as long as the gap between the last two was, if that was at most 1 ms,
/// and otherwise parks at once.
void ct_pool_begin(ct_pool *pool);
void ct_pool_end(ct_pool *pool);

/// Wakes the workers ahead of jobs that will come within this bracket. A sequence of jobs of one index each needs no worker.
void ct_pool_wake(ct_pool *pool);

/// The place of the calling thread among those of the pool: 0 for a caller, 1... for its workers, so that no two threads that share a job have the
/// same; -1 where the host's executor decides which threads do the work.
int32_t ct_pool_slot(const ct_pool *pool);

/// Calls task(context, i) once for every i in 0..<count and returns when all have finished. What the caller wrote before
/// is visible to the tasks, and what they wrote is visible after. A NULL pool runs inline.
void ct_pool_run(ct_pool *pool, ct_task task, void *context, int32_t count);

#ifdef __cplusplus
}
#endif
#endif
