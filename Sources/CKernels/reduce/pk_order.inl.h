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

static inline float PK_FN(pk_greatest_f32)(const float *x, size_t n) {
  int32_t most = PK_FN(pk_key_f32)(-INFINITY);
  PK_VECTORISE for (size_t i = 0; i < n; i++) {
    const int32_t key = PK_FN(pk_key_max_f32)(x[i]);
    most = key > most ? key : most;
  }
  return PK_FN(pk_of_key_f32)(most);
}
static inline double PK_FN(pk_greatest_f64)(const double *x, size_t n) {
  int64_t most = PK_FN(pk_key_f64)(-INFINITY);
  PK_VECTORISE for (size_t i = 0; i < n; i++) {
    const int64_t key = PK_FN(pk_key_max_f64)(x[i]);
    most = key > most ? key : most;
  }
  return PK_FN(pk_of_key_f64)(most);
}
