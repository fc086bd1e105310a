#ifndef PINION_CT_LOCK_H
#define PINION_CT_LOCK_H

#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/// A lock that nobody holds in a process that fork() has just made, the forking thread itself apart. Zeros are a free lock.
///
/// fork() waits until no other thread holds such a lock, a second at most, and keeps others from taking one meanwhile. Whoever holds one
/// should therefore neither wait nor call back into the host. Locks nest, and are not recursive.
typedef struct ct_lock {
  uint32_t word;
} ct_lock;

void ct_lock_acquire(ct_lock *lock);
void ct_lock_release(ct_lock *lock);

#ifdef __cplusplus
}
#endif
#endif
