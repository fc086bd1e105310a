// The int8 convolution of AVX-512 over channels that come last. dpbusd takes the codes as its unsigned operand, signed ones
// moved by 128, and the weights as its signed one.

enum { LAST_COLUMNS = 32, LAST_ROWS = 14 };

/// How the sums of a panel become codes.
typedef struct last_finish {
  const uint32_t *bias; ///< The terms of the panel.
  __m512 high;          ///< The highest code less its zero point.
  __m512i zero;         ///< The zero point of the codes as unsigned ones, in 16 bits.
  __m512i y_flip;
  uint32_t lanes;       ///< A bit for each output that is there.
  const int32_t *sums;  ///< Of the codes of each position, where the weights have zero points; or NULL.
} last_finish;

/// Sums as numbers of codes, before the zero point. What is too low or NaN becomes so low that it stays below the lowest code.
PK_INLINE __m512i last_round(__m512i sum, __m512 scale, __m512 high) {
  // min gives its second operand where one is NaN.
  return _mm512_cvtps_epi32(_mm512_min_ps(high, _mm512_mul_ps(_mm512_cvtepi32_ps(sum), scale)));
}

/// Rounded sums of four vectors as bytes: with `a` the first quarter of each 16 bytes, `b` the next and so on.
PK_INLINE __m512i last_bytes(__m512i a, __m512i b, __m512i c, __m512i d, __m512i zero, __m512i y_flip) {
  const __m512i low = _mm512_adds_epi16(_mm512_packs_epi32(a, b), zero), high = _mm512_adds_epi16(_mm512_packs_epi32(c, d), zero);
  return _mm512_xor_si512(_mm512_packus_epi16(low, high), y_flip);
}

typedef void (*last_micro)(size_t words, const uint8_t *a, size_t lda, const uint32_t *b, const last_finish *f, uint8_t *y, size_t ldy);

PK_INLINE void last_store(uint8_t *y, __m256i codes, uint32_t lanes) {
  if (lanes == 0xffffffff)
    _mm256_storeu_si256((__m256i *)y, codes);
  else
    _mm256_mask_storeu_epi8(y, lanes, codes);
}

// M positions by 32 outputs. Rows of A are reached from every third one.
#define LAST_MICRO(M, SIGN)                                                                                            \
  static void last_micro_##M##_##SIGN(size_t words, const uint8_t *restrict a, size_t lda, const uint32_t *restrict b, const last_finish *f, \
                                      uint8_t *restrict y, size_t ldy) {                                               \
    __m512i acc[M + 1][2];                                                                                             \
    const __m512i flip = _mm512_set1_epi8((char)0x80);                                                                 \
    const uint8_t *row[(M + 2) / 3];                                                                                   \
    PK_UNROLL for (int i = 0; i < (M + 2) / 3; i++) row[i] = a + 3 * (size_t)i * lda;                                  \
    PK_UNROLL for (int i = 0; i < M; i++) PK_UNROLL for (int j = 0; j < 2; j++) acc[i][j] = _mm512_loadu_si512(f->bias + j * 16); \
    _Pragma("clang loop unroll(disable)") for (size_t p = 0; p < words; p++, b += LAST_COLUMNS) {                   \
      const __m512i b0 = _mm512_loadu_si512(b), b1 = _mm512_loadu_si512(b + 16);                                       \
      PK_UNROLL for (int i = 0; i < M; i++) {                                                                          \
        int word;                                                                                                      \
        memcpy(&word, row[i / 3] + (size_t)(i % 3) * lda, 4);                                                          \
        const __m512i x = SIGN ? _mm512_xor_si512(_mm512_set1_epi32(word), flip) : _mm512_set1_epi32(word);            \
        acc[i][0] = _mm512_dpbusd_epi32(acc[i][0], x, b0);                                                             \
        acc[i][1] = _mm512_dpbusd_epi32(acc[i][1], x, b1);                                                             \
      }                                                                                                                \
      PK_UNROLL for (int i = 0; i < (M + 2) / 3; i++) row[i] += 4;                                                     \
    }                                                                                                                  \
    if (f->sums) {                                                                                                     \
      const __m512i z0 = _mm512_loadu_si512(f->bias + 64), z1 = _mm512_loadu_si512(f->bias + 80);                      \
      PK_UNROLL for (int i = 0; i < M; i++) {                                                                          \
        const __m512i sum = _mm512_set1_epi32(f->sums[i]);                                                             \
        acc[i][0] = _mm512_sub_epi32(acc[i][0], _mm512_mullo_epi32(sum, z0));                                          \
        acc[i][1] = _mm512_sub_epi32(acc[i][1], _mm512_mullo_epi32(sum, z1));                                          \
      }                                                                                                                \
    }                                                                                                                  \
    const __m512 s0 = _mm512_loadu_ps((const float *)(f->bias + 32)), s1 = _mm512_loadu_ps((const float *)(f->bias + 48)); \
    const __m512i order = _mm512_setr_epi32(0, 4, 8, 12, 1, 5, 9, 13, 2, 6, 10, 14, 3, 7, 11, 15);                     \
    PK_UNROLL for (int i = 0; i < M; i++) acc[i][0] = last_round(acc[i][0], s0, f->high), acc[i][1] = last_round(acc[i][1], s1, f->high); \
    acc[M][0] = acc[M - 1][0], acc[M][1] = acc[M - 1][1];                                                              \
    PK_UNROLL for (int i = 0; i < M; i += 2) {                                                                         \
      const __m512i bytes = last_bytes(acc[i][0], acc[i][1], acc[i + 1][0], acc[i + 1][1], f->zero, f->y_flip);        \
      const __m512i codes = _mm512_permutexvar_epi32(order, bytes);                                                    \
      last_store(y + (size_t)i * ldy, _mm512_castsi512_si256(codes), f->lanes);                                        \
      if (i + 1 < M) last_store(y + (size_t)(i + 1) * ldy, _mm512_extracti64x4_epi64(codes, 1), f->lanes);             \
    }                                                                                                                  \
  }

#define LAST_MICRO_ALL(SIGN)                                                                                           \
  LAST_MICRO(1, SIGN) LAST_MICRO(2, SIGN) LAST_MICRO(3, SIGN) LAST_MICRO(4, SIGN) LAST_MICRO(5, SIGN) LAST_MICRO(6, SIGN) \
  LAST_MICRO(7, SIGN) LAST_MICRO(8, SIGN) LAST_MICRO(9, SIGN) LAST_MICRO(10, SIGN) LAST_MICRO(11, SIGN) LAST_MICRO(12, SIGN) \
  LAST_MICRO(13, SIGN) LAST_MICRO(14, SIGN)
LAST_MICRO_ALL(SIGNED) LAST_MICRO_ALL(UNSIGNED)

#define ROWS(SIGN)                                                                                                     \
  {last_micro_1_##SIGN, last_micro_2_##SIGN, last_micro_3_##SIGN, last_micro_4_##SIGN, last_micro_5_##SIGN, last_micro_6_##SIGN, \
   last_micro_7_##SIGN, last_micro_8_##SIGN, last_micro_9_##SIGN, last_micro_10_##SIGN, last_micro_11_##SIGN, last_micro_12_##SIGN, \
   last_micro_13_##SIGN, last_micro_14_##SIGN}
static const last_micro last_micros[2][LAST_ROWS] = {ROWS(UNSIGNED), ROWS(SIGNED)};
#undef ROWS

PK_INLINE __mmask64 first_lanes(size_t count) { return count >= 64 ? ~(__mmask64)0 : ((__mmask64)1 << count) - 1; }

/// n bytes; up to 63 behind them are written too.
PK_INLINE void last_copy(uint8_t *to, const uint8_t *from, size_t n) {
  for (size_t i = 0; i < n; i += 64) _mm512_storeu_si512(to + i, _mm512_maskz_loadu_epi8(first_lanes(n - i), from + i));
}

PK_INLINE void last_fill(uint8_t *to, __m512i bytes, size_t n) {
  for (size_t i = 0; i < n; i += 64) _mm512_storeu_si512(to + i, bytes);
}

/// What the patches of an image share.
typedef struct last_image {
  const pk_conv_shape *s;
  const uint8_t *x, *end; ///< Of the group's first channel, and behind all that may be read.
  size_t pixel;           ///< Bytes from one position of the input to the next.
  __m512i zero;
} last_image;

/// The taps of an output position in a row of the kernel: a run of its columns' channels.
PK_INLINE void last_run(const last_image *l, const uint8_t *line, size_t ow, uint8_t *to) {
  const pk_conv_shape *s = l->s;
  const size_t channels = s->channels, columns = s->kernel[2], first = ow * s->stride[2], width = s->in[2];
  if (s->dilation[2] == 1 && l->pixel == channels) {
    const size_t before = pk_min(first < s->pad[2] ? s->pad[2] - first : 0, columns);
    const size_t column = first + before - s->pad[2]; // in the input, or behind it
    const size_t inside = column < width ? pk_min(columns - before, width - column) : 0;
    last_fill(to, l->zero, before * channels);
    to += before * channels;
    if (inside) last_copy(to, line + column * channels, inside * channels);
    last_fill(to + inside * channels, l->zero, (columns - before - inside) * channels);
    return;
  }
  for (size_t j = 0; j < columns; j++, to += channels) {
    const size_t w = first + j * s->dilation[2] - s->pad[2]; // huge in front of the input
    if (w < width)
      last_copy(to, line + w * l->pixel, channels);
    else
      last_fill(to, l->zero, channels);
  }
}

/// The taps of the positions [p, p + count), row by row of the kernel, `lda` bytes apart.
static void last_patches(const last_image *l, size_t p, size_t count, uint8_t *to, size_t lda) {
  const pk_conv_shape *s = l->s;
  const size_t run = s->kernel[2] * s->channels;
  // Columns whose run lies inside of the input; short runs among them are copied by one vector.
  const bool is_short = run <= 32 && s->dilation[2] == 1 && l->pixel == s->channels && s->in[2] >= s->kernel[2];
  const size_t first = pk_ceil_div(s->pad[2], s->stride[2]), last = is_short ? (s->in[2] - s->kernel[2] + s->pad[2]) / s->stride[2] + 1 : 0;
  size_t oh = p / s->out[2], ow = p % s->out[2];
  for (size_t i = 0; i < count; i++, to += lda) {
    uint8_t *at = to;
    for (size_t k = 0; k < s->kernel[1]; k++, at += run) {
      const size_t h = oh * s->stride[1] + k * s->dilation[1] - s->pad[1]; // huge in front of the input
      if (h >= s->in[1]) {
        last_fill(at, l->zero, run);
        continue;
      }
      const uint8_t *line = l->x + h * s->in[2] * l->pixel;
      if (ow >= first && ow < last) {
        const uint8_t *from = line + (ow * s->stride[2] - s->pad[2]) * s->channels;
        if ((size_t)(l->end - from) >= 32) {
          _mm256_storeu_si256((__m256i *)at, _mm256_loadu_si256((const __m256i *)from));
          continue;
        }
      }
      last_run(l, line, ow, at);
    }
    if (++ow == s->out[2]) ow = 0, oh++;
  }
}

/// The sums of the codes of each row of A, of `depth` bytes.
static void last_sums(const uint8_t *a, size_t lda, size_t count, size_t depth, bool is_signed, int32_t *sums) {
  const __m512i flip = _mm512_set1_epi8(is_signed ? (char)0x80 : 0), none = _mm512_setzero_si512();
  for (size_t i = 0; i < count; i++, a += lda) {
    __m512i sum = none;
    for (size_t p = 0; p < depth; p += 64) {
      const __mmask64 lanes = first_lanes(depth - p);
      const __m512i codes = _mm512_xor_si512(_mm512_maskz_loadu_epi8(lanes, a + p), _mm512_maskz_mov_epi8(lanes, flip));
      sum = _mm512_add_epi64(sum, _mm512_sad_epu8(codes, none));
    }
    sums[i] = (int32_t)_mm512_reduce_add_epi64(sum);
  }
}

void pk_conv_int8_last_block_avx512(const pk_conv_int8_last *c, size_t image, size_t group, size_t m0, size_t m1, size_t p0, size_t p1,
                                    void *scratch) {
  const pk_conv_shape *s = &c->shape;
  const pk_last_level *level = &pk_last_avx512;
  const size_t words = pk_last_words(level, s), panels = pk_last_panels(level, s), panel = pk_last_panel_words(level, s), outputs = s->groups * s->outputs;
  const size_t pixel = s->groups * s->channels;
  const bool is_in_place = pk_last_is_in_place(level, s);
  const size_t lda = is_in_place ? pixel : pk_last_patch_stride(level, s), together = pk_last_together(level, s);
  const uint8_t *x = c->x + image * s->in[1] * s->in[2] * pixel + group * s->channels;
  uint8_t *y = c->y + image * s->out[1] * s->out[2] * outputs + group * s->outputs;
  const last_image l = {.s = s, .x = x, .end = x + s->in[1] * s->in[2] * pixel - group * s->channels, .pixel = pixel,
                        .zero = _mm512_set1_epi8((char)c->x_zero)};
  const uint32_t *weights = (const uint32_t *)c->weights + group * panels * panel;
  int32_t *sums = scratch;
  uint8_t *patches = (uint8_t *)scratch + pk_last_sums_bytes(level, s, p1 - p0);
  const int32_t shift = c->y_signed ? 128 : 0;
  last_finish f = {.high = _mm512_set1_ps((float)(255 - shift - c->y_zero)), .zero = _mm512_set1_epi16((short)(c->y_zero + shift)),
                   .y_flip = _mm512_set1_epi8((char)shift)};
  for (size_t p = p0; p < p1; p += together) {
    const size_t count = pk_min(together, p1 - p), rows = pk_even_part(count, LAST_ROWS);
    const uint8_t *a = patches;
    if (is_in_place)
      a = x + p * lda;
    else
      last_patches(&l, p, count, patches, lda);
    if (c->w_has_zero) last_sums(a, lda, count, pk_last_depth(s), c->x_signed, sums);
    for (size_t m = m0; m < m1; m += LAST_COLUMNS) {
      const size_t at = m / LAST_COLUMNS, columns = pk_min(LAST_COLUMNS, m1 - m);
      f.bias = (const uint32_t *)c->terms + (group * panels + at) * PK_LAST_TERMS * LAST_COLUMNS;
      f.lanes = (uint32_t)first_lanes(columns);
      const uint32_t *b = weights + at * panel + PK_LAST_HEAD * LAST_COLUMNS;
      for (size_t i = 0; i < count; i += rows) {
        f.sums = c->w_has_zero ? sums + i : NULL;
        last_micros[c->x_signed][pk_min(rows, count - i) - 1](words, a + i * lda, lda, b, &f, y + (p + i) * outputs + m, outputs);
      }
    }
  }
}
