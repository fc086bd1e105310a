#include <string.h>

#include "pk_conv_internal.h"

// The product (weights of an output channel and tap, transposed) x (input positions), added up where it belongs in y.

/// Rows of the product for one group: output channel by tap.
static size_t product_rows(const pk_conv_shape *s) { return pk_mul(s->outputs, pk_product3_checked(s->kernel)); }

static size_t group_stride(pk_isa isa, const pk_conv_shape *s) {
  const size_t bytes = pk_sgemm_packed_a_bytes(isa, product_rows(s), s->channels);
  return bytes == SIZE_MAX ? SIZE_MAX : bytes / sizeof(float);
}

/// What one step of the work does: input rows `together` at a time, or pieces of one of them, times rows of the product.
typedef struct pieces {
  size_t together; ///< Input rows (along the last axis) of a step; 1 where they are cut.
  size_t width;    ///< Of the positions of a row.
  size_t columns;  ///< Of the product of a step.
  size_t rows;     ///< Of the product of a step, at most.
} pieces;

/// Enough columns for the kernel, little enough for the L2 cache, and few enough products and sums that a step is short.
static pieces pieces_of(pk_isa isa, const pk_conv_shape *s) {
  enum { COLUMNS = 1024, PRODUCTS = 1 << 28 };
  const size_t width = pk_max(s->in[2], 1);
  pieces p = {.together = pk_max(COLUMNS / width, 1), .width = width <= 4 * COLUMNS ? width : COLUMNS};
  p.columns = p.together * p.width;
  const size_t mr = pk_sgemm_panel_rows(isa, product_rows(s)), most = PRODUCTS / pk_mul(p.columns, pk_add(s->channels, 64));
  p.rows = pk_max(most / mr, 4) * mr;
  return p;
}

static pk_sgemm product_of(const pk_conv_shape *s) {
  return (pk_sgemm){.m = product_rows(s), .n = pk_product3(s->in), .k = s->channels, .ldb = pk_product3(s->in), .alpha = 1};
}

size_t pk_conv_transpose_packed_bytes(pk_isa isa, const pk_conv_shape *s) {
  const size_t floats = group_stride(isa, s);
  return floats == SIZE_MAX ? SIZE_MAX : pk_mul(s->groups, floats * sizeof(float));
}

/// Rows of the product that one part of the packing does: a million elements.
static size_t pack_rows(pk_isa isa, const pk_conv_shape *s) {
  const size_t mr = pk_sgemm_panel_rows(isa, product_rows(s));
  return pk_max(((size_t)1 << 20) / pk_max(pk_mul(s->channels, mr), 1), 1) * mr;
}

size_t pk_conv_transpose_pack_parts(pk_isa isa, const pk_conv_shape *s) {
  return pk_mul(s->groups, pk_ceil_div(product_rows(s), pack_rows(isa, s)));
}

void pk_conv_transpose_pack(pk_isa isa, const pk_conv_shape *s, const float *w, size_t part0, size_t part1, float *packed) {
  const size_t rows = product_rows(s), stride = group_stride(isa, s), together = pack_rows(isa, s), parts = pk_ceil_div(rows, together);
  for (size_t part = part0; part < part1; part++) {
    const size_t g = part / parts, row = part % parts * together;
    pk_sgemm_pack_a(isa, true, rows, s->channels, w + g * s->channels * rows, rows, row, pk_min(row + together, rows), packed + g * stride);
  }
}

/// Rows of the product that a call on `rows` output channels has at most.
static size_t rows_of(pk_isa isa, const pk_conv_shape *s, size_t rows) {
  const size_t all = pk_add(pk_mul(rows, pk_product3_checked(s->kernel)), 2 * pk_sgemm_panel_rows(isa, product_rows(s)));
  return pk_min(all, product_rows(s));
}

size_t pk_conv_transpose_scratch_bytes(pk_isa isa, const pk_conv_shape *s, size_t rows) {
  const pieces p = pieces_of(isa, s);
  const size_t most = pk_conv_transpose_is_tiling(s) ? rows_of(isa, s, rows) : pk_min(rows_of(isa, s, rows), p.rows);
  const size_t product = pk_round64(pk_mul(pk_mul(most, p.columns), sizeof(float)));
  pk_sgemm g = product_of(s);
  g.packed_a = (const float *)&g; // only asked whether it is there
  return pk_add(product, pk_sgemm_scratch_bytes(isa, &g, most, p.columns));
}

/// Adds one row of the product (a tap of an output channel) for the positions [column0, column1) of the input rows [line0, line1) to
/// that channel's plane.
static void add_tap(const pk_conv_shape *s, size_t tap, size_t line0, size_t line1, size_t column0, size_t column1, const float *sums, float *y) {
  const size_t kw = tap % s->kernel[2], kh = tap / s->kernel[2] % s->kernel[1], kd = tap / s->kernel[2] / s->kernel[1];
  const ptrdiff_t at = (ptrdiff_t)(kw * s->dilation[2]) - (ptrdiff_t)s->pad[2], step = (ptrdiff_t)s->stride[2];
  const ptrdiff_t room = (ptrdiff_t)s->out[2] - at;
  const size_t low = pk_max(at < 0 ? (size_t)((-at + step - 1) / step) : 0, column0);
  const size_t high = room > 0 ? pk_min((size_t)((room + step - 1) / step), column1) : 0;
  if (low >= high) return;
  for (size_t line = line0; line < line1; line++, sums += column1 - column0) {
    const size_t oh = line % s->in[1] * s->stride[1] + kh * s->dilation[1] - s->pad[1];
    const size_t od = line / s->in[1] * s->stride[0] + kd * s->dilation[0] - s->pad[0];
    // A position before the output wraps around to a huge number.
    if (oh >= s->out[1] || od >= s->out[0]) continue;
    float *row = y + (od * s->out[1] + oh) * s->out[2] + (ptrdiff_t)low * step + at;
    const float *from = sums + (low - column0);
    const size_t count = high - low;
    if (step == 1)
      for (size_t i = 0; i < count; i++) row[i] += from[i];
    else if (step == 2)
      for (size_t i = 0; i < count; i++) row[2 * i] += from[i];
    else
      for (size_t i = 0; i < count; i++) row[i * (size_t)step] += from[i];
  }
}

/// More positions, or taps, than these have their products added up like any others: those of a channel are made in several steps.
enum { TILING_LIMIT = 4096 };

bool pk_conv_transpose_is_tiling(const pk_conv_shape *s) {
  for (int i = 0; i < 3; i++)
    if (s->kernel[i] != s->stride[i] || s->dilation[i] != 1 || s->pad[i] != 0 || s->out[i] != s->in[i] * s->stride[i]) return false;
  return s->in[2] <= TILING_LIMIT && pk_product3_checked(s->kernel) <= TILING_LIMIT;
}

/// The output rows that the input rows [line0, line1) of one depth make of one channel, and what is done to them. sums: the
/// channel's first row of the product, ld floats from one tap to the next.
static void store_tiles(pk_isa isa, const pk_conv *c, size_t plane, size_t channel, size_t line0, size_t line1, const float *sums, size_t ld) {
  const pk_conv_shape *s = &c->shape;
  const size_t width = s->kernel[2], out = pk_product3(s->out), od = line0 / s->in[1] * s->stride[0], oh = line0 % s->in[1] * s->stride[1];
  for (size_t kd = 0; kd < s->kernel[0]; kd++) {
    const size_t start = plane * out + ((od + kd) * s->out[1] + oh) * s->out[2];
    float *to = c->y + start;
    for (size_t line = 0; line < line1 - line0; line++)
      for (size_t kh = 0; kh < s->kernel[1]; kh++, to += s->out[2])
        pk_conv_table_of(isa)->interleave(width, s->in[2], sums + (kd * s->kernel[1] + kh) * width * ld + line * s->in[2], ld, to);
    pk_conv_table_of(isa)->activate_plane(c, channel, start, (size_t)(to - (c->y + start)));
  }
}

/// The rows of the product of output channels [m0, m1), in whole panels.
static void product_range(size_t mr, const pk_conv_shape *s, size_t m0, size_t m1, size_t *r0, size_t *r1) {
  const size_t taps = pk_product3(s->kernel);
  *r0 = m0 * taps / mr * mr;
  *r1 = pk_min(pk_ceil_div(m1 * taps, mr) * mr, product_rows(s));
}

/// Steps of all rows of the product over the same inputs.
static size_t row_steps(const pk_conv_shape *s, const pieces *p, size_t rows) {
  return pk_conv_transpose_is_tiling(s) ? 1 : pk_max(pk_ceil_div(rows, p->rows), 1);
}

size_t pk_conv_transpose_steps(pk_isa isa, const pk_conv_shape *s, size_t m0, size_t m1) {
  size_t r0, r1;
  product_range(pk_sgemm_panel_rows(isa, product_rows(s)), s, m0, m1, &r0, &r1);
  const pieces p = pieces_of(isa, s);
  const size_t parts = pk_ceil_div(s->in[0] * s->in[1], p.together) * pk_ceil_div(s->in[2], p.width);
  return pk_mul(parts, row_steps(s, &p, r1 - r0));
}

void pk_conv_transpose(pk_isa isa, const pk_conv *c, size_t image, size_t group, size_t m0, size_t m1, size_t step0, size_t step1, void *scratch) {
  const pk_conv_shape *s = &c->shape;
  if (m0 >= m1) return;
  const size_t taps = pk_product3(s->kernel), out = pk_product3(s->out), lines = s->in[0] * s->in[1];
  const pieces p = pieces_of(isa, s);
  float *y = c->y + ((image * s->groups + group) * s->outputs + m0) * out;
  const bool tiling = pk_conv_transpose_is_tiling(s);
  pk_sgemm g = product_of(s);
  size_t first, last;
  product_range(pk_sgemm_panel_rows(isa, g.m), s, m0, m1, &first, &last);
  g.packed_a = c->weights + group * group_stride(isa, s);
  g.b = c->x + (image * s->groups + group) * s->channels * g.n;
  const size_t parts = pk_ceil_div(s->in[2], p.width), cuts = row_steps(s, &p, last - first);
  float *sums = scratch;
  void *rest = (char *)scratch + pk_round64((tiling ? last - first : pk_min(p.rows, last - first)) * p.columns * sizeof(float));
  for (size_t step = step0; step < step1; step++) {
    const size_t cut = step % cuts, part = step / cuts % parts, line = step / cuts / parts * p.together;
    const size_t end = pk_min(line + p.together, lines), column = part * p.width, after = pk_min(column + p.width, s->in[2]);
    const size_t n0 = line * s->in[2] + column, n1 = (end - 1) * s->in[2] + after;
    const size_t r0 = cuts == 1 ? first : first + cut * p.rows, r1 = cuts == 1 ? last : pk_min(r0 + p.rows, last);
    g.ldc = n1 - n0;
    // The product is written at the start of scratch, not where its row and column would be.
    g.c = (float *)((uintptr_t)sums - (r0 * g.ldc + n0) * sizeof(float));
    pk_sgemm_block(isa, &g, r0, r1, n0, n1, rest);
    for (size_t m = m0, next; tiling && m < m1; m++)
      for (size_t from = line; from < end; from = next) {
        next = pk_min((from / s->in[1] + 1) * s->in[1], end);
        store_tiles(isa, c, (image * s->groups + group) * s->outputs + m, group * s->outputs + m, from, next,
                    sums + (m * taps - r0) * g.ldc + (from - line) * s->in[2], g.ldc);
      }
    const size_t stop = pk_min(r1, m1 * taps);
    for (size_t r = pk_max(r0, m0 * taps); !tiling && r < stop; r++)
      add_tap(s, r % taps, line, end, column, after, sums + (r - r0) * g.ldc, y + (r / taps - m0) * out);
  }
}

void pk_conv_finish(pk_isa isa, const pk_conv *c, size_t image, size_t channel, size_t p0, size_t p1) {
  const pk_conv_shape *s = &c->shape;
  pk_conv_table_of(isa)->activate_plane(c, channel, (image * s->groups * s->outputs + channel) * pk_product3(s->out) + p0, p1 - p0);
}
