// Single numbers between the element types, without branches so that loops over them vectorise.

static inline uint32_t PK_FN(pk_bits)(float x) {
  uint32_t u;
  memcpy(&u, &x, sizeof u);
  return u;
}

static inline float PK_FN(pk_float)(uint32_t u) {
  float x;
  memcpy(&x, &u, sizeof x);
  return x;
}

static inline float PK_FN(pk_f32_of_bf16)(uint16_t h) { return PK_FN(pk_float)((uint32_t)h << 16); }

static inline uint16_t PK_FN(pk_bf16_of_f32)(float x) {
  const uint32_t u = PK_FN(pk_bits)(x);
  const uint32_t rounded = (u + 0x7fff + (u >> 16 & 1)) >> 16;
  return (uint16_t)(x != x ? u >> 16 | 0x40 : rounded);
}

#if PK_LEVEL >= 1
static inline float PK_FN(pk_f32_of_f16)(uint16_t h) {
  _Float16 f;
  memcpy(&f, &h, sizeof f);
  return (float)f;
}

static inline uint16_t PK_FN(pk_f16_of_f32)(float x) {
  const _Float16 f = (_Float16)x;
  uint16_t h;
  memcpy(&h, &f, sizeof h);
  return h;
}
#else
static inline float PK_FN(pk_f32_of_f16)(uint16_t h) {
  const uint32_t magnitude = h & 0x7fff;
  // The exponents' biases differ by 112; the product also normalises what was denormal.
  const uint32_t finite = PK_FN(pk_bits)(PK_FN(pk_float)(magnitude << 13) * 0x1p112f);
  const uint32_t special = magnitude >= 0x7c00 ? 0x7f800000 : 0;
  const uint32_t quiet = magnitude > 0x7c00 ? 0x00400000 : 0;
  return PK_FN(pk_float)(finite | special | quiet | (uint32_t)(h & 0x8000) << 16);
}

static inline uint16_t PK_FN(pk_f16_of_f32)(float x) {
  const uint32_t u = PK_FN(pk_bits)(x), magnitude = u & 0x7fffffff;
  const uint32_t normal = (magnitude - (112u << 23) + 0xfff + (magnitude >> 13 & 1)) >> 13;
  // Adding a half aligns the units of binary16's denormals with the last place of the sum, which rounds.
  const uint32_t denormal = PK_FN(pk_bits)(PK_FN(pk_float)(magnitude) + 0.5f) - 0x3f000000;
  const uint32_t special = magnitude > 0x7f800000 ? 0x7e00 | (magnitude >> 13 & 0x3ff) : 0x7c00;
  const uint32_t finite = magnitude < 0x38800000 ? denormal : normal;
  return (uint16_t)((magnitude >= 0x47800000 ? special : finite) | (u >> 16 & 0x8000));
}
#endif

// Rounded to odd, so that rounding again to a format of fewer bits rounds as if once.
static inline float PK_FN(pk_odd_f32_of_f64)(double x) {
  const float nearest = (float)x;
  const uint32_t u = PK_FN(pk_bits)(nearest);
  const bool inexact = (double)nearest < x || (double)nearest > x;
  const bool above = fabs((double)nearest) > fabs(x);
  return PK_FN(pk_float)(inexact ? (u - above) | 1 : u);
}

// Floats to integers truncate; what does not fit, and NaN, becomes the processor's "integer indefinite".
static inline int32_t PK_FN(pk_i32_of_f32)(float x) { return x >= -0x1p31f && x < 0x1p31f ? (int32_t)x : INT32_MIN; }
static inline int64_t PK_FN(pk_i64_of_f32)(float x) { return x >= -0x1p63f && x < 0x1p63f ? (int64_t)x : INT64_MIN; }
static inline int32_t PK_FN(pk_i32_of_f64)(double x) { return x > -0x1p31 - 1 && x < 0x1p31 ? (int32_t)x : INT32_MIN; }
static inline int64_t PK_FN(pk_i64_of_f64)(double x) { return x >= -0x1p63 && x < 0x1p63 ? (int64_t)x : INT64_MIN; }
static inline uint64_t PK_FN(pk_u64_of_f64)(double x) {
  const bool high = x >= 0x1p63;
  return (uint64_t)PK_FN(pk_i64_of_f64)(high ? x - 0x1p63 : x) ^ (uint64_t)high << 63;
}
