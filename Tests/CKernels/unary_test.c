// pk_unary against ONNX's definitions evaluated in double precision with libm, over strides through all float bit patterns.
#include "check.h"

static double sigmoid_of(double x) { return 1 / (1 + exp(-x)); }
static double phi(double x) { return 0.5 * erfc(-x / sqrt(2)); }

static double a, b; // the operation's constants

static double r_abs(double x) { return fabs(x); }
static double r_neg(double x) { return -x; }
static double r_sign(double x) { return isnan(x) ? x : (x > 0) - (x < 0); }
static double r_rsqrt(double x) { return 1 / sqrt(x); }
static double r_reciprocal(double x) { return 1 / x; }
static double r_relu(double x) { return isnan(x) ? x : x > 0 ? x : 0; }
static double r_leaky(double x) { return x < 0 ? a * x : x; }
static double r_thresholded(double x) { return x > a ? x : 0; }
static double r_elu(double x) { return x < 0 ? a * expm1(x) : x; }
static double r_celu(double x) { return isnan(x) ? x : fmax(0, x) + fmin(0, a * expm1(x / a)); }
static double r_selu(double x) { return x <= 0 ? b * (a * expm1(x)) : b * x; }
static double r_hard_sigmoid(double x) { return isnan(x) ? x : fmax(0, fmin(1, a * x + b)); }
static double r_hard_swish(double x) { return isnan(x) ? x : x * fmax(0, fmin(1, x / 6 + 0.5)); }
static double r_swish(double x) { return x * sigmoid_of(a * x); }
static double r_softplus(double x) { return x > 40 ? x : log1p(exp(x)); }
static double r_mish(double x) { return x * tanh(r_softplus(x)); }
static double r_softsign(double x) { return x / (1 + fabs(x)); }
static double r_gelu_erf(double x) { return x * phi(x); }
static double r_gelu_tanh(double x) { return x * sigmoid_of(2 * sqrt(2 / M_PI) * (x + 0.044715 * x * x * x)); }
static double r_clip(double x) { return isnan(x) ? x : fmin(fmax(x, a), b); }
static double r_shrink(double x) { return x < -a ? x + b : x > a ? x - b : 0; }
static double r_square(double x) { return x * x; }
static double r_affine(double x) { return x * a + b; }

// ulps: the bound for f32. Where the formula itself multiplies or adds rounded parts, `slack` allows an error of that many
// epsilons of max(|x|, 1) as well, and arguments beyond `reach` are left to the special values' check.
typedef struct operation {
  const char *name;
  pk_unary_op op;
  double (*reference)(double);
  double ulps, slack, reach, a, b;
} operation;

static const operation operations[] = {
    {"abs", PK_UNARY_ABS, r_abs, 0, 0, INFINITY, 0, 0},
    {"neg", PK_UNARY_NEG, r_neg, 0, 0, INFINITY, 0, 0},
    {"sign", PK_UNARY_SIGN, r_sign, 0, 0, INFINITY, 0, 0},
    {"ceil", PK_UNARY_CEIL, ceil, 0, 0, INFINITY, 0, 0},
    {"floor", PK_UNARY_FLOOR, floor, 0, 0, INFINITY, 0, 0},
    {"round", PK_UNARY_ROUND, nearbyint, 0, 0, INFINITY, 0, 0},
    {"sqrt", PK_UNARY_SQRT, sqrt, 0.5, 0, INFINITY, 0, 0},
    {"rsqrt", PK_UNARY_RSQRT, r_rsqrt, 1.5, 0, INFINITY, 0, 0},
    {"reciprocal", PK_UNARY_RECIPROCAL, r_reciprocal, 0.5, 0, INFINITY, 0, 0},
    {"exp", PK_UNARY_EXP, exp, 1.5, 0, INFINITY, 0, 0},
    {"log", PK_UNARY_LOG, log, 1.5, 0, INFINITY, 0, 0},
    {"erf", PK_UNARY_ERF, erf, 2, 0, INFINITY, 0, 0},
    {"sin", PK_UNARY_SIN, sin, 1.5, 0, INFINITY, 0, 0},
    {"cos", PK_UNARY_COS, cos, 1.6, 0, INFINITY, 0, 0},
    {"tan", PK_UNARY_TAN, tan, 3.5, 0, INFINITY, 0, 0},
    {"asin", PK_UNARY_ASIN, asin, 1.5, 0, INFINITY, 0, 0},
    {"acos", PK_UNARY_ACOS, acos, 1.5, 0, INFINITY, 0, 0},
    {"atan", PK_UNARY_ATAN, atan, 1.5, 0, INFINITY, 0, 0},
    {"sinh", PK_UNARY_SINH, sinh, 2, 0, INFINITY, 0, 0},
    {"cosh", PK_UNARY_COSH, cosh, 2, 0, INFINITY, 0, 0},
    {"tanh", PK_UNARY_TANH, tanh, 2.5, 0, INFINITY, 0, 0},
    {"asinh", PK_UNARY_ASINH, asinh, 2, 0, INFINITY, 0, 0},
    {"acosh", PK_UNARY_ACOSH, acosh, 2, 0, INFINITY, 0, 0},
    {"atanh", PK_UNARY_ATANH, atanh, 2, 0, INFINITY, 0, 0},
    {"sigmoid", PK_UNARY_SIGMOID, sigmoid_of, 2.5, 0, INFINITY, 0, 0},
    {"relu", PK_UNARY_RELU, r_relu, 0, 0, INFINITY, 0, 0},
    {"leaky_relu", PK_UNARY_LEAKY_RELU, r_leaky, 0.5, 0, INFINITY, 0.125, 0},
    {"thresholded_relu", PK_UNARY_THRESHOLDED_RELU, r_thresholded, 0, 0, INFINITY, 1.5, 0},
    {"elu", PK_UNARY_ELU, r_elu, 3, 0, INFINITY, 1.5, 0},
    {"celu", PK_UNARY_CELU, r_celu, 3, 0, INFINITY, 2, 0},
    {"selu", PK_UNARY_SELU, r_selu, 4, 0, INFINITY, 1.6875, 1.0625},
    {"hard_sigmoid", PK_UNARY_HARD_SIGMOID, r_hard_sigmoid, 1, 1, INFINITY, 0.25, 0.5},
    {"hard_swish", PK_UNARY_HARD_SWISH, r_hard_swish, 2, 2, INFINITY, 0, 0},
    {"swish", PK_UNARY_SWISH, r_swish, 10, 0, 5, 1.5, 0},
    {"mish", PK_UNARY_MISH, r_mish, 5, 0, 80, 0, 0},
    {"softplus", PK_UNARY_SOFTPLUS, r_softplus, 3, 0, INFINITY, 0, 0},
    {"softsign", PK_UNARY_SOFTSIGN, r_softsign, 1.5, 0, FLT_MAX, 0, 0},
    {"gelu_erf", PK_UNARY_GELU_ERF, r_gelu_erf, 4, 0.5, 1e30, 0, 0},
    {"gelu_tanh", PK_UNARY_GELU_TANH, r_gelu_tanh, 4, 1, 1e10, 0, 0},
    {"clip", PK_UNARY_CLIP, r_clip, 0, 0, INFINITY, -1.5, 3},
    {"clip crossed", PK_UNARY_CLIP, r_clip, 0, 0, INFINITY, 3, -1.5},
    {"shrink", PK_UNARY_SHRINK, r_shrink, 0.5, 0, INFINITY, 1.5, 0.25},
    {"square", PK_UNARY_SQUARE, r_square, 0.5, 0, INFINITY, 0, 0},
    {"affine", PK_UNARY_AFFINE, r_affine, 1, 1, INFINITY, 0.75, 0.5},
};
enum { OPERATIONS = sizeof operations / sizeof *operations, COUNT = 1 << 19 };

static float x[COUNT], y[COUNT + 1], z[COUNT + 1];
static double wide[COUNT], result[COUNT];
static double reference[COUNT];

static const double specials[] = {0, -0.0, 1, -1, 0.5, -0.5, 1.5, 2.5, -2.5, 3.5, 0.49999997, 8388609, -8388607.5, 4194304.5, INFINITY, -INFINITY, NAN, FLT_MAX,
                                  -FLT_MAX, FLT_MIN, -FLT_MIN, 1e-45, -1e-45, 88.72283, 88.72284, 89, -87.33655, -87.4, -103.9, -104, -105, 1e4,
                                  -1e4, 1e6, 1000001, 1e7, -1e9, 1e22, 3e38, 0.92, -0.92, 0.9199999, 4, 4.1, 9, -9, 10, -10, 20, -20, 3.1415927, 1.5707964};

static void fill_f32(void) {
  const size_t edges = sizeof specials / sizeof *specials;
  for (size_t i = 0; i < COUNT; i++) {
    if (i < edges) x[i] = (float)specials[i];
    else if (i % 2) x[i] = float_of_bits((uint32_t)(i * 8191)); // a stride through all bit patterns
    else x[i] = (float)random_between(-12, 12);
  }
}

static double worst_ulps(const operation *o, const float *got, bool half_slack) {
  double worst = 0;
  for (size_t i = 0; i < COUNT; i++) {
    const double r = reference[i];
    double error = ulps_f32(got[i], r);
    if (o->slack > 0 && fabs((double)got[i] - r) <= o->slack * FLT_EPSILON * fmax(1, fabs((double)x[i]) * (fabs(o->a) + (o->a == 0)))) error = 0;
    if (fabs((double)x[i]) > o->reach && !isnan(got[i])) error = 0;
    if (r == 0 && fabs((double)x[i]) < INFINITY && o->ulps == 0 && got[i] != 0) error = INFINITY;
    if (error > o->ulps + 1e-6 && !half_slack) FAIL("%s(%.9g = %08x) = %.9g, not %.9g: %.3g ulp", o->name, (double)x[i], bits_of_float(x[i]), (double)got[i], r, error);
    if (error > worst) worst = error;
  }
  return worst;
}

// Equal bits, but for the payloads of NaN.
static bool same_bits(const float *p, const float *q, size_t n) {
  for (size_t i = 0; i < n; i++)
    if (bits_of_float(p[i]) != bits_of_float(q[i]) && !(isnan(p[i]) && isnan(q[i]))) return false;
  return true;
}

static void check_f32(const operation *o) {
  const pk_params params = {.d = {o->a, o->b}};
  a = o->a, b = o->b;
  for (size_t i = 0; i < COUNT; i++) reference[i] = o->reference((double)x[i]);
  printf("%-17s", o->name);
  FOR_EACH_ISA(isa) {
    const pk_unary_fn kernel = pk_unary_kernel(isa, o->op, PK_F32);
    CHECK(kernel);
    if (!kernel) return;
    kernel(x, y, COUNT, &params);
    const double worst = worst_ulps(o, y, false);
    memcpy(z, x, sizeof x);
    kernel(z, z, COUNT, &params);
    if (!same_bits(y, z, COUNT)) FAIL("%s: %s in place differs", pk_isa_name(isa), o->name);
    for (size_t n = 0; n < 70; n++) { // other alignments and tails give the same bits
      z[n] = 1234.5f;
      kernel(x + 3, z, n, &params);
      if (z[n] != 1234.5f || !same_bits(z, y + 3, n)) FAIL("%s: %s, n = %zu", pk_isa_name(isa), o->name, n);
    }
    for (size_t i = 0; i < 4096; i++) z[i] = (float)random_between(-4, 4);
    double rate;
    MEASURE(rate, kernel(z, y, 4096, &params));
    printf("  %5.2f ulp %6.2f/ns", worst, rate * 4096 * 1e-9);
  }
  puts("");
}

static void check_f64(const operation *o) {
  const pk_params params = {.d = {o->a, o->b}};
  enum { N = 20000 };
  a = o->a, b = o->b;
  FOR_EACH_ISA(isa) {
    const pk_unary_fn kernel = pk_unary_kernel(isa, o->op, PK_F64);
    CHECK(kernel);
    if (!kernel) return;
    for (size_t i = 0; i < N; i++)
      wide[i] = i < sizeof specials / sizeof *specials ? specials[i] : (i & 1 ? -1 : 1) * ldexp(random_between(1, 2), (int)(random_bits() % 12) - 6);
    for (size_t i = 0; i < N; i += 4093) wide[i] = 4503599627370497.5 - (double)i; // around 2^52
    kernel(wide, result, N, &params);
    for (size_t i = 0; i < N; i++) {
      const double r = o->reference(wide[i]), e = fabs(result[i] - r);
      if (fabs(wide[i]) > o->reach) continue;
      const bool same = (isnan(r) && isnan(result[i])) || r == result[i];
      const double allowed = o->ulps == 0 ? 0 : 1e-14 * fabs(r) + (o->slack > 0 || r == 0 ? 1e-15 * fmax(1, fabs(wide[i])) : 0) + 1e-300;
      if (!same && !(e <= allowed)) FAIL("%s: %s of f64 %.17g = %.17g, not %.17g", pk_isa_name(isa), o->name, wide[i], result[i], r);
    }
  }
}

static long double l_sigmoid(long double x) { return 1 / (1 + expl(-x)); }

// The f64 functions of our own in units in the last place, against long double: all magnitudes, and multiples of pi/2.
static const struct {
  const char *name;
  pk_unary_op op;
  long double (*reference)(long double);
  double ulps, reach;
} wide_functions[] = {
    {"exp", PK_UNARY_EXP, expl, 1.2, 745}, {"log", PK_UNARY_LOG, logl, 1, 0}, {"tanh", PK_UNARY_TANH, tanhl, 2.5, 25},
    {"sigmoid", PK_UNARY_SIGMOID, l_sigmoid, 2.5, 745}, {"sin", PK_UNARY_SIN, sinl, 1.1, 2e6}, {"cos", PK_UNARY_COS, cosl, 1.1, 2e6},
};

static void check_wide_ulps(pk_isa isa) {
  enum { N = 1 << 17 };
  for (size_t k = 0; k < sizeof wide_functions / sizeof *wide_functions; k++) {
    const double reach = wide_functions[k].reach;
    for (size_t i = 0; i < N; i++) {
      const double small = ldexp(random_between(1, 2), -(int)(random_bits() % 60)) * (i % 8 ? 1 : -1);
      const double quarters = (double)(random_bits() % 636000) * M_PI_2;
      wide[i] = reach == 0 ? (i % 2 ? random_between(0.3, 3) : exp(random_between(-740, 709)))
        : i % 4 == 0 ? small : i % 4 == 1 ? random_between(-3, 3) : i % 4 == 2 && reach > 1e6 ? quarters : random_between(-reach, reach);
    }
    pk_unary_kernel(isa, wide_functions[k].op, PK_F64)(wide, result, N, NULL);
    double worst = 0;
    for (size_t i = 0; i < N; i++) {
      const long double r = wide_functions[k].reference(wide[i]);
      int exponent;
      frexpl(r, &exponent);
      const double unit = ldexp(1, (exponent < -1021 ? -1021 : exponent) - 53);
      const double error = result[i] == (double)r ? 0 : (double)(fabsl(result[i] - r) / unit);
      if (!(error <= wide_functions[k].ulps))
        FAIL("%s: f64 %s(%.17g) = %.17g, not %.20Lg: %.3g ulp", pk_isa_name(isa), wide_functions[k].name, wide[i], result[i], r, error);
      if (error > worst) worst = error;
    }
    for (size_t n = 0; n < 40; n++) { // where an element stands makes no difference, nor whether in place
      double some[40];
      memcpy(some, wide + 5, sizeof some);
      pk_unary_kernel(isa, wide_functions[k].op, PK_F64)(some, some, n, NULL);
      CHECK(memcmp(some, result + 5, n * sizeof(double)) == 0);
    }
    printf("f64 %-8s %-7s %.2f ulp\n", wide_functions[k].name, pk_isa_name(isa), worst);
  }
  static const double ends[] = {0, -0.0, INFINITY, -INFINITY, NAN, 709.7, 709.9, -744.9, -746, 1e300, -1e300, 5e-324, -5e-324, 0x1p-1022};
  for (size_t k = 0; k < sizeof wide_functions / sizeof *wide_functions; k++)
    for (size_t i = 0; i < sizeof ends / sizeof *ends; i++) {
      double got;
      const double wanted = (double)wide_functions[k].reference(ends[i]);
      pk_unary_kernel(isa, wide_functions[k].op, PK_F64)(&ends[i], &got, 1, NULL);
      const bool same = isnan(wanted) ? isnan(got) : fabs(got - wanted) <= 3 * DBL_EPSILON * fabs(wanted) + 1e-323 || got == wanted;
      if (!same || (!isnan(got) && signbit(got) != signbit(wanted)))
        FAIL("%s: f64 %s(%g) = %.17g, not %.17g", pk_isa_name(isa), wide_functions[k].name, ends[i], got, wanted);
    }
}

static void check_half(const operation *o, pk_type type) {
  static uint16_t h[65536], g[65536];
  const pk_params params = {.d = {o->a, o->b}};
  a = o->a, b = o->b;
  for (uint32_t i = 0; i < 65536; i++) h[i] = (uint16_t)i;
  FOR_EACH_ISA(isa) {
    const pk_unary_fn kernel = pk_unary_kernel(isa, o->op, type);
    CHECK(kernel);
    if (!kernel) return;
    kernel(h, g, 65536, &params);
    for (uint32_t i = 0; i < 65536; i++) {
      const double v = type == PK_F16 ? decode_f16(h[i]) : decode_bf16(h[i]);
      if (fabs(v) > o->reach) continue;
      const double r = o->reference(v);
      const double got = type == PK_F16 ? decode_f16(g[i]) : decode_bf16(g[i]);
      const double low = type == PK_F16 ? decode_f16(encode_f16(r - 1e-5 * fabs(r))) : decode_bf16(encode_bf16(r - 1e-5 * fabs(r)));
      const double high = type == PK_F16 ? decode_f16(encode_f16(r + 1e-5 * fabs(r))) : decode_bf16(encode_bf16(r + 1e-5 * fabs(r)));
      const bool same = isnan(r) ? isnan(got) : isinf(r) ? got == r : got >= low && got <= high;
      const double slack = o->slack * FLT_EPSILON * fmax(1, fabs(v)) * (1 + fabs(a));
      if (!same && !(fabs(got - r) <= slack + 3 * 0x1p-149)) FAIL("%s: %s, type %d, %.9g: %.9g, not %.9g", pk_isa_name(isa), o->name, type, v, got, r);
    }
  }
}

#define CHECK_INTEGERS(T, type, op_, params_, N, ...)                                                            \
  FOR_EACH_ISA(isa) {                                                                                            \
    T in[N], out[N];                                                                                             \
    for (size_t i = 0; i < N; i++) in[i] = (T)(i < 4 ? (T[]){0, (T)-1, (T)((uint64_t)1 << (sizeof(T) * 8 - 1)), 1}[i] : (T)(random_bits() >> random_bits() % 60)); \
    const pk_unary_fn kernel = pk_unary_kernel(isa, op_, type);                                                  \
    CHECK(kernel);                                                                                               \
    if (kernel) kernel(in, out, N, params_);                                                                     \
    for (size_t i = 0; kernel && i < N; i++) {                                                                   \
      const __int128 v = (__int128)in[i];                                                                        \
      if (out[i] != (T)(__VA_ARGS__)) FAIL("%s: op %d, type %d, %lld: %lld", pk_isa_name(isa), op_, type, (long long)v, (long long)out[i]); \
    }                                                                                                            \
  }
#define CHECK_INTEGER_TYPE(T, type, is_signed)                                                                   \
  do {                                                                                                           \
    CHECK_INTEGERS(T, type, PK_UNARY_ABS, NULL, 77, v < 0 ? -v : v)                                              \
    CHECK_INTEGERS(T, type, PK_UNARY_SIGN, NULL, 77, (v > 0) - (v < 0))                                          \
    CHECK_INTEGERS(T, type, PK_UNARY_BITNOT, NULL, 77, ~v)                                                       \
    CHECK_INTEGERS(T, type, PK_UNARY_SQUARE, NULL, 77, (unsigned __int128)v * (unsigned __int128)v)              \
    const pk_params bounds = {.i = {3, 100}}, crossed = {.i = {100, 3}};                                         \
    CHECK_INTEGERS(T, type, PK_UNARY_CLIP, &bounds, 77, v < 3 ? 3 : v > 100 ? 100 : v)                           \
    CHECK_INTEGERS(T, type, PK_UNARY_CLIP, &crossed, 77, 3)                                                      \
    CHECK((pk_unary_kernel(PK_ISA_SCALAR, PK_UNARY_NEG, type) != NULL) == is_signed);                            \
    if (is_signed) {                                                                                             \
      CHECK_INTEGERS(T, type, PK_UNARY_NEG, NULL, 77, -v)                                                        \
      CHECK_INTEGERS(T, type, PK_UNARY_RELU, NULL, 77, v < 0 ? 0 : v)                                            \
    }                                                                                                            \
  } while (0)

static void check_integers(void) {
  CHECK_INTEGER_TYPE(int8_t, PK_I8, true);
  CHECK_INTEGER_TYPE(int16_t, PK_I16, true);
  CHECK_INTEGER_TYPE(int32_t, PK_I32, true);
  CHECK_INTEGER_TYPE(int64_t, PK_I64, true);
  CHECK_INTEGER_TYPE(uint8_t, PK_U8, false);
  CHECK_INTEGER_TYPE(uint16_t, PK_U16, false);
  CHECK_INTEGER_TYPE(uint32_t, PK_U32, false);
  CHECK_INTEGER_TYPE(uint64_t, PK_U64, false);
  const pk_params exact = {.i = {INT64_MAX - 1, INT64_MAX}}; // bounds a double cannot tell apart
  CHECK_INTEGERS(int64_t, PK_I64, PK_UNARY_CLIP, &exact, 9, v < INT64_MAX - 1 ? INT64_MAX - 1 : v)
  FOR_EACH_ISA(isa) {
    uint8_t in[37], out[37];
    for (int i = 0; i < 37; i++) in[i] = i % 3 == 0;
    pk_unary_kernel(isa, PK_UNARY_NOT, PK_BOOL)(in, out, 37, NULL);
    for (int i = 0; i < 37; i++) CHECK(out[i] == !in[i]);
  }
}

static void check_predicates(void) {
  static uint16_t h[65536];
  static uint8_t got[65536];
  for (uint32_t i = 0; i < 65536; i++) h[i] = (uint16_t)i;
  FOR_EACH_ISA(isa) {
    for (int p = 0; p < PK_PREDICATE_COUNT; p++) {
      for (int type = 0; type < 2; type++) {
        pk_predicate_kernel(isa, (pk_predicate)p, type ? PK_F16 : PK_BF16)(h, got, 65536);
        for (uint32_t i = 0; i < 65536; i++) {
          const double v = type ? decode_f16(h[i]) : decode_bf16(h[i]);
          const bool wanted = p == PK_PREDICATE_ISNAN ? isnan(v) : p == PK_PREDICATE_ISINF ? isinf(v) : p == PK_PREDICATE_ISINF_POSITIVE ? v == INFINITY : v == -INFINITY;
          CHECK(got[i] == wanted);
        }
      }
      double d[5] = {INFINITY, -INFINITY, NAN, 1e308, -NAN};
      float f[5] = {INFINITY, -INFINITY, NAN, 3e38f, -NAN};
      static const uint8_t wanted[4][5] = {{0, 0, 1, 0, 1}, {1, 1, 0, 0, 0}, {1, 0, 0, 0, 0}, {0, 1, 0, 0, 0}};
      pk_predicate_kernel(isa, (pk_predicate)p, PK_F64)(d, got, 5);
      CHECK(memcmp(got, wanted[p], 5) == 0);
      pk_predicate_kernel(isa, (pk_predicate)p, PK_F32)(f, got, 5);
      CHECK(memcmp(got, wanted[p], 5) == 0);
    }
    CHECK(!pk_predicate_kernel(isa, PK_PREDICATE_ISNAN, PK_I32));
  }
}

int main(void) {
  CHECK(!pk_unary_kernel(PK_ISA_SCALAR, PK_UNARY_NOT, PK_F32) && !pk_unary_kernel(PK_ISA_SCALAR, PK_UNARY_EXP, PK_I32));
  CHECK(!pk_unary_kernel(PK_ISA_SCALAR, PK_UNARY_COUNT, PK_F32));
  fill_f32();
  for (size_t i = 0; i < OPERATIONS; i++) {
    check_f32(&operations[i]);
    check_f64(&operations[i]);
    check_half(&operations[i], PK_F16);
    check_half(&operations[i], PK_BF16);
  }
  FOR_EACH_ISA(isa) check_wide_ulps(isa);
  check_integers();
  check_predicates();
  return finish("unary_test");
}
