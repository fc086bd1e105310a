/* Preloaded before a program: makes the system calls that read files fail, or give less than they were asked for. */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <stdatomic.h>
#include <stddef.h>
#include <sys/mman.h>
#include <sys/types.h>
#include <unistd.h>

/* What happens to reads and mappings of files from now on. */
enum { FINE, SHORT, INTERRUPTED, FAILS_AT, TRUNCATED_AT, MAP_FAILS };
static atomic_int fault;
static atomic_int countdown;
static char path[4096];

void files_fault(int kind, int at, const char *file) {
  size_t length = 0;
  for (; file && file[length] && length < sizeof path - 1; length++) path[length] = file[length];
  path[length] = 0;
  atomic_store(&countdown, at);
  atomic_store(&fault, kind);
}

static ssize_t faulty(int descriptor, void *bytes, size_t count, off_t offset) {
  static ssize_t (*real)(int, void *, size_t, off_t);
  if (!real) real = (ssize_t(*)(int, void *, size_t, off_t))dlsym(RTLD_NEXT, "pread");
  switch (atomic_load(&fault)) {
    case SHORT: return real(descriptor, bytes, count > 1000 ? 1000 : count, offset);
    case INTERRUPTED:
      if (atomic_fetch_add(&countdown, 1) % 3) {
        errno = EINTR;
        return -1;
      }
      return real(descriptor, bytes, count > 4096 ? 4096 : count, offset);
    case FAILS_AT:
      if (atomic_fetch_sub(&countdown, 1) <= 1) {
        errno = EIO;
        return -1;
      }
      return real(descriptor, bytes, count > 4096 ? 4096 : count, offset);
    case TRUNCATED_AT:
      if (atomic_fetch_sub(&countdown, 1) == 1 && truncate(path, offset / 2)) return -1;
      return real(descriptor, bytes, count > 4096 ? 4096 : count, offset);
    default: return real(descriptor, bytes, count, offset);
  }
}

ssize_t pread(int descriptor, void *bytes, size_t count, off_t offset) { return faulty(descriptor, bytes, count, offset); }
ssize_t pread64(int descriptor, void *bytes, size_t count, off_t offset) { return faulty(descriptor, bytes, count, offset); }

static void *map(void *where, size_t length, int protection, int flags, int descriptor, off_t offset) {
  static void *(*real)(void *, size_t, int, int, int, off_t);
  if (!real) real = (void *(*)(void *, size_t, int, int, int, off_t))dlsym(RTLD_NEXT, "mmap");
  if (atomic_load(&fault) == MAP_FAILS && descriptor >= 0) {
    errno = ENODEV;
    return MAP_FAILED;
  }
  return real(where, length, protection, flags, descriptor, offset);
}

void *mmap(void *where, size_t length, int protection, int flags, int descriptor, off_t offset) {
  return map(where, length, protection, flags, descriptor, offset);
}
void *mmap64(void *where, size_t length, int protection, int flags, int descriptor, off_t offset) {
  return map(where, length, protection, flags, descriptor, offset);
}
