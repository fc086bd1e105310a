// Depthwise convolutions over channels that come last, 64 of them in a vector. Four rows of a column are interleaved to a word
// for each channel, which serves all outputs that the column reaches; the words of four channels of each 16 are a vector.

/// What the rows of a block of channels share.
typedef struct last_lanes {
  const uint8_t *row[8]; ///< Of the first column.
  size_t step[8];        ///< To the next column; 0 in rows outside of the input.
  size_t rows, width;
  __mmask64 lanes;
  __m512i flip, fill;    ///< `fill`: the zero point, flipped.
} last_lanes;

/// Words of the rows [first, first + 4) of a column of the input, one in front of it or behind it.
PK_INLINE void last_column(const last_lanes *l, size_t first, size_t column, __m512i words[4]) {
  if (column >= l->width) {
    PK_UNROLL for (int i = 0; i < 4; i++) words[i] = l->fill;
    return;
  }
  __m512i r[4];
  PK_UNROLL for (size_t i = 0; i < 4; i++) {
    // The weights of rows that are not there are 0.
    r[i] = l->fill;
    if (first + i < l->rows) {
      const uint8_t *from = l->row[first + i] + column * l->step[first + i];
      r[i] = _mm512_xor_si512(_mm512_maskz_loadu_epi8(l->lanes, from), l->flip);
    }
  }
  const __m512i a = _mm512_unpacklo_epi8(r[0], r[1]), b = _mm512_unpacklo_epi8(r[2], r[3]);
  const __m512i c = _mm512_unpackhi_epi8(r[0], r[1]), d = _mm512_unpackhi_epi8(r[2], r[3]);
  words[0] = _mm512_unpacklo_epi16(a, b), words[1] = _mm512_unpackhi_epi16(a, b);
  words[2] = _mm512_unpacklo_epi16(c, d), words[3] = _mm512_unpackhi_epi16(c, d);
}

/// From sums to codes of up to 64 channels.
PK_INLINE void last_codes(const __m512i acc[4], const last_finish *f, __mmask64 lanes, uint8_t *y) {
  __m512i v[4];
  PK_UNROLL for (int i = 0; i < 4; i++) v[i] = last_round(acc[i], _mm512_loadu_ps((const float *)f->bias + 64 + 16 * i), f->high);
  const __m512i codes = last_bytes(v[0], v[1], v[2], v[3], f->zero, f->y_flip);
  if (lanes == ~(__mmask64)0)
    _mm512_storeu_si512(y, codes);
  else
    _mm512_mask_storeu_epi8(y, lanes, codes);
}

/// A 1 for each of the kernel's rows among [first, first + 4).
PK_INLINE __m512i last_ones(const last_lanes *l, size_t first) {
  return _mm512_set1_epi32((int)(0x01010101u >> (l->rows - first < 4 ? 32 - 8 * (l->rows - first) : 0)));
}

/// The sums less those of the codes times the weights' zero points.
PK_INLINE void last_take_zeros(__m512i acc[4], const __m512i sums[4], const last_finish *f) {
  PK_UNROLL for (int i = 0; i < 4; i++)
    acc[i] = _mm512_sub_epi32(acc[i], _mm512_mullo_epi32(sums[i], _mm512_loadu_si512(f->bias + 128 + 16 * i)));
}

/// A row of outputs of a kernel of three columns and up to four rows; columns stay in registers. `stride` and `has_zeros` are constants after inlining.
PK_INLINE void last_row_of_three(const pk_conv_shape *s, const last_lanes *l, size_t stride, bool has_zeros, const uint32_t *w, const last_finish *f, uint8_t *y,
                                 size_t ldy) {
  __m512i weights[3][4], k[3][4];
  PK_UNROLL for (int j = 0; j < 3; j++) PK_UNROLL for (int i = 0; i < 4; i++) weights[j][i] = _mm512_loadu_si512(w + (j * 4 + i) * 16);
  size_t column = 0 - s->pad[2];
  last_column(l, 0, column, k[0]);
  if (stride == 1) last_column(l, 0, column + 1, k[1]);
  for (size_t ow = 0; ow < s->out[2]; ow++, y += ldy, column += stride) {
    if (stride == 2) last_column(l, 0, column + 1, k[1]);
    last_column(l, 0, column + 2, k[2]);
    __m512i acc[4];
    PK_UNROLL for (int i = 0; i < 4; i++) {
      acc[i] = _mm512_dpbusd_epi32(_mm512_loadu_si512(f->bias + 16 * i), k[0][i], weights[0][i]);
      acc[i] = _mm512_dpbusd_epi32(acc[i], k[1][i], weights[1][i]);
      acc[i] = _mm512_dpbusd_epi32(acc[i], k[2][i], weights[2][i]);
    }
    if (has_zeros) {
      const __m512i ones = last_ones(l, 0);
      __m512i sums[4];
      PK_UNROLL for (int i = 0; i < 4; i++) {
        sums[i] = _mm512_dpbusd_epi32(_mm512_setzero_si512(), k[0][i], ones);
        sums[i] = _mm512_dpbusd_epi32(_mm512_dpbusd_epi32(sums[i], k[1][i], ones), k[2][i], ones);
      }
      last_take_zeros(acc, sums, f);
    }
    last_codes(acc, f, l->lanes, y);
    PK_UNROLL for (int i = 0; i < 4; i++) {
      k[0][i] = stride == 1 ? k[1][i] : k[2][i];
      k[1][i] = k[2][i];
    }
  }
}

/// A row of outputs of any kernel; `columns` has room for the words of all columns that it reads.
static void last_row(const pk_conv_shape *s, const last_lanes *l, bool has_zeros, const uint32_t *w, const last_finish *f, uint32_t *columns, uint8_t *y,
                     size_t ldy) {
  const size_t quads = pk_last_column_words(&pk_last_avx512, s), step = s->dilation[2] * quads * 64, all = (s->out[2] - 1) * s->stride[2] + (s->kernel[2] - 1) * s->dilation[2] + 1;
  for (size_t column = 0; column < all; column++)
    for (size_t q = 0; q < quads; q++) {
      __m512i words[4];
      last_column(l, q * 4, column - s->pad[2], words);
      PK_UNROLL for (int i = 0; i < 4; i++) _mm512_storeu_si512(columns + (column * quads + q) * 64 + 16 * i, words[i]);
    }
  for (size_t ow = 0; ow < s->out[2]; ow++, y += ldy) {
    const uint32_t *x = columns + ow * s->stride[2] * quads * 64, *weights = w;
    __m512i acc[4];
    PK_UNROLL for (int i = 0; i < 4; i++) acc[i] = _mm512_loadu_si512(f->bias + 16 * i);
    for (size_t j = 0; j < s->kernel[2]; j++, x += step)
      for (size_t q = 0; q < quads; q++, weights += 64)
        PK_UNROLL for (int i = 0; i < 4; i++)
          acc[i] = _mm512_dpbusd_epi32(acc[i], _mm512_loadu_si512(x + q * 64 + 16 * i), _mm512_loadu_si512(weights + 16 * i));
    if (has_zeros) {
      __m512i sums[4] = {_mm512_setzero_si512(), _mm512_setzero_si512(), _mm512_setzero_si512(), _mm512_setzero_si512()};
      x = columns + ow * s->stride[2] * quads * 64;
      for (size_t j = 0; j < s->kernel[2]; j++, x += step)
        for (size_t q = 0; q < quads; q++)
          PK_UNROLL for (int i = 0; i < 4; i++) sums[i] = _mm512_dpbusd_epi32(sums[i], _mm512_loadu_si512(x + q * 64 + 16 * i), last_ones(l, 4 * q));
      last_take_zeros(acc, sums, f);
    }
    last_codes(acc, f, l->lanes, y);
  }
}

void pk_conv_int8_last_rows_avx512(const pk_conv_int8_last *c, size_t row0, size_t row1, void *scratch) {
  const pk_conv_shape *s = &c->shape;
  const size_t channels = s->groups, height = s->in[1], width = s->in[2], block = pk_last_block_words(&pk_last_avx512, s);
  const bool is_three = s->kernel[2] == 3 && s->kernel[1] <= 4 && s->dilation[2] == 1 && s->stride[2] <= 2;
  const int32_t shift = c->y_signed ? 128 : 0;
  uint8_t zero[64];
  memset(zero, (uint8_t)c->x_zero, sizeof zero);
  last_lanes l = {.rows = s->kernel[1], .width = width, .flip = _mm512_set1_epi8(c->x_signed ? (char)0x80 : 0)};
  l.fill = _mm512_xor_si512(_mm512_loadu_si512(zero), l.flip);
  last_finish f = {.high = _mm512_set1_ps((float)(255 - shift - c->y_zero)), .zero = _mm512_set1_epi16((short)(c->y_zero + shift)),
                   .y_flip = _mm512_set1_epi8((char)shift)};
  for (size_t first = 0; first < channels; first += 64) {
    l.lanes = first_lanes(channels - first);
    f.bias = (const uint32_t *)c->terms + first / 64 * 64 * PK_LAST_TERMS;
    const uint32_t *w = (const uint32_t *)c->weights + first / 64 * block + 64 * PK_LAST_HEAD;
    for (size_t row = row0; row < row1; row++) {
      const uint8_t *x = c->x + row / s->out[1] * height * width * channels + first;
      for (size_t i = 0; i < s->kernel[1]; i++) {
        const size_t h = row % s->out[1] * s->stride[1] + i * s->dilation[1] - s->pad[1]; // huge in front of the input
        const bool is_inside = h < height;
        l.row[i] = is_inside ? x + h * width * channels : zero;
        l.step[i] = is_inside ? channels : 0;
      }
      uint8_t *y = c->y + row * s->out[2] * channels + first;
      if (!is_three)
        last_row(s, &l, c->w_has_zero, w, &f, scratch, y, channels);
      else if (s->stride[2] == 1)
        c->w_has_zero ? last_row_of_three(s, &l, 1, true, w, &f, y, channels) : last_row_of_three(s, &l, 1, false, w, &f, y, channels);
      else
        c->w_has_zero ? last_row_of_three(s, &l, 2, true, w, &f, y, channels) : last_row_of_three(s, &l, 2, false, w, &f, y, channels);
    }
  }
}
