// What pk_conv_int8_few.c and its kernel share.
#ifndef PINION_PK_CONV_INT8_FEW_INTERNAL_H
#define PINION_PK_CONV_INT8_FEW_INTERNAL_H

#include "pk_conv_int8_few.h"
#include "pk_conv_int8_last_internal.h"

enum { PK_FEW_PIECE = 128, PK_FEW_REACH = 256 };

/// Outputs of a piece, at most.
static inline size_t pk_few_piece(const pk_conv_shape *s) { return pk_even_part(s->out[2], PK_FEW_PIECE); }
static inline size_t pk_few_pieces_of_row(const pk_conv_shape *s) { return pk_ceil_div(s->out[2], pk_few_piece(s)); }

/// The convolution whose outputs are those of each of the kernel's columns, at every column that any of them reads.
static inline pk_conv_shape pk_few_shape(const pk_conv_shape *s) {
  pk_conv_shape t = *s;
  t.outputs = s->outputs * s->kernel[2], t.kernel[2] = 1, t.dilation[2] = 1, t.out[2] = s->out[2] + pk_reach(s, 2) - 1;
  return t;
}

/// Columns of a piece whose patches lie in the L2 cache together.
static inline size_t pk_few_together(const pk_conv_shape *t, const pk_conv_shape *s) {
  return pk_min(pk_last_together(&pk_last_avx2, t), pk_few_piece(s) + pk_reach(s, 2) - 1);
}
/// Words of the sums of a column: those of whole panels, an odd number of cache lines.
static inline size_t pk_few_sum_words(const pk_conv_shape *t) { return (pk_last_panels(&pk_last_avx2, t) | 1) * 16; }
static inline size_t pk_few_patch_bytes(const pk_conv_shape *t, const pk_conv_shape *s) {
  return pk_round64(pk_add(pk_mul(pk_few_together(t, s), pk_last_patch_stride(&pk_last_avx2, t)), PK_LAST_SLACK));
}

#if defined(__x86_64__)
void pk_conv_int8_few_block_avx2(const pk_conv_int8_last *c, size_t image, size_t group, size_t piece0, size_t piece1, void *scratch);
#endif

#endif
