// What the kernel tests share: failing, reproducible numbers, the levels this processor has, distances in units in the last place.
#ifndef PINION_TESTS_CHECK_H
#define PINION_TESTS_CHECK_H

#include "ckernels.h"

#include <float.h>
#include <math.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

static int failures;

#define FAIL(...)                                                                   \
  do {                                                                              \
    if (failures++ < 20) fprintf(stderr, __VA_ARGS__), fputc('\n', stderr);         \
  } while (0)
#define CHECK(condition)                                                            \
  do {                                                                              \
    if (!(condition)) FAIL("%s:%d: failed: %s", __FILE__, __LINE__, #condition);    \
  } while (0)

static inline int finish(const char *name) {
  if (failures) fprintf(stderr, "%s: %d failures\n", name, failures);
  else printf("%s: passed\n", name);
  return failures != 0;
}

#define FOR_EACH_ISA(isa) for (pk_isa isa = PK_ISA_SCALAR; isa <= pk_isa_best(); isa = (pk_isa)(isa + 1))

static uint64_t random_state = 0x9e3779b97f4a7c15;
static inline uint64_t random_bits(void) {
  random_state ^= random_state << 13;
  random_state ^= random_state >> 7;
  random_state ^= random_state << 17;
  return random_state * 0x2545f4914f6cdd1d;
}
static inline double random_between(double low, double high) {
  return low + (high - low) * (double)(random_bits() >> 11) * 0x1p-53;
}

static inline float float_of_bits(uint32_t u) {
  float x;
  memcpy(&x, &u, sizeof x);
  return x;
}
static inline uint32_t bits_of_float(float x) {
  uint32_t u;
  memcpy(&u, &x, sizeof u);
  return u;
}

// The value of a 16-bit float written as `exponent` and `mantissa` bits: the formats' definition, not a kernel's trick.
static inline double decode_half(uint16_t h, int exponent_bits, int mantissa_bits) {
  const int bias = (1 << (exponent_bits - 1)) - 1;
  const int exponent = h >> mantissa_bits & ((1 << exponent_bits) - 1), mantissa = h & ((1 << mantissa_bits) - 1);
  double magnitude;
  if (exponent == (1 << exponent_bits) - 1) magnitude = mantissa ? NAN : INFINITY;
  else if (exponent == 0) magnitude = ldexp(mantissa, 1 - bias - mantissa_bits);
  else magnitude = ldexp(mantissa + (1 << mantissa_bits), exponent - bias - mantissa_bits);
  return h & 0x8000 ? -magnitude : magnitude;
}
static inline double decode_f16(uint16_t h) { return decode_half(h, 5, 10); }
static inline double decode_bf16(uint16_t h) { return decode_half(h, 8, 7); }

static inline uint16_t encode_half(double x, int exponent_bits, int mantissa_bits) {
  const uint16_t sign = signbit(x) ? 0x8000 : 0;
  const int bias = (1 << (exponent_bits - 1)) - 1;
  const uint16_t infinity = (uint16_t)(((1 << exponent_bits) - 1) << mantissa_bits);
  if (isnan(x)) return sign | infinity | 1 << (mantissa_bits - 1);
  const double a = fabs(x);
  int exponent = a > 0 ? ilogb(a) : -1000;
  if (exponent < 1 - bias) exponent = 1 - bias;
  const double steps = nearbyint(ldexp(a, mantissa_bits - exponent)); // in units in the last place, to nearest even
  if (a == INFINITY || ldexp(steps, exponent - mantissa_bits) >= ldexp(1, bias + 1)) return sign | infinity;
  // A carry out of the mantissa walks into the exponent, as it should.
  return sign | (uint16_t)(((int64_t)(exponent + bias - 1) << mantissa_bits) + (int64_t)steps);
}
static inline uint16_t encode_f16(double x) { return encode_half(x, 5, 10); }
static inline uint16_t encode_bf16(double x) { return encode_half(x, 8, 7); }

// |got - wanted| in units in the last place that floats have at `wanted`; 0 where both are NaN or the same infinity.
static inline double ulps_f32(float got, double wanted) {
  if (isnan(wanted)) return isnan(got) ? 0 : INFINITY;
  if (isinf((float)wanted) || isinf(got)) return (float)wanted == got ? 0 : fabs((double)got) >= FLT_MAX && fabs(wanted) >= FLT_MAX * 0.9999999 ? 1 : INFINITY;
  int exponent = wanted == 0 ? -126 : ilogb(wanted);
  if (exponent < -126) exponent = -126;
  return fabs((double)got - wanted) / ldexp(1, exponent - 23);
}

// The calling thread's own time, which other processes do not lengthen.
static inline double seconds(void) {
  struct timespec t;
  clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
  return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

// Sets `rate` to how often a second the statement runs: the best of three goes of at least a millisecond.
#define MEASURE(rate, ...)                                      \
  do {                                                          \
    (rate) = 0;                                                 \
    size_t measure_batch = 1;                                   \
    for (int measure_go = 0; measure_go < 3;) {                 \
      const double measure_start = seconds();                   \
      for (size_t i_ = 0; i_ < measure_batch; i_++) __VA_ARGS__; \
      const double measure_time = seconds() - measure_start;    \
      if (measure_time < 1e-3) {                                \
        measure_batch *= 2;                                     \
        continue;                                               \
      }                                                         \
      measure_go++;                                             \
      if ((double)measure_batch / measure_time > (rate)) (rate) = (double)measure_batch / measure_time; \
    }                                                           \
  } while (0)

#endif
