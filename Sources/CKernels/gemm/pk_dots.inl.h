// Dot products of rows with one vector: every row has its own sums, which are put together in one order however many rows there are.

#define DOTS(suffix, T, LANES)                                                                                        \
  typedef T PK_FN(dots_##suffix) __attribute__((ext_vector_type(LANES), aligned(sizeof(T)), may_alias));              \
  static inline __attribute__((always_inline)) void PK_FN(dots_rows_##suffix)(const T *a, size_t lda, const T *x, T *y, size_t k, size_t rows) { \
    PK_FN(dots_##suffix) sums[4][2];                                                                                  \
    for (size_t r = 0; r < rows; r++) sums[r][0] = sums[r][1] = 0;                                                    \
    size_t i = 0;                                                                                                     \
    for (; i + 2 * LANES <= k; i += 2 * LANES) {                                                                      \
      const PK_FN(dots_##suffix) left = *(const PK_FN(dots_##suffix) *)(x + i);                                       \
      const PK_FN(dots_##suffix) right = *(const PK_FN(dots_##suffix) *)(x + i + LANES);                              \
      for (size_t r = 0; r < rows; r++) {                                                                             \
        sums[r][0] += *(const PK_FN(dots_##suffix) *)(a + r * lda + i) * left;                                        \
        sums[r][1] += *(const PK_FN(dots_##suffix) *)(a + r * lda + i + LANES) * right;                               \
      }                                                                                                               \
    }                                                                                                                 \
    for (size_t r = 0; r < rows; r++) {                                                                               \
      T parts[LANES];                                                                                                 \
      const PK_FN(dots_##suffix) both = sums[r][0] + sums[r][1];                                                      \
      memcpy(parts, &both, sizeof parts);                                                                             \
      for (size_t j = 0; i + j < k; j++) parts[j % LANES] += a[r * lda + i + j] * x[i + j];                           \
      for (size_t width = LANES / 2; width > 0; width /= 2)                                                           \
        for (size_t j = 0; j < width; j++) parts[j] += parts[j + width];                                              \
      y[r] = parts[0];                                                                                                \
    }                                                                                                                 \
  }                                                                                                                   \
  static void PK_FN(pk_dots_##suffix)(const void *as, size_t lda, const void *xs, void *ys, size_t rows, size_t k) {  \
    const T *a = as, *x = xs;                                                                                         \
    T *y = ys;                                                                                                        \
    size_t r = 0;                                                                                                     \
    for (; r + 4 <= rows; r += 4) PK_FN(dots_rows_##suffix)(a + r * lda, lda, x, y + r, k, 4);                        \
    for (; r < rows; r++) PK_FN(dots_rows_##suffix)(a + r * lda, lda, x, y + r, k, 1);                                \
  }
DOTS(f32, float, PK_LANES)
#if PK_LEVEL == 0
DOTS(f64, double, 2)
#elif PK_LEVEL == 1
DOTS(f64, double, 4)
#else
DOTS(f64, double, 8)
#endif
#undef DOTS

const pk_dots_fn PK_FN(pk_dots_table)[2] = {PK_FN(pk_dots_f32), PK_FN(pk_dots_f64)};
