// Keys: integers that order as the floats they stand for, so that extremes of floats reduce like those of integers (which
// compilers vectorise). NaN has the greatest key where the greatest is sought and the least where the least is.
#define PK_KEYS(type, F, I, least)                                                                          \
  static inline I PK_FN(pk_key_##type)(F x) {                                                               \
    I bits;                                                                                                 \
    memcpy(&bits, &x, sizeof bits);                                                                         \
    return bits ^ ((bits >> (sizeof(I) * 8 - 1)) & ~(least));                                               \
  }                                                                                                         \
  static inline I PK_FN(pk_key_max_##type)(F x) { return x != x ? ~(least) : PK_FN(pk_key_##type)(x); }     \
  static inline I PK_FN(pk_key_min_##type)(F x) { return x != x ? (least) : PK_FN(pk_key_##type)(x); }      \
  static inline F PK_FN(pk_of_key_##type)(I key) {                                                          \
    const I bits = key ^ ((key >> (sizeof(I) * 8 - 1)) & ~(least));                                         \
    F x;                                                                                                    \
    memcpy(&x, &bits, sizeof x);                                                                            \
    return x;                                                                                               \
  }
PK_KEYS(f32, float, int32_t, INT32_MIN)
PK_KEYS(f64, double, int64_t, INT64_MIN)

// The greatest or least of a row of floats as floats themselves, which take one instruction a vector where keys take five; `any_nan`
// says apart whether there is a NaN. Zeros are equal. What is behind whole pieces is the row's end, of which some is looked at twice.
#define PK_ROW_EXTREME(name, type, F, I, LANES, better, least)                                                         \
  static inline F PK_FN(pk_row_##name##_##type)(const F *x, size_t n, bool *any_nan) {                                 \
    typedef F lanes_t __attribute__((ext_vector_type(LANES), aligned(sizeof(F)), may_alias));                         \
    typedef I flags_t __attribute__((ext_vector_type(LANES)));                                                        \
    F best = least;                                                                                                   \
    bool odd = false;                                                                                                 \
    if (n < 4 * LANES) {                                                                                              \
      for (size_t i = 0; i < n; i++) best = x[i] better best ? x[i] : best, odd |= x[i] != x[i];                      \
      *any_nan = odd;                                                                                                 \
      return best;                                                                                                    \
    }                                                                                                                 \
    lanes_t most[4];                                                                                                  \
    flags_t nans[4];                                                                                                  \
    for (size_t j = 0; j < 4; j++) most[j] = best, nans[j] = 0;                                                       \
    for (size_t i = 0; i < n; i += 4 * LANES) {                                                                       \
      const F *piece = x + (i + 4 * LANES <= n ? i : n - 4 * LANES);                                                  \
      for (size_t j = 0; j < 4; j++) {                                                                                \
        const lanes_t v = *(const lanes_t *)(piece + j * LANES);                                                      \
        most[j] = v better most[j] ? v : most[j];                                                                     \
        nans[j] |= v != v;                                                                                            \
      }                                                                                                               \
    }                                                                                                                 \
    const lanes_t left = most[0] better most[1] ? most[0] : most[1], right = most[2] better most[3] ? most[2] : most[3]; \
    const lanes_t all = left better right ? left : right;                                                             \
    const flags_t any = (nans[0] | nans[1]) | (nans[2] | nans[3]);                                                    \
    I found = 0;                                                                                                      \
    for (size_t j = 0; j < LANES; j++) best = all[j] better best ? all[j] : best, found |= any[j];                    \
    *any_nan = found != 0;                                                                                            \
    return best;                                                                                                      \
  }
#if PK_LEVEL == 2
#define PK_ROW_DOUBLES 8
#elif PK_LEVEL == 1
#define PK_ROW_DOUBLES 4
#else
#define PK_ROW_DOUBLES 2
#endif
PK_ROW_EXTREME(most, f32, float, int32_t, PK_LANES, >, -INFINITY)
PK_ROW_EXTREME(least, f32, float, int32_t, PK_LANES, <, INFINITY)
PK_ROW_EXTREME(most, f64, double, int64_t, PK_ROW_DOUBLES, >, -(double)INFINITY)
PK_ROW_EXTREME(least, f64, double, int64_t, PK_ROW_DOUBLES, <, (double)INFINITY)
#undef PK_ROW_DOUBLES

// The greatest of a row, where both zeros do as well; NaN if there is one.
static inline float PK_FN(pk_greatest_f32)(const float *x, size_t n) {
  bool any_nan;
  const float most = PK_FN(pk_row_most_f32)(x, n, &any_nan);
  return any_nan ? NAN : most;
}
static inline double PK_FN(pk_greatest_f64)(const double *x, size_t n) {
  bool any_nan;
  const double most = PK_FN(pk_row_most_f64)(x, n, &any_nan);
  return any_nan ? (double)NAN : most;
}
