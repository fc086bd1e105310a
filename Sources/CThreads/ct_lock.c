#define _GNU_SOURCE
#include "ct_lock.h"

#include <linux/futex.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

typedef _Atomic uint32_t word;

enum { FREE, HELD, HELD_AND_AWAITED };
enum { PAUSES_BEFORE_SLEEP = 100, LONGEST_FORK_WAIT_MICROSECONDS = 1000000, FORK_WAIT_STEP_MICROSECONDS = 20 };

static void futex_wait(word *at, uint32_t expected) { syscall(SYS_futex, (uint32_t *)at, FUTEX_WAIT_PRIVATE, expected, NULL, NULL, 0); }
static void futex_wake(word *at, int count) { syscall(SYS_futex, (uint32_t *)at, FUTEX_WAKE_PRIVATE, count, NULL, NULL, 0); }

static void relax(void) {
#if defined(__x86_64__)
  __builtin_ia32_pause();
#endif
}

static bool take(word *at) {
  uint32_t free = FREE;
  return atomic_compare_exchange_strong(at, &free, HELD);
}

// No owner is written into the word: a thread's number, which other locks keep, is another one in the child.
static void take_or_wait(word *at) {
  for (int i = 0; i < PAUSES_BEFORE_SLEEP; i++) {
    if (atomic_load_explicit(at, memory_order_relaxed) == FREE && take(at)) return;
    relax();
  }
  while (atomic_exchange(at, HELD_AND_AWAITED) != FREE) futex_wait(at, HELD_AND_AWAITED);
}

static void give_back(word *at) {
  if (atomic_exchange(at, FREE) == HELD_AND_AWAITED) futex_wake(at, 1);
}

// A thread that has taken a lock at some time. `depth` counts the locks that it holds or is about to take.
typedef struct holder {
  word depth;
  bool is_listed;
  struct holder *next, *previous;
} holder;

static _Thread_local holder self;
static holder *listed;
static word list_lock, fork_lock;
// 1 while a fork waits or happens: no thread may take its first lock.
static word gate;
static pthread_once_t prepared = PTHREAD_ONCE_INIT;
static pthread_key_t thread_end;

// Swift's runtime notes the number of each thread for its own locks. Another definition of the same name, where it is linked in, is one with
// this; elsewhere this one is nobody's.
__attribute__((weak, visibility("hidden"))) _Thread_local pid_t swift_thread_number __asm__("_ZZN5swift14threading_impl5linux13ulock_get_tidEvE3tid");

static void before_fork(void) {
  take_or_wait(&fork_lock);
  atomic_store(&gate, 1);
  take_or_wait(&list_lock);
  int waited = 0;
  for (holder *other = listed; other; other = other->next) {
    while (other != &self && atomic_load(&other->depth) != 0 && waited < LONGEST_FORK_WAIT_MICROSECONDS) {
      nanosleep(&(struct timespec){.tv_nsec = 1000 * FORK_WAIT_STEP_MICROSECONDS}, NULL);
      waited += FORK_WAIT_STEP_MICROSECONDS;
    }
  }
}

static void after_fork_in_parent(void) {
  give_back(&list_lock);
  atomic_store(&gate, 0);
  futex_wake(&gate, INT32_MAX);
  give_back(&fork_lock);
}

static void after_fork_in_child(void) {
  // The other threads are gone, and with them what they were listed with.
  listed = self.is_listed ? &self : NULL;
  self.next = self.previous = NULL;
  swift_thread_number = 0;
  atomic_store(&list_lock, FREE);
  atomic_store(&gate, 0);
  atomic_store(&fork_lock, FREE);
}

static void leave(void *thread) {
  holder *leaving = thread;
  take_or_wait(&list_lock);
  if (leaving->previous) leaving->previous->next = leaving->next;
  else listed = leaving->next;
  if (leaving->next) leaving->next->previous = leaving->previous;
  leaving->is_listed = false;
  give_back(&list_lock);
}

static void prepare(void) {
  pthread_key_create(&thread_end, leave);
  pthread_atfork(before_fork, after_fork_in_parent, after_fork_in_child);
}

// Whatever a process does before its first lock, Swift's runtime may have noted its thread's number by then.
__attribute__((constructor)) static void prepare_on_load(void) { pthread_once(&prepared, prepare); }

static void enter(holder *thread) {
  pthread_once(&prepared, prepare);
  take_or_wait(&list_lock);
  thread->previous = NULL;
  thread->next = listed;
  if (listed) listed->previous = thread;
  listed = thread;
  thread->is_listed = true;
  give_back(&list_lock);
  pthread_setspecific(thread_end, thread);
}

// The processor must see the depth written before the gate is read. What takes a lock is such a barrier on x86 processors.
static inline void depth_before_gate(void) {
#if defined(__x86_64__)
  atomic_signal_fence(memory_order_seq_cst);
#else
  atomic_thread_fence(memory_order_seq_cst);
#endif
}

void ct_lock_acquire(ct_lock *lock) {
  holder *thread = &self;
  word *at = (word *)&lock->word;
  if (!thread->is_listed) enter(thread);
  const uint32_t depth = atomic_load_explicit(&thread->depth, memory_order_relaxed);
  for (;;) {
    atomic_store_explicit(&thread->depth, depth + 1, memory_order_relaxed);
    atomic_signal_fence(memory_order_seq_cst);
    if (!take(at)) take_or_wait(at);
    depth_before_gate();
    if (depth > 0 || atomic_load_explicit(&gate, memory_order_relaxed) == 0) return;
    give_back(at);
    atomic_store_explicit(&thread->depth, 0, memory_order_release);
    futex_wait(&gate, 1);
  }
}

void ct_lock_release(ct_lock *lock) {
  holder *thread = &self;
  give_back((word *)&lock->word);
  atomic_store_explicit(&thread->depth, atomic_load_explicit(&thread->depth, memory_order_relaxed) - 1, memory_order_release);
}
