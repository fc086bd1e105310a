// Winograd's convolution of bytes whose channels come last; included after pk_conv_int8_last_avx2.inl.h, whose loads and stores it uses.
//
// Of codes less their zero point, which span 255 with 0 among them, every transformed value is below 10 * 10 * 255 and every part of its sum with it,
// transformed weights are below 7 * 7 * 255: both fit 16 bits, and the sum of two products fits 32.

/// The transform of six values of an axis.
PK_INLINE void wino_forward(const __m256i d[6], __m256i v[6]) {
  const __m256i a = _mm256_sub_epi16(d[4], _mm256_slli_epi16(d[2], 2)), b = _mm256_sub_epi16(d[3], _mm256_slli_epi16(d[1], 2));
  const __m256i e = _mm256_sub_epi16(d[4], d[2]), g = _mm256_sub_epi16(d[3], d[1]), f = _mm256_add_epi16(g, g);
  v[0] = _mm256_add_epi16(e, _mm256_slli_epi16(_mm256_sub_epi16(d[0], d[2]), 2));
  v[1] = _mm256_add_epi16(a, b);
  v[2] = _mm256_sub_epi16(a, b);
  v[3] = _mm256_add_epi16(e, f);
  v[4] = _mm256_sub_epi16(e, f);
  v[5] = _mm256_sub_epi16(_mm256_sub_epi16(d[5], d[3]), _mm256_slli_epi16(g, 2));
}

/// 24 times the transform back of six sums of an axis, modulo 2^32.
PK_INLINE void wino_back(const __m256i m[6], __m256i y[4]) {
  const __m256i sum = _mm256_add_epi32(m[1], m[2]), difference = _mm256_sub_epi32(m[1], m[2]);
  const __m256i sum2 = _mm256_add_epi32(m[3], m[4]), difference2 = _mm256_sub_epi32(m[3], m[4]);
  const __m256i sum4 = _mm256_slli_epi32(sum, 2), difference4 = _mm256_slli_epi32(difference, 2);
  const __m256i first = _mm256_add_epi32(_mm256_slli_epi32(m[0], 2), _mm256_add_epi32(m[0], m[0]));
  const __m256i last = _mm256_add_epi32(_mm256_slli_epi32(m[5], 4), _mm256_slli_epi32(m[5], 3));
  y[0] = _mm256_add_epi32(_mm256_sub_epi32(first, sum4), sum2);
  y[1] = _mm256_sub_epi32(_mm256_add_epi32(difference2, difference2), difference4);
  y[2] = _mm256_sub_epi32(_mm256_slli_epi32(sum2, 2), sum4);
  y[3] = _mm256_add_epi32(_mm256_sub_epi32(_mm256_slli_epi32(difference2, 3), difference4), last);
}

/// Transforms the codes of a tile, `step` words from one of the 36 places to the next. `x`: the group's first channel.
PK_INLINE void wino_codes(const pk_conv_int8_last *c, const uint8_t *x, size_t th, size_t tw, bool is_signed, uint32_t *to, size_t step) {
  const pk_conv_shape *s = &c->shape;
  const size_t pixel = s->groups * s->channels, h0 = 4 * th - s->pad[1], w0 = 4 * tw - s->pad[2]; // huge in front of the input
  const __m256i zero = _mm256_set1_epi16((short)c->x_zero), none = _mm256_setzero_si256();
  for (size_t channel = 0; channel < s->channels; channel += 16) {
    const size_t count = s->channels - channel;
    __m256i half[6][6];
    for (size_t i = 0; i < 6; i++) {
      const size_t h = h0 + i;
      __m256i d[6];
      if (h >= s->in[1]) {
        PK_UNROLL for (int j = 0; j < 6; j++) half[i][j] = none;
        continue;
      }
      const uint8_t *line = x + h * s->in[2] * pixel + channel;
      if (w0 < s->in[2] && s->in[2] - w0 >= 6 && count >= 16)
        PK_UNROLL for (int j = 0; j < 6; j++) d[j] = _mm256_sub_epi16(last_load(line + (w0 + (size_t)j) * pixel, 16, is_signed), zero);
      else
        for (size_t j = 0; j < 6; j++) {
          const size_t w = w0 + j;
          d[j] = w < s->in[2] ? _mm256_sub_epi16(last_load(line + w * pixel, count, is_signed), zero) : none;
        }
      wino_forward(d, half[i]);
    }
    uint32_t *at = to + channel / 2;
    PK_UNROLL for (size_t j = 0; j < 6; j++) {
      const __m256i d[6] = {half[0][j], half[1][j], half[2][j], half[3][j], half[4][j], half[5][j]};
      __m256i v[6];
      wino_forward(d, v);
      PK_UNROLL for (size_t i = 0; i < 6; i++) _mm256_storeu_si256((__m256i *)(at + (i * 6 + j) * step), v[i]);
    }
  }
}

typedef void (*sum_micro)(size_t words, const uint32_t *a, size_t lda, const uint32_t *b, uint32_t *sums, size_t ld);

// The sums of M rows, `lda` words apart, by 16 outputs, `ld` words from one row to the next.
#define SUM_MICRO(M)                                                                                                  \
  static void sum_micro_##M(size_t words, const uint32_t *restrict a, size_t lda, const uint32_t *restrict b, uint32_t *restrict sums, size_t ld) { \
    __m256i acc[M][2];                                                                                                 \
    PK_UNROLL for (int i = 0; i < M; i++) PK_UNROLL for (int j = 0; j < 2; j++) acc[i][j] = _mm256_setzero_si256();    \
    _Pragma("clang loop unroll(disable)") for (size_t p = 0; p < words; p++, a++, b += LAST_COLUMNS) {                 \
      const __m256i b0 = _mm256_loadu_si256((const __m256i *)b), b1 = _mm256_loadu_si256((const __m256i *)(b + 8));    \
      PK_UNROLL for (int i = 0; i < M; i++) {                                                                          \
        const __m256i x = _mm256_set1_epi32((int)a[(size_t)i * lda]);                                                  \
        acc[i][0] = _mm256_add_epi32(acc[i][0], _mm256_madd_epi16(x, b0));                                             \
        acc[i][1] = _mm256_add_epi32(acc[i][1], _mm256_madd_epi16(x, b1));                                             \
      }                                                                                                                \
    }                                                                                                                  \
    PK_UNROLL for (int i = 0; i < M; i++) PK_UNROLL for (int j = 0; j < 2; j++)                                        \
        _mm256_storeu_si256((__m256i *)(sums + (size_t)i * ld + 8 * j), acc[i][j]);                                  \
  }
SUM_MICRO(1) SUM_MICRO(2) SUM_MICRO(3) SUM_MICRO(4) SUM_MICRO(5) SUM_MICRO(6)
static const sum_micro sum_micros[6] = {sum_micro_1, sum_micro_2, sum_micro_3, sum_micro_4, sum_micro_5, sum_micro_6};

/// Turns the sums of a tile, `step` words from one of the 36 places to the next, into codes. `y`: of the tile's first position.
PK_INLINE void wino_finish(const pk_conv_shape *s, const uint32_t *sums, size_t step, const last_finish *f, size_t rows, size_t columns, uint8_t *y,
                           size_t count) {
  const size_t pixel = s->groups * s->outputs;
  const __m256i ninth = _mm256_set1_epi32(0x38e38e39); // times 9 it is 1 modulo 2^32
  __m256i codes[2][4][4];
  PK_UNROLL for (int k = 0; k < 2; k++) {
    __m256i half[4][6];
    PK_UNROLL for (size_t j = 0; j < 6; j++) {
      __m256i m[6], v[4];
      PK_UNROLL for (size_t i = 0; i < 6; i++) m[i] = _mm256_loadu_si256((const __m256i *)(sums + (i * 6 + j) * step + 8 * k));
      wino_back(m, v);
      PK_UNROLL for (int i = 0; i < 4; i++) half[i][j] = v[i];
    }
    const __m256i bias = _mm256_loadu_si256((const __m256i *)(f->terms + 8 * k));
    PK_UNROLL for (int i = 0; i < 4; i++) {
      __m256i v[4];
      wino_back(half[i], v);
      PK_UNROLL for (int j = 0; j < 4; j++)
          codes[k][i][j] = last_round(_mm256_add_epi32(_mm256_srai_epi32(_mm256_mullo_epi32(v[j], ninth), 6), bias), f, k);
    }
  }
  for (size_t i = 0; i < rows; i++, y += s->out[2] * pixel)
    for (size_t j = 0; j < columns; j++) {
      const __m256i packed = _mm256_packs_epi32(codes[0][i][j], codes[1][i][j]);
      last_store(y + j * pixel, last_bytes(_mm256_permute4x64_epi64(packed, 0xd8), f), count);
    }
}

void pk_conv_int8_winograd_block_avx2(const pk_conv_int8_last *c, size_t image, size_t group, size_t m0, size_t m1, size_t t0, size_t t1, void *scratch) {
  const pk_conv_shape *s = &c->shape;
  const size_t words = pk_winograd_int8_words(s), lda = pk_winograd_int8_row_words(s), panel_words = pk_winograd_int8_panel_words(s);
  const size_t panels = pk_winograd_int8_group_panels(s), across = pk_ceil_div(s->out[2], 4), outputs = s->groups * s->outputs;
  const size_t together = pk_even_part(t1 - t0, pk_winograd_int8_together(s));
  const uint8_t *x = c->x + image * s->in[1] * s->in[2] * s->groups * s->channels + group * s->channels;
  uint8_t *y = c->y + image * s->out[1] * s->out[2] * outputs + group * s->outputs;
  uint32_t *codes = scratch, *sums = codes + 36 * together * lda;
  last_finish f = last_finish_of(c);
  for (size_t t = t0; t < t1; t += together) {
    const size_t count = pk_min(together, t1 - t), rows = pk_even_part(count, 6), step = count * lda, sum_step = count * LAST_COLUMNS;
    for (size_t i = 0; i < count; i++) {
      const size_t th = (t + i) / across, tw = (t + i) % across;
      c->x_signed ? wino_codes(c, x, th, tw, true, codes + i * lda, step) : wino_codes(c, x, th, tw, false, codes + i * lda, step);
    }
    for (size_t m = m0; m < m1; m += LAST_COLUMNS) {
      const size_t panel = group * panels + m / LAST_COLUMNS;
      const uint32_t *b = (const uint32_t *)c->weights + panel * panel_words;
      for (size_t place = 0; place < 36; place++, b += words * LAST_COLUMNS)
        for (size_t i = 0; i < count; i += rows)
          sum_micros[pk_min(rows, count - i) - 1](words, codes + place * step + i * lda, lda, b, sums + place * sum_step + i * LAST_COLUMNS,
                                                 LAST_COLUMNS);
      f.terms = (const uint32_t *)c->terms + panel * 2 * LAST_COLUMNS;
      for (size_t i = 0; i < count; i++) {
        const size_t h = (t + i) / across * 4, w = (t + i) % across * 4;
        wino_finish(s, sums + i * LAST_COLUMNS, sum_step, &f, pk_min(4, s->out[1] - h), pk_min(4, s->out[2] - w), y + (h * s->out[2] + w) * outputs + m,
                    m1 - m);
      }
    }
  }
}
