// The int8 convolution of AVX2 over channels that come last. Products are those of pmaddubsw where it does not saturate, and of pmaddwd, as
// pk_last_avx2_products says; depthwise kernels multiply codes less their zero point as 16-bit values, for which padding is 0.

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

/// A panel of weights that is split.
typedef struct last_panel {
  size_t bytes, words;          ///< How many words of bytes there are, and of all.
  const uint32_t *index;        ///< Where in a patch the taps of a word lie.
  const uint32_t *weights;      ///< Of the words of bytes.
  const uint32_t *wide_weights; ///< Of the first of the others.
} last_panel;

PK_INLINE last_panel last_panel_of(const uint32_t *panel, size_t words) {
  const uint32_t *index = panel + PK_LAST_HEAD * LAST_COLUMNS, *weights = index + pk_last_index_words(words);
  return (last_panel){.bytes = index[0], .words = words, .index = index + 1, .weights = weights, .wide_weights = weights + 2 * LAST_COLUMNS * index[0]};
}

typedef void (*last_micro)(const last_panel *panel, const uint8_t *a, size_t lda, const last_finish *f, uint8_t *y, size_t ldy, size_t count);

PK_INLINE __m256i last_word(const uint8_t *at, __m256i flip, bool is_signed) {
  int word;
  memcpy(&word, at, 4);
  return is_signed ? _mm256_xor_si256(_mm256_set1_epi32(word), flip) : _mm256_set1_epi32(word);
}

// M positions, whose patches are `lda` bytes apart, by 16 outputs. Rows of A are reached from every third one.
#define LAST_MICRO(M, SIGN)                                                                                            \
  static void last_micro_##M##_##SIGN(const last_panel *panel, const uint8_t *restrict a, size_t lda, const last_finish *f, uint8_t *restrict y, \
                                      size_t ldy, size_t count) {                                                      \
    __m256i acc[M][2];                                                                                                 \
    const __m256i ones = _mm256_set1_epi16(1), flip = _mm256_set1_epi8((char)0x80), low = _mm256_set1_epi32(0x00ff00ff); \
    const uint8_t *row[(M + 2) / 3];                                                                                   \
    const uint32_t *b = panel->weights;                                                                                \
    PK_UNROLL for (int i = 0; i < (M + 2) / 3; i++) row[i] = a + 3 * (size_t)i * lda;                                  \
    PK_UNROLL for (int i = 0; i < M; i++) PK_UNROLL for (int j = 0; j < 2; j++)                                        \
        acc[i][j] = _mm256_loadu_si256((const __m256i *)(f->terms + 8 * j));                                           \
    size_t p = 0;                                                                                                      \
    _Pragma("clang loop unroll(disable)") for (; p < panel->bytes; p++, b += LAST_COLUMNS) {                           \
      const size_t at = panel->index[p];                                                                               \
      const __m256i b0 = _mm256_loadu_si256((const __m256i *)b), b1 = _mm256_loadu_si256((const __m256i *)(b + 8));    \
      PK_UNROLL for (int i = 0; i < M; i++) {                                                                          \
        const __m256i x = last_word(row[i / 3] + (size_t)(i % 3) * lda + at, flip, SIGN);                              \
        acc[i][0] = _mm256_add_epi32(acc[i][0], _mm256_madd_epi16(_mm256_maddubs_epi16(x, b0), ones));                 \
        acc[i][1] = _mm256_add_epi32(acc[i][1], _mm256_madd_epi16(_mm256_maddubs_epi16(x, b1), ones));                 \
      }                                                                                                                \
    }                                                                                                                  \
    b = panel->wide_weights;                                                                                           \
    _Pragma("clang loop unroll(disable)") for (; p < panel->words; p++, b += 2 * LAST_COLUMNS) {                       \
      const size_t at = panel->index[p];                                                                               \
      PK_UNROLL for (int i = 0; i < M; i++) {                                                                          \
        const __m256i x = last_word(row[i / 3] + (size_t)(i % 3) * lda + at, flip, SIGN);                              \
        const __m256i even = _mm256_and_si256(x, low), odd = _mm256_srli_epi16(x, 8);                                  \
        PK_UNROLL for (int j = 0; j < 2; j++) {                                                                        \
          acc[i][j] = _mm256_add_epi32(acc[i][j], _mm256_madd_epi16(even, _mm256_loadu_si256((const __m256i *)(b + 8 * j)))); \
          acc[i][j] = _mm256_add_epi32(acc[i][j], _mm256_madd_epi16(odd, _mm256_loadu_si256((const __m256i *)(b + 8 * j + LAST_COLUMNS)))); \
        }                                                                                                              \
      }                                                                                                                \
    }                                                                                                                  \
    PK_UNROLL for (int i = 0; i < M; i++) {                                                                            \
      const __m256i packed = _mm256_packs_epi32(last_round(acc[i][0], f, 0), last_round(acc[i][1], f, 1));             \
      last_store(y + (size_t)i * ldy, last_bytes(_mm256_permute4x64_epi64(packed, 0xd8), f), count);                   \
    }                                                                                                                  \
  }
enum { UNSIGNED_CODES = 0, SIGNED_CODES = 1 };
#define LAST_MICRO_ALL(SIGN) LAST_MICRO(1, SIGN) LAST_MICRO(2, SIGN) LAST_MICRO(3, SIGN) LAST_MICRO(4, SIGN) LAST_MICRO(5, SIGN) LAST_MICRO(6, SIGN)
LAST_MICRO_ALL(UNSIGNED_CODES) LAST_MICRO_ALL(SIGNED_CODES)
#define ROWS(SIGN) {last_micro_1_##SIGN, last_micro_2_##SIGN, last_micro_3_##SIGN, last_micro_4_##SIGN, last_micro_5_##SIGN, last_micro_6_##SIGN}
static const last_micro last_micros[2][LAST_ROWS] = {ROWS(UNSIGNED_CODES), ROWS(SIGNED_CODES)};
#undef ROWS

/// n bytes; up to 31 behind them are written too. Up to `end` may be read.
PK_INLINE void last_move(uint8_t *to, const uint8_t *from, size_t n, const uint8_t *end) {
  if ((size_t)(end - from) < n + 31) {
    memcpy(to, from, n);
    return;
  }
  for (size_t i = 0; i < n; i += 32) _mm256_storeu_si256((__m256i *)(to + i), _mm256_loadu_si256((const __m256i *)(from + i)));
}

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

/// The taps of `count` positions from p on as bytes, `lda` of them apart, as last_patch has them; what is padded has the zero point.
static void last_patches(const pk_conv_int8_last *c, const uint8_t *x, const uint8_t *end, size_t p, size_t count, uint8_t *to, size_t lda) {
  const pk_conv_shape *s = &c->shape;
  const size_t channels = s->channels, pixel = s->groups * channels, columns = s->kernel[2], run = columns * channels, width = s->in[2];
  size_t oh = p / s->out[2], ow = p % s->out[2];
  for (size_t n = 0; n < count; n++, to += lda) {
    const size_t w = ow * s->stride[2] - s->pad[2]; // huge in front of the input
    const bool whole = s->dilation[2] == 1 && pixel == channels && w < width && width - w >= columns;
    uint8_t *at = to;
    for (size_t i = 0; i < s->kernel[1]; i++, at += run) {
      const size_t h = oh * s->stride[1] + i * s->dilation[1] - s->pad[1];
      if (h >= s->in[1]) {
        memset(at, c->x_zero, run);
        continue;
      }
      const uint8_t *line = x + h * width * pixel;
      if (whole) {
        last_move(at, line + w * channels, run, end);
      } else {
        for (size_t j = 0; j < columns; j++) {
          const size_t column = w + j * s->dilation[2];
          if (column < width)
            last_move(at + j * channels, line + column * pixel, channels, end);
          else
            memset(at + j * channels, c->x_zero, channels);
        }
      }
    }
    if (++ow == s->out[2]) ow = 0, oh++;
  }
}

void pk_conv_int8_last_block_avx2(const pk_conv_int8_last *c, size_t image, size_t group, size_t m0, size_t m1, size_t p0, size_t p1,
                                  void *scratch) {
  const pk_conv_shape *s = &c->shape;
  const pk_last_level *level = &pk_last_avx2_products;
  const size_t words = pk_last_words(level, s), panels = pk_last_panels(level, s), panel_words = pk_last_panel_words(level, s);
  const size_t pixel = s->groups * s->channels, together = pk_last_together(level, s), outputs = s->groups * s->outputs;
  const bool is_in_place = pk_last_is_in_place(level, s);
  const size_t lda = is_in_place ? pixel : pk_last_patch_stride(level, s);
  const uint8_t *x = c->x + image * s->in[1] * s->in[2] * pixel + group * s->channels;
  const uint8_t *end = c->x + (image + 1) * s->in[1] * s->in[2] * pixel;
  uint8_t *y = c->y + image * s->out[1] * s->out[2] * outputs + group * s->outputs;
  uint8_t *patches = (uint8_t *)scratch + pk_last_sums_bytes(level, s, p1 - p0);
  last_finish f = last_finish_of(c);
  for (size_t p = p0; p < p1; p += together) {
    const size_t count = pk_min(together, p1 - p), rows = pk_even_part(count, LAST_ROWS);
    const uint8_t *a = is_in_place ? x + p * lda : patches;
    if (!is_in_place) last_patches(c, x, end, p, count, patches, lda);
    for (size_t m = m0; m < m1; m += LAST_COLUMNS) {
      const size_t at = group * panels + m / LAST_COLUMNS;
      f.terms = (const uint32_t *)c->terms + at * PK_LAST_TERMS * LAST_COLUMNS;
      const last_panel panel = last_panel_of((const uint32_t *)c->weights + at * panel_words, words);
      for (size_t i = 0; i < count; i += rows)
        last_micros[c->x_signed][pk_min(rows, count - i) - 1](&panel, a + i * lda, lda, &f, y + (p + i) * outputs + m, outputs, m1 - m);
    }
  }
}

/// Two rows over columns of the input, for 16 channels: words of theirs, `step` of them from one column to the next. A row that is not there (NULL) gives 0.
PK_INLINE void last_columns(const uint8_t *first, const uint8_t *second, size_t columns, size_t pixel, size_t count, bool is_signed, __m256i zero,
                            uint32_t *words, size_t step) {
  const __m256i none = _mm256_setzero_si256();
  for (size_t column = 0; column < columns; column++, words += step) {
    const __m256i a = first ? _mm256_sub_epi16(last_load(first + column * pixel, count, is_signed), zero) : none;
    const __m256i b = second ? _mm256_sub_epi16(last_load(second + column * pixel, count, is_signed), zero) : none;
    _mm256_storeu_si256((__m256i *)words, _mm256_unpacklo_epi16(a, b));
    _mm256_storeu_si256((__m256i *)(words + 8), _mm256_unpackhi_epi16(a, b));
  }
}

/// The same where each row may be missing. Channels behind the last are read where there are bytes, up to `end`, and not used.
PK_INLINE void last_rows(const uint8_t *const row[2], size_t columns, size_t pixel, const uint8_t *end, bool is_signed, __m256i zero, uint32_t *words, size_t step) {
  const uint8_t *const last = row[1] ? row[1] : row[0];
  if (!last) return last_columns(NULL, NULL, columns, pixel, 16, is_signed, zero, words, step);
  const size_t left = (size_t)(end - last), whole = left < 16 ? 0 : pk_min(columns, (left - 16) / pixel + 1);
  if (row[0] && row[1])
    last_columns(row[0], row[1], whole, pixel, 16, is_signed, zero, words, step);
  else if (row[0])
    last_columns(row[0], NULL, whole, pixel, 16, is_signed, zero, words, step);
  else
    last_columns(NULL, row[1], whole, pixel, 16, is_signed, zero, words, step);
  for (size_t column = whole; column < columns; column++)
    last_columns(row[0] ? row[0] + column * pixel : NULL, row[1] ? row[1] + column * pixel : NULL, 1, pixel, left - column * pixel, is_signed, zero,
                 words + column * step, step);
}

// COUNT neighbouring outputs of 16 channels, `step` words of columns apart; `dilated` words lie from one column of the kernel to the next.
#define LAST_DEPTHWISE(COUNT)                                                                                          \
  PK_INLINE void last_depthwise_##COUNT(const uint32_t *columns, size_t step, size_t dilated, size_t height, size_t taps, const uint32_t *weights, \
                                        const last_finish *f, uint8_t *y, size_t pixel, size_t count) {                \
    __m256i acc[COUNT][2];                                                                                             \
    PK_UNROLL for (int i = 0; i < COUNT; i++) PK_UNROLL for (int k = 0; k < 2; k++)                                    \
        acc[i][k] = _mm256_loadu_si256((const __m256i *)(f->terms + 8 * k));                                           \
    for (size_t j = 0; j < taps; j++, columns += dilated) {                                                            \
      const uint32_t *at = columns;                                                                                    \
      for (size_t q = 0; q < height; q++, at += 16, weights += 16)                                                     \
        PK_UNROLL for (int k = 0; k < 2; k++) {                                                                        \
          const __m256i w = _mm256_loadu_si256((const __m256i *)(weights + 8 * k));                                    \
          PK_UNROLL for (int i = 0; i < COUNT; i++) {                                                                  \
            const __m256i v = _mm256_loadu_si256((const __m256i *)(at + (size_t)i * step + 8 * k));                    \
            acc[i][k] = _mm256_add_epi32(acc[i][k], _mm256_madd_epi16(v, w));                                          \
          }                                                                                                            \
        }                                                                                                              \
    }                                                                                                                  \
    PK_UNROLL for (int i = 0; i < COUNT; i++) {                                                                        \
      const __m256i packed = _mm256_packs_epi32(last_round(acc[i][0], f, 0), last_round(acc[i][1], f, 1));             \
      last_store(y + (size_t)i * pixel, last_bytes(packed, f), count);                                                 \
    }                                                                                                                  \
  }
LAST_DEPTHWISE(1) LAST_DEPTHWISE(4)

/// A row of outputs of 16 channels.
PK_INLINE void last_depthwise_row(const pk_conv_shape *s, const uint32_t *columns, size_t height, size_t taps, const uint32_t *weights, const last_finish *f,
                                  uint8_t *y, size_t count) {
  const size_t step = s->stride[2] * height * 16, dilated = s->dilation[2] * height * 16, width = s->out[2];
  size_t ow = 0;
  for (; ow + 4 <= width; ow += 4)
    last_depthwise_4(columns + ow * step, step, dilated, height, taps, weights, f, y + ow * s->groups, s->groups, count);
  for (; ow < width; ow++) last_depthwise_1(columns + ow * step, step, dilated, height, taps, weights, f, y + ow * s->groups, s->groups, count);
}

void pk_conv_int8_last_rows_avx2(const pk_conv_int8_last *c, size_t row0, size_t row1, void *scratch) {
  const pk_conv_shape *s = &c->shape;
  const size_t channels = s->groups, height = pk_last_column_words(&pk_last_avx2, s), block = pk_last_block_words(&pk_last_avx2, s);
  const size_t all = (s->out[2] - 1) * s->stride[2] + (s->kernel[2] - 1) * s->dilation[2] + 1;
  // Columns in front of the input and behind it are 0; of those of the input some may be read by no output.
  const size_t before = pk_min(s->pad[2], all), inside = pk_min(s->in[2], all - before);
  const uint8_t *end = c->x + s->images * s->in[1] * s->in[2] * channels;
  const __m256i zero = _mm256_set1_epi16((short)c->x_zero);
  uint32_t *columns = scratch;
  memset(columns, 0, before * height * 16 * sizeof *columns);
  memset(columns + (before + inside) * height * 16, 0, (all - before - inside) * height * 16 * sizeof *columns);
  last_finish f = last_finish_of(c);
  for (size_t first = 0; first < channels; first += 16) {
    const size_t count = channels - first;
    f.terms = (const uint32_t *)c->terms + first * PK_LAST_TERMS;
    const uint32_t *w = (const uint32_t *)c->weights + first / 16 * block + PK_LAST_HEAD * 16;
    for (size_t r = row0; r < row1; r++) {
      const uint8_t *x = c->x + r / s->out[1] * s->in[1] * s->in[2] * channels + first;
      uint8_t *y = c->y + r * s->out[2] * channels + first;
      for (size_t q = 0; q < height; q++) {
        const uint8_t *row[2];
        for (size_t k = 0; k < 2; k++) {
          const size_t i = 2 * q + k, h = r % s->out[1] * s->stride[1] + i * s->dilation[1] - s->pad[1]; // huge in front of the input
          row[k] = i < s->kernel[1] && h < s->in[1] ? x + h * s->in[2] * channels : NULL;
        }
        uint32_t *to = columns + (before * height + q) * 16;
        c->x_signed ? last_rows(row, inside, channels, end, true, zero, to, height * 16) : last_rows(row, inside, channels, end, false, zero, to, height * 16);
      }
      if (height == 2 && s->kernel[2] == 3)
        last_depthwise_row(s, columns, 2, 3, w, &f, y, count);
      else
        last_depthwise_row(s, columns, height, s->kernel[2], w, &f, y, count);
    }
  }
}
