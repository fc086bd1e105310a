#ifndef PINION_PK_CONV_H
#define PINION_PK_CONV_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "pk_gemm_epilogue.h"
#include "pk_isa.h"

#ifdef __cplusplus
extern "C" {
#endif

// Convolutions over dense channels-first tensors (N, C, spatial...). As in pk_gemm.h: nothing allocates or starts
// threads, everything is thread-safe on memory that does not overlap, packed weights and scratch are 64-byte aligned and
// belong to one ISA level, SIZE_MAX stands for a size that does not fit. Shapes are trusted: the caller has checked that
// every element count fits a ptrdiff_t and that `out` follows from the rest (pads behind are implied by it).

/// A convolution with up to three spatial axes, in the order depth, height, width. Missing axes come first and have size,
/// kernel, stride and dilation 1 and no padding. Sizes and strides are at least 1 (`images` may be 0).
typedef struct pk_conv_shape {
  size_t images, groups;
  size_t channels; ///< Input channels of one group.
  size_t outputs;  ///< Output channels of one group.
  size_t in[3], kernel[3], stride[3], dilation[3], pad[3], out[3]; ///< `pad`: before the first element.
} pk_conv_shape;

/// x: [images][groups * channels][in], y: [images][groups * outputs][out]. In `epilogue`, `row_bias` has a value for each
/// of the groups * outputs channels and `residual` has the layout of y (`ld_residual` is ignored); `col_bias` is NULL.
typedef struct pk_conv {
  pk_conv_shape shape;
  const float *x;
  const float *weights; ///< Packed or plain, as the function says.
  float *y;
  pk_epilogue epilogue;
  const float *patches; ///< Of pk_conv_patches for the image and group of the call; NULL: a block makes its own.
} pk_conv;

// Implicit GEMM, for all groups of more than a channel or so. The matrix product of one image and group has `outputs`
// rows and out[0] * out[1] * out[2] columns.

/// Bytes of the packed weights of all groups.
size_t pk_conv_packed_bytes(pk_isa isa, const pk_conv_shape *shape);

/// Packs the weights w[groups * outputs][channels][kernel] of the groups [group0, group1).
void pk_conv_pack(pk_isa isa, const pk_conv_shape *shape, const float *w, size_t group0, size_t group1, float *packed);

/// The same from weights of which `shape` has only a part: w[groups * outputs][channels][whole], its taps [first, first +
/// shape->kernel). With `taps_outermost` in the order that pk_conv_skipping_block takes.
void pk_conv_pack_part(pk_isa isa, const pk_conv_shape *shape, const size_t whole[3], const size_t first[3], bool taps_outermost, const float *w,
                       size_t group0, size_t group1, float *packed);

/// The same for the rows [row0, row1) of all groups' outputs, one group after the other.
void pk_conv_pack_rows(pk_isa isa, const pk_conv_shape *shape, const size_t whole[3], const size_t first[3], bool taps_outermost, const float *w,
                       size_t row0, size_t row1, float *packed);

/// Takes outer taps that only ever meet padding out of the kernel: `kernel` and `pad` become smaller, `first` is the first
/// tap of each axis that stays. One stays in any case.
void pk_conv_trim(pk_conv_shape *shape, size_t first[3]);

/// Block sizes for pk_conv_block that keep `threads` threads busy, together with images and groups, and each call short.
void pk_conv_grid(pk_isa isa, const pk_conv_shape *shape, size_t threads, size_t *block_rows, size_t *block_cols);

/// Scratch bytes of one pk_conv_block call; the same for every block.
size_t pk_conv_scratch_bytes(pk_isa isa, const pk_conv_shape *shape);

/// Computes rows [m0, m1) of the output channels of one group and columns [n0, n1) of the output positions of one image.
/// `c->weights` is packed; m0 must be a multiple of pk_sgemm_panel_rows(isa, outputs); n0 is free.
void pk_conv_block(pk_isa isa, const pk_conv *c, size_t image, size_t group, size_t m0, size_t m1, size_t n0, size_t n1, void *scratch);

// What the windows hold can be made once for the blocks of all rows of pk_conv_block or, `turned`, of pk_conv_turned_block. Then n0 is
// a multiple of the columns that pk_conv_grid or pk_conv_turned_grid gives.

/// Whether that is expected to be faster on so many threads.
bool pk_conv_patches_pay(pk_isa isa, const pk_conv_shape *shape, bool turned, size_t threads);

/// Bytes of the patches of one image and group.
size_t pk_conv_patch_bytes(pk_isa isa, const pk_conv_shape *shape, bool turned);

/// Makes the patches of the channels [channel0, channel1) of one image and group.
void pk_conv_patches(pk_isa isa, const pk_conv *c, bool turned, size_t image, size_t group, size_t channel0, size_t channel1, float *patches);

/// As pk_conv_grid where patches are made once: rows of outputs are dealt out as well where columns do not keep all threads busy.
void pk_conv_grid_over_patches(pk_isa isa, const pk_conv_shape *shape, size_t threads, size_t *block_rows, size_t *block_cols);

// The same where many taps of a wide kernel meet padding in some part of the output: the plane is cut into boxes in which
// the same taps lie inside the input, and only these are multiplied.

/// Whether pk_conv_skipping_block is expected to be faster than pk_conv_block; false where it does not take the shape.
bool pk_conv_skipping_pays(const pk_conv_shape *shape);

/// As pk_conv_block, with the same grid and scratch, over weights from pk_conv_pack_part with the taps outermost. Output
/// positions are counted box by box, so that [n0, n1) are others than there; all of them are the whole plane.
void pk_conv_skipping_block(pk_isa isa, const pk_conv *c, size_t image, size_t group, size_t m0, size_t m1, size_t n0, size_t n1, void *scratch);

// The same with output channels in the lanes of vectors, which the positions of small planes would leave in part empty. Each sum runs
// over the depth from its start on.

/// Whether it is expected to be faster than pk_conv_block. It takes every shape.
bool pk_conv_turned_pays(pk_isa isa, const pk_conv_shape *shape);

/// Bytes of the packed weights of all groups.
size_t pk_conv_turned_packed_bytes(pk_isa isa, const pk_conv_shape *shape);

/// Packs the weights w[groups * outputs][channels][kernel] of the groups [group0, group1).
void pk_conv_turned_pack(pk_isa isa, const pk_conv_shape *shape, const float *w, size_t group0, size_t group1, float *packed);

/// The same for the panels [panel0, panel1) of pk_sgemm_panel_cols(isa) outputs each, those of one group after those of the other.
void pk_conv_turned_pack_panels(pk_isa isa, const pk_conv_shape *shape, const float *w, size_t panel0, size_t panel1, float *packed);

/// Block sizes for pk_conv_turned_block that keep `threads` threads busy, together with images and groups, and each call short.
void pk_conv_turned_grid(pk_isa isa, const pk_conv_shape *shape, size_t threads, size_t *block_rows, size_t *block_cols);

/// Scratch bytes of a call on up to `rows` output channels.
size_t pk_conv_turned_scratch_bytes(pk_isa isa, const pk_conv_shape *shape, size_t rows);

/// Computes rows [m0, m1) of the output channels of one group and columns [n0, n1) of the output positions of one image.
/// `c->weights` is from pk_conv_turned_pack; m0 must be a multiple of pk_sgemm_panel_cols(isa); n0 is free.
void pk_conv_turned_block(pk_isa isa, const pk_conv *c, size_t image, size_t group, size_t m0, size_t m1, size_t n0, size_t n1, void *scratch);

/// Copies what the windows of few positions hold, for `channels` planes of `plane` elements from x on: windows[p * ld + c * taps + t] is element
/// places[p * taps + t] of plane c, or 0 where that is negative. Then the convolution is a product of these rows with weights.
void pk_conv_windows(const int32_t *places, size_t positions, size_t taps, size_t channels, size_t plane, const float *x, float *windows, size_t ld);

// Winograd F(4x4, 3x3): a quarter of the multiplications of a 3x3 kernel with stride and dilation 1, for some accuracy:
// errors stay within about 5e-6 of the magnitude of a window's terms, against 1e-6 of the direct sum. NaN and infinity
// spread to the 4x4 outputs computed together. Packed weights take four times the room. With a third axis the planes of
// the input are transformed one by one, and the products sum over the taps of the depth as over channels.

/// Whether pk_conv_winograd_block takes this shape (height and width 3x3, stride and dilation 1; depth without stride and dilation).
bool pk_conv_winograd_fits(const pk_conv_shape *shape);

/// Whether it is also expected to be faster than pk_conv_block.
bool pk_conv_winograd_pays(pk_isa isa, const pk_conv_shape *shape);

/// Bytes of the transformed weights of all groups; valid for any spatial size.
size_t pk_conv_winograd_packed_bytes(pk_isa isa, const pk_conv_shape *shape);

/// Transforms and packs the weights w[groups * outputs][channels][depth][3][3] of the groups [group0, group1).
void pk_conv_winograd_pack(pk_isa isa, const pk_conv_shape *shape, const float *w, size_t group0, size_t group1, float *packed);

/// The same for the rows [row0, row1) of all groups' outputs, one group after the other.
void pk_conv_winograd_pack_rows(pk_isa isa, const pk_conv_shape *shape, const float *w, size_t row0, size_t row1, float *packed);

/// Planes of the output and bands of four rows in each that a call should do, so that `threads` threads are busy. There are out[0]
/// planes in an image and group and ceil(out[1] / 4) bands in a plane.
void pk_conv_winograd_grid(pk_isa isa, const pk_conv_shape *shape, size_t threads, size_t *planes, size_t *bands);

/// Scratch bytes of a call on up to `planes` planes and `bands` bands.
size_t pk_conv_winograd_scratch_bytes(pk_isa isa, const pk_conv_shape *shape, size_t planes, size_t bands);

/// Bands [band0, band1) of the output planes [plane0, plane1) of one image and group.
typedef struct pk_winograd_part {
  size_t image, group, plane0, plane1, band0, band1;
} pk_winograd_part;

/// Computes all output channels of a part.
void pk_conv_winograd_block(pk_isa isa, const pk_conv *c, const pk_winograd_part *part, void *scratch);

/// The same in two steps that several threads share, for parts of few tiles, each of which would read all weights: first the input is transformed, any channels at
/// a time, then the output channels [m0, m1) are computed, where m0 and m1 are multiples of what pk_conv_winograd_shared_rows gives or the last one.
void pk_conv_winograd_transform(pk_isa isa, const pk_conv *c, const pk_winograd_part *part, size_t channel0, size_t channel1, float *input, void *scratch);
void pk_conv_winograd_outputs(pk_isa isa, const pk_conv *c, const pk_winograd_part *part, size_t m0, size_t m1, const float *input, void *scratch);

/// Output channels of each thread's calls of pk_conv_winograd_outputs, on the parts of pk_conv_winograd_grid for one thread; 0 where threads should have parts of their own.
size_t pk_conv_winograd_shared_rows(pk_isa isa, const pk_conv_shape *shape, size_t threads);

/// Bytes of the transformed input of a part, and scratch bytes of either step.
size_t pk_conv_winograd_input_bytes(pk_isa isa, const pk_conv_shape *shape, size_t planes, size_t bands);
size_t pk_conv_winograd_half_scratch_bytes(pk_isa isa, const pk_conv_shape *shape, size_t planes, size_t bands);

// Depthwise: one input channel per group, one or two spatial axes (in[0] == 1), plain weights w[groups * outputs][kernel].

/// Whether pk_conv_depthwise takes this shape.
bool pk_conv_depthwise_fits(const pk_conv_shape *shape);

/// Whether it is the faster way. It reads its plane once for each output, which the implicit GEMM does once for all.
bool pk_conv_depthwise_pays(pk_isa isa, const pk_conv_shape *shape);

/// Scratch bytes of one pk_conv_depthwise call: some rows of a padded input plane.
size_t pk_conv_depthwise_scratch_bytes(pk_isa isa, const pk_conv_shape *shape);

/// Computes the rows [row0, row1) of output planes [plane0, plane1), counted as image * groups * outputs + channel.
void pk_conv_depthwise(pk_isa isa, const pk_conv *c, size_t plane0, size_t plane1, size_t row0, size_t row1, void *scratch);

// Transposed convolution: `channels` and `in` belong to x, `outputs` and `out` to y:
// y[o * stride + k * dilation - pad] += x[o] * w[k]. Weights are w[groups * channels][outputs][kernel].

/// Bytes of the packed weights of all groups.
size_t pk_conv_transpose_packed_bytes(pk_isa isa, const pk_conv_shape *shape);

/// Into how many parts packing is cut, and packs some of them.
size_t pk_conv_transpose_pack_parts(pk_isa isa, const pk_conv_shape *shape);
void pk_conv_transpose_pack(pk_isa isa, const pk_conv_shape *shape, const float *w, size_t part0, size_t part1, float *packed);

/// Scratch bytes of a pk_conv_transpose call on up to `rows` output channels.
size_t pk_conv_transpose_scratch_bytes(pk_isa isa, const pk_conv_shape *shape, size_t rows);

/// Whether every output has exactly one tap of one input: nothing is added up, and pk_conv_transpose writes every output whole.
bool pk_conv_transpose_is_tiling(const pk_conv_shape *shape);

/// Into how many short steps the work on output channels [m0, m1) of one group is cut.
size_t pk_conv_transpose_steps(pk_isa isa, const pk_conv_shape *shape, size_t m0, size_t m1);

/// Does the steps [step0, step1) of output channels [m0, m1) of one group of one image: adds to y, which is zero before the first, or
/// where shapes tile writes it, the epilogue included. Steps go in order. The channels are free; a few at a time (8 or so) keep scratch small.
void pk_conv_transpose(pk_isa isa, const pk_conv *c, size_t image, size_t group, size_t m0, size_t m1, size_t step0, size_t step1, void *scratch);

// The same cut by the place of an output within a stride: the outputs of one place are an ordinary convolution of x with the taps
// that reach them, turned round, so that nothing is added up in memory. Positions are those of one place, out / stride of them, rounded up.

/// Whether pk_conv_phases_block takes this shape: one or two axes without dilation, no kernel shorter than its stride. The epilogue has no residual.
bool pk_conv_phases_fit(const pk_conv_shape *shape);

/// Whether it is expected to be faster than pk_conv_transpose.
bool pk_conv_phases_pay(const pk_conv_shape *shape);

/// Whether the packed weights have channels in the lanes, as those of pk_conv_turned_block: where the positions are few.
bool pk_conv_phases_are_turned(pk_isa isa, const pk_conv_shape *shape);

/// Bytes of the packed weights of all groups. They depend on the places in the stride as well as on the weights, not on other extents.
size_t pk_conv_phases_packed_bytes(pk_isa isa, const pk_conv_shape *shape);

/// Packs the weights w[groups * channels][outputs][kernel] of the groups [group0, group1).
void pk_conv_phases_pack(pk_isa isa, const pk_conv_shape *shape, const float *w, size_t group0, size_t group1, float *packed);

/// Positions of a place of one image; block sizes for pk_conv_phases_block that keep `threads` threads busy and each call short.
size_t pk_conv_phases_grid(pk_isa isa, const pk_conv_shape *shape, size_t threads, size_t *block_rows, size_t *block_cols);

/// Scratch bytes of a call on up to `rows` output channels and `columns` positions.
size_t pk_conv_phases_scratch_bytes(pk_isa isa, const pk_conv_shape *shape, size_t rows, size_t columns);

/// Computes output channels [m0, m1) of one group at positions [n0, n1) of all places of one image. m0 must be a multiple of the rows that
/// the grid gives; n0 is free.
void pk_conv_phases_block(pk_isa isa, const pk_conv *c, size_t image, size_t group, size_t m0, size_t m1, size_t n0, size_t n1, void *scratch);

/// Applies the epilogue to the sums in y at positions [p0, p1) of one channel, counted over all groups.
void pk_conv_finish(pk_isa isa, const pk_conv *c, size_t image, size_t channel, size_t p0, size_t p1);

// Any number of spatial axes, plain loops: for ranks above 3 and for double precision.

enum { PK_CONV_RANK_LIMIT = 8 };

/// Like pk_conv_shape, with `rank` axes (1 to PK_CONV_RANK_LIMIT).
typedef struct pk_conv_nd_shape {
  size_t rank, images, groups, channels, outputs;
  size_t in[PK_CONV_RANK_LIMIT], kernel[PK_CONV_RANK_LIMIT], stride[PK_CONV_RANK_LIMIT], dilation[PK_CONV_RANK_LIMIT];
  size_t pad[PK_CONV_RANK_LIMIT], out[PK_CONV_RANK_LIMIT];
} pk_conv_nd_shape;

/// Computes output planes [plane0, plane1), counted as image * groups * outputs + channel, at output positions
/// [p0, p1) of each (row-major). Weights w[groups * outputs][channels][kernel]; `bias` per output channel or NULL.
void pk_conv_direct_f32(const pk_conv_nd_shape *s, const float *x, const float *w, const float *bias, float *y, size_t plane0,
                        size_t plane1, size_t p0, size_t p1);
void pk_conv_direct_f64(const pk_conv_nd_shape *s, const double *x, const double *w, const double *bias, double *y, size_t plane0,
                        size_t plane1, size_t p0, size_t p1);

/// The transposed convolution likewise; weights w[groups * channels][outputs][kernel].
void pk_conv_transpose_direct_f32(const pk_conv_nd_shape *s, const float *x, const float *w, const float *bias, float *y, size_t plane0,
                                  size_t plane1, size_t p0, size_t p1);
void pk_conv_transpose_direct_f64(const pk_conv_nd_shape *s, const double *x, const double *w, const double *bias, double *y, size_t plane0,
                                  size_t plane1, size_t p0, size_t p1);

#ifdef __cplusplus
}
#endif
#endif
