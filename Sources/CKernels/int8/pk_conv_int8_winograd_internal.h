// What pk_conv_int8_winograd.c and its kernel share.
#ifndef PINION_PK_CONV_INT8_WINOGRAD_INTERNAL_H
#define PINION_PK_CONV_INT8_WINOGRAD_INTERNAL_H

#include "pk_conv_int8_winograd.h"
#include "conv/pk_conv_internal.h"
#include "pk_gemm_int8_internal.h"

enum { PK_WINOGRAD_INT8_COLUMNS = 16 };

/// Words of two channels in 16 bits.
static inline size_t pk_winograd_int8_words(const pk_conv_shape *s) { return pk_ceil_div(s->channels, 2); }
/// Of a tile's transformed codes at one of the 36 places: whole vectors, an odd number of cache lines.
static inline size_t pk_winograd_int8_row_words(const pk_conv_shape *s) {
  const size_t words = pk_ceil_div(s->channels, 16) * 8;
  return words % 32 == 0 ? words + 16 : words;
}
static inline size_t pk_winograd_int8_group_panels(const pk_conv_shape *s) { return pk_ceil_div(s->outputs, PK_WINOGRAD_INT8_COLUMNS); }
/// Words of a panel of weights: [36][words][16].
static inline size_t pk_winograd_int8_panel_words(const pk_conv_shape *s) {
  return pk_mul(pk_winograd_int8_words(s), 36 * PK_WINOGRAD_INT8_COLUMNS);
}
/// Tiles that are transformed together: they lie in the L2 cache while the weights pass.
static inline size_t pk_winograd_int8_together(const pk_conv_shape *s) {
  const size_t each = 36 * (pk_winograd_int8_row_words(s) + PK_WINOGRAD_INT8_COLUMNS) * sizeof(uint32_t);
  return pk_max(((size_t)384 << 10) / each, 6);
}

#if defined(__x86_64__)
void pk_conv_int8_winograd_block_avx2(const pk_conv_int8_last *c, size_t image, size_t group, size_t m0, size_t m1, size_t t0, size_t t1, void *scratch);
#endif

#endif
