#ifndef PINION_PK_QUANTIZE_H
#define PINION_PK_QUANTIZE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "pk_isa.h"

#ifdef __cplusplus
extern "C" {
#endif

/// How numbers and their integer codes belong together: number = (code - zero) * scale.
typedef struct pk_quantization {
  const float *scale;
  const int32_t *zero; ///< NULL means 0.
  bool per_element;    ///< Element i has scale[i] and zero[i]; otherwise all have the first.
  int32_t low, high;   ///< Codes lie in between, both included; -65536 to 65535.
} pk_quantization;

// Thread-safe; x and y do not overlap; halves round to even; NaN gives the lowest code.

/// Codes of n floats: round(x / scale) + zero. `to` is PK_U8, PK_I8, PK_U16 or PK_I16; false for others.
bool pk_quantize_f32(pk_isa isa, pk_type to, const pk_quantization *q, const float *x, void *y, size_t n);

/// Codes of n integer sums: round((float)(x + bias) * scale) + zero, where `scale` is a factor from the sums to the codes.
bool pk_requantize_i32(pk_isa isa, pk_type to, const pk_quantization *q, int32_t bias, const int32_t *x, void *y, size_t n);

/// Numbers of n codes: (x - zero) * scale. `from` is one of the types above or PK_I32; low and high are not used.
bool pk_dequantize_f32(pk_isa isa, pk_type from, const pk_quantization *q, const void *x, float *y, size_t n);

/// What makes numbers of the sums of a product of codes.
typedef struct pk_sum_scale {
  float factor;
  const float *scale;
  const float *bias; ///< One for each element; NULL means 0.
  bool per_element;  ///< Element i has scale[i]; otherwise all have the first.
} pk_sum_scale;

/// y = (float)x * (factor * scale) + bias, every operation rounded.
void pk_scale_sums(pk_isa isa, const pk_sum_scale *q, const int32_t *x, float *y, size_t n);

/// Least and greatest of n floats and 0, NaN left out.
void pk_range_f32(pk_isa isa, const float *x, size_t n, float *least, float *greatest);

/// Two tensors of bytes and what makes codes of their sum or product.
typedef struct pk_pairwise_int8 {
  bool a_walks, b_walks; ///< Otherwise the operand is one element for all.
  float zero_a, zero_b;  ///< Of a product only.
  float factor_a, factor_b; ///< Scales over the result's scale; of a product, both in `factor_a`.
  float offset; ///< The result's zero point, for a sum less the operands' zero points times their factors.
} pk_pairwise_int8;

/// c = round(a * factor_a + (b * factor_b + offset)), each multiply-add rounded once. `type` is PK_U8 or PK_I8; false for
/// others. c may be a or b where that walks.
bool pk_add_int8(pk_isa isa, pk_type type, const pk_pairwise_int8 *q, const void *a, const void *b, void *c, size_t n);

/// c = round((a - zero_a) * (b - zero_b) * factor_a + offset), every operation rounded. As above.
bool pk_multiply_int8(pk_isa isa, pk_type type, const pk_pairwise_int8 *q, const void *a, const void *b, void *c, size_t n);

/// Means of windows over up to three axes (depth, height, width; missing ones come first with size, kernel and stride 1) of
/// `inner` channels that lie next to each other: 1 for a plane, all channels for an image with its channels last.
typedef struct pk_average_int8 {
  size_t in[3], kernel[3], stride[3], pad[3], pad_end[3], out[3], inner;
  bool x_signed, count_pad;
  int32_t x_zero;
  float x_scale;
} pk_average_int8;

/// y[position - p0][inner] = mean of (x - x_zero) * x_scale over the window of each output position in [p0, p1).
void pk_average_int8_positions(pk_isa isa, const pk_average_int8 *s, const void *x, size_t p0, size_t p1, float *y);

#ifdef __cplusplus
}
#endif
#endif
