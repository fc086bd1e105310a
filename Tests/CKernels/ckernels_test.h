// What the C test programs share: deterministic random numbers, aligned buffers and failure counting.
#ifndef PINION_CKERNELS_TEST_H
#define PINION_CKERNELS_TEST_H

#include <math.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "ckernels.h"

static uint64_t random_state = 88172645463325252u;
static inline uint32_t random_bits(void) {
  random_state ^= random_state << 13;
  random_state ^= random_state >> 7;
  random_state ^= random_state << 17;
  return (uint32_t)(random_state >> 16);
}
/// From low to high, both included.
static inline size_t random_in(size_t low, size_t high) { return low + random_bits() % (high - low + 1); }
static inline float random_unit(void) { return (float)(random_bits() >> 8) / 8388608.0f - 1.0f; }

/// 64-byte aligned, filled with `fill`; at least one element; ends the program if memory is short.
static inline void *buffer(size_t bytes, int fill) {
  void *p = aligned_alloc(64, (bytes + 127) / 64 * 64);
  if (!p) exit(2);
  memset(p, fill, (bytes + 127) / 64 * 64);
  return p;
}
static inline float *random_floats(size_t count) {
  float *p = buffer(count * sizeof *p, 0);
  for (size_t i = 0; i < count; i++) p[i] = random_unit();
  return p;
}

/// Scratch with a guard behind it that must survive the call.
typedef struct scratch {
  unsigned char *bytes;
  size_t size;
} scratch;
static inline scratch scratch_of(size_t size) {
  scratch s = {buffer(size + 64, 0xA5), size};
  return s;
}
static inline bool scratch_end(scratch s) {
  bool whole = true;
  for (size_t i = 0; i < 64; i++) whole &= s.bytes[s.size + i] == 0xA5;
  free(s.bytes);
  return whole;
}

static int failures = 0;
#define CHECK(CONDITION, ...)                    \
  do {                                           \
    if (!(CONDITION) && failures++ < 20) {       \
      printf("%s:%d: ", __FILE__, __LINE__);     \
      printf(__VA_ARGS__);                       \
      printf("\n");                              \
    }                                            \
  } while (0)

static inline int test_end(const char *name) {
  printf("%s: %s\n", name, failures ? "FAILED" : "passed");
  return failures != 0;
}

/// Every level this machine runs.
#define FOR_EACH_ISA(ISA) for (pk_isa ISA = PK_ISA_SCALAR; ISA <= pk_isa_best(); ISA = (pk_isa)(ISA + 1))

#endif
