#ifndef PINION_PK_CONV_INT8_H
#define PINION_PK_CONV_INT8_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "pk_conv.h"
#include "pk_isa.h"

#ifdef __cplusplus
extern "C" {
#endif

// Convolutions of bytes whose sums become bytes before they leave the registers and the stack. As in pk_conv.h: nothing
// allocates, everything is thread-safe on memory that does not overlap, packed weights and scratch are 64-byte aligned,
// SIZE_MAX stands for a size that does not fit.
//
// Planes of x are copied with their padding, each phase of the strides for itself, so that a tap is an offset for all
// positions. Positions are counted in such a plane, row by row: of the `line` in each row the first out[2] are outputs.

/// How a padded plane is laid out.
typedef struct pk_conv_int8_layout {
  size_t phases[2];  ///< Of rows and columns.
  size_t lines, line; ///< Rows of a phase, and the bytes of each.
  size_t plane;      ///< Bytes of all phases.
  size_t positions;  ///< Up to the last output.
  bool in_place;     ///< A padded plane is the plane itself.
} pk_conv_int8_layout;

/// Whether there is such a kernel: on AVX-512, one or two spatial axes (in[0] == 1), enough channels to fill words.
bool pk_conv_int8_fits(pk_isa isa, const pk_conv_shape *shape);

/// The layout; `plane` is SIZE_MAX where it does not fit.
pk_conv_int8_layout pk_conv_int8_layout_of(const pk_conv_shape *shape);

/// Bytes behind the last padded plane that may be read.
enum { PK_CONV_INT8_SLACK = 64 };

/// Writes the padded plane of one input plane; `zero` is the byte of its zero point.
void pk_conv_int8_pad(const pk_conv_shape *shape, const uint8_t *x, uint8_t zero, uint8_t *to);

/// Bytes of the packed weights of one group.
size_t pk_conv_int8_packed_bytes(pk_isa isa, const pk_conv_shape *shape);

/// Bytes that pk_conv_int8_pack needs beside the result.
size_t pk_conv_int8_pack_bytes(pk_isa isa, const pk_conv_shape *shape);

/// Packs the weights w[outputs][channels][kernel] of one group, each byte XORed with `flip`: 128 makes signed weights of
/// unsigned ones whose zero point is 128. `w_signed` is that of the result.
void pk_conv_int8_pack(pk_isa isa, const pk_conv_shape *shape, bool w_signed, uint8_t flip, const uint8_t *w, void *room, void *packed);

/// One image and group. Codes are round((float)(sum + bias) * scale) + y_zero, as of pk_requantize_i32; sums are those of
/// (x - x_zero) * w.
typedef struct pk_conv_int8 {
  pk_conv_shape shape;
  bool x_signed, w_signed;
  const uint8_t *x;     ///< [channels] padded planes.
  const void *weights;  ///< Packed.
  int32_t x_zero, y_zero;
  const int32_t *bias;  ///< One for each output, or NULL.
  const float *scale;   ///< One for each output.
  int32_t low, high;    ///< Bounds of the codes.
  uint8_t *y;           ///< [outputs][out]
} pk_conv_int8;

/// Outputs and positions of the blocks to call pk_conv_int8_block with; `products` is how many images and groups there are.
void pk_conv_int8_grid(pk_isa isa, const pk_conv_shape *shape, size_t products, size_t threads, size_t *outputs, size_t *positions);

/// Scratch bytes of a pk_conv_int8_block call on up to `positions` positions.
size_t pk_conv_int8_scratch_bytes(pk_isa isa, const pk_conv_shape *shape, size_t positions);

/// Computes outputs [m0, m1) at positions [n0, n1). m0 is a multiple of pk_igemm_panel_rows(isa, outputs).
void pk_conv_int8_block(pk_isa isa, const pk_conv_int8 *c, size_t m0, size_t m1, size_t n0, size_t n1, void *scratch);

// Depthwise: one input channel per group.

/// Whether there is such a kernel.
bool pk_conv_int8_depthwise_fits(pk_isa isa, const pk_conv_shape *shape);

/// Bytes of the packed weights of all groups.
size_t pk_conv_int8_depthwise_packed_bytes(const pk_conv_shape *shape);

/// Packs the weights w[groups * outputs][kernel]; as pk_conv_int8_pack.
void pk_conv_int8_depthwise_pack(const pk_conv_shape *shape, bool w_signed, uint8_t flip, const uint8_t *w, void *packed);

/// Scratch bytes of a call of pk_conv_int8_depthwise.
size_t pk_conv_int8_depthwise_scratch_bytes(const pk_conv_shape *shape);

/// Computes output planes [plane0, plane1), counted as image * groups * outputs + channel. Here `x` is [images][groups][in], `y`
/// [images][groups * outputs][out], and bias and scale have a value for each of the groups * outputs channels.
void pk_conv_int8_depthwise(pk_isa isa, const pk_conv_int8 *c, size_t plane0, size_t plane1, void *scratch);

#ifdef __cplusplus
}
#endif
#endif
