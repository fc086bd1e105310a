// Locks under contention, and in processes that were forked while other threads held or awaited them.
#include "ct_lock.h"

#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum { THREADS = 4, TURNS = 100000, LOCKS = 3, LONGEST_CHILD_SECONDS = 60 };

static struct guarded {
  ct_lock lock;
  long first, second; // equal whenever nobody holds the lock
} guarded[LOCKS];
static atomic_bool stop;

static void fail(const char *what) {
  fprintf(stderr, "lock_test: %s\n", what);
  exit(1);
}

// Takes one lock, and every third time another inside it, always in the same order.
static void change(unsigned turn) {
  struct guarded *outer = &guarded[turn % LOCKS], *inner = turn % 3 == 0 && turn % LOCKS + 1 < LOCKS ? outer + 1 : NULL;
  ct_lock_acquire(&outer->lock);
  if (outer->first != outer->second) fail("a lock was held by two threads, or a child saw half a change");
  outer->first++;
  if (inner) {
    ct_lock_acquire(&inner->lock);
    inner->first++;
    inner->second++;
    ct_lock_release(&inner->lock);
  }
  outer->second++;
  ct_lock_release(&outer->lock);
}

static void *count(void *unused) {
  for (unsigned turn = 0; turn < TURNS; turn++) change(turn);
  return unused;
}

static void *change_until_stopped(void *unused) {
  for (unsigned turn = 0; !atomic_load(&stop); turn++) change(turn);
  return unused;
}

static void *begin_and_end(void *unused) {
  change(0);
  return unused;
}

// Threads that come and go, so that the list of those with locks changes while the process forks.
static void *make_threads(void *unused) {
  while (!atomic_load(&stop)) {
    pthread_t thread;
    if (pthread_create(&thread, NULL, begin_and_end, NULL) == 0) pthread_join(thread, NULL);
  }
  return unused;
}

static void run(int threads, void *(*body)(void *)) {
  pthread_t thread[THREADS];
  for (int i = 0; i < threads; i++)
    if (pthread_create(&thread[i], NULL, body, NULL) != 0) fail("pthread_create");
  for (int i = 0; i < threads; i++) pthread_join(thread[i], NULL);
}

static long total(void) {
  long sum = 0;
  for (int i = 0; i < LOCKS; i++) {
    if (guarded[i].first != guarded[i].second) fail("half a change");
    sum += guarded[i].first;
  }
  return sum;
}

static void child(void) {
  alarm(LONGEST_CHILD_SECONDS);
  change(0);
  run(2, begin_and_end);
  for (int i = 0; i < LOCKS; i++) {
    ct_lock_acquire(&guarded[i].lock);
    if (guarded[i].first != guarded[i].second) fail("half a change in a child");
    ct_lock_release(&guarded[i].lock);
  }
  const pid_t grandchild = fork();
  if (grandchild == 0) {
    alarm(LONGEST_CHILD_SECONDS);
    run(2, begin_and_end);
    _exit(0);
  }
  int status = 1;
  waitpid(grandchild, &status, 0);
  _exit(status == 0 ? 0 : 1);
}

// A host that forks while it holds a lock itself, as one that is called back.
static void fork_while_holding(void) {
  ct_lock_acquire(&guarded[0].lock);
  const pid_t pid = fork();
  ct_lock_release(&guarded[0].lock);
  if (pid == 0) {
    alarm(LONGEST_CHILD_SECONDS);
    change(0);
    _exit(0);
  }
  int status = 1;
  waitpid(pid, &status, 0);
  if (status != 0) fail("a child whose parent's thread held a lock");
}

// Stands for the number of its thread that Swift's runtime keeps for its own locks.
_Thread_local pid_t swift_thread_number __asm__("_ZZN5swift14threading_impl5linux13ulock_get_tidEvE3tid");

// A child must not keep its parent's number, even where the parent has never taken a lock.
static void fork_before_the_first_lock(void) {
  swift_thread_number = getpid();
  const pid_t pid = fork();
  if (pid == 0) _exit(swift_thread_number == 0 ? 0 : 1);
  int status = 1;
  waitpid(pid, &status, 0);
  if (status != 0) fail("a child knows its thread by its parent's number");
  swift_thread_number = 0;
}

int main(int argc, char **argv) {
  fork_before_the_first_lock();
  const int children = argc > 1 ? atoi(argv[1]) : 60;
  run(THREADS, count);
  // Of `turn` in 0..<TURNS every third takes lock 0, and lock 1 inside it.
  const long inner = (TURNS + LOCKS - 1) / LOCKS;
  if (total() != THREADS * (TURNS + inner)) fail("changes were lost");

  pthread_t busy[THREADS + 1];
  for (int i = 0; i < THREADS; i++) pthread_create(&busy[i], NULL, change_until_stopped, NULL);
  pthread_create(&busy[THREADS], NULL, make_threads, NULL);
  for (int i = 0; i < children; i++) {
    const pid_t pid = fork();
    if (pid == 0) child();
    int status = 1;
    waitpid(pid, &status, 0);
    if (status != 0) fail("a child ended badly, or did not end");
  }
  for (int i = 0; i < children / 10; i++) fork_while_holding();
  atomic_store(&stop, true);
  for (int i = 0; i <= THREADS; i++) pthread_join(busy[i], NULL);
  printf("lock_test: %ld changes, %d children\n", total(), children);
  return 0;
}
