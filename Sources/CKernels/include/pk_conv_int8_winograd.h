#ifndef PINION_PK_CONV_INT8_WINOGRAD_H
#define PINION_PK_CONV_INT8_WINOGRAD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "pk_conv_int8_last.h"

#ifdef __cplusplus
extern "C" {
#endif

// Convolutions as of pk_conv_int8_last.h with kernels of 3x3, by Winograd's F(4x4, 3x3) on whole numbers. Sums are exact: transformed codes and weights fit 16
// bits, all behind them is counted modulo 2^32, where what is left of the weights' scaling is divided out at the end. So codes are those of
// pk_conv_int8_last_block. A tile is 4x4 output positions, counted row by row of an image.

/// Whether there is such a kernel and it is worth while: on AVX2, strides and dilations of 1, enough channels, tiles and outputs.
bool pk_conv_int8_winograd_fits(pk_isa isa, const pk_conv_shape *shape);

/// Whether sums of such weights, which are as of pk_conv_int8_last_pack, are as small as the division at the end needs.
bool pk_conv_int8_winograd_is_exact(const pk_conv_shape *shape, uint8_t flip, const uint8_t *w, const int32_t *zero);

/// Tiles of an image.
size_t pk_conv_int8_winograd_tiles(const pk_conv_shape *shape);

/// Panels of 16 outputs of all groups.
size_t pk_conv_int8_winograd_panels(const pk_conv_shape *shape);

/// Bytes of the packed weights.
size_t pk_conv_int8_winograd_packed_bytes(const pk_conv_shape *shape);

/// Packs the panels [panel0, panel1) of weights as of pk_conv_int8_last_pack.
void pk_conv_int8_winograd_pack(const pk_conv_shape *shape, uint8_t flip, const uint8_t *w, const int32_t *zero, size_t panel0, size_t panel1, void *packed);

/// Bytes of what pk_conv_int8_winograd_terms writes.
size_t pk_conv_int8_winograd_terms_bytes(const pk_conv_shape *shape);

/// What all blocks share, of bias and scales.
void pk_conv_int8_winograd_terms(const pk_conv_int8_last *c, void *terms);

/// Outputs and tiles of the blocks to call pk_conv_int8_winograd_block with; `products` is how many images and groups there are.
void pk_conv_int8_winograd_grid(const pk_conv_shape *shape, size_t products, size_t threads, size_t *outputs, size_t *tiles);

/// Scratch bytes of a call of pk_conv_int8_winograd_block on up to `tiles` tiles.
size_t pk_conv_int8_winograd_scratch_bytes(const pk_conv_shape *shape, size_t tiles);

/// Computes outputs [m0, m1) of a group in the tiles [t0, t1) of an image. m0 is a multiple of 16.
void pk_conv_int8_winograd_block(const pk_conv_int8_last *c, size_t image, size_t group, size_t m0, size_t m1, size_t t0, size_t t1, void *scratch);

#ifdef __cplusplus
}
#endif
#endif
