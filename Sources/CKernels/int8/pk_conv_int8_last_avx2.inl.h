// The int8 convolution of AVX2 over channels that come last. Codes less their zero point are 16-bit values, so that pmaddwd is exact
// whatever they are; padding is 0.

enum { LAST_COLUMNS = 16, LAST_ROWS = 6 };

/// How the sums of a panel, or of a block of channels, become codes.
typedef struct last_finish {
  const uint32_t *terms; ///< What the sums start with; the scales lie 16 words behind.
  __m256 high;           ///< The highest code less its zero point.
  __m256i zero;          ///< The zero point of the codes as unsigned ones, in 16 bits.
  __m128i y_flip;
} last_finish;

static last_finish last_finish_of(const pk_conv_int8_last *c) {
  const int32_t shift = c->y_signed ? 128 : 0;
  return (last_finish){.high = _mm256_set1_ps((float)(255 - shift - c->y_zero)), .zero = _mm256_set1_epi16((short)(c->y_zero + shift)),
                       .y_flip = _mm_set1_epi8((char)shift)};
}

/// Sums as numbers of codes, before the zero point. What is too low or NaN becomes so low that it stays below the lowest code.
PK_INLINE __m256i last_round(__m256i sum, const last_finish *f, int half) {
  const __m256 scale = _mm256_loadu_ps((const float *)f->terms + 16 + 8 * half);
  // min gives its second operand where one is NaN.
  return _mm256_cvtps_epi32(_mm256_min_ps(f->high, _mm256_mul_ps(_mm256_cvtepi32_ps(sum), scale)));
}

/// Codes of 16 packed sums in 16 bits.
PK_INLINE __m128i last_bytes(__m256i sums, const last_finish *f) {
  const __m256i v = _mm256_adds_epi16(sums, f->zero);
  return _mm_xor_si128(_mm_packus_epi16(_mm256_castsi256_si128(v), _mm256_extracti128_si256(v, 1)), f->y_flip);
}

PK_INLINE void last_store(uint8_t *y, __m128i codes, size_t count) {
  if (count >= 16)
    _mm_storeu_si128((__m128i *)y, codes);
  else
    memcpy(y, &codes, count);
}

/// Up to 16 codes as 16-bit values, as they are.
PK_INLINE __m256i last_load(const uint8_t *x, size_t count, bool is_signed) {
  __m128i bytes = _mm_setzero_si128();
  if (count >= 16)
    bytes = _mm_loadu_si128((const __m128i *)x);
  else
    memcpy(&bytes, x, count);
  return is_signed ? _mm256_cvtepi8_epi16(bytes) : _mm256_cvtepu8_epi16(bytes);
}

typedef void (*last_micro)(size_t words, const uint32_t *a, size_t lda, const uint32_t *b, const last_finish *f, uint8_t *y, size_t ldy,
                           size_t count);

// M positions, whose patches are `lda` words apart, by 16 outputs.
#define LAST_MICRO(M)                                                                                                  \
  static void last_micro_##M(size_t words, const uint32_t *restrict a, size_t lda, const uint32_t *restrict b, const last_finish *f, \
                             uint8_t *restrict y, size_t ldy, size_t count) {                                          \
    __m256i acc[M][2];                                                                                                 \
    PK_UNROLL for (int i = 0; i < M; i++) PK_UNROLL for (int j = 0; j < 2; j++)                                        \
        acc[i][j] = _mm256_loadu_si256((const __m256i *)(f->terms + 8 * j));                                           \
    _Pragma("clang loop unroll(disable)") for (size_t p = 0; p < words; p++, a++, b += LAST_COLUMNS) {                 \
      const __m256i b0 = _mm256_loadu_si256((const __m256i *)b), b1 = _mm256_loadu_si256((const __m256i *)(b + 8));    \
      PK_UNROLL for (int i = 0; i < M; i++) {                                                                          \
        const __m256i x = _mm256_set1_epi32((int)a[(size_t)i * lda]);                                                  \
        acc[i][0] = _mm256_add_epi32(acc[i][0], _mm256_madd_epi16(x, b0));                                             \
        acc[i][1] = _mm256_add_epi32(acc[i][1], _mm256_madd_epi16(x, b1));                                             \
      }                                                                                                                \
    }                                                                                                                  \
    PK_UNROLL for (int i = 0; i < M; i++) {                                                                            \
      const __m256i packed = _mm256_packs_epi32(last_round(acc[i][0], f, 0), last_round(acc[i][1], f, 1));             \
      last_store(y + (size_t)i * ldy, last_bytes(_mm256_permute4x64_epi64(packed, 0xd8), f), count);                   \
    }                                                                                                                  \
  }
LAST_MICRO(1) LAST_MICRO(2) LAST_MICRO(3) LAST_MICRO(4) LAST_MICRO(5) LAST_MICRO(6)
static const last_micro last_micros[LAST_ROWS] = {last_micro_1, last_micro_2, last_micro_3, last_micro_4, last_micro_5, last_micro_6};

/// n codes less their zero point; up to 15 values behind them are written too. Up to `end` may be read.
PK_INLINE void last_copy(uint16_t *to, const uint8_t *from, size_t n, const uint8_t *end, bool is_signed, __m256i zero) {
  const size_t whole = (size_t)(end - from) >= n + 15 ? 16 : 0;
  for (size_t i = 0; i < n; i += 16)
    _mm256_storeu_si256((__m256i *)(to + i), _mm256_sub_epi16(last_load(from + i, whole ? whole : n - i, is_signed), zero));
}

/// The taps of the output position (oh, ow), row by row of the kernel, each a run of its columns' channels. `x`: the group's first channel.
PK_INLINE void last_patch(const pk_conv_int8_last *c, const uint8_t *x, const uint8_t *end, size_t oh, size_t ow, bool is_signed, uint16_t *to) {
  const pk_conv_shape *s = &c->shape;
  const size_t pixel = s->groups * s->channels, channels = s->channels, columns = s->kernel[2], first = ow * s->stride[2], width = s->in[2];
  const __m256i zero = _mm256_set1_epi16((short)c->x_zero);
  for (size_t i = 0; i < s->kernel[1]; i++, to += columns * channels) {
    const size_t h = oh * s->stride[1] + i * s->dilation[1] - s->pad[1]; // huge in front of the input
    if (h >= s->in[1]) {
      memset(to, 0, columns * channels * sizeof *to);
      continue;
    }
    const uint8_t *line = x + h * width * pixel;
    const size_t w = first - s->pad[2];
    if (s->dilation[2] == 1 && pixel == channels && first >= s->pad[2] && w < width && width - w >= columns) {
      last_copy(to, line + w * channels, columns * channels, end, is_signed, zero);
      continue;
    }
    for (size_t j = 0; j < columns; j++) {
      const size_t at = w + j * s->dilation[2];
      if (at < width)
        last_copy(to + j * channels, line + at * pixel, channels, end, is_signed, zero);
      else
        memset(to + j * channels, 0, channels * sizeof *to);
    }
  }
}

void pk_conv_int8_last_block_avx2(const pk_conv_int8_last *c, size_t image, size_t group, size_t m0, size_t m1, size_t p0, size_t p1,
                                  void *scratch) {
  const pk_conv_shape *s = &c->shape;
  const pk_last_level *level = &pk_last_avx2;
  const size_t words = pk_last_words(level, s), panels = pk_last_panels(level, s), panel = pk_last_panel_words(level, s);
  const size_t lda = pk_last_patch_stride(level, s) / 4, together = pk_last_together(level, s), outputs = s->groups * s->outputs;
  const uint8_t *x = c->x + image * s->in[1] * s->in[2] * s->groups * s->channels + group * s->channels;
  const uint8_t *end = c->x + (image + 1) * s->in[1] * s->in[2] * s->groups * s->channels;
  uint8_t *y = c->y + image * s->out[1] * s->out[2] * outputs + group * s->outputs;
  const uint32_t *weights = (const uint32_t *)c->weights + group * panels * panel;
  uint32_t *patches = (uint32_t *)((uint8_t *)scratch + pk_last_sums_bytes(level, s, p1 - p0));
  last_finish f = last_finish_of(c);
  for (size_t p = p0; p < p1; p += together) {
    const size_t count = pk_min(together, p1 - p), rows = pk_even_part(count, LAST_ROWS);
    size_t oh = p / s->out[2], ow = p % s->out[2];
    for (size_t i = 0; i < count; i++) {
      uint16_t *to = (uint16_t *)(patches + i * lda);
      c->x_signed ? last_patch(c, x, end, oh, ow, true, to) : last_patch(c, x, end, oh, ow, false, to);
      if (++ow == s->out[2]) ow = 0, oh++;
    }
    for (size_t m = m0; m < m1; m += LAST_COLUMNS) {
      const size_t at = m / LAST_COLUMNS;
      f.terms = (const uint32_t *)c->terms + (group * panels + at) * PK_LAST_TERMS * LAST_COLUMNS;
      const uint32_t *b = weights + at * panel + PK_LAST_HEAD * LAST_COLUMNS;
      for (size_t i = 0; i < count; i += rows)
        last_micros[pk_min(rows, count - i) - 1](words, patches + i * lda, lda, b, &f, y + (p + i) * outputs + m, outputs, m1 - m);
    }
  }
}

/// The words of a column of the input, one in front of it or behind it, for 16 channels: two rows of the kernel in each.
PK_INLINE void last_column(const pk_conv_int8_last *c, const uint8_t *const row[8], size_t column, size_t count, uint32_t *words) {
  const pk_conv_shape *s = &c->shape;
  const __m256i zero = _mm256_set1_epi16((short)c->x_zero);
  for (size_t i = 0; i < s->kernel[1]; i += 2, words += 16) {
    __m256i r[2] = {_mm256_setzero_si256(), _mm256_setzero_si256()};
    PK_UNROLL for (size_t k = 0; k < 2; k++)
      if (i + k < s->kernel[1] && row[i + k] && column < s->in[2])
        r[k] = _mm256_sub_epi16(last_load(row[i + k] + column * s->groups, count, c->x_signed), zero);
    _mm256_storeu_si256((__m256i *)words, _mm256_unpacklo_epi16(r[0], r[1]));
    _mm256_storeu_si256((__m256i *)(words + 8), _mm256_unpackhi_epi16(r[0], r[1]));
  }
}

void pk_conv_int8_last_rows_avx2(const pk_conv_int8_last *c, size_t row0, size_t row1, void *scratch) {
  const pk_conv_shape *s = &c->shape;
  const size_t channels = s->groups, height = pk_last_column_words(&pk_last_avx2, s), block = pk_last_block_words(&pk_last_avx2, s);
  const size_t all = (s->out[2] - 1) * s->stride[2] + (s->kernel[2] - 1) * s->dilation[2] + 1;
  uint32_t *columns = scratch;
  last_finish f = last_finish_of(c);
  for (size_t first = 0; first < channels; first += 16) {
    const size_t count = channels - first;
    f.terms = (const uint32_t *)c->terms + first * PK_LAST_TERMS;
    const uint32_t *w = (const uint32_t *)c->weights + first / 16 * block + PK_LAST_HEAD * 16;
    for (size_t r = row0; r < row1; r++) {
      const uint8_t *x = c->x + r / s->out[1] * s->in[1] * s->in[2] * channels + first, *row[8];
      for (size_t i = 0; i < s->kernel[1]; i++) {
        const size_t h = r % s->out[1] * s->stride[1] + i * s->dilation[1] - s->pad[1]; // huge in front of the input
        row[i] = h < s->in[1] ? x + h * s->in[2] * channels : NULL;
      }
      for (size_t column = 0; column < all; column++) last_column(c, row, column - s->pad[2], count, columns + column * height * 16);
      uint8_t *y = c->y + r * s->out[2] * channels + first;
      for (size_t ow = 0; ow < s->out[2]; ow++, y += channels) {
        const uint32_t *from = columns + ow * s->stride[2] * height * 16, *weights = w;
        __m256i acc[2];
        PK_UNROLL for (int j = 0; j < 2; j++) acc[j] = _mm256_loadu_si256((const __m256i *)(f.terms + 8 * j));
        for (size_t j = 0; j < s->kernel[2]; j++, from += s->dilation[2] * height * 16)
          for (size_t q = 0; q < height; q++, weights += 16)
            PK_UNROLL for (int k = 0; k < 2; k++) {
              const __m256i v = _mm256_loadu_si256((const __m256i *)(from + q * 16 + 8 * k));
              acc[k] = _mm256_add_epi32(acc[k], _mm256_madd_epi16(v, _mm256_loadu_si256((const __m256i *)(weights + 8 * k))));
            }
        const __m256i packed = _mm256_packs_epi32(last_round(acc[0], &f, 0), last_round(acc[1], &f, 1));
        last_store(y, last_bytes(packed, &f), count);
      }
    }
  }
}
