// pk_reduce against loops in long double and __int128 over the definition's indices.
#include "check.h"

typedef struct shape {
  size_t outer, axis, inner, stride;
} shape;
static const shape shapes[] = {{1, 1, 1, 1}, {3, 7, 1, 1}, {2, 0, 1, 1}, {2, 0, 5, 5}, {5, 64, 1, 1}, {2, 129, 1, 1}, {1, 5000, 1, 1}, {2, 3, 2, 2}, {3, 70, 5, 5},
                               {2, 9, 130, 130}, {1, 200, 300, 300}, {1, 10, 40, 64}, {2, 6, 1, 3}, {1, 49, 17, 17}, {0, 3, 3, 3},
                               {1000, 2, 1, 1}, {700, 3, 1, 1}, {257, 4, 1, 1}, {300, 8, 1, 1}, {1, 9, 1, 1}, {129, 16, 1, 1}, {70, 31, 1, 1}, {65, 32, 1, 1}, {9, 33, 1, 1}};
enum { SHAPES = sizeof shapes / sizeof *shapes, CAPACITY = 200 * 300 };

static size_t elements(shape s) { return s.outer * s.axis * s.stride; }

static void check_real(pk_isa isa, pk_type type, pk_reduce_op op, shape s, bool special) {
  static float xf[CAPACITY], yf[CAPACITY];
  static double xd[CAPACITY], yd[CAPACITY];
  const pk_reduce_fn kernel = pk_reduce_kernel(isa, op, type);
  CHECK(kernel);
  if (!kernel) return;
  const bool positive = op == PK_REDUCE_LOG_SUM;
  for (size_t i = 0; i < elements(s); i++) {
    const double v = op == PK_REDUCE_PROD ? random_between(0.9, 1.1) : positive ? random_between(0.1, 2) : random_between(-3, 3.5);
    xd[i] = xf[i] = (float)v;
    if (special && random_bits() % 97 == 0) xd[i] = xf[i] = (float[]){NAN, INFINITY, -INFINITY, -0.0f, -NAN}[random_bits() % 5];
  }
  if (type == PK_F32) kernel(xf, yf, s.outer, s.axis, s.inner, s.stride);
  else kernel(xd, yd, s.outer, s.axis, s.inner, s.stride);
  for (size_t o = 0; o < s.outer; o++) {
    for (size_t i = 0; i < s.inner; i++) {
      long double sum = 0, magnitude = 0, squares = 0, exponentials = 0, product = 1, least = INFINITY, most = -INFINITY;
      bool nan = false;
      for (size_t k = 0; k < s.axis; k++) {
        const long double v = xd[(o * s.axis + k) * s.stride + i];
        nan |= isnan(v);
        sum += v, magnitude += fabsl(v), squares += v * v, exponentials += expl(v), product *= v;
        if (v < least) least = v;
        if (v > most) most = v;
      }
      long double wanted = 0, scale = 0;
      switch (op) {
      case PK_REDUCE_SUM: wanted = sum, scale = magnitude; break;
      case PK_REDUCE_MEAN: wanted = sum / s.axis, scale = magnitude / s.axis; break;
      case PK_REDUCE_PROD: wanted = product, scale = fabsl(product) * s.axis; break;
      case PK_REDUCE_MIN: wanted = nan ? NAN : least; break;
      case PK_REDUCE_MAX: wanted = nan ? NAN : most; break;
      case PK_REDUCE_L1: wanted = scale = magnitude; break;
      case PK_REDUCE_L2: wanted = scale = sqrtl(squares); break;
      case PK_REDUCE_SUM_SQUARE: wanted = scale = squares; break;
      case PK_REDUCE_LOG_SUM: wanted = logl(sum), scale = fabsl(wanted) + 1; break;
      default: wanted = logl(exponentials), scale = fabsl(wanted) + 1; break;
      }
      const double got = type == PK_F32 ? yf[o * s.inner + i] : yd[o * s.inner + i];
      const long double slack = scale * (type == PK_F32 ? 2e-6 : 1e-14);
      const bool same = (isnan(wanted) && isnan(got)) || got == (double)wanted;
      if (!same && !(fabsl(got - wanted) <= slack))
        FAIL("%s: op %d, type %d, [%zu %zu %zu/%zu]: %.9g, not %.9Lg", pk_isa_name(isa), op, type, s.outer, s.axis, s.inner, s.stride, got, wanted);
    }
  }
}

#define CHECK_INTEGERS(T, type, ops)                                                                                    \
  for (int op = 0; op < PK_REDUCE_COUNT; op++) {                                                                        \
    const pk_reduce_fn kernel = pk_reduce_kernel(isa, (pk_reduce_op)op, type);                                          \
    CHECK((kernel != NULL) == (((ops) >> op & 1) != 0));                                                                \
    for (size_t k = 0; kernel && k < SHAPES; k++) {                                                                     \
      const shape s = shapes[k];                                                                                        \
      static T x[CAPACITY], y[CAPACITY];                                                                                \
      for (size_t i = 0; i < elements(s); i++) x[i] = type == PK_BOOL ? (T)(random_bits() % 2) : (T)(random_bits() >> random_bits() % 60); \
      kernel(x, y, s.outer, s.axis, s.inner, s.stride);                                                                 \
      for (size_t o = 0; o < s.outer; o++)                                                                              \
        for (size_t i = 0; i < s.inner; i++) {                                                                          \
          const bool is_signed = (T)-1 < 0;                                                                             \
          const T lowest = is_signed ? (T)((uint64_t)1 << (sizeof(T) * 8 - 1)) : 0, highest = type == PK_BOOL ? 1 : (T)~lowest; \
          T sum = 0, magnitude = 0, squares = 0, product = 1, least = highest, most = lowest;                           \
          for (size_t r = 0; r < s.axis; r++) {                                                                         \
            const T v = x[(o * s.axis + r) * s.stride + i];                                                             \
            const uint64_t u = (uint64_t)v;                                                                             \
            sum = (T)((uint64_t)sum + u), magnitude = (T)((uint64_t)magnitude + (v < 0 ? 0 - u : u));                    \
            squares = (T)((uint64_t)squares + u * u), product = (T)((uint64_t)product * u);                             \
            least = v < least ? v : least, most = v > most ? v : most;                                                  \
          }                                                                                                             \
          const T wanted = op == PK_REDUCE_SUM ? sum : op == PK_REDUCE_PROD ? product : op == PK_REDUCE_MIN ? least     \
            : op == PK_REDUCE_MAX ? most : op == PK_REDUCE_L1 ? magnitude : squares;                                    \
          if (y[o * s.inner + i] != wanted) FAIL("%s: op %d, type %d, shape %zu", pk_isa_name(isa), op, type, k);        \
        }                                                                                                               \
    }                                                                                                                   \
  }

#define CHECK_ARGS(T, type, value)                                                                                      \
  for (size_t k = 0; k < SHAPES; k++) {                                                                                 \
    const shape s = shapes[k];                                                                                          \
    static T x[CAPACITY];                                                                                               \
    static int64_t y[CAPACITY];                                                                                         \
    if (s.axis == 0) continue;                                                                                          \
    for (int round = 0; round < 4; round++) {                                                                           \
      for (size_t i = 0; i < elements(s); i++) x[i] = (T)(value);                                                       \
      if (round == 3) for (size_t i = 0; i < elements(s); i++) x[i] = 0 * x[i]; /* all equal: zeros of both signs, or NaN */ \
      const bool most = round & 1, last = round & 2;                                                                    \
      const pk_arg_fn kernel = most ? pk_arg_max_kernel(isa, type) : pk_arg_min_kernel(isa, type);                      \
      CHECK(kernel);                                                                                                    \
      if (!kernel) continue;                                                                                            \
      kernel(x, y, s.outer, s.axis, s.inner, s.stride, last);                                                           \
      for (size_t o = 0; o < s.outer; o++)                                                                              \
        for (size_t i = 0; i < s.inner; i++) {                                                                          \
          size_t best = 0;                                                                                              \
          for (size_t r = 1; r < s.axis; r++) {                                                                         \
            const T v = x[(o * s.axis + r) * s.stride + i], b = x[(o * s.axis + best) * s.stride + i];                  \
            const bool equal = v == b || (v != v && b != b);                                                            \
            const bool better = b == b && (v != v || (most ? v > b : v < b));                                           \
            if (better || (equal && last)) best = r;                                                                    \
          }                                                                                                             \
          if (y[o * s.inner + i] != (int64_t)best)                                                                      \
            FAIL("%s: arg%s%s, type %d, shape %zu: %lld, not %zu", pk_isa_name(isa), most ? "max" : "min", last ? " last" : "", type, k, (long long)y[o * s.inner + i], best); \
        }                                                                                                               \
    }                                                                                                                   \
  }
static float float_value(void) {
  const uint64_t r = random_bits();
  return r % 211 == 0 ? (r & 1024 ? NAN : -NAN) : r % 20 == 0 ? (r & 1024 ? 0.0f : -0.0f) : (float)((int)(r >> 20) % 300 - 150);
}

static void check_long_sums(pk_isa isa) { // rounding errors must not grow with the length
  enum { LONG = 1 << 22 };
  float *x = malloc(LONG * sizeof(float)), y[2];
  if (!x) return;
  double sum = 0;
  for (size_t i = 0; i < LONG; i++) sum += x[i] = (float)random_between(0, 1);
  pk_reduce_kernel(isa, PK_REDUCE_SUM, PK_F32)(x, y, 1, LONG, 1, 1);
  CHECK(fabs(y[0] - sum) <= 1e-6 * sum);
  double halves[2] = {0, 0};
  for (size_t i = 0; i < LONG; i++) halves[i % 2] += x[i];
  pk_reduce_kernel(isa, PK_REDUCE_SUM, PK_F32)(x, y, 1, LONG / 2, 2, 2);
  CHECK(fabs(y[0] - halves[0]) <= 1e-6 * sum && fabs(y[1] - halves[1]) <= 1e-6 * sum);
  free(x);
}

static void report_speed(void) {
  static const char *const names[] = {"sum", "mean", "prod", "min", "max", "l1", "l2", "sumsq", "logsum", "logsumexp"};
  static const shape timed[] = {{400, 49, 1, 1}, {100, 768, 1, 1}, {10, 4096, 1, 1}, {1, 49, 512, 512}, {10, 128, 64, 64}};
  static float x[CAPACITY], y[CAPACITY];
  static int64_t places[CAPACITY];
  for (size_t i = 0; i < CAPACITY; i++) x[i] = (float)random_between(0.5, 2);
  for (int op = 0; op <= PK_REDUCE_COUNT; op++) {
    printf("%-10s elements/ns:", op < PK_REDUCE_COUNT ? names[op] : "argmax");
    for (size_t k = 0; k < sizeof timed / sizeof *timed; k++) {
      const shape s = timed[k];
      FOR_EACH_ISA(isa) {
        double rate;
        if (op < PK_REDUCE_COUNT) MEASURE(rate, pk_reduce_kernel(isa, (pk_reduce_op)op, PK_F32)(x, y, s.outer, s.axis, s.inner, s.stride));
        else MEASURE(rate, pk_arg_max_kernel(isa, PK_F32)(x, places, s.outer, s.axis, s.inner, s.stride, false));
        printf(" %6.2f", rate * (double)elements(s) * 1e-9);
      }
      printf(" |");
    }
    puts("");
  }
}

int main(int argc, char **argv) {
  CHECK(!pk_reduce_kernel(PK_ISA_SCALAR, PK_REDUCE_COUNT, PK_F32) && !pk_reduce_kernel(PK_ISA_SCALAR, PK_REDUCE_SUM, PK_F16));
  CHECK(!pk_arg_max_kernel(PK_ISA_SCALAR, PK_BOOL) && !pk_arg_min_kernel(PK_ISA_SCALAR, PK_U64));
  FOR_EACH_ISA(isa) {
    for (size_t k = 0; k < SHAPES; k++)
      for (int op = 0; op < PK_REDUCE_COUNT; op++)
        for (int special = 0; special < 2; special++) {
          check_real(isa, PK_F32, (pk_reduce_op)op, shapes[k], special);
          check_real(isa, PK_F64, (pk_reduce_op)op, shapes[k], special);
        }
    const unsigned extremes = 1 << PK_REDUCE_MIN | 1 << PK_REDUCE_MAX;
    const unsigned all = extremes | 1 << PK_REDUCE_SUM | 1 << PK_REDUCE_PROD | 1 << PK_REDUCE_L1 | 1 << PK_REDUCE_SUM_SQUARE;
    CHECK_INTEGERS(int32_t, PK_I32, all)
    CHECK_INTEGERS(int64_t, PK_I64, all)
    CHECK_INTEGERS(int8_t, PK_I8, extremes)
    CHECK_INTEGERS(uint8_t, PK_U8, extremes)
    CHECK_INTEGERS(uint8_t, PK_BOOL, extremes)
    CHECK_ARGS(float, PK_F32, float_value())
    CHECK_ARGS(double, PK_F64, float_value())
    CHECK_ARGS(int32_t, PK_I32, random_bits() % 50)
    CHECK_ARGS(int64_t, PK_I64, random_bits() % 50)
    CHECK_ARGS(int8_t, PK_I8, random_bits())
    CHECK_ARGS(uint8_t, PK_U8, random_bits())
    check_long_sums(isa);
  }
  if (argc > 1 && strcmp(argv[1], "--time") == 0) report_speed();
  return finish("reduce_test");
}
