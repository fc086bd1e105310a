// Points between the four elements around them, one ISA level.

// Not contracted: the same points for every level, and the same as with a sum of its own.
static void PK_FN(pk_bilinear_denormalise)(const float *grid, size_t step, float extent, bool aligns, float *x, size_t n) {
#pragma clang fp contract(off)
  if (aligns)
    PK_VECTORISE for (size_t i = 0; i < n; i++) x[i] = (grid[i * step] + 1) / 2 * (extent - 1);
  else
    PK_VECTORISE for (size_t i = 0; i < n; i++) x[i] = ((grid[i * step] + 1) * extent - 1) / 2;
}

/// `x` held between 0 and `last`; NaN becomes 0.
static inline float PK_FN(pk_bilinear_hold)(float x, float last) {
  x = x >= 0 ? x : 0;
  return x < last ? x : last;
}

static void PK_FN(pk_bilinear_taps)(const float *ys, const float *xs, size_t n, size_t height, size_t width, const pk_bilinear *taps) {
  const float bottom = (float)(height - 1), right = (float)(width - 1), pair = (float)(width - 2);
  int32_t *restrict upper = taps->upper, *restrict lower = taps->lower, *restrict flags = taps->flags;
  float *restrict weights = taps->weights;
  PK_VECTORISE for (size_t i = 0; i < n; i++) {
    const float y = ys[i], x = xs[i], top = floorf(y), left = floorf(x), down = y - top, across = x - left;
    // In front of the first element only the second of a pair takes part, behind the last but one only the first. A tap outside
    // reads one that takes part, so that no infinity slips in.
    const bool has_top = top >= 0 && top <= bottom, has_bottom = top >= -1 && top < bottom;
    const bool has_left = left >= 0 && left <= right, has_right = left >= -1 && left < right;
    const float base = PK_FN(pk_bilinear_hold)(left, pair);
    const float row = PK_FN(pk_bilinear_hold)(top, bottom), next = PK_FN(pk_bilinear_hold)(top + 1, bottom);
    const float first = PK_FN(pk_bilinear_hold)(left, right), second = PK_FN(pk_bilinear_hold)(left + 1, right);
    upper[i] = (int32_t)row * (int32_t)width + (int32_t)base;
    lower[i] = (int32_t)next * (int32_t)width + (int32_t)base;
    const int32_t is_inside = ((has_top | has_bottom) & (has_left | has_right)) ? PK_BILINEAR_INSIDE : 0;
    flags[i] = (first > base ? PK_BILINEAR_LEFT_IS_SECOND : 0) | (second <= base ? PK_BILINEAR_RIGHT_IS_FIRST : 0) | is_inside;
    weights[i] = (has_top & has_left) ? (1 - down) * (1 - across) : 0;
    weights[n + i] = (has_top & has_right) ? (1 - down) * across : 0;
    weights[2 * n + i] = (has_bottom & has_left) ? down * (1 - across) : 0;
    weights[3 * n + i] = (has_bottom & has_right) ? down * across : 0;
  }
}

static inline float PK_FN(pk_bilinear_point)(const float *x, const pk_bilinear *taps, size_t i, size_t n) {
  const float *a = x + taps->upper[i], *b = x + taps->lower[i], *w = taps->weights + i;
  const int32_t flags = taps->flags[i];
  const size_t left = flags & PK_BILINEAR_LEFT_IS_SECOND ? 1 : 0, right = flags & PK_BILINEAR_RIGHT_IS_FIRST ? 0 : 1;
  const float sum = w[0] * a[left] + w[n] * a[right] + (w[2 * n] * b[left] + w[3 * n] * b[right]);
  return flags & PK_BILINEAR_INSIDE ? sum : 0;
}

static void PK_FN(pk_bilinear_gather)(const float *x, const pk_bilinear *taps, float *y, size_t n) {
  size_t i = 0;
#if PK_LEVEL > 0
  // Both elements of a pair come with one load.
#define PAIR(at, k) ((const void *)(x + at[i + k]))
#define PAIRS(at, k) _mm_loadh_pi(_mm_castpd_ps(_mm_load_sd((const double *)PAIR(at, k))), (const __m64 *)PAIR(at, k + 1))
  const float *w = taps->weights;
  for (; i + 4 <= n; i += 4) {
    const __m128i flags = _mm_loadu_si128((const __m128i *)(const void *)(taps->flags + i));
    // The flags' bits as signs.
    const __m128 swaps = _mm_castsi128_ps(_mm_slli_epi32(flags, 31)), repeats = _mm_castsi128_ps(_mm_slli_epi32(flags, 30));
    const __m128 inside = _mm_castsi128_ps(_mm_srai_epi32(_mm_slli_epi32(flags, 29), 31));
    const __m128 a = PAIRS(taps->upper, 0), b = PAIRS(taps->upper, 2), c = PAIRS(taps->lower, 0), d = PAIRS(taps->lower, 2);
    const __m128 up0 = _mm_shuffle_ps(a, b, 0x88), up1 = _mm_shuffle_ps(a, b, 0xdd);
    const __m128 low0 = _mm_shuffle_ps(c, d, 0x88), low1 = _mm_shuffle_ps(c, d, 0xdd);
    __m128 upper = _mm_mul_ps(_mm_loadu_ps(w + i), _mm_blendv_ps(up0, up1, swaps));
    __m128 lower = _mm_mul_ps(_mm_loadu_ps(w + 2 * n + i), _mm_blendv_ps(low0, low1, swaps));
    upper = _mm_fmadd_ps(_mm_loadu_ps(w + n + i), _mm_blendv_ps(up1, up0, repeats), upper);
    lower = _mm_fmadd_ps(_mm_loadu_ps(w + 3 * n + i), _mm_blendv_ps(low1, low0, repeats), lower);
    _mm_storeu_ps(y + i, _mm_and_ps(_mm_add_ps(upper, lower), inside));
  }
#undef PAIRS
#undef PAIR
#endif
  for (; i < n; i++) y[i] = PK_FN(pk_bilinear_point)(x, taps, i, n);
}

const pk_bilinear_kernels PK_FN(pk_bilinear) = {
    .denormalise = PK_FN(pk_bilinear_denormalise), .taps = PK_FN(pk_bilinear_taps), .gather = PK_FN(pk_bilinear_gather)};
