#ifndef PINION_PK_CONV_INT8_LAST_H
#define PINION_PK_CONV_INT8_LAST_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "pk_conv.h"
#include "pk_isa.h"

#ifdef __cplusplus
extern "C" {
#endif

// Convolutions of bytes whose channels come last, from codes to codes. The taps of a position lie in as many runs as the
// kernel has rows, so that a position is a row of a product of matrices; sums leave the registers as codes. As in
// pk_conv.h: nothing allocates, everything is thread-safe on memory that does not overlap, packed weights, terms and
// scratch are 64-byte aligned, SIZE_MAX stands for a size that does not fit.

/// x: [images][in][groups * channels], y: [images][out][groups * outputs]. Codes are round((float)(sum + bias) * scale) +
/// y_zero, as of pk_requantize_i32; sums are those of (x - x_zero) * (w - w_zero).
typedef struct pk_conv_int8_last {
  pk_conv_shape shape;
  bool x_signed, y_signed;
  const uint8_t *x;
  const void *weights; ///< Packed.
  int32_t x_zero, y_zero;
  bool w_has_zero; ///< Whether any of the weights' zero points is not 0.
  const int32_t *bias; ///< One for each of the groups * outputs channels, or NULL.
  const float *scale;  ///< One for each of them.
  const void *terms;   ///< From pk_conv_int8_last_terms.
  uint8_t *y;
} pk_conv_int8_last;

/// Whether there is such a kernel: on AVX2 and AVX-512, one or two spatial axes (in[0] == 1).
bool pk_conv_int8_last_fits(pk_isa isa, const pk_conv_shape *shape);

/// Whether the shape has one channel in and out of each group and a kernel that pk_conv_int8_last_rows takes; the other
/// shapes are those of pk_conv_int8_last_block.
bool pk_conv_int8_last_is_depthwise(const pk_conv_shape *shape);

/// Bytes of the packed weights.
size_t pk_conv_int8_last_packed_bytes(pk_isa isa, const pk_conv_shape *shape);

/// Packs the weights w[groups * outputs][channels][kernel], each byte XORed with `flip`, which makes it a signed one. `zero`: those of the
/// signed ones, one for each of the groups * outputs channels, or NULL.
void pk_conv_int8_last_pack(pk_isa isa, const pk_conv_shape *shape, uint8_t flip, const uint8_t *w, const int32_t *zero, void *packed);

/// Bytes of what pk_conv_int8_last_terms writes.
size_t pk_conv_int8_last_terms_bytes(pk_isa isa, const pk_conv_shape *shape);

/// What all blocks share, of the weights, zero points, bias and scales.
void pk_conv_int8_last_terms(pk_isa isa, const pk_conv_int8_last *c, void *terms);

/// Outputs and positions of the blocks to call pk_conv_int8_last_block with; `products` is how many images and groups there are.
void pk_conv_int8_last_grid(pk_isa isa, const pk_conv_shape *shape, size_t products, size_t threads, size_t *outputs, size_t *positions);

/// Scratch bytes of a call of pk_conv_int8_last_block on up to `positions` positions.
size_t pk_conv_int8_last_scratch_bytes(pk_isa isa, const pk_conv_shape *shape, size_t positions);

/// Computes outputs [m0, m1) of a group at positions [p0, p1) of an image. m0 is a multiple of 32.
void pk_conv_int8_last_block(pk_isa isa, const pk_conv_int8_last *c, size_t image, size_t group, size_t m0, size_t m1, size_t p0, size_t p1,
                             void *scratch);

/// Scratch bytes of a call of pk_conv_int8_last_rows.
size_t pk_conv_int8_last_rows_scratch_bytes(pk_isa isa, const pk_conv_shape *shape);

/// Computes rows [row0, row1) of a depthwise convolution, counted as image * out[1] + row.
void pk_conv_int8_last_rows(pk_isa isa, const pk_conv_int8_last *c, size_t row0, size_t row1, void *scratch);

#ifdef __cplusplus
}
#endif
#endif
