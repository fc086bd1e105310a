/*
 * Preloaded before a program: counts what it takes from the C heap while it is watched, and refuses what it is told to refuse.
 *
 * Plain allocations (malloc, calloc, realloc, and small alignments) are Swift's and the host's objects; those aligned to 64 bytes are of
 * Pinion's allocator, which may refuse. So a plain allocation of a size that a tensor decides is one that would end the process when memory is short.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <malloc.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

extern void *__libc_malloc(size_t);
extern void *__libc_calloc(size_t, size_t);
extern void *__libc_realloc(void *, size_t);
extern void *__libc_memalign(size_t, size_t);
extern void __libc_free(void *);

static atomic_bool watching;
static atomic_llong current, peak, largest, plain_count, aligned_count;
/* The aligned allocation that is refused first, counted from 1, and whether all after it are refused as well; 0: none. */
static atomic_llong refused_from;
static atomic_bool refuses_all_after;
/* Plain allocations of so many bytes and more are refused; 0: none. */
static atomic_llong refused_plain;

void heap_watch(bool on) {
  if (on) {
    atomic_store(&current, 0);
    atomic_store(&peak, 0);
    atomic_store(&largest, 0);
    atomic_store(&plain_count, 0);
    atomic_store(&aligned_count, 0);
  }
  atomic_store(&watching, on);
}

/* The most bytes in use at once, beyond those in use when watching began. */
long long heap_peak(void) { return atomic_load(&peak); }
/* Bytes in use now, beyond those in use when watching began. */
long long heap_current(void) { return atomic_load(&current); }
/* Bytes of the largest plain allocation. */
long long heap_largest(void) { return atomic_load(&largest); }
long long heap_plain_count(void) { return atomic_load(&plain_count); }
long long heap_aligned_count(void) { return atomic_load(&aligned_count); }

/* Nanoseconds of CPU time that the system has taken so far to take back blocks of LARGE bytes and more: some 60 ms a GB, page by page. */
enum { LARGE = 1 << 16 };
static atomic_llong returning;
long long heap_returning(void) { return atomic_load(&returning); }

static long long thread_time(void) {
  struct timespec now;
  clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
  return now.tv_sec * 1000000000LL + now.tv_nsec;
}

void heap_refuse(long long from, bool all_after, long long plain) {
  atomic_store(&refuses_all_after, all_after);
  atomic_store(&refused_plain, plain);
  atomic_store(&refused_from, from);
}

static void add(long long bytes) {
  long long now = atomic_fetch_add(&current, bytes) + bytes;
  long long most = atomic_load(&peak);
  while (now > most && !atomic_compare_exchange_weak(&peak, &most, now)) {}
}

static void *took(void *pointer, size_t asked) {
  if (!pointer || !atomic_load(&watching)) return pointer;
  add((long long)malloc_usable_size(pointer));
  atomic_fetch_add(&plain_count, 1);
  long long most = atomic_load(&largest);
  while ((long long)asked > most && !atomic_compare_exchange_weak(&largest, &most, (long long)asked)) {}
  return pointer;
}

static bool refuses_plain(size_t bytes) {
  long long limit = atomic_load(&refused_plain);
  return limit != 0 && (long long)bytes >= limit && atomic_load(&watching);
}

static void *aligned(size_t alignment, size_t bytes) {
  if (!atomic_load(&watching)) return __libc_memalign(alignment, bytes);
  if (alignment < 64) return refuses_plain(bytes) ? NULL : took(__libc_memalign(alignment, bytes), bytes);
  long long number = atomic_fetch_add(&aligned_count, 1) + 1, from = atomic_load(&refused_from);
  if (from != 0 && (number == from || (number > from && atomic_load(&refuses_all_after)))) return NULL;
  void *pointer = __libc_memalign(alignment, bytes);
  if (pointer) add((long long)malloc_usable_size(pointer));
  return pointer;
}

void *malloc(size_t bytes) { return refuses_plain(bytes) ? NULL : took(__libc_malloc(bytes), bytes); }
void *calloc(size_t count, size_t size) { return refuses_plain(count * size) ? NULL : took(__libc_calloc(count, size), count * size); }

void *realloc(void *old, size_t bytes) {
  if (refuses_plain(bytes)) return NULL;
  long long before = old && atomic_load(&watching) ? (long long)malloc_usable_size(old) : 0;
  void *pointer = __libc_realloc(old, bytes);
  if (pointer && atomic_load(&watching)) atomic_fetch_sub(&current, before);
  return took(pointer, bytes);
}

int posix_memalign(void **pointer, size_t alignment, size_t bytes) {
  void *result = aligned(alignment, bytes);
  if (!result) return ENOMEM;
  *pointer = result;
  return 0;
}

void *aligned_alloc(size_t alignment, size_t bytes) { return aligned(alignment, bytes); }
void *memalign(size_t alignment, size_t bytes) { return aligned(alignment, bytes); }

void free(void *pointer) {
  const size_t size = pointer ? malloc_usable_size(pointer) : 0;
  if (atomic_load(&watching)) atomic_fetch_sub(&current, (long long)size);
  const long long start = size >= LARGE ? thread_time() : 0;
  __libc_free(pointer);
  if (size >= LARGE) atomic_fetch_add(&returning, thread_time() - start);
}

int munmap(void *pointer, size_t bytes) {
  const long long start = thread_time();
  const int result = (int)syscall(SYS_munmap, pointer, bytes);
  atomic_fetch_add(&returning, thread_time() - start);
  return result;
}
