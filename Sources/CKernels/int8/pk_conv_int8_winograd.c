#include "pk_conv_int8_winograd.h"

#include <string.h>

#include "pk_conv_int8_winograd_internal.h"

bool pk_conv_int8_winograd_fits(pk_isa isa, const pk_conv_shape *s) {
  if (isa == PK_ISA_SCALAR || pk_igemm_isa(isa) == PK_ISA_AVX512) return false;
  if (s->in[0] != 1 || s->out[0] != 1 || s->kernel[0] != 1 || s->pad[0] != 0) return false;
  for (int i = 1; i < 3; i++)
    if (s->kernel[i] != 3 || s->stride[i] != 1 || s->dilation[i] != 1 || s->out[i] > SIZE_MAX / 64 || s->in[i] > SIZE_MAX / 64) return false;
  // Measured: less than this and making the transforms, or reading weights that are four times as large, takes what products save.
  if (s->channels < 16 || s->outputs < 16 || s->channels > 4096) return false;
  const size_t tiles = pk_conv_int8_winograd_tiles(s), places = pk_mul(s->out[1], s->out[2]);
  return tiles >= 12 && pk_mul(tiles, 9) <= places;
}

bool pk_conv_int8_winograd_is_exact(const pk_conv_shape *s, uint8_t flip, const uint8_t *w, const int32_t *zero) {
  const size_t taps = s->channels * 9;
  for (size_t m = 0; m < s->groups * s->outputs; m++, w += taps) {
    // Codes less their zero point span 255, 0 among them, so that a sum lies within 255 times the larger part of the weights.
    int32_t above = 0, below = 0; // of 4096 channels at most
    const int32_t z = zero ? zero[m] : 0;
    for (size_t i = 0; i < taps; i++) {
      const int32_t v = (int8_t)(w[i] ^ flip) - z;
      above += v > 0 ? v : 0, below -= v < 0 ? v : 0;
    }
    if ((above > below ? above : below) * (int64_t)255 >= 1 << 25) return false;
  }
  return true;
}

size_t pk_conv_int8_winograd_tiles(const pk_conv_shape *s) { return pk_mul(pk_ceil_div(s->out[1], 4), pk_ceil_div(s->out[2], 4)); }

size_t pk_conv_int8_winograd_panels(const pk_conv_shape *s) { return pk_mul(s->groups, pk_winograd_int8_group_panels(s)); }

size_t pk_conv_int8_winograd_packed_bytes(const pk_conv_shape *s) {
  return pk_mul(pk_mul(pk_conv_int8_winograd_panels(s), pk_winograd_int8_panel_words(s)), sizeof(uint32_t));
}

/// The transform of the weights of 16 outputs along an axis, whole: what they are divided by is part of the transform back.
static void transform_weights(const int32_t *a, const int32_t *b, const int32_t *c, int32_t *to[6]) {
  for (size_t l = 0; l < PK_WINOGRAD_INT8_COLUMNS; l++) {
    const int32_t ends = a[l] + c[l], far = a[l] + 4 * c[l];
    to[0][l] = a[l], to[1][l] = ends + b[l], to[2][l] = ends - b[l], to[3][l] = far + 2 * b[l], to[4][l] = far - 2 * b[l], to[5][l] = c[l];
  }
}

void pk_conv_int8_winograd_pack(const pk_conv_shape *s, uint8_t flip, const uint8_t *w, const int32_t *zero, size_t panel0, size_t panel1, void *packed) {
  enum { LANES = PK_WINOGRAD_INT8_COLUMNS };
  const size_t words = pk_winograd_int8_words(s), each = pk_winograd_int8_group_panels(s), panel_words = pk_winograd_int8_panel_words(s);
  for (size_t panel = panel0; panel < panel1; panel++) {
    const size_t first = panel % each * LANES, lanes = pk_min(LANES, s->outputs - first), channel = panel / each * s->outputs + first;
    for (size_t word = 0; word < words; word++) {
      uint32_t *to = (uint32_t *)packed + panel * panel_words + word * LANES;
      for (size_t k = 0; k < 2; k++) {
        int32_t taps[3][3][LANES] = {{{0}}}, half[6][3][LANES], whole[6][LANES];
        for (size_t l = 0; l < lanes && 2 * word + k < s->channels; l++)
          for (size_t tap = 0; tap < 9; tap++)
            taps[tap / 3][tap % 3][l] = (int8_t)(w[((channel + l) * s->channels + 2 * word + k) * 9 + tap] ^ flip) - (zero ? zero[channel + l] : 0);
        for (size_t j = 0; j < 3; j++) {
          int32_t *rows[6] = {half[0][j], half[1][j], half[2][j], half[3][j], half[4][j], half[5][j]};
          transform_weights(taps[0][j], taps[1][j], taps[2][j], rows);
        }
        for (size_t i = 0; i < 6; i++) {
          int32_t *columns[6] = {whole[0], whole[1], whole[2], whole[3], whole[4], whole[5]};
          transform_weights(half[i][0], half[i][1], half[i][2], columns);
          for (size_t j = 0; j < 6; j++) {
            uint32_t *at = to + (i * 6 + j) * words * LANES;
            for (size_t l = 0; l < LANES; l++) at[l] = k ? at[l] | (uint32_t)whole[j][l] << 16 : (uint32_t)whole[j][l] & 0xffff;
          }
        }
      }
    }
  }
}

size_t pk_conv_int8_winograd_terms_bytes(const pk_conv_shape *s) {
  return pk_mul(pk_conv_int8_winograd_panels(s), 2 * PK_WINOGRAD_INT8_COLUMNS * sizeof(uint32_t));
}

void pk_conv_int8_winograd_terms(const pk_conv_int8_last *c, void *terms) {
  const pk_conv_shape *s = &c->shape;
  memset(terms, 0, pk_conv_int8_winograd_terms_bytes(s));
  for (size_t channel = 0; channel < s->groups * s->outputs; channel++) {
    const size_t m = channel % s->outputs, panel = channel / s->outputs * pk_winograd_int8_group_panels(s) + m / PK_WINOGRAD_INT8_COLUMNS;
    uint32_t *to = (uint32_t *)terms + panel * 2 * PK_WINOGRAD_INT8_COLUMNS + m % PK_WINOGRAD_INT8_COLUMNS;
    if (c->bias) to[0] = (uint32_t)c->bias[channel];
    memcpy(to + PK_WINOGRAD_INT8_COLUMNS, c->scale + channel, sizeof(float));
  }
}

void pk_conv_int8_winograd_grid(const pk_conv_shape *s, size_t products, size_t threads, size_t *outputs, size_t *tiles) {
  const size_t all = pk_conv_int8_winograd_tiles(s), panels = pk_winograd_int8_group_panels(s), together = pk_winograd_int8_together(s);
  const size_t wanted = threads <= 1 ? 1 : pk_ceil_div(3 * threads, pk_max(products, 1));
  // About half a millisecond of products in a call.
  const size_t work = pk_max(pk_mul(pk_winograd_int8_panel_words(s), panels), 1);
  const size_t most = pk_max(((size_t)24 << 20) / work, 1);
  const size_t each = pk_max(pk_min(pk_min(most, together), pk_ceil_div(all, wanted)), pk_min(6, all));
  *tiles = pk_ceil_div(all, pk_ceil_div(all, each));
  *outputs = pk_max(pk_ceil_div(panels, pk_max(pk_ceil_div(wanted, pk_ceil_div(all, *tiles)), 1)), 1) * PK_WINOGRAD_INT8_COLUMNS;
}

size_t pk_conv_int8_winograd_scratch_bytes(const pk_conv_shape *s, size_t tiles) {
  const size_t together = pk_min(tiles, pk_winograd_int8_together(s));
  return pk_mul(36, pk_mul(together, pk_add(pk_winograd_int8_row_words(s), PK_WINOGRAD_INT8_COLUMNS) * sizeof(uint32_t)));
}

void pk_conv_int8_winograd_block(const pk_conv_int8_last *c, size_t image, size_t group, size_t m0, size_t m1, size_t t0, size_t t1, void *scratch) {
#if defined(__x86_64__)
  pk_conv_int8_winograd_block_avx2(c, image, group, m0, m1, t0, t1, scratch);
#else
  (void)c, (void)image, (void)group, (void)m0, (void)m1, (void)t0, (void)t1, (void)scratch;
#endif
}
