#include "pk_conv_int8_last.h"

#include <string.h>

#include "pk_conv_int8_last_internal.h"

bool pk_conv_int8_last_fits(pk_isa isa, const pk_conv_shape *s) {
  return isa != PK_ISA_SCALAR && s->in[0] == 1 && s->out[0] == 1 && s->kernel[0] == 1 && s->pad[0] == 0;
}

bool pk_conv_int8_last_is_depthwise(const pk_conv_shape *s) { return s->channels == 1 && s->outputs == 1 && s->kernel[1] <= 8; }

size_t pk_conv_int8_last_packed_bytes(pk_isa isa, const pk_conv_shape *s) {
  const bool is_depthwise = pk_conv_int8_last_is_depthwise(s);
  const pk_last_level *l = is_depthwise ? pk_last_level_of(isa) : pk_last_products_of(isa);
  const size_t words = is_depthwise ? pk_mul(pk_ceil_div(s->groups, l->lanes), pk_last_block_words(l, s))
                                    : pk_mul(pk_mul(s->groups, pk_last_panels(l, s)), pk_last_panel_words(l, s));
  return pk_mul(words, sizeof(uint32_t));
}

/// Puts a weight into tap `at` of the words of an output, which lie `lanes` words apart; `head` is where the head of its panel has the output.
static void put_weight(const pk_last_level *l, size_t lanes, size_t at, uint8_t byte, uint32_t *head) {
  uint32_t *word = head + (PK_LAST_HEAD + at / l->group) * lanes;
  if (l->group == 4) {
    head[0] += (uint32_t)(int8_t)byte;
    *word |= (uint32_t)byte << at % 4 * 8;
  } else {
    // Less their zero point they are what the sums are made of.
    *word |= (((uint32_t)(int8_t)byte - head[lanes]) & 0xffff) << at % 2 * 16;
  }
}

/// Whether pmaddubsw is exact for these taps, whatever the codes are.
static bool is_byte_word(const int32_t taps[4]) {
  for (int i = 0; i < 4; i += 2) {
    const int32_t above = (taps[i] > 0 ? taps[i] : 0) + (taps[i + 1] > 0 ? taps[i + 1] : 0);
    const int32_t below = (taps[i] < 0 ? taps[i] : 0) + (taps[i + 1] < 0 ? taps[i + 1] : 0);
    if (above > 128 || below < -128 || taps[i] > 127 || taps[i + 1] > 127) return false;
  }
  return true;
}

/// The panel of the outputs from `first` on, all over the groups, of which there are `lanes`.
static void pack_split(const pk_last_level *l, const pk_conv_shape *s, uint8_t flip, const uint8_t *w, const int32_t *zero, size_t first, size_t lanes,
                       uint32_t *panel) {
  const size_t taps = pk_product3(s->kernel), words = pk_last_words(l, s), depth = pk_last_depth(s), columns = l->columns;
  uint32_t *index = panel + PK_LAST_HEAD * columns + 1, *weights = panel + PK_LAST_HEAD * columns + pk_last_index_words(words);
  size_t bytes = 0, wide = 0;
  for (size_t word = 0; word < words; word++) {
    int32_t v[16][4] = {{0}};
    bool is_byte = true;
    for (size_t m = 0; m < lanes; m++) {
      for (size_t i = 0; i < 4 && word * 4 + i < depth; i++) {
        const size_t tap = (word * 4 + i) / s->channels, c = (word * 4 + i) % s->channels;
        v[m][i] = (int8_t)(w[((first + m) * s->channels + c) * taps + tap] ^ flip) - (zero ? zero[first + m] : 0);
        panel[m] += (uint32_t)v[m][i];
      }
      is_byte &= is_byte_word(v[m]);
    }
    if (is_byte) {
      uint32_t *to = weights + bytes * columns;
      for (size_t m = 0; m < lanes; m++)
        for (size_t i = 0; i < 4; i++) to[m] |= ((uint32_t)v[m][i] & 0xff) << 8 * i;
      index[bytes++] = (uint32_t)(word * 4);
    } else {
      wide++;
      uint32_t *to = weights + (words - wide) * 2 * columns;
      for (size_t m = 0; m < lanes; m++)
        for (size_t i = 0; i < 2; i++) to[i * columns + m] = ((uint32_t)v[m][i] & 0xffff) | (uint32_t)v[m][i + 2] << 16;
      index[words - wide] = (uint32_t)(word * 4);
    }
  }
  index[-1] = (uint32_t)bytes;
}

void pk_conv_int8_last_pack(pk_isa isa, const pk_conv_shape *s, uint8_t flip, const uint8_t *w, const int32_t *zero, void *packed) {
  const pk_last_level *l = pk_last_level_of(isa);
  const size_t rows = s->kernel[1], columns = s->kernel[2], taps = pk_product3(s->kernel);
  memset(packed, 0, pk_conv_int8_last_packed_bytes(isa, s));
  if (pk_conv_int8_last_is_depthwise(s)) {
    const size_t height = pk_last_column_words(l, s) * l->group;
    for (size_t c = 0; c < s->groups; c++) {
      uint32_t *head = (uint32_t *)packed + c / l->lanes * pk_last_block_words(l, s) + pk_last_lane(l, c % l->lanes);
      head[l->lanes] = zero ? (uint32_t)zero[c] : 0;
      for (size_t i = 0; i < rows; i++)
        for (size_t j = 0; j < columns; j++) put_weight(l, l->lanes, j * height + i, w[(c * rows + i) * columns + j] ^ flip, head);
    }
    return;
  }
  l = pk_last_products_of(isa);
  if (l->is_split) {
    const size_t panels = pk_last_panels(l, s);
    for (size_t panel = 0; panel < s->groups * panels; panel++) {
      const size_t m = panel % panels * l->columns;
      pack_split(l, s, flip, w, zero, panel / panels * s->outputs + m, pk_min(l->columns, s->outputs - m),
                 (uint32_t *)packed + panel * pk_last_panel_words(l, s));
    }
    return;
  }
  for (size_t group = 0; group < s->groups; group++)
    for (size_t m = 0; m < s->outputs; m++) {
      uint32_t *head = (uint32_t *)packed + (group * pk_last_panels(l, s) + m / l->columns) * pk_last_panel_words(l, s) + m % l->columns;
      const uint8_t *from = w + (group * s->outputs + m) * s->channels * taps;
      head[l->columns] = zero ? (uint32_t)zero[group * s->outputs + m] : 0;
      for (size_t tap = 0; tap < taps; tap++)
        for (size_t c = 0; c < s->channels; c++) put_weight(l, l->columns, tap * s->channels + c, from[c * taps + tap] ^ flip, head);
    }
}

size_t pk_conv_int8_last_terms_bytes(pk_isa isa, const pk_conv_shape *s) {
  const bool is_depthwise = pk_conv_int8_last_is_depthwise(s);
  const pk_last_level *l = is_depthwise ? pk_last_level_of(isa) : pk_last_products_of(isa);
  const size_t lanes = is_depthwise ? pk_mul(pk_ceil_div(s->groups, l->lanes), l->lanes) : pk_mul(pk_mul(s->groups, pk_last_panels(l, s)), l->columns);
  return pk_mul(lanes, PK_LAST_TERMS * sizeof(uint32_t));
}

/// The terms of one channel, `lanes` words apart, as the words of its weights' head are.
static void put_terms(const pk_last_level *l, const pk_conv_int8_last *c, size_t channel, const uint32_t *head, size_t lanes, uint32_t *to) {
  // Signed codes are read as unsigned ones 128 higher.
  const uint32_t zero = (uint32_t)c->x_zero + (c->x_signed ? 128 : 0);
  // Weights that are split are less their zero points.
  const uint32_t w_zero = l->is_split ? 0 : head[lanes];
  to[0] = c->bias ? (uint32_t)c->bias[channel] : 0;
  if (l->group == 4) to[0] -= zero * (head[0] - (uint32_t)pk_last_depth(&c->shape) * w_zero);
  memcpy(to + lanes, c->scale + channel, sizeof(float));
  to[2 * lanes] = w_zero;
}

void pk_conv_int8_last_terms(pk_isa isa, const pk_conv_int8_last *c, void *terms) {
  const pk_last_level *l = pk_last_level_of(isa);
  const pk_conv_shape *s = &c->shape;
  const uint32_t *packed = c->weights;
  uint32_t *to = terms;
  memset(terms, 0, pk_conv_int8_last_terms_bytes(isa, s));
  if (pk_conv_int8_last_is_depthwise(s)) {
    for (size_t g = 0; g < s->groups; g++) {
      const size_t at = g / l->lanes, lane = pk_last_lane(l, g % l->lanes);
      put_terms(l, c, g, packed + at * pk_last_block_words(l, s) + lane, l->lanes, to + at * PK_LAST_TERMS * l->lanes + lane);
    }
    return;
  }
  l = pk_last_products_of(isa);
  const size_t panels = pk_last_panels(l, s), panel = pk_last_panel_words(l, s);
  for (size_t g = 0; g < s->groups; g++)
    for (size_t m = 0; m < s->outputs; m++) {
      const size_t at = g * panels + m / l->columns, lane = m % l->columns;
      put_terms(l, c, g * s->outputs + m, packed + at * panel + lane, l->columns, to + at * PK_LAST_TERMS * l->columns + lane);
    }
}

void pk_conv_int8_last_grid(pk_isa isa, const pk_conv_shape *s, size_t products, size_t threads, size_t *outputs, size_t *positions) {
  const pk_last_level *l = pk_last_products_of(isa);
  const size_t all = s->out[1] * s->out[2], tiles = pk_ceil_div(all, l->rows), panels = pk_last_panels(l, s);
  const size_t wanted = threads <= 1 ? 1 : pk_ceil_div(3 * threads, pk_max(products, 1));
  // About half a millisecond of products in a call.
  const size_t work = pk_max(pk_mul(pk_mul(pk_last_words(l, s), l->rows), pk_mul(panels, l->columns)), 1);
  const size_t most = pk_max(((size_t)24 << 20) / work, 1);
  const size_t blocks = pk_ceil_div(tiles, pk_max(pk_min(most, pk_ceil_div(tiles, wanted)), 1));
  *positions = pk_ceil_div(tiles, blocks) * l->rows;
  *outputs = pk_max(pk_ceil_div(panels, pk_max(pk_ceil_div(wanted, blocks), 1)), 1) * l->columns;
}

size_t pk_conv_int8_last_scratch_bytes(pk_isa isa, const pk_conv_shape *s, size_t positions) {
  const pk_last_level *l = pk_last_products_of(isa);
  const size_t sums = pk_last_sums_bytes(l, s, positions);
  if (pk_last_is_in_place(l, s)) return sums;
  return pk_add(sums, pk_add(pk_mul(pk_min(pk_last_together(l, s), positions), pk_last_patch_stride(l, s)), PK_LAST_SLACK));
}

void pk_conv_int8_last_block(pk_isa isa, const pk_conv_int8_last *c, size_t image, size_t group, size_t m0, size_t m1, size_t p0, size_t p1,
                             void *scratch) {
#if defined(__x86_64__)
  if (pk_igemm_isa(isa) == PK_ISA_AVX512)
    pk_conv_int8_last_block_avx512(c, image, group, m0, m1, p0, p1, scratch);
  else
    pk_conv_int8_last_block_avx2(c, image, group, m0, m1, p0, p1, scratch);
#else
  (void)isa, (void)c, (void)image, (void)group, (void)m0, (void)m1, (void)p0, (void)p1, (void)scratch;
#endif
}

size_t pk_conv_int8_last_rows_scratch_bytes(pk_isa isa, const pk_conv_shape *s) {
  const pk_last_level *l = pk_last_level_of(isa);
  const size_t columns = pk_add(pk_mul(s->out[2] - 1, s->stride[2]), pk_add(pk_mul(s->kernel[2] - 1, s->dilation[2]), 1));
  return pk_mul(pk_mul(columns, pk_last_column_words(l, s)), l->lanes * sizeof(uint32_t));
}

void pk_conv_int8_last_rows(pk_isa isa, const pk_conv_int8_last *c, size_t row0, size_t row1, void *scratch) {
#if defined(__x86_64__)
  if (pk_igemm_isa(isa) == PK_ISA_AVX512)
    pk_conv_int8_last_rows_avx512(c, row0, row1, scratch);
  else
    pk_conv_int8_last_rows_avx2(c, row0, row1, scratch);
#else
  (void)isa, (void)c, (void)row0, (void)row1, (void)scratch;
#endif
}
