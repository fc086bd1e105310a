// f64 functions without branches, as pk_math.inl.h has for f32; each bound is the polynomial's error. Results are within 1 unit in
// the last place for exp, log, sin and cos, 2 for expm1 and log1p, 3 for tanh and sigmoid. erf and erfc are libm's.

static inline uint64_t PK_FN(pk_bits64)(double x) {
  uint64_t u;
  memcpy(&u, &x, sizeof u);
  return u;
}

static inline double PK_FN(pk_double)(uint64_t u) {
  double x;
  memcpy(&x, &u, sizeof x);
  return x;
}

// x = n log 2 + r with |r| <= 0.35, for |x| < 2^20; n in the low bits of the second result. The first part of log 2 has so few
// bits that n times it is exact.
static inline double PK_FN(pk_reduce_exp_f64)(double x, uint64_t *n_bits) {
  const double shifted = x * 0x1.71547652b82fep+0 + 0x1.8p52, n = shifted - 0x1.8p52;
  *n_bits = PK_FN(pk_bits64)(shifted) - PK_FN(pk_bits64)(0x1.8p52);
  return (x - n * 0x1.62e42fefa0000p-1) - n * 0x1.cf79abc9e3b3ap-40;
}

// exp(r) - 1 - r over r^2 for |r| <= 0.35; 1.1e-16.
static inline double PK_FN(pk_exp_tail_f64)(double r) {
  double p = 0x1.af632eca6751ep-26;
  p = p * r + 0x1.2891a90d62f47p-22;
  p = p * r + 0x1.71ddf6b1638fbp-19;
  p = p * r + 0x1.a019b8ef146e7p-16;
  p = p * r + 0x1.a01a01b00d516p-13;
  p = p * r + 0x1.6c16c17893a24p-10;
  p = p * r + 0x1.111111110f800p-7;
  p = p * r + 0x1.5555555553d4fp-5;
  p = p * r + 0x1.5555555555558p-3;
  return p * r + 0.5;
}

static inline double PK_FN(pk_exp_f64)(double x) {
  x = x > 710 ? 710 : x;
  x = x < -746 ? -746 : x;
  uint64_t n;
  const double r = PK_FN(pk_reduce_exp_f64)(x, &n), p = 1 + (r + r * r * PK_FN(pk_exp_tail_f64)(r));
  // 2^n as a product of two factors, since n exceeds the range of exponents at both ends. Half of n without a signed shift, which
  // some levels lack for 64 bits.
  const uint64_t half = ((n + 2048) >> 1) - 1024;
  return p * PK_FN(pk_double)((half + 1023) << 52) * PK_FN(pk_double)((n - half + 1023) << 52);
}

// exp(x) for x <= 0, with results below the normal numbers as 0.
static inline double PK_FN(pk_exp_below_f64)(double x) {
  const double bounded = x < -708 ? -708 : x;
  uint64_t n;
  const double r = PK_FN(pk_reduce_exp_f64)(bounded, &n), p = 1 + (r + r * r * PK_FN(pk_exp_tail_f64)(r));
  return x < -708 ? 0 : p * PK_FN(pk_double)((n + 1023) << 52);
}

// exp(x) - 1 for x <= 709.
static inline double PK_FN(pk_expm1_f64)(double x) {
  x = x > 709 ? 709 : x;
  x = x < -60 ? -60 : x;
  uint64_t n;
  const double r = PK_FN(pk_reduce_exp_f64)(x, &n), p = r + r * r * PK_FN(pk_exp_tail_f64)(r);
  const double scale = PK_FN(pk_double)((n + 1023) << 52);
  return scale * p + (scale - 1);
}

// log of a normal positive number times 2^exponent.
static inline double PK_FN(pk_log_normal_f64)(double x, double exponent) {
  const uint64_t root = PK_FN(pk_bits64)(0x1.6a09e667f3bcdp-1), u = PK_FN(pk_bits64)(x) - root;
  // The biased exponent as the low bits of a number of 2^52.
  const double biased = PK_FN(pk_double)(((u + (1ull << 62)) >> 52) | PK_FN(pk_bits64)(0x1p52));
  const double e = (biased - (0x1p52 + 1024)) + exponent;
  // x = 2^e * (1 + f) with 1 + f between sqrt(1/2) and sqrt(2), and log(1 + f) = 2 atanh(s)
  const double f = PK_FN(pk_double)((u & 0xfffffffffffff) + root) - 1, s = f / (2 + f), z = s * s;
  double p = 0x1.0c1125704d5eep-3; // 2.1e-18
  p = p * z + 0x1.0fbd3e7ba66c3p-3;
  p = p * z + 0x1.3b1c42b2e633cp-3;
  p = p * z + 0x1.745cf8c2d316dp-3;
  p = p * z + 0x1.c71c7201fef8ap-3;
  p = p * z + 0x1.2492492476694p-2;
  p = p * z + 0x1.9999999999a3ap-2;
  p = p * z + 0x1.5555555555555p-1;
  return e * 0x1.62e42fefa0000p-1 + (f - (s * (f - z * p) - e * 0x1.cf79abc9e3b3ap-40));
}

static inline double PK_FN(pk_log_f64)(double x) {
  const bool tiny = x < DBL_MIN;
  const double y = PK_FN(pk_log_normal_f64)(tiny ? x * 0x1p52 : x, tiny ? -52.0 : 0.0);
  const double finite = x > 0 ? y : x == 0 ? -(double)INFINITY : (double)NAN;
  return x == (double)INFINITY ? x : finite;
}

// log(1 + x) for x in 0...1.
static inline double PK_FN(pk_log1p_f64)(double x) {
  const double sum = 1 + x;
  return PK_FN(pk_log_normal_f64)(sum, 0) + (x - (sum - 1)) / sum;
}

static inline double PK_FN(pk_tanh_f64)(double x) {
  const double a = __builtin_elementwise_abs(x), e = PK_FN(pk_expm1_f64)(2 * (a > 20 ? 20 : a));
  return __builtin_elementwise_copysign(e / (e + 2), x);
}

static inline double PK_FN(pk_sigmoid_f64)(double x) {
  const double e = PK_FN(pk_exp_f64)(-__builtin_elementwise_abs(x));
  return (x < 0 ? e : 1) / (1 + e);
}

static inline double PK_FN(pk_gelu_erf_f64)(double x) { return 0.5 * x * erfc(x * -0x1.6a09e667f3bcdp-1); }
static inline double PK_FN(pk_erf_f64)(double x) { return erf(x); }

// Sine (quarters 0) or cosine (quarters 1) for |x| < PK_TRIG_LIMIT_F64. pi/2 in three parts, of which the first two times n are
// exact; what is left of x is the sum of `r` and `rest`.
#define PK_TRIG_LIMIT_F64 1e6
static inline double PK_FN(pk_wave_f64)(double x, uint64_t quarters) {
  const double shifted = x * 0x1.45f306dc9c883p-1 + 0x1.8p52, n = shifted - 0x1.8p52;
  const uint64_t quadrant = PK_FN(pk_bits64)(shifted) + quarters;
  const double first = x - n * 0x1.921fb54400000p+0, second = n * 0x1.0b4611a600000p-34, third = n * 0x1.3198a2e037073p-69;
  const double high = first - second, low = (first - high) - second;
  const double r = high - third, rest = ((high - r) - third) + low, z = r * r;
  double s = 0x1.5e0b048d1eb70p-33; // 2.1e-17
  s = s * z - 0x1.ae600accbde5fp-26;
  s = s * z + 0x1.71de37965cbf6p-19;
  s = s * z - 0x1.a01a019e838e5p-13;
  s = s * z + 0x1.1111111110bb2p-7;
  s = s * z - 0x1.5555555555555p-3;
  const double sine = r + (z * r * s + rest * (1 - 0.5 * z));
  double c = -0x1.907d8bd83cc3bp-37; // 1.3e-18
  c = c * z + 0x1.1eeb68caf3c7ep-29;
  c = c * z - 0x1.27e4fa17bfd47p-22;
  c = c * z + 0x1.a01a019f4e9eap-16;
  c = c * z - 0x1.6c16c16c16967p-10;
  c = c * z + 0x1.5555555555555p-5;
  const double half = 0.5 * z, near = 1 - half;
  const double cosine = near + (((1 - near) - half) + (z * z * c - r * rest));
  const double value = quadrant & 1 ? cosine : sine;
  return PK_FN(pk_double)(PK_FN(pk_bits64)(value) ^ (quadrant & 2) << 62);
}
// The reduction would lose the sign of zero.
static inline double PK_FN(pk_sin_f64)(double x) { return x == 0 ? x : PK_FN(pk_wave_f64)(x, 0); }
static inline double PK_FN(pk_cos_f64)(double x) { return PK_FN(pk_wave_f64)(x, 1); }
