// The float operations as formulas in a type: REAL is the type, NAME(op) a function's name for it, MATH(f) its elementary
// functions, HUGE_EVEN the least power of two from which on every number is whole. Constants a and b are the operation's.

#undef FORMULA
#define FORMULA(name, ...)                                           \
  static inline REAL NAME(formula_##name)(REAL x, REAL a, REAL b) {  \
    (void)a, (void)b;                                                \
    return __VA_ARGS__;                                              \
  }

#if PK_LEVEL >= 1
FORMULA(ceil, __builtin_elementwise_ceil(x))
FORMULA(floor, __builtin_elementwise_floor(x))
FORMULA(round, __builtin_elementwise_roundeven(x))
#else
// Adding and taking away a huge number rounds in the nearest mode, which is the one in force.
static inline REAL NAME(formula_round)(REAL x, REAL a, REAL b) {
  (void)a, (void)b;
  const REAL magnitude = __builtin_elementwise_abs(x), whole = (magnitude + HUGE_EVEN) - HUGE_EVEN;
  return magnitude < HUGE_EVEN ? __builtin_elementwise_copysign(whole, x) : x;
}
static inline REAL NAME(formula_floor)(REAL x, REAL a, REAL b) {
  const REAL whole = NAME(formula_round)(x, a, b);
  return whole > x ? whole - 1 : whole;
}
static inline REAL NAME(formula_ceil)(REAL x, REAL a, REAL b) { return -NAME(formula_floor)(-x, a, b); }
#endif

FORMULA(abs, __builtin_elementwise_abs(x))
FORMULA(neg, -x)
FORMULA(sign, x > 0 ? 1 : x < 0 ? -1 : x)
FORMULA(sqrt, __builtin_elementwise_sqrt(x))
FORMULA(rsqrt, 1 / __builtin_elementwise_sqrt(x))
FORMULA(reciprocal, 1 / x)
FORMULA(relu, x < 0 ? 0 : x)
FORMULA(leaky_relu, x < 0 ? a * x : x)
FORMULA(thresholded_relu, x > a ? x : 0)
FORMULA(softsign, x / (1 + __builtin_elementwise_abs(x)))
FORMULA(shrink, x < -a ? x + b : x > a ? x - b : 0)
FORMULA(square, x * x)
FORMULA(affine, x * a + b)

// Comparisons with NaN are false, so these orders keep it.
static inline REAL NAME(formula_clip)(REAL x, REAL low, REAL high) {
  const REAL raised = x < low ? low : x;
  return raised > high ? high : raised;
}
FORMULA(hard_sigmoid, NAME(formula_clip)(a * x + b, 0, 1))
FORMULA(hard_swish, x * NAME(formula_clip)(x * (REAL)(1.0 / 6) + (REAL)0.5, 0, 1))

FORMULA(exp, MATH(exp)(x))
FORMULA(log, MATH(log)(x))
FORMULA(erf, MATH(erf)(x))
FORMULA(tanh, MATH(tanh)(x))
FORMULA(sigmoid, MATH(sigmoid)(x))
FORMULA(swish, x * MATH(sigmoid)(a * x))
FORMULA(gelu_erf, MATH(gelu_erf)(x))
// (1 + tanh(u)) / 2 is sigmoid(2u), which does not cancel for negative u.
FORMULA(gelu_tanh, x * MATH(sigmoid)(x * ((REAL)0x1.9884533d43651p+0 + (REAL)0x1.2444f2a4d8b4bp-4 * (x * x))))
FORMULA(elu, x < 0 ? a * MATH(expm1)(x > 0 ? 0 : x) : x)
FORMULA(celu, x < 0 ? a * MATH(expm1)((x > 0 ? 0 : x) / a) : x)
FORMULA(selu, b * (x < 0 ? a * MATH(expm1)(x > 0 ? 0 : x) : x))
FORMULA(softplus, (x < 0 ? 0 : x) + MATH(log1p)(MATH(exp)(-__builtin_elementwise_abs(x))))
// tanh(log(1 + e)) with e = exp(x) is n / (n + 2) with n = e^2 + 2e; beyond 25 it is 1.
static inline REAL NAME(formula_mish)(REAL x, REAL a, REAL b) {
  (void)a, (void)b;
  const REAL e = MATH(exp)(x > 25 ? 25 : x), n = e * (e + 2);
  return x * (n / (n + 2));
}

#define VECTOR_FORMULAS(EACH)                                                                                            \
  EACH(abs) EACH(neg) EACH(sign) EACH(ceil) EACH(floor) EACH(round) EACH(sqrt) EACH(rsqrt) EACH(reciprocal)              \
  EACH(relu) EACH(leaky_relu) EACH(thresholded_relu) EACH(softsign) EACH(shrink) EACH(square) EACH(affine)               \
  EACH(clip) EACH(hard_sigmoid) EACH(hard_swish)
// Those of libm in f64, and the others but exp.
#define LIBM_FORMULAS(EACH) EACH(erf) EACH(gelu_erf)
#define OWN_FORMULAS(EACH)                                                                                               \
  EACH(log) EACH(tanh) EACH(sigmoid) EACH(swish) EACH(gelu_tanh) EACH(elu) EACH(celu) EACH(selu)                         \
  EACH(softplus) EACH(mish)
#define MATH_FORMULAS(EACH) EACH(exp) LIBM_FORMULAS(EACH) OWN_FORMULAS(EACH)

// Whole blocks take the vector loop, and the rest the same loop on a padded copy: an element's result never depends on where
// it stands.
typedef void (*NAME(blocks_fn))(const REAL *x, REAL *y, size_t blocks, REAL a, REAL b);

static void NAME(drive)(NAME(blocks_fn) run, const REAL *x, REAL *y, size_t n, const pk_params *params) {
  const REAL a = params ? (REAL)params->d[0] : 0, b = params ? (REAL)params->d[1] : 0;
  const size_t blocks = n / BLOCK, rest = n % BLOCK;
  if (blocks) run(x, y, blocks, a, b);
  if (!rest) return;
  REAL padded[BLOCK] = {0};
  memcpy(padded, x + blocks * BLOCK, rest * sizeof(REAL));
  run(padded, padded, 1, a, b);
  memcpy(y + blocks * BLOCK, padded, rest * sizeof(REAL));
}

#define DRIVEN_KERNEL(name)                                                                                \
  static void NAME(name)(const void *x, void *y, size_t n, const pk_params *params) {                      \
    NAME(drive)(NAME(blocks_##name), x, y, n, params);                                                     \
  }
#define BLOCK_KERNEL(loop, name)                                                                           \
  static void NAME(blocks_##name)(const REAL *x, REAL *y, size_t blocks, REAL a, REAL b) {                 \
    loop for (size_t i = 0; i < blocks * BLOCK; i++) y[i] = NAME(formula_##name)(x[i], a, b);              \
  }                                                                                                        \
  DRIVEN_KERNEL(name)
#define VECTOR_KERNEL(name) BLOCK_KERNEL(PK_VECTORISE, name)
VECTOR_FORMULAS(VECTOR_KERNEL)

#define LIBM_KERNEL(name, ...)                                                                             \
  static void NAME(name)(const void *x, void *y, size_t n, const pk_params *params) {                      \
    const REAL *source = x;                                                                                \
    REAL *target = y;                                                                                      \
    (void)params;                                                                                          \
    for (size_t i = 0; i < n; i++) target[i] = LIBM(name)(source[i]);                                      \
  }
LIBM_KERNEL(asinh)
LIBM_KERNEL(acosh)
LIBM_KERNEL(atanh)
