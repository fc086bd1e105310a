#include "pk_conv.h"

#include <math.h>

#include "pk_conv_internal.h"

size_t pk_conv_packed_bytes(pk_isa isa, const pk_conv_shape *s) {
  const size_t floats = pk_conv_group_stride(isa, s);
  return floats == SIZE_MAX ? SIZE_MAX : pk_mul(s->groups, floats * sizeof(float));
}

void pk_conv_pack(pk_isa isa, const pk_conv_shape *s, const float *w, size_t group0, size_t group1, float *packed) {
  const size_t k = pk_conv_depth(s), stride = pk_conv_group_stride(isa, s);
  for (size_t g = group0; g < group1; g++)
    pk_sgemm_pack_a(isa, false, s->outputs, k, w + g * s->outputs * k, k, 0, s->outputs, packed + g * stride);
}

void pk_conv_pack_part(pk_isa isa, const pk_conv_shape *s, const size_t whole[3], const size_t first[3], bool taps_outermost, const float *w,
                       size_t group0, size_t group1, float *packed) {
  pk_conv_pack_rows(isa, s, whole, first, taps_outermost, w, group0 * s->outputs, group1 * s->outputs, packed);
}

void pk_conv_pack_rows(pk_isa isa, const pk_conv_shape *s, const size_t whole[3], const size_t first[3], bool taps_outermost, const float *w,
                       size_t row0, size_t row1, float *packed) {
  const size_t k = pk_conv_depth(s), stride = pk_conv_group_stride(isa, s), mr = pk_sgemm_panel_rows(isa, s->outputs);
  const size_t size = pk_product3(whole), taps = pk_product3(s->kernel);
  for (size_t row = row0; row < row1; row++) {
    const size_t g = row / s->outputs, m = row % s->outputs;
    const size_t panel = m / mr * mr, height = pk_min(mr, s->outputs - panel);
    const float *from = w + row * s->channels * size;
    // The place of (m, 0) in a packed A, and how far it is from there to the next channel and tap.
    float *to = packed + g * stride + panel * k + (m - panel);
    const size_t channel_step = height * (taps_outermost ? 1 : taps), tap_step = height * (taps_outermost ? s->channels : 1);
    for (size_t d = 0, tap = 0; d < s->kernel[0]; d++)
      for (size_t h = 0; h < s->kernel[1]; h++)
        for (size_t t = 0; t < s->kernel[2]; t++, tap++) {
          const float *one = from + ((first[0] + d) * whole[1] + first[1] + h) * whole[2] + first[2] + t;
          for (size_t c = 0; c < s->channels; c++) to[tap * tap_step + c * channel_step] = one[c * size];
        }
  }
}

void pk_conv_trim(pk_conv_shape *s, size_t first[3]) {
  for (int i = 0; i < 3; i++) {
    first[i] = 0;
    const size_t dilation = s->dilation[i], reach = (s->out[i] - 1) * s->stride[i];
    // The last output still lies before what the first tap reads first; the first output lies behind what the last tap reads.
    while (s->kernel[i] > 1 && s->pad[i] >= dilation && reach < s->pad[i]) s->kernel[i]--, s->pad[i] -= dilation, first[i]++;
    while (s->kernel[i] > 1 && (s->kernel[i] - 1) * dilation >= s->pad[i] + s->in[i]) s->kernel[i]--;
  }
}

bool pk_conv_skipping_pays(const pk_conv_shape *s) {
  pk_band bands[3][PK_BANDS];
  size_t count[3];
  if (s->channels < 32) return false;
  for (int i = 0; i < 3; i++) {
    if (s->kernel[i] > PK_SKIP_TAPS) return false;
    count[i] = pk_bands(s, i, bands[i]);
  }
  // Vectors times taps, in double, which cannot overflow. Each region has a last vector that is not full.
  double live = 0;
  for (size_t d = 0; d < count[0]; d++)
    for (size_t h = 0; h < count[1]; h++)
      for (size_t t = 0; t < count[2]; t++) {
        const pk_band *b[3] = {bands[0] + d, bands[1] + h, bands[2] + t};
        double positions = 1, taps = 1;
        for (int i = 0; i < 3; i++) positions *= (double)(b[i]->end - b[i]->start), taps *= (double)(b[i]->last - b[i]->first);
        live += ceil(positions / 16) * (taps + 0.25);
      }
  double all = 1;
  for (int i = 0; i < 3; i++) all *= (double)s->out[i];
  all = ceil(all / 16);
  for (int i = 0; i < 3; i++) all *= (double)s->kernel[i];
  return live < 0.85 * all;
}

void pk_conv_skipping_block(pk_isa isa, const pk_conv *c, size_t image, size_t group, size_t m0, size_t m1, size_t n0, size_t n1, void *scratch) {
  pk_conv_table_of(isa)->skipping(c, image, group, m0, m1, n0, n1, scratch);
}

/// Rows of a block, in whole panels, of blocks of much the same size, which are at most a quarter larger than `rows`: patches are made for
/// each block again, which one of a few rows would not earn.
static size_t even_blocks(size_t all, size_t rows, size_t panel) {
  const size_t blocks = pk_max(pk_ceil_div(all, pk_add(rows, rows / 4)), 1);
  return pk_ceil_div(pk_ceil_div(all, blocks), panel) * panel;
}

void pk_conv_grid(pk_isa isa, const pk_conv_shape *s, size_t threads, size_t *block_rows, size_t *block_cols) {
  const pk_sgemm g = {.m = s->outputs, .n = pk_product3(s->out), .k = pk_conv_depth(s)};
  const size_t products = pk_max(s->images * s->groups, 1);
  pk_sgemm_grid(isa, &g, pk_ceil_div(threads, products), block_rows, block_cols);
  *block_rows = pk_min(even_blocks(s->outputs, *block_rows, pk_sgemm_panel_rows(isa, s->outputs)), s->outputs);
  // Very long windows: that a block stays short, it has few of them.
  const size_t panel = pk_sgemm_panel_cols(isa);
  if (g.k > (size_t)1 << 15) *block_cols = pk_min(*block_cols, pk_max(((size_t)1 << 24) / g.k / panel, 1) * panel);
}

void pk_conv_grid_over_patches(pk_isa isa, const pk_conv_shape *s, size_t threads, size_t *block_rows, size_t *block_cols) {
  pk_conv_grid(isa, s, threads, block_rows, block_cols);
  const size_t columns = pk_ceil_div(pk_product3(s->out), *block_cols) * pk_max(s->images * s->groups, 1), panel = pk_sgemm_panel_rows(isa, s->outputs);
  const size_t wanted = threads <= 1 ? 1 : pk_ceil_div(threads * 3, columns);
  if (pk_ceil_div(s->outputs, *block_rows) < wanted) *block_rows = pk_min(pk_ceil_div(pk_ceil_div(s->outputs, wanted), panel) * panel, s->outputs);
}

size_t pk_conv_patch_bytes(pk_isa isa, const pk_conv_shape *s, bool turned) {
  const size_t nr = pk_sgemm_panel_cols(isa), k = pk_mul(s->channels, pk_product3_checked(s->kernel)), all = pk_product3_checked(s->out);
  const pk_conv_turned z = pk_conv_turned_sizes(s, 0, pk_sgemm_table_of(isa)->mr, nr);
  const size_t width = turned ? pk_mul(pk_ceil_div(all, pk_max(z.positions, 1)), z.ld) : pk_mul(pk_ceil_div(all, nr), nr);
  return pk_round64(pk_mul(pk_mul(k, width), sizeof(float)));
}

bool pk_conv_patches_pay(pk_isa isa, const pk_conv_shape *s, bool turned, size_t threads) {
  if (turned ? pk_conv_reads_in_place(s) : pk_conv_rows_pay(isa, s)) return false;
  // Beyond that they are read from memory, and columns are many enough to be dealt out alone.
  if (pk_mul(pk_conv_patch_bytes(isa, s, turned), pk_mul(s->images, s->groups)) > (threads > 1 ? (size_t)4 << 20 : (size_t)512 << 10)) return false;
  size_t rows = 0, cols = 0;
  if (turned) pk_conv_turned_grid(isa, s, threads, &rows, &cols);
  else pk_conv_grid_over_patches(isa, s, threads, &rows, &cols);
  return pk_ceil_div(s->outputs, pk_max(rows, 1)) > 1;
}

void pk_conv_patches(pk_isa isa, const pk_conv *c, bool turned, size_t image, size_t group, size_t channel0, size_t channel1, float *patches) {
  pk_conv_table_of(isa)->patches(c, turned, image, group, channel0, channel1, patches);
}

size_t pk_conv_scratch_bytes(pk_isa isa, const pk_conv_shape *s) {
  const size_t k = pk_mul(s->channels, pk_product3_checked(s->kernel)), patches = pk_min(k, PK_SGEMM_KC) * PK_SGEMM_NC * sizeof(float);
  return pk_conv_rows_pay(isa, s) ? pk_max(pk_conv_rows_sizes(s).total, patches) : patches;
}

void pk_conv_block(pk_isa isa, const pk_conv *c, size_t image, size_t group, size_t m0, size_t m1, size_t n0, size_t n1, void *scratch) {
  pk_conv_table_of(isa)->block(c, image, group, m0, m1, n0, n1, scratch);
}

/// One group's packed weights, in floats; SIZE_MAX if it does not fit.
static size_t turned_group_stride(pk_isa isa, const pk_conv_shape *s) {
  const size_t bytes = pk_sgemm_packed_b_bytes(isa, pk_mul(s->channels, pk_product3_checked(s->kernel)), s->outputs);
  return bytes == SIZE_MAX ? SIZE_MAX : bytes / sizeof(float);
}

bool pk_conv_turned_pays(pk_isa isa, const pk_conv_shape *s) {
  const size_t positions = pk_product3_checked(s->out), panel = pk_sgemm_panel_cols(isa), vector = panel / 2;
  // Turning the result costs some, which few multiplications do not earn.
  if (isa == PK_ISA_SCALAR || pk_conv_depth(s) < 64) return false;
  // Lanes that stay empty, in parts of those in use.
  const double across = (double)(pk_ceil_div(positions, vector) * vector) / (double)positions;
  const double along = (double)pk_ceil_div(s->outputs, panel) * (double)panel / (double)s->outputs;
  // Measured: planes of a few positions gain even where neither side leaves lanes empty.
  return across > (positions <= 128 ? 0.97 : 1.05) * along;
}

size_t pk_conv_turned_packed_bytes(pk_isa isa, const pk_conv_shape *s) {
  const size_t floats = turned_group_stride(isa, s);
  return floats == SIZE_MAX ? SIZE_MAX : pk_mul(s->groups, floats * sizeof(float));
}

void pk_conv_turned_pack(pk_isa isa, const pk_conv_shape *s, const float *w, size_t group0, size_t group1, float *packed) {
  const size_t panels = pk_ceil_div(s->outputs, pk_sgemm_panel_cols(isa));
  pk_conv_turned_pack_panels(isa, s, w, group0 * panels, group1 * panels, packed);
}

void pk_conv_turned_pack_panels(pk_isa isa, const pk_conv_shape *s, const float *w, size_t panel0, size_t panel1, float *packed) {
  const size_t k = pk_conv_depth(s), stride = turned_group_stride(isa, s), width = pk_sgemm_panel_cols(isa);
  const size_t panels = pk_max(pk_ceil_div(s->outputs, width), 1);
  while (panel0 < panel1) {
    // The panels of one group together.
    const size_t g = panel0 / panels, end = pk_min(panel1, (g + 1) * panels), first = (panel0 - g * panels) * width;
    const size_t last = pk_min((end - g * panels) * width, s->outputs);
    pk_sgemm_pack_b(isa, true, k, s->outputs, w + g * s->outputs * k, k, first, last, packed + g * stride);
    panel0 = end;
  }
}

void pk_conv_turned_grid(pk_isa isa, const pk_conv_shape *s, size_t threads, size_t *block_rows, size_t *block_cols) {
  const size_t panel = pk_sgemm_panel_cols(isa), panels = pk_max(pk_ceil_div(s->outputs, panel), 1), products = pk_max(s->images * s->groups, 1);
  const size_t positions = pk_max(pk_conv_turned_sizes(s, 0, pk_sgemm_table_of(isa)->mr, panel).positions, 1);
  const size_t parts = pk_max(pk_ceil_div(pk_product3(s->out), positions), 1);
  // As in pk_sgemm_grid: half a millisecond to two for a call, and three calls for each of several threads.
  const size_t work = isa == PK_ISA_AVX512 ? (size_t)96 << 20 : isa == PK_ISA_AVX2 ? (size_t)48 << 20 : (size_t)12 << 20;
  const size_t one = pk_max(pk_mul(pk_mul(pk_conv_depth(s), positions), panel), 1);
  size_t rows = pk_min(pk_max(work / one, 1), panels), cols = pk_min(pk_max(work / pk_mul(one, rows), 1), parts);
  const size_t wanted = threads <= 1 ? 1 : pk_ceil_div(threads * 3, products);
  // Positions are dealt out first: their patches are not made twice.
  if (pk_ceil_div(panels, rows) * pk_ceil_div(parts, cols) < wanted) cols = pk_max(pk_min(cols, parts * pk_ceil_div(panels, rows) / wanted), 1);
  const size_t col_blocks = pk_ceil_div(parts, cols);
  if (pk_ceil_div(panels, rows) * col_blocks < wanted) rows = pk_max(panels / pk_ceil_div(wanted, col_blocks), 1);
  *block_rows = even_blocks(panels, rows, 1) * panel;
  *block_cols = cols * positions;
}

size_t pk_conv_turned_scratch_bytes(pk_isa isa, const pk_conv_shape *s, size_t rows) {
  return pk_mul(pk_conv_turned_sizes(s, rows, pk_sgemm_table_of(isa)->mr, pk_sgemm_panel_cols(isa)).total, sizeof(float));
}

void pk_conv_turned_block(pk_isa isa, const pk_conv *c, size_t image, size_t group, size_t m0, size_t m1, size_t n0, size_t n1, void *scratch) {
  pk_conv_table_of(isa)->turned(c, image, group, m0, m1, n0, n1, scratch);
}

void pk_conv_windows(const int32_t *places, size_t positions, size_t taps, size_t channels, size_t plane, const float *x, float *windows, size_t ld) {
  if (taps == 1) {
    for (size_t p = 0; p < positions; p++)
      for (size_t c = 0; c < channels; c++) windows[p * ld + c] = places[p] < 0 ? 0 : x[c * plane + (size_t)places[p]];
    return;
  }
  for (size_t c = 0; c < channels; c++)
    for (size_t p = 0; p < positions; p++) {
      const int32_t *place = places + p * taps;
      float *to = windows + p * ld + c * taps;
      for (size_t t = 0; t < taps; t++) to[t] = place[t] < 0 ? 0 : x[c * plane + (size_t)place[t]];
    }
}

bool pk_conv_depthwise_fits(const pk_conv_shape *s) {
  return s->channels == 1 && s->in[0] == 1 && s->out[0] == 1 && s->kernel[0] == 1 && s->pad[0] == 0;
}

bool pk_conv_depthwise_pays(pk_isa isa, const pk_conv_shape *s) {
  // Measured: from four outputs of a channel on, copied rows are as fast, and with strides or long rows of taps much faster.
  if (s->outputs >= 4 && pk_conv_rows_pay(isa, s)) return false;
  const bool wide = s->stride[2] >= 3, is_long = s->kernel[2] >= 8;
  if (wide) return s->outputs < (is_long ? 2 : 8);
  return s->outputs < 32 || s->kernel[1] * s->kernel[2] < 49;
}

size_t pk_conv_depthwise_scratch_bytes(pk_isa isa, const pk_conv_shape *s) {
  const size_t plane = pk_round64(pk_plane_scratch_bytes(s));
  if (isa == PK_ISA_SCALAR || !pk_depthwise_lanes_pay(s)) return plane;
  const size_t lanes = pk_depthwise_lanes_sizes(s, isa == PK_ISA_AVX512 ? 16 : 8).total;
  return pk_add(plane, pk_round64(pk_mul(lanes, sizeof(float))));
}

void pk_conv_depthwise(pk_isa isa, const pk_conv *c, size_t plane0, size_t plane1, size_t row0, size_t row1, void *scratch) {
  pk_conv_table_of(isa)->depthwise(c, plane0, plane1, row0, row1, scratch);
}
