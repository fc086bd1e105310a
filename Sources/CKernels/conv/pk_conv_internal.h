// What pk_conv.c and the per-ISA files share.
#ifndef PINION_PK_CONV_INTERNAL_H
#define PINION_PK_CONV_INTERNAL_H

#include "pk_conv.h"
#include "gemm/pk_gemm_internal.h"

typedef struct pk_conv_table {
  void (*block)(const pk_conv *c, size_t image, size_t group, size_t m0, size_t m1, size_t n0, size_t n1, void *scratch);
  /// The same, and pk_conv_turned_block, of which element (m, n) of the group goes to to[m * ld + n].
  void (*block_to)(const pk_conv *c, size_t image, size_t group, size_t m0, size_t m1, size_t n0, size_t n1, float *to, size_t ld, void *scratch);
  void (*turned_to)(const pk_conv *c, size_t image, size_t group, size_t m0, size_t m1, size_t n0, size_t n1, float *to, size_t ld, void *scratch);
  void (*patches)(const pk_conv *c, bool turned, size_t image, size_t group, size_t channel0, size_t channel1, float *patches);
  void (*skipping)(const pk_conv *c, size_t image, size_t group, size_t m0, size_t m1, size_t n0, size_t n1, void *scratch);
  void (*turned)(const pk_conv *c, size_t image, size_t group, size_t m0, size_t m1, size_t n0, size_t n1, void *scratch);
  void (*winograd_transform)(const pk_conv *c, const pk_winograd_part *part, size_t channel0, size_t channel1, float *input, void *scratch);
  void (*winograd_outputs)(const pk_conv *c, const pk_winograd_part *part, size_t m0, size_t m1, const float *input, void *scratch);
  void (*depthwise)(const pk_conv *c, size_t plane0, size_t plane1, size_t row0, size_t row1, void *scratch);
  float (*sum)(const float *x, size_t count);
  float (*max)(const float *x, size_t count);
  /// to[i * rows + r] = x[r * ld + i]
  void (*interleave)(size_t rows, size_t count, const float *x, size_t ld, float *to);
  void (*activate_plane)(const pk_conv *c, size_t channel, size_t offset, size_t count);
} pk_conv_table;

extern const pk_conv_table pk_conv_table_scalar;
#if defined(__x86_64__)
extern const pk_conv_table pk_conv_table_avx2, pk_conv_table_avx512;
#endif

static inline const pk_conv_table *pk_conv_table_of(pk_isa isa) {
#if defined(__x86_64__)
  if (isa == PK_ISA_AVX512) return &pk_conv_table_avx512;
  if (isa == PK_ISA_AVX2) return &pk_conv_table_avx2;
#endif
  (void)isa;
  return &pk_conv_table_scalar;
}

static inline size_t pk_product3(const size_t v[3]) { return v[0] * v[1] * v[2]; }
static inline size_t pk_product3_checked(const size_t v[3]) { return pk_mul(pk_mul(v[0], v[1]), v[2]); }
/// Depth of the matrix product.
static inline size_t pk_conv_depth(const pk_conv_shape *s) { return s->channels * pk_product3(s->kernel); }

/// One group's packed weights, in floats; SIZE_MAX if it does not fit.
static inline size_t pk_conv_group_stride(pk_isa isa, const pk_conv_shape *s) {
  const size_t bytes = pk_sgemm_packed_a_bytes(isa, s->outputs, pk_mul(s->channels, pk_product3_checked(s->kernel)));
  return bytes == SIZE_MAX ? SIZE_MAX : bytes / sizeof(float);
}

/// Positions that are multiplied together, at most, and how deep: their patches stay in the L2 cache while the weights pass.
enum { PK_TURNED_POSITIONS = 224, PK_TURNED_KC = 256 };

/// Floats of the parts of the scratch of a pk_conv_turned_block call. SIZE_MAX in `total` if it does not fit.
typedef struct pk_conv_turned {
  size_t positions; ///< That are multiplied together, but at the end.
  size_t ld;        ///< Of a row of the patch matrix: its positions and room for the vectors behind.
  size_t patches, sums, total;
} pk_conv_turned;

static inline pk_conv_turned pk_conv_turned_sizes(const pk_conv_shape *s, size_t rows, size_t mr, size_t nr) {
  const size_t k = pk_mul(s->channels, pk_product3_checked(s->kernel)), all = pk_product3_checked(s->out);
  pk_conv_turned z = {.positions = pk_even_part(all, PK_TURNED_POSITIONS)};
  if (z.positions < all) z.positions = pk_min(pk_ceil_div(z.positions, mr) * mr, PK_TURNED_POSITIONS);
  z.ld = pk_ceil_div(z.positions, nr) * nr;
  z.patches = pk_mul(z.ld, pk_min(k, PK_TURNED_KC));
  z.sums = pk_mul(z.positions, pk_mul(pk_ceil_div(rows, nr), nr));
  z.total = pk_add(z.patches, z.sums);
  return z;
}

/// Whether a window is one element of the input, at its own place.
static inline bool pk_conv_is_pointwise(const pk_conv_shape *s) {
  for (int i = 0; i < 3; i++)
    if (s->kernel[i] != 1 || s->stride[i] != 1 || s->pad[i] != 0 || s->in[i] != s->out[i]) return false;
  return true;
}

/// Whether the turned product reads the input as it lies. Rows a multiple of 512 bytes apart would displace each other in the L1 cache.
static inline bool pk_conv_reads_in_place(const pk_conv_shape *s) { return pk_conv_is_pointwise(s) && pk_product3(s->in) % 128 != 0; }

/// Outputs [start, end) of an axis to which the taps [first, last) of the kernel reach from inside the input, whole.
typedef struct pk_band {
  size_t start, end, first, last;
} pk_band;

enum { PK_SKIP_TAPS = 8, PK_BANDS = 2 * PK_SKIP_TAPS + 1 };

/// Cuts an axis with a kernel of at most PK_SKIP_TAPS taps where the set of live taps changes; gives the number of bands.
static inline size_t pk_bands(const pk_conv_shape *s, int axis, pk_band bands[PK_BANDS]) {
  const size_t in = s->in[axis], out = s->out[axis], stride = s->stride[axis], pad = s->pad[axis], taps = s->kernel[axis];
  size_t low[PK_SKIP_TAPS], high[PK_SKIP_TAPS], count = 0;
  for (size_t t = 0; t < taps; t++) {
    const size_t at = t * s->dilation[axis];
    low[t] = at < pad ? pk_min(pk_ceil_div(pad - at, stride), out) : 0;
    high[t] = in + pad > at ? pk_min(pk_ceil_div(in + pad - at, stride), out) : 0;
  }
  for (size_t start = 0; start < out; count++) {
    pk_band band = {.start = start, .end = out, .first = taps};
    for (size_t t = 0; t < taps; t++) {
      if (low[t] > start) band.end = pk_min(band.end, low[t]);
      if (high[t] > start) band.end = pk_min(band.end, high[t]);
      if (low[t] > start || high[t] <= start) continue;
      if (band.first == taps) band.first = t;
      band.last = t + 1;
    }
    if (band.last == 0) band.first = 0;
    start = band.end;
    bands[count] = band;
  }
  return count;
}

/// Floats of a row of the padded plane of the depthwise kernels: each of the stride[2] phases of the columns is stored in
/// one run, so that neighbouring outputs read neighbouring elements; every run has room for reading whole vectors.
static inline size_t pk_depthwise_phase(const pk_conv_shape *s, size_t vector) {
  const size_t reach = (s->kernel[2] - 1) * s->dilation[2] / s->stride[2];
  return ((s->out[2] + vector - 1) / vector * vector + reach + 15) / 16 * 16;
}

/// Output rows done at a time: their padded input stays in the L1 cache if possible, and at least four share its copy.
static inline size_t pk_depthwise_band(const pk_conv_shape *s, size_t row_floats) {
  const size_t reach = (s->kernel[1] - 1) * s->dilation[1] + 1;
  const size_t fit = 6144 / pk_max(row_floats, 1);
  const size_t band = fit > reach ? (fit - reach) / s->stride[1] + 1 : 1;
  return pk_min(pk_max(band / 4 * 4, 4), pk_max(s->out[1], 1));
}

/// Scratch of the kernels that work on padded rows of a plane: offsets of the kernel's columns, four rows of sums, the rows. SIZE_MAX if it does not fit.
static inline size_t pk_plane_scratch_bytes(const pk_conv_shape *s) {
  const size_t limit = SIZE_MAX / 64;
  const size_t reach = pk_mul(s->kernel[2], s->dilation[2]);
  if (s->out[2] > limit || reach > limit || s->stride[2] > limit || pk_mul(s->kernel[1], s->dilation[1]) > limit) return SIZE_MAX;
  const size_t line = pk_mul(pk_depthwise_phase(s, 16), s->stride[2]), band = pk_depthwise_band(s, line);
  const size_t lines = pk_add(pk_mul(band - 1, s->stride[1]), (s->kernel[1] - 1) * s->dilation[1] + 1);
  const size_t sums = 4 * ((s->out[2] + 15) / 16 * 16);
  const size_t floats = pk_mul(pk_add(sums, pk_mul(lines, line)), sizeof(float));
  return pk_add(pk_round64(pk_mul(s->kernel[2], sizeof(size_t))), floats);
}

/// Sizes of depthwise kernels with a channel in each of `vector` lanes, in floats. SIZE_MAX in `total` if it does not fit.
typedef struct pk_depthwise_lanes {
  size_t line;    ///< Vectors of a padded input row, with what the last outputs together read.
  size_t band;    ///< Output rows done at a time.
  size_t ld_tile; ///< Of a plane's sums before they are stored.
  size_t weights, packed, rows, sums, tile, total;
} pk_depthwise_lanes;

/// Elements of an axis from the first that an output reads to the last. SIZE_MAX if that does not fit.
static inline size_t pk_reach(const pk_conv_shape *s, int axis) { return pk_add(pk_mul(s->kernel[axis] - 1, s->dilation[axis]), 1); }

static inline pk_depthwise_lanes pk_depthwise_lanes_sizes(const pk_conv_shape *s, size_t vector) {
  pk_depthwise_lanes z = {0};
  const size_t limit = SIZE_MAX / 1024, reach = pk_reach(s, 1), across = pk_reach(s, 2);
  if (s->out[2] > limit || s->in[2] > limit || s->in[1] > limit || reach > limit || across > limit) {
    z.total = SIZE_MAX;
    return z;
  }
  z.line = (s->out[2] + 7 + 8) * s->stride[2] + across;
  // About 96 KiB of padded rows.
  const size_t fit = ((size_t)24 << 10) / (z.line * vector);
  z.band = pk_min(pk_max(fit > reach ? (fit - reach) / s->stride[1] + 1 : 1, 4), s->out[1]);
  const size_t lines = (z.band - 1) * s->stride[1] + reach;
  z.ld_tile = pk_add(pk_mul(z.band, s->out[2]), 31) / 16 * 16;
  z.weights = s->kernel[1] * s->kernel[2] * vector;
  z.packed = pk_mul(pk_mul(pk_min(lines, s->in[1]), s->in[2]), vector);
  z.rows = pk_mul(pk_mul(lines, z.line), vector);
  z.sums = pk_mul(pk_add(pk_mul(z.band, s->out[2]), 16), vector);
  z.tile = pk_mul(z.ld_tile, vector);
  z.total = pk_add(pk_add(z.weights, z.packed), pk_add(z.rows, pk_add(z.sums, z.tile)));
  return z;
}

/// Whether planes go through lanes: one output for each channel, kernels 3, 5 or 7 wide.
static inline bool pk_depthwise_lanes_pay(const pk_conv_shape *s) {
  const size_t width = s->kernel[2], step = s->stride[2];
  if (s->outputs != 1 || s->kernel[1] > 7 || step > 2 || s->stride[1] > 2) return false;
  if (width != 3 && width != 5 && width != 7) return false;
  // Measured: a row of more outputs fills vectors well enough without, the more so the fewer taps there are.
  const size_t longest = width == 7 ? 512 : width == 5 || s->dilation[2] != 1 ? 64 : 28;
  const size_t across = pk_reach(s, 2), reach = pk_reach(s, 1);
  // Taps that lie far apart leave little of a row or column of padding between them.
  if (across > width && across > s->in[2] + s->pad[2]) return false;
  if (reach > s->kernel[1] && reach > s->in[1] + s->pad[1]) return false;
  return s->pad[1] < reach && s->pad[2] < across && s->out[2] <= longest;
}

/// Sizes of the parts of a convolution over copied rows, in floats. SIZE_MAX in `total` if it does not fit; then it counts bytes, with a place for
/// each tap.
///
/// Of a channel every stride-th row and column lie together, as a plane for each phase of the two strides. Neighbouring outputs, also those of the
/// next row, read neighbouring elements of such a plane.
typedef struct pk_conv_rows {
  size_t pitch;   ///< Of a row of a plane: that of the outputs and what the last one reads more, so that many sums between rows are none of outputs.
  size_t plane;   ///< Of a phase, with what whole vectors read behind it.
  size_t channel; ///< All phases.
  size_t band;    ///< Output rows whose input is copied together.
  size_t chunk;   ///< Of these, those whose sums are made together.
  size_t ld;      ///< Of a row of sums.
  size_t tile, total;
} pk_conv_rows;

/// Sums of `rows` output rows that lie in whole pairs of vectors.
static inline size_t pk_conv_rows_sums(const pk_conv_shape *s, const pk_conv_rows *z, size_t rows) {
  return pk_ceil_div((rows - 1) * z->pitch + s->out[2], 16) * 16;
}

static inline pk_conv_rows pk_conv_rows_sizes(const pk_conv_shape *s) {
  enum { MOST_SUMS = 512, MOST_ROWS = 16, FLOATS = 24 << 10, BEHIND = 128 };
  const size_t reach = pk_reach(s, 1), limit = SIZE_MAX / 1024;
  pk_conv_rows z = {.total = SIZE_MAX};
  if (reach > limit || s->out[2] > limit || pk_reach(s, 2) > limit || s->out[1] == 0 || s->out[2] == 0) return z;
  const size_t phases = pk_mul(s->stride[1], s->stride[2]), more = (reach - 1) / s->stride[1];
  z.pitch = s->out[2] + (pk_reach(s, 2) - 1) / s->stride[2];
  const size_t one = pk_mul(pk_mul(z.pitch, phases), s->channels), fit = FLOATS / pk_max(one, 1);
  z.band = pk_even_part(s->out[1], pk_max(fit > more ? fit - more : 1, 2));
  // The number of rows that leaves the fewest sums unused.
  z.chunk = 1;
  for (size_t rows = 2; rows <= z.band && pk_conv_rows_sums(s, &z, rows) <= MOST_SUMS; rows++)
    if (pk_conv_rows_sums(s, &z, rows) * z.chunk <= pk_conv_rows_sums(s, &z, z.chunk) * rows) z.chunk = rows;
  // Rows that fill vectors by themselves begin at whole cache lines.
  if (z.chunk == 1) z.pitch = pk_ceil_div(z.pitch, 16) * 16;
  z.plane = pk_add(pk_mul(z.band + more, z.pitch), BEHIND);
  z.channel = pk_mul(z.plane, phases);
  z.ld = pk_conv_rows_sums(s, &z, z.chunk) + BEHIND;
  z.tile = MOST_ROWS * z.ld;
  const size_t floats = pk_add(z.tile, pk_mul(z.channel, s->channels));
  z.total = pk_add(pk_round64(pk_mul(pk_conv_depth(s), sizeof(size_t))), pk_mul(floats, sizeof(float)));
  return z;
}

/// Whether rows are copied instead of patches, as is the faster way where sums are short or outputs few. Measured with AVX2 and AVX-512, and only taken there.
static inline bool pk_conv_rows_pay(pk_isa isa, const pk_conv_shape *s) {
  if (isa == PK_ISA_SCALAR || s->in[0] != 1 || s->out[0] != 1 || s->kernel[0] != 1 || s->kernel[1] > 16 || s->kernel[2] > 128) return false;
  const size_t taps = s->kernel[1] * s->kernel[2], down = s->stride[1], across = s->stride[2];
  if (taps < 2 || s->channels > 512 || s->channels * taps > 8192 || s->outputs > 128 || down > 8 || across > 8) return false;
  if (s->dilation[1] > 8 || s->dilation[2] > 8 || s->out[2] > 4096 || s->out[1] == 0 || s->out[2] == 0) return false;
  const pk_conv_rows z = pk_conv_rows_sizes(s);
  if (z.total > (size_t)512 << 10) return false;
  // Both in multiplications, as many of which take as long: for each tap of a position, for each position, for each row of a phase, and for each output.
  const double positions = (double)s->out[1] * (double)s->out[2], all = positions * (double)(s->channels * taps), outputs = (double)s->outputs;
  const bool wide = isa == PK_ISA_AVX512; // Multiplies so much faster than it copies.
  const double copy = wide ? 1.3 : 1, gather = across > 2 ? (wide ? 40 : 20) : 7 * copy;
  const double patches = all * (pk_max(s->outputs, 4) + 1 + gather) + 600 * positions + 2 * positions * outputs;
  const double used = (double)(z.chunk * s->out[2]) / (double)pk_conv_rows_sums(s, &z, z.chunk);
  const size_t more = (pk_reach(s, 1) - 1) / down, bands = pk_ceil_div(s->out[1], z.band);
  const double copied = (double)s->channels * (double)((s->out[1] + bands * more) * down * across);
  const double rows = all * pk_max(s->outputs, 4) / used + copy * (copied * (600 + 8 * (double)z.pitch) + 8 * positions * outputs);
  return rows < (wide ? 0.95 : 0.9) * patches;
}

/// Sizes of one Winograd call, in floats. SIZE_MAX in `total` if it does not fit.
typedef struct pk_winograd {
  size_t across;    ///< Tiles in a band.
  size_t phase;     ///< Of a padded input row, which is stored as every fourth element in four runs.
  size_t ld;        ///< Of a row of transformed input or output of one plane: its tiles in the call, and room for a vector.
  size_t rows;      ///< Output channels transformed back together.
  size_t input_step, product_step; ///< Between the 36 matrices.
  size_t lines, input, product, line;
  size_t transform, outputs; ///< Scratch of the two halves of a call.
  size_t total;
} pk_winograd;

/// An odd number of cache lines: the 36 places written together must not fall into the same sets of the caches.
static inline size_t pk_odd_lines(size_t floats) { return floats > SIZE_MAX - 32 ? SIZE_MAX : ((floats + 15) / 16 | 1) * 16; }

static inline pk_winograd pk_winograd_sizes(const pk_conv_shape *s, size_t planes, size_t bands, size_t mr, size_t nr) {
  pk_winograd z = {.across = pk_ceil_div(s->out[2], 4)};
  if (s->out[2] > SIZE_MAX / 64 || bands > SIZE_MAX / 64 || planes > SIZE_MAX / 64) {
    z.total = SIZE_MAX;
    return z;
  }
  z.phase = (z.across + 15) / 16 * 16 + 16;
  z.ld = pk_add(pk_mul(pk_ceil_div(pk_mul(z.across, bands), nr), nr), 16);
  z.rows = pk_min(4 * mr, pk_ceil_div(s->outputs, mr) * mr);
  z.lines = pk_mul(4 * bands + 2, 4 * z.phase);
  z.input_step = pk_odd_lines(pk_mul(pk_mul(s->channels, planes + s->kernel[0] - 1), z.ld));
  z.product_step = pk_odd_lines(pk_mul(pk_mul(z.rows, planes), z.ld));
  z.input = pk_mul(36, z.input_step);
  z.product = pk_mul(36, z.product_step);
  z.line = 16 * z.phase;
  z.transform = pk_add(z.lines, z.line);
  z.outputs = pk_add(z.product, 2 * z.line);
  z.total = pk_add(z.input, pk_max(z.transform, z.outputs));
  return z;
}

#endif
