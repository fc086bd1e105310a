#ifndef PINION_PK_PEAK_H
#define PINION_PK_PEAK_H

#include <stddef.h>

#include "pk_isa.h"

#ifdef __cplusplus
extern "C" {
#endif

// What a processor gives at most: work that does nothing else, for comparison with kernels. The caller measures the time.
// Thread-safe.

/// Kinds of arithmetic.
typedef enum pk_peak_kind {
  PK_PEAK_F32,  ///< Multiply-adds of float32.
  PK_PEAK_F64,  ///< Multiply-adds of float64.
  PK_PEAK_INT8, ///< Products of bytes added up in 32 bits.
} pk_peak_kind;

/// Does `rounds` rounds on independent registers at a level, and says how many operations that were; a multiply-add is two. 0 where
/// the level has no such instruction.
double pk_peak_arithmetic(pk_isa isa, pk_peak_kind kind, size_t rounds);

/// Reads `bytes` bytes, a multiple of 512, from memory aligned to 64 bytes; what comes back depends on all of them.
unsigned long long pk_peak_read(pk_isa isa, const void *x, size_t bytes);

#ifdef __cplusplus
}
#endif
#endif
