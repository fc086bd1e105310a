// The int8 convolution of AVX-512; included after pk_gemm_int8.inl.h, whose products and packed weights it uses.

/// 32 positions of four planes, byte by byte, as words[32].
PK_INLINE void interleave_quad(const uint8_t *const from[4], __m256i flip, uint32_t *words) {
  __m256i r[4];
  PK_UNROLL for (int i = 0; i < 4; i++) r[i] = _mm256_xor_si256(_mm256_loadu_si256((const __m256i *)from[i]), flip);
  const __m256i a = _mm256_unpacklo_epi8(r[0], r[1]), b = _mm256_unpacklo_epi8(r[2], r[3]);
  const __m256i c = _mm256_unpackhi_epi8(r[0], r[1]), d = _mm256_unpackhi_epi8(r[2], r[3]);
  const __m256i w0 = _mm256_unpacklo_epi16(a, b), w1 = _mm256_unpackhi_epi16(a, b);
  const __m256i w2 = _mm256_unpacklo_epi16(c, d), w3 = _mm256_unpackhi_epi16(c, d);
  __m256i *to = (__m256i *)words;
  _mm256_storeu_si256(to, _mm256_permute2x128_si256(w0, w1, 0x20));
  _mm256_storeu_si256(to + 1, _mm256_permute2x128_si256(w2, w3, 0x20));
  _mm256_storeu_si256(to + 2, _mm256_permute2x128_si256(w0, w1, 0x31));
  _mm256_storeu_si256(to + 3, _mm256_permute2x128_si256(w2, w3, 0x31));
}

/// Positions [n, n + count) of all taps and channels as words[depth][32]; what lies behind `count` is anything.
static void pack_positions(const pk_conv_int8 *c, const pk_conv_int8_layout *l, size_t n, size_t count, uint32_t *words) {
  const pk_conv_shape *s = &c->shape;
  const __m256i flip = _mm256_set1_epi8((char)flip_of(c->w_signed, c->x_signed));
  const size_t image = l->lines * l->line, plane = l->in_place ? s->in[1] * s->in[2] : l->plane;
  uint8_t rest[4][32] = {{0}};
  for (size_t kh = 0; kh < s->kernel[1]; kh++)
    for (size_t kw = 0; kw < s->kernel[2]; kw++) {
      const size_t dh = kh * s->dilation[1], dw = kw * s->dilation[2];
      const size_t phase = dh % s->stride[1] * l->phases[1] + dw % s->stride[2];
      const uint8_t *x = c->x + phase * image + dh / s->stride[1] * l->line + dw / s->stride[2] + n;
      for (size_t q = 0; q < s->channels; q += 4, words += NR) {
        const uint8_t *from[4];
        for (size_t i = 0; i < 4; i++) {
          // Weights of channels that are not there are 0.
          const bool there = q + i < s->channels;
          from[i] = there ? x + (q + i) * plane : rest[i];
          // In place, nothing may be read behind the last plane.
          if (there && l->in_place && count < NR) memcpy(rest[i], from[i], count), from[i] = rest[i];
        }
        interleave_quad(from, flip, words);
      }
    }
}

static size_t find_stretches(const pk_conv_shape *s, size_t line, size_t n, size_t count, pk_stretch *to) {
  const size_t width = s->out[2];
  size_t found = 0;
  for (size_t lane = 0; lane < count;) {
    const size_t row = (n + lane) / line, column = (n + lane) % line;
    if (column < width) {
      const size_t length = pk_min(width - column, count - lane);
      to[found++] = (pk_stretch){.lanes = (uint32_t)((((uint64_t)1 << length) - 1) << lane), .at = (ptrdiff_t)(row * width + column) - (ptrdiff_t)lane};
      lane += length;
    } else {
      lane += line - column;
    }
  }
  return found;
}

/// Codes of the sums of `rows` outputs from row m on, into planes from y on.
static void store_codes(const pk_conv_int8 *c, const uint32_t *tile, size_t rows, size_t m, const uint32_t *row_sums, const pk_stretch *stretches,
                        size_t count, uint8_t *planes) {
  const size_t out = c->shape.out[1] * c->shape.out[2];
  const uint32_t zero = (uint32_t)c->x_zero + shift_of(c->w_signed, c->x_signed);
  const __m512 low = _mm512_set1_ps((float)(c->low - c->y_zero)), high = _mm512_set1_ps((float)(c->high - c->y_zero));
  const __m512i y_zero = _mm512_set1_epi32(c->y_zero);
  for (size_t i = 0; i < rows; i++, tile += NR) {
    const __m512i bias = _mm512_set1_epi32((int)((c->bias ? (uint32_t)c->bias[m + i] : 0) - zero * row_sums[i]));
    const __m512 scale = _mm512_set1_ps(c->scale[m + i]);
    __m128i half[2];
    PK_UNROLL for (int j = 0; j < 2; j++) {
      __m512 v = _mm512_mul_ps(_mm512_cvtepi32_ps(_mm512_add_epi32(_mm512_loadu_si512(tile + j * VW), bias)), scale);
      v = _mm512_min_ps(_mm512_max_ps(v, low), high); // the second operand where the first is NaN
      half[j] = _mm512_cvtepi32_epi8(_mm512_add_epi32(_mm512_cvtps_epi32(v), y_zero));
    }
    const __m256i codes = _mm256_set_m128i(half[1], half[0]);
    uint8_t *y = planes + i * out;
    for (size_t p = 0; p < count; p++) {
      // Lane 0 may lie outside the tensor; its address is computed as a number.
      uint8_t *to = (uint8_t *)((uintptr_t)y + (uintptr_t)stretches[p].at);
      if (stretches[p].lanes == 0xffffffff)
        _mm256_storeu_si256((__m256i *)to, codes);
      else
        _mm256_mask_storeu_epi8(to, stretches[p].lanes, codes);
    }
  }
}

void pk_conv_int8_block_avx512(const pk_conv_int8 *c, size_t m0, size_t m1, size_t n0, size_t n1, void *scratch) {
  const pk_conv_shape *s = &c->shape;
  const pk_conv_int8_layout l = pk_conv_int8_layout_of(s);
  const size_t words = pk_conv_int8_words(s), mr = pk_even_part(s->outputs, MR), together = pk_conv_int8_panels(s);
  const uint32_t *packed = c->weights, *row_sums = packed + pk_igemm_a_words(s->outputs, words);
  uint32_t *panels = scratch, tile[MR * NR] __attribute__((aligned(64)));
  pk_stretch stretches[8][NR];
  size_t found[8];
  for (size_t n = n0; n < n1; n += together * NR) {
    const size_t count = pk_ceil_div(pk_min(together * NR, n1 - n), NR);
    for (size_t p = 0; p < count; p++) {
      const size_t first = n + p * NR, lanes = pk_min(NR, n1 - first);
      pack_positions(c, &l, first, lanes, panels + p * words * NR);
      found[p] = find_stretches(s, l.line, first, lanes, stretches[p]);
    }
    for (size_t m = m0; m < m1; m += mr) {
      const size_t height = pk_min(mr, m1 - m);
      for (size_t p = 0; p < count; p++) {
        imicro_kernel(height, c->w_signed)(words, packed + m * words, panels + p * words * NR, tile);
        store_codes(c, tile, height, m, row_sums + m, stretches[p], found[p], c->y + m * s->out[1] * s->out[2]);
      }
    }
  }
}

/// Sums of 32 positions of one plane into tile[32]: four taps, each its own offset, make a word.
PK_INLINE void depthwise_sums(const uint8_t *x, const size_t *offset, const uint32_t *words, size_t quads, __m256i flip, bool w_signed,
                              uint32_t *tile) {
  // By unpacking, acc[i] has the positions 4 i to 4 i + 3 and 16 + 4 i to 19 + 4 i.
  __m256i acc[4] = {_mm256_setzero_si256(), _mm256_setzero_si256(), _mm256_setzero_si256(), _mm256_setzero_si256()};
  for (size_t q = 0; q < quads; q++, offset += 4) {
    __m256i r[4], b[4];
    PK_UNROLL for (int i = 0; i < 4; i++) r[i] = _mm256_xor_si256(_mm256_loadu_si256((const __m256i *)(x + offset[i])), flip);
    const __m256i low = _mm256_unpacklo_epi8(r[0], r[1]), low2 = _mm256_unpacklo_epi8(r[2], r[3]);
    const __m256i high = _mm256_unpackhi_epi8(r[0], r[1]), high2 = _mm256_unpackhi_epi8(r[2], r[3]);
    b[0] = _mm256_unpacklo_epi16(low, low2), b[1] = _mm256_unpackhi_epi16(low, low2);
    b[2] = _mm256_unpacklo_epi16(high, high2), b[3] = _mm256_unpackhi_epi16(high, high2);
    const __m256i w = _mm256_set1_epi32((int)words[q]);
    PK_UNROLL for (int i = 0; i < 4; i++) acc[i] = w_signed ? _mm256_dpbusd_epi32(acc[i], b[i], w) : _mm256_dpbusd_epi32(acc[i], w, b[i]);
  }
  __m256i *to = (__m256i *)tile;
  _mm256_storeu_si256(to, _mm256_permute2x128_si256(acc[0], acc[1], 0x20));
  _mm256_storeu_si256(to + 1, _mm256_permute2x128_si256(acc[2], acc[3], 0x20));
  _mm256_storeu_si256(to + 2, _mm256_permute2x128_si256(acc[0], acc[1], 0x31));
  _mm256_storeu_si256(to + 3, _mm256_permute2x128_si256(acc[2], acc[3], 0x31));
}

void pk_conv_int8_depthwise_avx512(const pk_conv_int8 *c, size_t plane0, size_t plane1, void *scratch) {
  const pk_conv_shape *s = &c->shape;
  const pk_conv_int8_layout l = pk_conv_int8_layout_of(s);
  const size_t taps = s->kernel[1] * s->kernel[2], quads = pk_ceil_div(taps, 4), channels = s->groups * s->outputs;
  const size_t in = s->in[1] * s->in[2], out = s->out[1] * s->out[2], image = l.lines * l.line;
  const uint32_t *words = c->weights, *row_sums = words + channels * quads;
  const __m256i flip = _mm256_set1_epi8((char)flip_of(c->w_signed, c->x_signed));
  size_t *offset = scratch;
  pk_stretch *stretches = (pk_stretch *)((uint8_t *)scratch + pk_round64(quads * 4 * sizeof *offset)), *end = stretches;
  uint8_t *padded = (uint8_t *)stretches + pk_round64(pk_conv_int8_stretches(&l, s) * sizeof *stretches);
  for (size_t t = 0; t < quads * 4; t++) {
    // The weights of taps that are not there are 0.
    const size_t tap = pk_min(t, taps - 1), dh = tap / s->kernel[2] * s->dilation[1], dw = tap % s->kernel[2] * s->dilation[2];
    offset[t] = (dh % s->stride[1] * l.phases[1] + dw % s->stride[2]) * image + dh / s->stride[1] * l.line + dw / s->stride[2];
  }
  for (size_t n = 0; n < l.positions; n += NR) {
    end += find_stretches(s, l.line, n, pk_min(NR, l.positions - n), end);
    *end++ = (pk_stretch){0};
  }
  memset(padded, (uint8_t)c->x_zero, l.plane + PK_CONV_INT8_SLACK);
  size_t there = SIZE_MAX;
  for (size_t plane = plane0; plane < plane1; plane++) {
    const size_t channel = plane % channels, source = plane / s->outputs;
    if (source != there) pk_conv_int8_fill(s, c->x + source * in, padded);
    there = source;
    const pk_stretch *next = stretches;
    for (size_t n = 0; n < l.positions; n += NR) {
      uint32_t tile[NR];
      const pk_stretch *first = next;
      while (next->lanes) next++;
      if (c->w_signed)
        depthwise_sums(padded + n, offset, words + channel * quads, quads, flip, true, tile);
      else
        depthwise_sums(padded + n, offset, words + channel * quads, quads, flip, false, tile);
      store_codes(c, tile, 1, channel, row_sums + channel, first, (size_t)(next++ - first), c->y + plane * out);
    }
  }
}
