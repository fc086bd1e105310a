#include "pk_conv_internal.h"

bool pk_conv_winograd_fits(const pk_conv_shape *s) {
  bool fits = s->stride[0] == 1 && s->dilation[0] == 1;
  for (int i = 1; i < 3; i++) fits &= s->kernel[i] == 3 && s->stride[i] == 1 && s->dilation[i] == 1;
  return fits;
}

/// Depth of the products: the channels of each tap of the kernel's depth, one tap after the other.
static size_t depth_of(const pk_conv_shape *s) { return pk_mul(s->channels, s->kernel[0]); }

bool pk_conv_winograd_pays(pk_isa isa, const pk_conv_shape *s) {
  if (!pk_conv_winograd_fits(s)) return false;
  // Measured, on Zen 5 and Zen 3: so few multiplications do not make up for the transforms.
  const size_t product = pk_mul(s->channels, s->outputs);
  const bool few = isa == PK_ISA_AVX512 ? (double)product < 3.7 * (double)(s->channels + s->outputs) : s->channels <= 4 || s->outputs <= 3 || product <= 64;
  if (few && pk_conv_rows_pay(isa, s)) return false;
  const size_t depth = depth_of(s), least = pk_min(depth, s->outputs), across = pk_ceil_div(s->out[2], 4);
  const size_t plane = pk_ceil_div(s->out[1], 4) * across, tiles = pk_mul(plane, s->out[0]);
  // The last tiles may be mostly empty. Products of three numbers do not make up for the transforms of many results.
  if (s->kernel[0] > 7 || plane < 12 || s->out[1] * s->out[2] < 9 * plane || least < 3 || (depth < 6 && s->outputs > 32)) return false;
  // Few tiles do not make up for reading four times the weights, few channels of few tiles not for the transforms: measured.
  return least >= 16 ? tiles >= 384 / least : tiles >= 100 && across >= 6;
}

static size_t group_stride(pk_isa isa, const pk_conv_shape *s) {
  const size_t bytes = pk_sgemm_packed_a_bytes(isa, s->outputs, depth_of(s));
  return bytes == SIZE_MAX ? SIZE_MAX : bytes / sizeof(float);
}

size_t pk_conv_winograd_packed_bytes(pk_isa isa, const pk_conv_shape *s) {
  const size_t floats = group_stride(isa, s);
  return floats == SIZE_MAX ? SIZE_MAX : pk_mul(s->groups, pk_mul(36, floats * sizeof(float)));
}

/// The weights' side of the transformation, one axis; the points are those of pk_conv_winograd.inl.h.
static void transform(const double g[3], double u[6]) {
  const double a = 0.70710678118654752440, b = 1.41421356237309504880;
  u[0] = g[0];
  u[1] = -(g[0] + a * g[1] + g[2] / 2) / 1.5;
  u[2] = -(g[0] - a * g[1] + g[2] / 2) / 1.5;
  u[3] = (g[0] + b * g[1] + g[2] * 2) / 6;
  u[4] = (g[0] - b * g[1] + g[2] * 2) / 6;
  u[5] = g[2];
}

void pk_conv_winograd_pack(pk_isa isa, const pk_conv_shape *s, const float *w, size_t group0, size_t group1, float *packed) {
  pk_conv_winograd_pack_rows(isa, s, w, group0 * s->outputs, group1 * s->outputs, packed);
}

void pk_conv_winograd_pack_rows(pk_isa isa, const pk_conv_shape *s, const float *w, size_t row0, size_t row1, float *packed) {
  const size_t stride = group_stride(isa, s), mr = pk_sgemm_panel_rows(isa, s->outputs), depth = depth_of(s);
  for (size_t row = row0; row < row1; row++) {
    const size_t group = row / s->outputs, m = row % s->outputs;
    const size_t panel = m / mr * mr, height = pk_min(mr, s->outputs - panel);
    for (size_t k = 0; k < depth; k++) {
      const size_t tap = k / s->channels, c = k % s->channels;
      const float *from = w + ((row * s->channels + c) * s->kernel[0] + tap) * 9;
      double half[3][6];
      for (int i = 0; i < 3; i++) transform((const double[3]){from[i], from[3 + i], from[6 + i]}, half[i]);
      // The place of (m, k) in a packed A.
      float *to = packed + group * 36 * stride + panel * depth + k * height + (m - panel);
      for (int i = 0; i < 6; i++) {
        double u[6];
        transform((const double[3]){half[0][i], half[1][i], half[2][i]}, u);
        for (int j = 0; j < 6; j++) to[(size_t)(i * 6 + j) * stride] = (float)u[j];
      }
    }
  }
}

/// Floats of transformed input of a call over several planes, and how many planes at most: measured; more come back from memory.
enum { INPUT_FLOATS = 1200 << 10, MOST_PLANES = 8 };

void pk_conv_winograd_grid(pk_isa isa, const pk_conv_shape *s, size_t threads, size_t *planes, size_t *bands) {
  (void)isa;
  const size_t across = pk_max(pk_ceil_div(s->out[2], 4), 1), all = pk_max(pk_ceil_div(s->out[1], 4), 1);
  // 64 tiles use each weight often enough; more would push their transforms out of the caches.
  const size_t most = pk_max(64 / across, 1), products = pk_max(s->images * s->groups, 1);
  size_t deep = 1;
  if (s->out[0] > 1) {
    // Planes that lie side by side share transformed planes, as many as the kernel is deep less one, and weights.
    const size_t tiles = across * pk_min(most, all), plane = 36 * pk_mul(s->channels, pk_ceil_div(tiles, 32) * 32 + 16);
    const size_t fit = INPUT_FLOATS / pk_max(plane, 1), shared = s->kernel[0] - 1;
    const size_t wanted = shared > 0 ? pk_min(fit > shared ? fit - shared : 1, MOST_PLANES) : 64 / tiles;
    // A few milliseconds.
    const size_t short_ones = ((size_t)1 << 23) / pk_max(pk_mul(pk_mul(s->outputs, depth_of(s)), tiles), 1);
    deep = pk_max(pk_min(pk_min(wanted, short_ones), s->out[0]), 1);
    deep = pk_ceil_div(s->out[0], pk_ceil_div(s->out[0], deep));
  }
  const size_t parts = pk_mul(products, pk_ceil_div(s->out[0], deep));
  const size_t share = pk_ceil_div(all, pk_ceil_div(pk_max(threads, 1), parts));
  const size_t together = pk_max(pk_min(most, share), 1);
  *planes = deep;
  *bands = pk_ceil_div(all, pk_ceil_div(all, together));
}

static pk_winograd sizes(pk_isa isa, const pk_conv_shape *s, size_t planes, size_t bands) {
  const pk_sgemm_table *t = pk_sgemm_table_of(isa);
  return pk_winograd_sizes(s, planes, bands, pk_even_part(s->outputs, t->mr), t->nr);
}

size_t pk_conv_winograd_scratch_bytes(pk_isa isa, const pk_conv_shape *s, size_t planes, size_t bands) {
  return pk_mul(sizes(isa, s, planes, bands).total, sizeof(float));
}

size_t pk_conv_winograd_input_bytes(pk_isa isa, const pk_conv_shape *s, size_t planes, size_t bands) {
  return pk_mul(sizes(isa, s, planes, bands).input, sizeof(float));
}

size_t pk_conv_winograd_half_scratch_bytes(pk_isa isa, const pk_conv_shape *s, size_t planes, size_t bands) {
  const pk_winograd z = sizes(isa, s, planes, bands);
  return z.total == SIZE_MAX ? SIZE_MAX : pk_mul(pk_max(z.transform, z.outputs), sizeof(float));
}

size_t pk_conv_winograd_shared_rows(pk_isa isa, const pk_conv_shape *s, size_t threads) {
  if (threads <= 1) return 0;
  size_t planes = 0, bands = 0, cut_planes = 0, cut_bands = 0;
  pk_conv_winograd_grid(isa, s, 1, &planes, &bands);
  pk_conv_winograd_grid(isa, s, threads, &cut_planes, &cut_bands);
  const pk_sgemm_table *t = pk_sgemm_table_of(isa);
  const size_t across = pk_max(pk_ceil_div(s->out[2], 4), 1), all = pk_max(pk_ceil_div(s->out[1], 4), 1), products = pk_max(s->images * s->groups, 1);
  const size_t blocks = pk_mul(products, pk_mul(pk_ceil_div(all, bands), pk_ceil_div(s->out[0], planes)));
  if (blocks >= threads) return 0;
  // Panels of tiles of all blocks together: where cutting makes more of them, the weights are read more often, for less.
  const size_t whole = pk_ceil_div(all, bands) * pk_ceil_div(bands * across, t->nr), cut = pk_ceil_div(all, cut_bands) * pk_ceil_div(cut_bands * across, t->nr);
  if (cut <= whole) return 0;
  const size_t mr = pk_even_part(s->outputs, t->mr), panels = pk_ceil_div(s->outputs, mr);
  if (panels < threads) return 0;
  return mr * pk_max(panels / (2 * threads), 1);
}

void pk_conv_winograd_transform(pk_isa isa, const pk_conv *c, const pk_winograd_part *part, size_t channel0, size_t channel1, float *input, void *scratch) {
  pk_conv_table_of(isa)->winograd_transform(c, part, channel0, channel1, input, scratch);
}

void pk_conv_winograd_outputs(pk_isa isa, const pk_conv *c, const pk_winograd_part *part, size_t m0, size_t m1, const float *input, void *scratch) {
  pk_conv_table_of(isa)->winograd_outputs(c, part, m0, m1, input, scratch);
}

void pk_conv_winograd_block(pk_isa isa, const pk_conv *c, const pk_winograd_part *part, void *scratch) {
  if (part->plane0 >= part->plane1 || part->band0 >= part->band1) return;
  const pk_conv_table *t = pk_conv_table_of(isa);
  float *input = scratch;
  void *rest = input + sizes(isa, &c->shape, part->plane1 - part->plane0, part->band1 - part->band0).input;
  t->winograd_transform(c, part, 0, c->shape.channels, input, rest);
  t->winograd_outputs(c, part, 0, c->shape.outputs, input, rest);
}
