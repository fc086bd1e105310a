#include "pk_conv_int8_last.h"

#include <string.h>

#include "pk_conv_int8_last_internal.h"

bool pk_conv_int8_last_fits(pk_isa isa, const pk_conv_shape *s) {
  return isa == PK_ISA_AVX512 && pk_has_vnni() && s->in[0] == 1 && s->out[0] == 1 && s->kernel[0] == 1 && s->pad[0] == 0;
}

bool pk_conv_int8_last_is_depthwise(const pk_conv_shape *s) { return s->channels == 1 && s->outputs == 1 && s->kernel[1] <= 8; }

size_t pk_conv_int8_last_packed_bytes(const pk_conv_shape *s) {
  const size_t words = pk_conv_int8_last_is_depthwise(s) ? pk_mul(pk_ceil_div(s->groups, PK_LAST_LANES), pk_last_block_words(s))
                                                         : pk_mul(pk_mul(s->groups, pk_last_panels(s)), pk_last_panel_words(s));
  return pk_mul(words, sizeof(uint32_t));
}

/// Blocks of 64 channels: their sums, and for each column and four rows of the kernel a word for each channel.
static void pack_depthwise(const pk_conv_shape *s, uint8_t flip, const uint8_t *w, uint32_t *to) {
  const size_t rows = s->kernel[1], columns = s->kernel[2], quads = pk_last_quads(s), block = pk_last_block_words(s);
  for (size_t c = 0; c < s->groups; c++) {
    uint32_t *sums = to + c / PK_LAST_LANES * block, *words = sums + PK_LAST_LANES;
    const size_t lane = pk_last_lane(c % PK_LAST_LANES);
    for (size_t i = 0; i < rows; i++)
      for (size_t j = 0; j < columns; j++) {
        const uint8_t byte = w[(c * rows + i) * columns + j] ^ flip;
        words[(j * quads + i / 4) * PK_LAST_LANES + lane] |= (uint32_t)byte << i % 4 * 8;
        sums[lane] += (uint32_t)(int8_t)byte;
      }
  }
}

void pk_conv_int8_last_pack(const pk_conv_shape *s, uint8_t flip, const uint8_t *w, void *packed) {
  memset(packed, 0, pk_conv_int8_last_packed_bytes(s));
  if (pk_conv_int8_last_is_depthwise(s)) {
    pack_depthwise(s, flip, w, packed);
    return;
  }
  const size_t taps = pk_product3(s->kernel), panel = pk_last_panel_words(s);
  for (size_t group = 0; group < s->groups; group++)
    for (size_t m = 0; m < s->outputs; m++) {
      uint32_t *sums = (uint32_t *)packed + (group * pk_last_panels(s) + m / PK_LAST_COLUMNS) * panel + m % PK_LAST_COLUMNS;
      uint8_t *bytes = (uint8_t *)(sums + PK_LAST_COLUMNS);
      const uint8_t *from = w + (group * s->outputs + m) * s->channels * taps;
      uint32_t sum = 0;
      for (size_t tap = 0; tap < taps; tap++)
        for (size_t c = 0; c < s->channels; c++) {
          const size_t at = tap * s->channels + c;
          const uint8_t byte = from[c * taps + tap] ^ flip;
          bytes[at / 4 * PK_LAST_COLUMNS * 4 + at % 4] = byte;
          sum += (uint32_t)(int8_t)byte;
        }
      *sums = sum;
    }
}

size_t pk_conv_int8_last_terms_bytes(const pk_conv_shape *s) {
  const size_t lanes = pk_conv_int8_last_is_depthwise(s) ? pk_mul(pk_ceil_div(s->groups, PK_LAST_LANES), PK_LAST_LANES)
                                                         : pk_mul(pk_mul(s->groups, pk_last_panels(s)), PK_LAST_COLUMNS);
  return pk_mul(lanes, PK_LAST_TERMS * sizeof(uint32_t));
}

/// The terms of one channel, `lanes` words apart; `weights` is the sum of its weights.
static void put_terms(const pk_conv_int8_last *c, size_t channel, uint32_t weights, size_t lanes, uint32_t *to) {
  // Signed codes are read as unsigned ones 128 higher.
  const uint32_t zero = (uint32_t)c->x_zero + (c->x_signed ? 128 : 0), w_zero = c->w_has_zero ? (uint32_t)c->w_zero[channel] : 0;
  to[0] = (c->bias ? (uint32_t)c->bias[channel] : 0) - zero * (weights - (uint32_t)pk_last_depth(&c->shape) * w_zero);
  memcpy(to + lanes, c->scale + channel, sizeof(float));
  to[2 * lanes] = w_zero;
}

void pk_conv_int8_last_terms(const pk_conv_int8_last *c, void *terms) {
  const pk_conv_shape *s = &c->shape;
  const uint32_t *packed = c->weights;
  uint32_t *to = terms;
  memset(terms, 0, pk_conv_int8_last_terms_bytes(s));
  if (pk_conv_int8_last_is_depthwise(s)) {
    const size_t block = pk_last_block_words(s);
    for (size_t g = 0; g < s->groups; g++) {
      const size_t at = g / PK_LAST_LANES, lane = pk_last_lane(g % PK_LAST_LANES);
      put_terms(c, g, packed[at * block + lane], PK_LAST_LANES, to + at * PK_LAST_TERMS * PK_LAST_LANES + lane);
    }
    return;
  }
  const size_t panels = pk_last_panels(s), panel = pk_last_panel_words(s);
  for (size_t g = 0; g < s->groups; g++)
    for (size_t m = 0; m < s->outputs; m++) {
      const size_t at = g * panels + m / PK_LAST_COLUMNS, lane = m % PK_LAST_COLUMNS;
      put_terms(c, g * s->outputs + m, packed[at * panel + lane], PK_LAST_COLUMNS, to + at * PK_LAST_TERMS * PK_LAST_COLUMNS + lane);
    }
}

void pk_conv_int8_last_grid(const pk_conv_shape *s, size_t products, size_t threads, size_t *outputs, size_t *positions) {
  const size_t all = s->out[1] * s->out[2], tiles = pk_ceil_div(all, PK_LAST_ROWS), panels = pk_last_panels(s);
  const size_t wanted = threads <= 1 ? 1 : pk_ceil_div(3 * threads, pk_max(products, 1));
  // About half a millisecond of products in a call.
  const size_t work = pk_max(pk_mul(pk_mul(pk_last_words(s), PK_LAST_ROWS), pk_mul(panels, PK_LAST_COLUMNS)), 1);
  const size_t most = pk_max(((size_t)24 << 20) / work, 1);
  const size_t blocks = pk_ceil_div(tiles, pk_max(pk_min(most, pk_ceil_div(tiles, wanted)), 1));
  *positions = pk_ceil_div(tiles, blocks) * PK_LAST_ROWS;
  *outputs = pk_max(pk_ceil_div(panels, pk_max(pk_ceil_div(wanted, blocks), 1)), 1) * PK_LAST_COLUMNS;
}

size_t pk_conv_int8_last_scratch_bytes(const pk_conv_shape *s, size_t positions) {
  const size_t sums = pk_last_sums_bytes(s, positions);
  if (pk_last_is_in_place(s)) return sums;
  return pk_add(sums, pk_add(pk_mul(pk_min(pk_last_together(s), positions), pk_last_patch_stride(s)), PK_LAST_SLACK));
}

void pk_conv_int8_last_block(pk_isa isa, const pk_conv_int8_last *c, size_t image, size_t group, size_t m0, size_t m1, size_t p0, size_t p1,
                             void *scratch) {
#if defined(__x86_64__)
  if (isa == PK_ISA_AVX512) pk_conv_int8_last_block_avx512(c, image, group, m0, m1, p0, p1, scratch);
#else
  (void)isa, (void)c, (void)image, (void)group, (void)m0, (void)m1, (void)p0, (void)p1, (void)scratch;
#endif
}

size_t pk_conv_int8_last_rows_scratch_bytes(const pk_conv_shape *s) {
  const size_t columns = pk_add(pk_mul(s->out[2] - 1, s->stride[2]), pk_add(pk_mul(s->kernel[2] - 1, s->dilation[2]), 1));
  return pk_mul(pk_mul(columns, pk_last_quads(s)), PK_LAST_LANES * sizeof(uint32_t));
}

void pk_conv_int8_last_rows(pk_isa isa, const pk_conv_int8_last *c, size_t row0, size_t row1, void *scratch) {
#if defined(__x86_64__)
  if (isa == PK_ISA_AVX512) pk_conv_int8_last_rows_avx512(c, row0, row1, scratch);
#else
  (void)isa, (void)c, (void)row0, (void)row1, (void)scratch;
#endif
}
