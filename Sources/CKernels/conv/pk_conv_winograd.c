#include "pk_conv_internal.h"

bool pk_conv_winograd_fits(const pk_conv_shape *s) {
  bool fits = s->in[0] == 1 && s->out[0] == 1 && s->kernel[0] == 1 && s->pad[0] == 0;
  for (int i = 1; i < 3; i++) fits &= s->kernel[i] == 3 && s->stride[i] == 1 && s->dilation[i] == 1;
  return fits;
}

bool pk_conv_winograd_pays(pk_isa isa, const pk_conv_shape *s) {
  (void)isa;
  const size_t least = pk_min(s->channels, s->outputs);
  if (!pk_conv_winograd_fits(s) || least < 16) return false;
  // Few tiles do not make up for reading four times the weights, few channels of few tiles not for the transforms, and the
  // last tiles may be mostly empty.
  const size_t tiles = pk_ceil_div(s->out[1], 4) * pk_ceil_div(s->out[2], 4);
  return tiles >= 12 && tiles >= 384 / least && s->out[1] * s->out[2] >= 9 * tiles;
}

static size_t group_stride(pk_isa isa, const pk_conv_shape *s) {
  const size_t bytes = pk_sgemm_packed_a_bytes(isa, s->outputs, s->channels);
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
  const size_t stride = group_stride(isa, s), mr = pk_sgemm_panel_rows(isa, s->outputs);
  for (size_t group = group0; group < group1; group++)
    for (size_t m = 0; m < s->outputs; m++) {
      const size_t panel = m / mr * mr, height = pk_min(mr, s->outputs - panel);
      for (size_t c = 0; c < s->channels; c++) {
        const float *from = w + ((group * s->outputs + m) * s->channels + c) * 9;
        double half[3][6];
        for (int i = 0; i < 3; i++) transform((const double[3]){from[i], from[3 + i], from[6 + i]}, half[i]);
        // The place of (m, c) in a packed A.
        float *to = packed + group * 36 * stride + panel * s->channels + c * height + (m - panel);
        for (int i = 0; i < 6; i++) {
          double u[6];
          transform((const double[3]){half[0][i], half[1][i], half[2][i]}, u);
          for (int j = 0; j < 6; j++) to[(size_t)(i * 6 + j) * stride] = (float)u[j];
        }
      }
    }
}

size_t pk_conv_winograd_grid(pk_isa isa, const pk_conv_shape *s, size_t threads) {
  (void)isa;
  const size_t across = pk_max(pk_ceil_div(s->out[2], 4), 1), bands = pk_max(pk_ceil_div(s->out[1], 4), 1);
  // 64 tiles use each weight often enough; more would push their transforms out of the caches.
  const size_t most = pk_max(64 / across, 1), products = pk_max(s->images * s->groups, 1);
  const size_t share = pk_ceil_div(bands, pk_ceil_div(pk_max(threads, 1), products));
  const size_t together = pk_max(pk_min(most, share), 1);
  return pk_ceil_div(bands, pk_ceil_div(bands, together));
}

size_t pk_conv_winograd_scratch_bytes(pk_isa isa, const pk_conv_shape *s, size_t bands) {
  const pk_sgemm_table *t = pk_sgemm_table_of(isa);
  return pk_mul(pk_winograd_sizes(s, bands, pk_even_part(s->outputs, t->mr), t->nr).total, sizeof(float));
}

void pk_conv_winograd_block(pk_isa isa, const pk_conv *c, size_t image, size_t group, size_t band0, size_t band1, void *scratch) {
  if (band0 < band1) pk_conv_table_of(isa)->winograd(c, image, group, band0, band1, scratch);
}
