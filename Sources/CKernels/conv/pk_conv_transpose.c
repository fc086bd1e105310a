#include <string.h>

#include "pk_conv_internal.h"

// The product (weights of an output channel and tap, transposed) x (input positions), added up where it belongs in y.

/// Rows of the product for one group: output channel by tap.
static size_t product_rows(const pk_conv_shape *s) { return pk_mul(s->outputs, pk_product3_checked(s->kernel)); }

static size_t group_stride(pk_isa isa, const pk_conv_shape *s) {
  const size_t bytes = pk_sgemm_packed_a_bytes(isa, product_rows(s), s->channels);
  return bytes == SIZE_MAX ? SIZE_MAX : bytes / sizeof(float);
}

/// Input rows (along the last axis) of one product: enough columns for the kernel, little enough for the L2 cache.
static size_t lines_of(const pk_conv_shape *s) { return pk_max(1024 / pk_max(s->in[2], 1), 1); }

static pk_sgemm product_of(const pk_conv_shape *s) {
  return (pk_sgemm){.m = product_rows(s), .n = pk_product3(s->in), .k = s->channels, .ldb = pk_product3(s->in), .alpha = 1};
}

size_t pk_conv_transpose_packed_bytes(pk_isa isa, const pk_conv_shape *s) {
  const size_t floats = group_stride(isa, s);
  return floats == SIZE_MAX ? SIZE_MAX : pk_mul(s->groups, floats * sizeof(float));
}

void pk_conv_transpose_pack(pk_isa isa, const pk_conv_shape *s, const float *w, size_t group0, size_t group1, float *packed) {
  const size_t rows = product_rows(s), stride = group_stride(isa, s);
  for (size_t g = group0; g < group1; g++)
    pk_sgemm_pack_a(isa, true, rows, s->channels, w + g * s->channels * rows, rows, 0, rows, packed + g * stride);
}

size_t pk_conv_transpose_scratch_bytes(pk_isa isa, const pk_conv_shape *s, size_t rows) {
  const size_t columns = pk_mul(lines_of(s), s->in[2]);
  const size_t most = pk_add(pk_mul(rows, pk_product3_checked(s->kernel)), 2 * pk_sgemm_panel_rows(isa, product_rows(s)));
  const size_t product = pk_round64(pk_mul(pk_mul(pk_min(most, product_rows(s)), columns), sizeof(float)));
  pk_sgemm g = product_of(s);
  g.packed_a = (const float *)&g; // only asked whether it is there
  return pk_add(product, pk_sgemm_scratch_bytes(isa, &g, most, columns));
}

/// Adds one row of the product (a tap of an output channel) for the input rows [line0, line1) to that channel's plane.
static void add_tap(const pk_conv_shape *s, size_t tap, size_t line0, size_t line1, const float *sums, float *y) {
  const size_t kw = tap % s->kernel[2], kh = tap / s->kernel[2] % s->kernel[1], kd = tap / s->kernel[2] / s->kernel[1];
  const ptrdiff_t at = (ptrdiff_t)(kw * s->dilation[2]) - (ptrdiff_t)s->pad[2], step = (ptrdiff_t)s->stride[2];
  const ptrdiff_t room = (ptrdiff_t)s->out[2] - at;
  const size_t low = at < 0 ? (size_t)((-at + step - 1) / step) : 0;
  const size_t high = room > 0 ? pk_min((size_t)((room + step - 1) / step), s->in[2]) : 0;
  if (low >= high) return;
  for (size_t line = line0; line < line1; line++, sums += s->in[2]) {
    const size_t oh = line % s->in[1] * s->stride[1] + kh * s->dilation[1] - s->pad[1];
    const size_t od = line / s->in[1] * s->stride[0] + kd * s->dilation[0] - s->pad[0];
    // A position before the output wraps around to a huge number.
    if (oh >= s->out[1] || od >= s->out[0]) continue;
    float *row = y + (od * s->out[1] + oh) * s->out[2] + (ptrdiff_t)low * step + at;
    const float *from = sums + low;
    const size_t count = high - low;
    if (step == 1)
      for (size_t i = 0; i < count; i++) row[i] += from[i];
    else if (step == 2)
      for (size_t i = 0; i < count; i++) row[2 * i] += from[i];
    else
      for (size_t i = 0; i < count; i++) row[i * (size_t)step] += from[i];
  }
}

/// Whether every output has exactly one tap of one input: nothing is added up, and every output is written.
static bool is_tiling(const pk_conv_shape *s) {
  for (int i = 0; i < 3; i++)
    if (s->kernel[i] != s->stride[i] || s->dilation[i] != 1 || s->pad[i] != 0 || s->out[i] != s->in[i] * s->stride[i]) return false;
  return true;
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

void pk_conv_transpose(pk_isa isa, const pk_conv *c, size_t image, size_t group, size_t m0, size_t m1, void *scratch) {
  const pk_conv_shape *s = &c->shape;
  if (m0 >= m1) return;
  const size_t taps = pk_product3(s->kernel), out = pk_product3(s->out), lines = s->in[0] * s->in[1], together = lines_of(s);
  const size_t channel = group * s->outputs + m0;
  float *y = c->y + (image * s->groups * s->outputs + channel) * out;
  const bool tiling = is_tiling(s);
  if (!tiling) memset(y, 0, (m1 - m0) * out * sizeof(float));
  pk_sgemm g = product_of(s);
  const size_t mr = pk_sgemm_panel_rows(isa, g.m);
  const size_t r0 = m0 * taps / mr * mr, r1 = pk_min(pk_ceil_div(m1 * taps, mr) * mr, g.m);
  g.packed_a = c->weights + group * group_stride(isa, s);
  g.b = c->x + (image * s->groups + group) * s->channels * g.n;
  const size_t columns = together * s->in[2];
  float *sums = scratch;
  void *rest = (char *)scratch + pk_round64((r1 - r0) * columns * sizeof(float));
  for (size_t line = 0; line < lines; line += together) {
    const size_t end = pk_min(line + together, lines), n0 = line * s->in[2], n1 = end * s->in[2];
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
    for (size_t r = m0 * taps; !tiling && r < m1 * taps; r++)
      add_tap(s, r % taps, line, end, sums + (r - r0) * g.ldc, y + (r / taps - m0) * out);
  }
  for (size_t m = m0; !tiling && m < m1; m++)
    pk_conv_table_of(isa)->activate_plane(c, channel + m - m0, (image * s->groups * s->outputs + channel + m - m0) * out, out);
}
