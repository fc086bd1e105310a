// What pk_conv_int8_last.c and its kernels share.
#ifndef PINION_PK_CONV_INT8_LAST_INTERNAL_H
#define PINION_PK_CONV_INT8_LAST_INTERNAL_H

#include "pk_conv_int8_last.h"
#include "conv/pk_conv_internal.h"
#include "pk_gemm_int8_internal.h"

/// What the kernels of a level have of the depth in a word, and the sizes of their vectors and tiles.
typedef struct pk_last_level {
  size_t group;   ///< Taps in a word: bytes for dpbusd, or codes less their zero point in 16 bits for pmaddwd.
  size_t columns; ///< Outputs of a panel of weights.
  size_t rows;    ///< Positions of a tile, at most.
  size_t lanes;   ///< Channels of a depthwise vector.
  bool is_split;  ///< Words of weights that might saturate lie apart.
} pk_last_level;

static const pk_last_level pk_last_avx512 = {.group = 4, .columns = 32, .rows = 14, .lanes = 64};
static const pk_last_level pk_last_avx2 = {.group = 2, .columns = 16, .rows = 6, .lanes = 16};
/// Of products of AVX2. pmaddubsw multiplies bytes but saturates where two neighbouring weights of one sign are above 128 together. Words of four taps in which
/// no output has such weights are multiplied by it, the others as 16-bit values.
static const pk_last_level pk_last_avx2_products = {.group = 4, .columns = 16, .rows = 6, .lanes = 16, .is_split = true};

static inline const pk_last_level *pk_last_level_of(pk_isa isa) {
  return pk_igemm_isa(isa) == PK_ISA_AVX512 ? &pk_last_avx512 : &pk_last_avx2;
}
static inline const pk_last_level *pk_last_products_of(pk_isa isa) {
  return pk_igemm_isa(isa) == PK_ISA_AVX512 ? &pk_last_avx512 : &pk_last_avx2_products;
}

enum {
  PK_LAST_SLACK = 64, ///< Bytes behind the patches that are written and read.
  PK_LAST_HEAD = 2,   ///< Words of an output before its weights: their sum and their zero point.
  PK_LAST_TERMS = 3,  ///< Of an output: what its sums start with, its scale, its weights' zero point.
};

/// Words of the index of a panel that is split.
static inline size_t pk_last_index_words(size_t words) { return words > SIZE_MAX - 32 ? SIZE_MAX : (words + 16) / 16 * 16; }
/// Taps of a position.
static inline size_t pk_last_depth(const pk_conv_shape *s) { return pk_mul(s->channels, pk_product3_checked(s->kernel)); }
/// The same in words.
static inline size_t pk_last_words(const pk_last_level *l, const pk_conv_shape *s) { return pk_ceil_div(pk_last_depth(s), l->group); }
static inline size_t pk_last_panels(const pk_last_level *l, const pk_conv_shape *s) { return pk_ceil_div(s->outputs, l->columns); }
/// Words of a panel of weights. One that is split has behind its head the number of byte words, the byte at which each word's taps lie in a patch, and as many
/// weights as if all words were 16-bit ones: byte words from the front on, the others from the back.
static inline size_t pk_last_panel_words(const pk_last_level *l, const pk_conv_shape *s) {
  const size_t words = pk_last_words(l, s), weights = pk_mul(pk_add(l->is_split ? pk_mul(words, 2) : words, PK_LAST_HEAD), l->columns);
  return l->is_split ? pk_add(weights, pk_last_index_words(words)) : weights;
}

/// Whether positions are read where they are: their taps are their channels, in whole words of bytes. Where many lines of a set
/// would share a few places of the cache, they are copied.
static inline bool pk_last_is_in_place(const pk_last_level *l, const pk_conv_shape *s) {
  bool is = l->group == 4 && pk_product3(s->kernel) == 1 && s->channels % 4 == 0;
  for (int i = 0; i < 3; i++) is &= s->stride[i] == 1 && s->pad[i] == 0 && s->out[i] == s->in[i];
  return is && !(s->channels * s->groups % 2048 == 0 && s->outputs >= 128);
}

/// Bytes from one position's patch to the next.
static inline size_t pk_last_patch_stride(const pk_last_level *l, const pk_conv_shape *s) {
  const size_t bytes = pk_mul(pk_last_words(l, s), 4);
  return bytes == SIZE_MAX ? SIZE_MAX : bytes % 512 == 0 ? pk_add(bytes, 64) : bytes;
}

/// Positions whose patches lie in the L2 cache while the weights pass.
static inline size_t pk_last_together(const pk_last_level *l, const pk_conv_shape *s) {
  const size_t fit = ((size_t)192 << 10) / pk_max(pk_last_patch_stride(l, s), 1);
  return pk_max(fit / l->rows, 1) * l->rows;
}

/// Bytes of the sums of those patches, which come before them.
static inline size_t pk_last_sums_bytes(const pk_last_level *l, const pk_conv_shape *s, size_t positions) {
  return pk_round64(pk_mul(pk_min(pk_last_together(l, s), positions), sizeof(int32_t)));
}

/// Words of a column of a depthwise kernel.
static inline size_t pk_last_column_words(const pk_last_level *l, const pk_conv_shape *s) { return pk_ceil_div(s->kernel[1], l->group); }
/// Words of a block of depthwise weights, with the head: [columns][words][lanes].
static inline size_t pk_last_block_words(const pk_last_level *l, const pk_conv_shape *s) {
  return pk_mul(pk_add(pk_mul(s->kernel[2], pk_last_column_words(l, s)), PK_LAST_HEAD), l->lanes);
}
/// Where a channel of a block lies among its words: unpacking goes by 16 bytes, so that a vector has four channels of each of them.
static inline size_t pk_last_lane(const pk_last_level *l, size_t channel) {
  return l->lanes == 64 ? channel % 16 / 4 * 16 + channel / 16 * 4 + channel % 4 : channel % 8 / 4 * 8 + channel / 8 * 4 + channel % 4;
}

#if defined(__x86_64__)
void pk_conv_int8_last_block_avx512(const pk_conv_int8_last *c, size_t image, size_t group, size_t m0, size_t m1, size_t p0, size_t p1,
                                    void *scratch);
void pk_conv_int8_last_block_avx2(const pk_conv_int8_last *c, size_t image, size_t group, size_t m0, size_t m1, size_t p0, size_t p1,
                                  void *scratch);
void pk_conv_int8_last_rows_avx512(const pk_conv_int8_last *c, size_t row0, size_t row1, void *scratch);
void pk_conv_int8_last_rows_avx2(const pk_conv_int8_last *c, size_t row0, size_t row1, void *scratch);
#endif

#endif
