// One-dimensional interpolation: weighted sums of rows, and weighted sums of elements named by index.

#define RESAMPLE(T, suffix, rint_of)                                                                               \
  static void PK_FN(pk_blend_##suffix)(const void *const *rows, const void *weights, size_t taps, void *y, size_t n) { \
    const T *w = weights, *a = rows[0];                                                                            \
    T *restrict out = y;                                                                                           \
    if (taps == 1) {                                                                                               \
      if (w[0] == 1) {                                                                                             \
        memcpy(y, a, n * sizeof(T));                                                                               \
        return;                                                                                                    \
      }                                                                                                            \
      PK_VECTORISE for (size_t i = 0; i < n; i++) out[i] = w[0] * a[i];                                            \
      return;                                                                                                      \
    }                                                                                                              \
    const T *b = rows[1];                                                                                          \
    if (taps == 4) {                                                                                               \
      const T *c = rows[2], *d = rows[3];                                                                          \
      PK_VECTORISE for (size_t i = 0; i < n; i++)                                                                  \
        out[i] = w[0] * a[i] + w[1] * b[i] + (w[2] * c[i] + w[3] * d[i]);                                          \
      return;                                                                                                      \
    }                                                                                                              \
    PK_VECTORISE for (size_t i = 0; i < n; i++) out[i] = w[0] * a[i] + w[1] * b[i];                                \
    for (size_t k = 2; k < taps; k++) {                                                                            \
      const T *row = rows[k], weight = w[k];                                                                       \
      PK_VECTORISE for (size_t i = 0; i < n; i++) out[i] += weight * row[i];                                       \
    }                                                                                                              \
  }                                                                                                                \
  static void PK_FN(pk_gather_runs_##suffix)(const T *x, const int32_t *indices, const T *w, size_t taps, size_t run, T *y, \
                                             size_t n) {                                                           \
    for (size_t i = 0; i < n; i++, y += run) {                                                                     \
      const T *row = x + (size_t)indices[i] * run;                                                                 \
      for (size_t j = 0; j < run; j++) y[j] = w[i] * row[j];                                                       \
      for (size_t k = 1; k < taps; k++) {                                                                          \
        const T weight = w[k * n + i];                                                                             \
        row = x + (size_t)indices[k * n + i] * run;                                                                \
        for (size_t j = 0; j < run; j++) y[j] += weight * row[j];                                                  \
      }                                                                                                            \
    }                                                                                                              \
  }                                                                                                                \
  static void PK_FN(pk_gather_max_##suffix)(const void *xs, const int32_t *indices, const void *weights, size_t taps, size_t run, \
                                            void *ys, size_t n) {                                                  \
    const T *x = xs, *w = weights;                                                                                 \
    T *restrict y = ys;                                                                                            \
    for (size_t i = 0; i < n; i++, y += run) {                                                                     \
      const T *row = x + (size_t)indices[i] * run;                                                                 \
      PK_VECTORISE for (size_t j = 0; j < run; j++) y[j] = w[i] * row[j];                                          \
      for (size_t k = 1; k < taps; k++) {                                                                          \
        const T weight = w[k * n + i];                                                                             \
        row = x + (size_t)indices[k * n + i] * run;                                                                \
        PK_VECTORISE for (size_t j = 0; j < run; j++) {                                                            \
          const T v = weight * row[j], most = v > y[j] ? v : y[j];                                                 \
          y[j] = v != v ? v : most;                                                                                \
        }                                                                                                          \
      }                                                                                                            \
    }                                                                                                              \
  }                                                                                                                \
  static void PK_FN(pk_gather_some_##suffix)(const T *x, const int32_t *indices, const T *w, size_t first, size_t last, T *y, \
                                             size_t n) {                                                           \
    for (size_t i = first; i < last; i++) y[i] = w[i] * x[indices[i]] + w[n + i] * x[indices[n + i]];              \
  }                                                                                                                \
  static void PK_FN(pk_round_clamp_##suffix)(void *x, size_t n, double low, double high) {                         \
    T *values = x;                                                                                                 \
    const T least = (T)low, most = (T)high;                                                                        \
    PK_VECTORISE for (size_t i = 0; i < n; i++) {                                                                  \
      T v = rint_of(values[i]);                                                                                    \
      v = v > least ? v : least;                                                                                   \
      values[i] = v < most ? v : most;                                                                             \
    }                                                                                                              \
  }
RESAMPLE(float, f32, rintf)
RESAMPLE(double, f64, rint)

static void PK_FN(pk_gather_f32)(const void *x, const int32_t *indices, const void *weights, size_t taps, size_t run, void *y, size_t n) {
  const float *source = x, *w = weights;
  float *out = y;
  if (run != 1) {
    PK_FN(pk_gather_runs_f32)(source, indices, w, taps, run, out, n);
    return;
  }
  size_t i = 0;
#if PK_LEVEL > 0
  for (; i + 8 <= n; i += 8) {
    __m256 sum = _mm256_mul_ps(_mm256_loadu_ps(w + i), _mm256_i32gather_ps(source, _mm256_loadu_si256((const __m256i *)(indices + i)), 4));
    for (size_t k = 1; k < taps; k++)
      sum = _mm256_fmadd_ps(_mm256_loadu_ps(w + k * n + i),
                            _mm256_i32gather_ps(source, _mm256_loadu_si256((const __m256i *)(indices + k * n + i)), 4), sum);
    _mm256_storeu_ps(out + i, sum);
  }
#endif
  for (; i < n; i++) {
    float sum = w[i] * source[indices[i]];
    for (size_t k = 1; k < taps; k++) sum += w[k * n + i] * source[indices[k * n + i]];
    out[i] = sum;
  }
}

static void PK_FN(pk_gather_f64)(const void *x, const int32_t *indices, const void *weights, size_t taps, size_t run, void *y, size_t n) {
  PK_FN(pk_gather_runs_f64)(x, indices, weights, taps, run, y, n);
}

static void PK_FN(pk_gather_pairs_f32)(const void *x, const int32_t *indices, const void *weights, size_t first, size_t last, void *y,
                                       size_t n) {
  const float *source = x, *w = weights;
  float *out = y;
  PK_FN(pk_gather_some_f32)(source, indices, w, 0, first, out, n);
  size_t i = first;
  (void)last;
#if PK_LEVEL > 0
  // Both elements of a pair come with one load.
#define PAIR(k) ((const __m64 *)(source + indices[i + k]))
  for (; i + 4 <= last; i += 4) {
    const __m128 a = _mm_loadh_pi(_mm_castpd_ps(_mm_load_sd((const double *)PAIR(0))), PAIR(1));
    const __m128 b = _mm_loadh_pi(_mm_castpd_ps(_mm_load_sd((const double *)PAIR(2))), PAIR(3));
    const __m128 left = _mm_shuffle_ps(a, b, 0x88), right = _mm_shuffle_ps(a, b, 0xdd);
    _mm_storeu_ps(out + i, _mm_fmadd_ps(_mm_loadu_ps(w + n + i), right, _mm_mul_ps(_mm_loadu_ps(w + i), left)));
  }
#undef PAIR
#endif
  PK_FN(pk_gather_some_f32)(source, indices, w, i, n, out, n);
}

static void PK_FN(pk_gather_pairs_f64)(const void *x, const int32_t *indices, const void *weights, size_t first, size_t last, void *y,
                                       size_t n) {
  (void)first, (void)last;
  PK_FN(pk_gather_some_f64)(x, indices, weights, 0, n, y, n);
}

const pk_resample_kernels PK_FN(pk_resample_f32) = {PK_FN(pk_blend_f32), PK_FN(pk_gather_f32), PK_FN(pk_gather_max_f32), PK_FN(pk_gather_pairs_f32),
                                                    PK_FN(pk_round_clamp_f32)};
const pk_resample_kernels PK_FN(pk_resample_f64) = {PK_FN(pk_blend_f64), PK_FN(pk_gather_f64), PK_FN(pk_gather_max_f64), PK_FN(pk_gather_pairs_f64),
                                                    PK_FN(pk_round_clamp_f64)};
