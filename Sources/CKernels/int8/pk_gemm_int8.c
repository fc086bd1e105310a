#include "pk_gemm_int8.h"

#include <string.h>

#include "pk_gemm_int8_internal.h"

size_t pk_igemm_panel_cols(pk_isa isa) { return pk_igemm_table_of(isa)->nr; }

size_t pk_igemm_panel_rows(pk_isa isa, size_t m) { return pk_even_part(m, pk_igemm_table_of(isa)->mr); }

size_t pk_igemm_packed_a_bytes(pk_isa isa, size_t m, size_t k) {
  const size_t words = pk_ceil_div(k, pk_igemm_table_of(isa)->group);
  const size_t panels = pk_round64(pk_mul(pk_mul(m, words), sizeof(uint32_t)));
  return pk_add(panels, pk_round64(pk_mul(m, sizeof(uint32_t))));
}

void pk_igemm_pack_a(pk_isa isa, bool trans, bool a_signed, size_t m, size_t k, const void *a, size_t lda, void *packed) {
  const pk_igemm_table *t = pk_igemm_table_of(isa);
  uint32_t *words = packed;
  t->pack_a(trans, a_signed, m, k, a, lda, pk_even_part(m, t->mr), words, words + pk_igemm_a_words(m, pk_ceil_div(k, t->group)));
}

size_t pk_igemm_packed_b_bytes(pk_isa isa, size_t k, size_t n) {
  const pk_igemm_table *t = pk_igemm_table_of(isa);
  const size_t panel = pk_mul(pk_add(pk_ceil_div(k, t->group), 1), t->nr * sizeof(uint32_t));
  return pk_round64(pk_mul(pk_ceil_div(n, t->nr), panel));
}

void pk_igemm_pack_b(pk_isa isa, bool trans, bool a_signed, bool b_signed, size_t k, size_t n, const void *b, size_t ldb, size_t n0,
                     size_t n1, void *packed) {
  (void)n;
  const pk_igemm_table *t = pk_igemm_table_of(isa);
  const size_t panel = (pk_ceil_div(k, t->group) + 1) * t->nr;
  t->pack_b(trans, a_signed, b_signed, k, n1 - n0, (const uint8_t *)b + (trans ? n0 * ldb : n0), ldb,
            (uint32_t *)packed + n0 / t->nr * panel);
}

void pk_igemm_grid(pk_isa isa, const pk_igemm *g, size_t threads, size_t *block_rows, size_t *block_cols) {
  // The panels have the f32 shapes; a word of depth takes the time of one f32 multiply-add.
  const pk_sgemm f = {.m = g->m, .n = g->n, .k = pk_ceil_div(g->k, pk_igemm_table_of(isa)->group)};
  pk_sgemm_grid(pk_igemm_isa(isa), &f, threads, block_rows, block_cols);
}

size_t pk_igemm_scratch_bytes(pk_isa isa, const pk_igemm *g, size_t rows, size_t cols) {
  (void)cols;
  const pk_igemm_table *t = pk_igemm_table_of(isa);
  const size_t words = pk_ceil_div(g->k, t->group);
  size_t bytes = g->packed_a ? 0 : pk_igemm_packed_a_bytes(isa, rows, g->k);
  if (!g->packed_b) bytes = pk_add(bytes, pk_min(words, PK_SGEMM_KC) * t->nr * sizeof(uint32_t));
  return bytes;
}

void pk_igemm_block(pk_isa isa, const pk_igemm *g, size_t m0, size_t m1, size_t n0, size_t n1, void *scratch) {
  pk_igemm_table_of(isa)->block(g, m0, m1, n0, n1, scratch);
}

void pk_im2col_8(const size_t in[3], const size_t kernel[3], const size_t stride[3], const size_t dilation[3], const size_t pad[3],
                 const size_t out[3], const uint8_t *x, uint8_t zero, size_t row0, size_t row1, size_t p0, size_t p1, uint8_t *to,
                 size_t ld) {
  const size_t taps = kernel[0] * kernel[1] * kernel[2], plane = in[0] * in[1] * in[2];
  for (size_t row = row0; row < row1; row++, to += ld) {
    const size_t tap = row % taps, kw = tap % kernel[2], kh = tap / kernel[2] % kernel[1], kd = tap / kernel[2] / kernel[1];
    const uint8_t *from = x + row / taps * plane;
    for (size_t p = p0; p < p1;) {
      const size_t ow = p % out[2], oh = p / out[2] % out[1], od = p / out[2] / out[1];
      const size_t count = pk_min(out[2] - ow, p1 - p);
      // Positions in front of the input wrap around to huge numbers.
      const size_t d = od * stride[0] + kd * dilation[0] - pad[0], h = oh * stride[1] + kh * dilation[1] - pad[1];
      uint8_t *line = to + (p - p0);
      p += count;
      if (d >= in[0] || h >= in[1]) {
        memset(line, zero, count);
        continue;
      }
      const uint8_t *source = from + (d * in[1] + h) * in[2];
      size_t w = ow * stride[2] + kw * dilation[2] - pad[2], i = 0;
      if (stride[2] == 1) {
        for (; i < count && w >= in[2] && w > SIZE_MAX / 2; i++, w++) line[i] = zero;
        const size_t inside = w < in[2] ? pk_min(in[2] - w, count - i) : 0;
        if (inside) memcpy(line + i, source + w, inside);
        i += inside;
        memset(line + i, zero, count - i);
        continue;
      }
      for (; i < count; i++, w += stride[2]) line[i] = w < in[2] ? source[w] : zero;
    }
  }
}
