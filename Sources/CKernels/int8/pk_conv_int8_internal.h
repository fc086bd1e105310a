// What pk_conv_int8.c and the kernel share.
#ifndef PINION_PK_CONV_INT8_INTERNAL_H
#define PINION_PK_CONV_INT8_INTERNAL_H

#include "pk_conv_int8.h"
#include "conv/pk_conv_internal.h"
#include "pk_gemm_int8_internal.h"

/// Channels go into words by fours.
static inline size_t pk_conv_int8_quads(const pk_conv_shape *s) { return pk_ceil_div(s->channels, 4); }
/// Words of depth, tap by tap.
static inline size_t pk_conv_int8_words(const pk_conv_shape *s) { return pk_mul(pk_conv_int8_quads(s), pk_product3_checked(s->kernel)); }

/// Panels of 32 positions packed together: they stay in the L2 cache while all weights pass.
static inline size_t pk_conv_int8_panels(const pk_conv_shape *s) {
  return pk_max(pk_min(((size_t)256 << 10) / pk_max(pk_conv_int8_words(s) * 128, 1), 8), 1);
}

/// Positions of a panel that are neighbours in the output.
typedef struct pk_stretch {
  uint32_t lanes; ///< A bit for each.
  ptrdiff_t at;   ///< Of lane 0 in the output.
} pk_stretch;

/// Stretches of a plane, and one without lanes at the end of each panel. A row is a stretch or two.
static inline size_t pk_conv_int8_stretches(const pk_conv_int8_layout *l, const pk_conv_shape *s) {
  return pk_add(s->out[1], 2 * pk_ceil_div(l->positions, 32));
}

/// The elements of a plane in a padded one, without what lies around them.
void pk_conv_int8_fill(const pk_conv_shape *shape, const uint8_t *x, uint8_t *to);

#if defined(__x86_64__)
void pk_conv_int8_block_avx512(const pk_conv_int8 *c, size_t m0, size_t m1, size_t n0, size_t n1, void *scratch);
void pk_conv_int8_depthwise_avx512(const pk_conv_int8 *c, size_t plane0, size_t plane1, void *scratch);
#endif

#endif
