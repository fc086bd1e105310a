// What pk_conv_int8_last.c and its kernels share.
#ifndef PINION_PK_CONV_INT8_LAST_INTERNAL_H
#define PINION_PK_CONV_INT8_LAST_INTERNAL_H

#include "pk_conv_int8_last.h"
#include "conv/pk_conv_internal.h"

enum {
  PK_LAST_COLUMNS = 32, ///< Outputs of a panel of weights.
  PK_LAST_ROWS = 14,    ///< Positions of a tile, at most.
  PK_LAST_LANES = 64,   ///< Channels of a depthwise vector.
  PK_LAST_SLACK = 64,   ///< Bytes behind the patches that are written and read.
  PK_LAST_TERMS = 3,    ///< Of an output: what its sums start with, its scale, its weights' zero point.
};

/// Bytes of the taps of a position.
static inline size_t pk_last_depth(const pk_conv_shape *s) { return pk_mul(s->channels, pk_product3_checked(s->kernel)); }
/// The same in words.
static inline size_t pk_last_words(const pk_conv_shape *s) { return pk_ceil_div(pk_last_depth(s), 4); }
static inline size_t pk_last_panels(const pk_conv_shape *s) { return pk_ceil_div(s->outputs, PK_LAST_COLUMNS); }
/// Words of a panel: its row sums and the weights.
static inline size_t pk_last_panel_words(const pk_conv_shape *s) { return pk_mul(pk_add(pk_last_words(s), 1), PK_LAST_COLUMNS); }

/// Whether positions are read where they are: their taps are their channels, in whole words. Where many lines of a set would
/// share a few places of the cache, they are copied.
static inline bool pk_last_is_in_place(const pk_conv_shape *s) {
  bool is = pk_product3(s->kernel) == 1 && s->channels % 4 == 0;
  for (int i = 0; i < 3; i++) is &= s->stride[i] == 1 && s->pad[i] == 0 && s->out[i] == s->in[i];
  return is && !(s->channels * s->groups % 2048 == 0 && s->outputs >= 128);
}

/// Bytes from one position's patch to the next.
static inline size_t pk_last_patch_stride(const pk_conv_shape *s) {
  const size_t bytes = pk_mul(pk_last_words(s), 4);
  return bytes == SIZE_MAX ? SIZE_MAX : bytes % 512 == 0 ? pk_add(bytes, 64) : bytes;
}

/// Positions whose patches lie in the L2 cache while the weights pass.
static inline size_t pk_last_together(const pk_conv_shape *s) {
  const size_t fit = ((size_t)192 << 10) / pk_max(pk_last_patch_stride(s), 1);
  return pk_max(fit / PK_LAST_ROWS, 1) * PK_LAST_ROWS;
}

/// Bytes of the sums of those patches, which come before them.
static inline size_t pk_last_sums_bytes(const pk_conv_shape *s, size_t positions) {
  return pk_round64(pk_mul(pk_min(pk_last_together(s), positions), sizeof(int32_t)));
}

/// Words of four rows of a depthwise kernel.
static inline size_t pk_last_quads(const pk_conv_shape *s) { return pk_ceil_div(s->kernel[1], 4); }
/// Words of a block of depthwise weights: [columns][quads][lanes], behind the sums [lanes].
static inline size_t pk_last_block_words(const pk_conv_shape *s) {
  return pk_mul(pk_add(pk_mul(s->kernel[2], pk_last_quads(s)), 1), PK_LAST_LANES);
}
/// Where a channel of a block lies among its 64 words: by unpacking bytes and then pairs, a vector has four channels of each 16.
static inline size_t pk_last_lane(size_t channel) { return channel % 16 / 4 * 16 + channel / 16 * 4 + channel % 4; }

#if defined(__x86_64__)
void pk_conv_int8_last_block_avx512(const pk_conv_int8_last *c, size_t image, size_t group, size_t m0, size_t m1, size_t p0, size_t p1,
                                    void *scratch);
void pk_conv_int8_last_rows_avx512(const pk_conv_int8_last *c, size_t row0, size_t row1, void *scratch);
#endif

#endif
