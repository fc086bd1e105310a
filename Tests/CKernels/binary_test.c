// pk_binary, pk_compare and pk_where against the operations' definitions, element by element, in double, long double or __int128.
#include "check.h"

enum { N = 333 };

static bool same(double got, double wanted) { return (isnan(got) && isnan(wanted)) || got == wanted; }

// The three ways to give an operand, and in place on each.
typedef struct setting {
  int flags;
  int place; // 0 elsewhere, 1 onto a, 2 onto b
} setting;
static const setting settings[] = {{0, 0}, {0, 1}, {0, 2}, {PK_A_SCALAR, 0}, {PK_A_SCALAR, 2}, {PK_B_SCALAR, 0}, {PK_B_SCALAR, 1}, {PK_A_SCALAR | PK_B_SCALAR, 0}};
enum { SETTINGS = sizeof settings / sizeof *settings };

static double floored(double a, double b) {
  const double r = fmod(a, b);
  return r != 0 && (r < 0) != (b < 0) ? r + b : r;
}
static double minimum(double a, double b) { return isnan(a) || isnan(b) ? NAN : a < b ? a : b; }
static double maximum(double a, double b) { return isnan(a) || isnan(b) ? NAN : a > b ? a : b; }

static double float_result(pk_binary_op op, double a, double b) {
  switch (op) {
  case PK_BINARY_ADD: return a + b;
  case PK_BINARY_SUB: return a - b;
  case PK_BINARY_MUL: return a * b;
  case PK_BINARY_DIV: return a / b;
  case PK_BINARY_POW: return pow(a, b);
  case PK_BINARY_MOD: return floored(a, b);
  case PK_BINARY_FMOD: return fmod(a, b);
  case PK_BINARY_MIN: return minimum(a, b);
  case PK_BINARY_MAX: return maximum(a, b);
  case PK_BINARY_PRELU: return a < 0 ? a * b : a;
  default: return (a - b) * (a - b);
  }
}

// How many units in the last place beyond a half the operation may be off in its own type: those that round inside.
static double excess(pk_binary_op op) { return op == PK_BINARY_POW ? 2 : op == PK_BINARY_SQUARED_DIFFERENCE ? 1.5 : op == PK_BINARY_MOD ? 0.5 : 0; }

static const double float_edges[] = {0, -0.0, 1, -1, 2, 3, 0.5, -0.5, -2, INFINITY, -INFINITY, NAN, 7.5, -7.5, 1e-3, 100};
enum { EDGES = sizeof float_edges / sizeof *float_edges };

static double operand(size_t i, bool second) {
  if (i < EDGES * EDGES) return float_edges[second ? i / EDGES : i % EDGES];
  return (double)(float)random_between(-20, 20);
}

static double read_float(pk_type type, const void *p, size_t i) {
  switch (type) {
  case PK_F32: return ((const float *)p)[i];
  case PK_F64: return ((const double *)p)[i];
  case PK_F16: return decode_f16(((const uint16_t *)p)[i]);
  default: return decode_bf16(((const uint16_t *)p)[i]);
  }
}

static void write_float(pk_type type, void *p, size_t i, double v) {
  switch (type) {
  case PK_F32: ((float *)p)[i] = (float)v; break;
  case PK_F64: ((double *)p)[i] = v; break;
  case PK_F16: ((uint16_t *)p)[i] = encode_f16(v); break;
  default: ((uint16_t *)p)[i] = encode_bf16(v); break;
  }
}

static double rounded_to(pk_type type, double v) {
  double slot;
  write_float(type, &slot, 0, v);
  return read_float(type, &slot, 0);
}

static void check_floats(pk_isa isa, pk_binary_op op, pk_type type) {
  static char a[N * 8], b[N * 8], y[N * 8 + 8];
  static double da[N], db[N];
  const pk_binary_fn kernel = pk_binary_kernel(isa, op, type);
  CHECK(kernel);
  if (!kernel) return;
  static const double scalars[] = {2, 3, 0.5, -0.5, -1, 1.75, 0, NAN, INFINITY};
  for (size_t s = 0; s < SETTINGS; s++) {
    const size_t variants = settings[s].flags ? sizeof scalars / sizeof *scalars : 1;
    for (size_t variant = 0; variant < variants; variant++) {
      for (size_t n = variant ? N : 0; n <= N; n += n < 70 ? 1 : N - 70) {
        for (size_t i = 0; i < N; i++) {
          write_float(type, a, i, settings[s].flags & PK_A_SCALAR ? scalars[variant] : operand(i, false));
          write_float(type, b, i, settings[s].flags & PK_B_SCALAR ? scalars[variant] : operand(i, true));
          da[i] = read_float(type, a, i), db[i] = read_float(type, b, i);
        }
        char *target = settings[s].place == 0 ? y : settings[s].place == 1 ? a : b;
        kernel(a, b, target, n, settings[s].flags);
        for (size_t i = 0; i < n; i++) {
          const double wanted = float_result(op, da[i], db[i]), got = read_float(type, target, i);
          const double e = type == PK_F64 ? 0x1p-52 : type == PK_F32 ? 0x1p-23 : type == PK_F16 ? 0x1p-10 : 0x1p-7;
          const double slack = type == PK_F16 || type == PK_BF16 ? 0.01 : excess(op);
          const bool close = slack > 0 && (fabs(got - wanted) <= (0.5 + slack) * e * fmax(fabs(wanted), 1e-30) || (!isnan(wanted) && rounded_to(type, wanted * (1 + 1e-7)) == got));
          if (!same(got, rounded_to(type, wanted)) && !close)
            FAIL("%s: op %d, type %d, flags %d, n %zu: %g, %g: %.17g, not %.17g", pk_isa_name(isa), op, type, settings[s].flags, n, da[i], db[i], got, wanted);
        }
      }
    }
  }
}

typedef __int128 wide;

static wide integer_result(pk_binary_op op, wide a, wide b, int bits) {
  wide r = 1;
  switch (op) {
  case PK_BINARY_ADD: return a + b;
  case PK_BINARY_SUB: return a - b;
  case PK_BINARY_MUL: return a * (unsigned __int128)b;
  case PK_BINARY_DIV: return b == 0 ? 0 : a / b;
  case PK_BINARY_POW:
    if (b < 0) return a == 1 ? 1 : a == -1 ? (b % 2 ? -1 : 1) : 0;
    if (a == 0) return b == 0;
    if (b > 300) return a == 1 ? 1 : a == -1 ? (b % 2 ? -1 : 1) : 0; // even bases have wrapped to 0; odd ones are not asked
    for (wide k = 0; k < b; k++) r = (wide)(uint64_t)((unsigned __int128)r * (unsigned __int128)a);
    return r;
  case PK_BINARY_MOD: return b == 0 ? 0 : ((a % b) + b) % b;
  case PK_BINARY_FMOD: return b == 0 ? 0 : a % b;
  case PK_BINARY_MIN: return a < b ? a : b;
  case PK_BINARY_MAX: return a > b ? a : b;
  case PK_BINARY_PRELU: return a < 0 ? (wide)(a * (unsigned __int128)b) : a;
  case PK_BINARY_SQUARED_DIFFERENCE: return (wide)((unsigned __int128)(a - b) * (unsigned __int128)(a - b));
  case PK_BINARY_BITAND: return a & b;
  case PK_BINARY_BITOR: return a | b;
  case PK_BINARY_BITXOR: return a ^ b;
  case PK_BINARY_SHIFT_LEFT: return b >= bits ? 0 : a << b;
  default: return b >= bits ? 0 : a >> b;
  }
}

#define CHECK_INTEGERS(T, type, is_signed)                                                                              \
  for (int op = 0; op < PK_BINARY_COUNT; op++) {                                                                        \
    const pk_binary_fn kernel = pk_binary_kernel(isa, (pk_binary_op)op, type);                                          \
    const bool shift = op == PK_BINARY_SHIFT_LEFT || op == PK_BINARY_SHIFT_RIGHT;                                       \
    const bool logic = op == PK_BINARY_AND || op == PK_BINARY_OR || op == PK_BINARY_XOR;                                \
    CHECK((kernel != NULL) == !(logic || (shift && is_signed)));                                                        \
    for (size_t s = 0; kernel && s < SETTINGS; s++) {                                                                   \
      T a[N], b[N], y[N], a0[N], b0[N];                                                                                 \
      for (size_t i = 0; i < N; i++) {                                                                                  \
        static const int64_t edges[] = {0, 1, -1, 2, -2, 3, 7, 100};                                                    \
        const T least = (T)((uint64_t)1 << (sizeof(T) * 8 - 1));                                                        \
        a[i] = i < 64 ? (T)edges[i % 8] : i % 3 == 0 ? least : (T)(random_bits() >> random_bits() % 60);                \
        b[i] = i < 64 ? (T)edges[i / 8] : i % 6 == 0 ? (T)-1 : shift || op == PK_BINARY_POW ? (T)(random_bits() % 70) : (T)(random_bits() >> random_bits() % 60); \
        if (op == PK_BINARY_POW && b[i] > 120) b[i] = 5;                                                                \
        if (settings[s].flags & PK_A_SCALAR) a[i] = (T)-3;                                                              \
        if (settings[s].flags & PK_B_SCALAR) b[i] = (T)(op == PK_BINARY_DIV ? -1 : 3);                                  \
        a0[i] = a[i], b0[i] = b[i];                                                                                     \
      }                                                                                                                 \
      T *target = settings[s].place == 0 ? y : settings[s].place == 1 ? a : b;                                          \
      kernel(a, b, target, N, settings[s].flags);                                                                       \
      for (size_t i = 0; i < N; i++) {                                                                                  \
        const T wanted = (T)integer_result((pk_binary_op)op, a0[i], b0[i], (int)sizeof(T) * 8);                         \
        if (target[i] != wanted)                                                                                        \
          FAIL("%s: op %d, type %d, %lld, %lld: %lld, not %lld", pk_isa_name(isa), op, type, (long long)a0[i], (long long)b0[i], (long long)target[i], (long long)wanted); \
      }                                                                                                                 \
    }                                                                                                                   \
  }

#define CHECK_COMPARISONS(T, type, make, value)                                                                         \
  for (int op = 0; op < PK_COMPARE_COUNT; op++) {                                                                       \
    const pk_compare_fn kernel = pk_compare_kernel(isa, (pk_compare_op)op, type);                                       \
    CHECK(kernel);                                                                                                      \
    for (int flags = 0; kernel && flags < 4; flags++) {                                                                 \
      T a[N], b[N];                                                                                                     \
      uint8_t y[N];                                                                                                     \
      for (size_t i = 0; i < N; i++) {                                                                                  \
        const double p = operand(i, false), q = operand(i, true);                                                       \
        (void)p, (void)q;                                                                                               \
        a[i] = make(p), b[i] = make(q);                                                                                 \
      }                                                                                                                 \
      kernel(a, b, y, N, flags);                                                                                        \
      for (size_t i = 0; i < N; i++) {                                                                                  \
        const __auto_type u = value(a[flags & PK_A_SCALAR ? 0 : i]);                                                    \
        const __auto_type v = value(b[flags & PK_B_SCALAR ? 0 : i]);                                                    \
        const bool wanted = op == PK_COMPARE_EQ ? u == v : op == PK_COMPARE_LT ? u < v : op == PK_COMPARE_LE ? u <= v : op == PK_COMPARE_GT ? u > v : u >= v; \
        if (y[i] != wanted) FAIL("%s: comparison %d, type %d, flags %d at %zu", pk_isa_name(isa), op, type, flags, i);  \
      }                                                                                                                 \
    }                                                                                                                   \
  }
#define ITSELF(v) (v)
#define INTEGER(v) ((int64_t)(random_bits() >> random_bits() % 64) * (random_bits() & 1 ? -1 : 1))
#define TRUTH(v) ((v) != 0)
#define BYTE(v) ((uint8_t)(random_bits() % 3))

static void check_where(pk_isa isa) {
  CHECK(!pk_where_kernel(isa, 0) && !pk_where_kernel(isa, 3) && !pk_where_kernel(isa, 32));
  for (size_t size = 1; size <= 16; size *= 2) {
    const pk_where_fn kernel = pk_where_kernel(isa, size);
    for (int flags = 0; flags < 8; flags++) {
      for (int place = 0; place < 3; place++) {
        if ((place == 1 && flags & PK_A_SCALAR) || (place == 2 && flags & PK_B_SCALAR)) continue;
        for (int truth = 0; truth < 3; truth += 2) {
          static uint8_t c[N];
          static _Alignas(16) char a[N * 16], b[N * 16], y[N * 16], a0[N * 16], b0[N * 16];
          for (size_t i = 0; i < sizeof a; i++) a0[i] = a[i] = (char)random_bits(), b0[i] = b[i] = (char)random_bits();
          for (size_t i = 0; i < N; i++) c[i] = (uint8_t)(random_bits() % 3);
          c[0] = (uint8_t)truth;
          char *target = place == 0 ? y : place == 1 ? a : b;
          kernel(c, a, b, target, N, flags);
          for (size_t i = 0; i < N; i++) {
            const bool first = c[flags & PK_CONDITION_SCALAR ? 0 : i] != 0;
            const size_t at = flags & (first ? PK_A_SCALAR : PK_B_SCALAR) ? 0 : i;
            if (memcmp(target + i * size, (first ? a0 : b0) + at * size, size) != 0)
              FAIL("%s: where of %zu bytes, flags %d, place %d at %zu", pk_isa_name(isa), size, flags, place, i);
          }
        }
      }
    }
  }
}

static void report_speed(void) {
  enum { COUNT = 4096 };
  static float a[COUNT], b[COUNT], y[COUNT];
  static const char *const names[] = {"add", "sub", "mul", "div", "pow", "mod", "fmod", "min", "max", "prelu", "sqdiff"};
  for (size_t i = 0; i < COUNT; i++) a[i] = (float)random_between(0.5, 4), b[i] = (float)random_between(0.5, 4);
  for (int op = 0; op <= PK_BINARY_SQUARED_DIFFERENCE; op++) {
    printf("%-7s", names[op]);
    for (int flags = 0; flags <= PK_B_SCALAR; flags += PK_B_SCALAR) {
      FOR_EACH_ISA(isa) {
        const pk_binary_fn kernel = pk_binary_kernel(isa, (pk_binary_op)op, PK_F32);
        double rate;
        MEASURE(rate, kernel(a, b, y, COUNT, flags));
        printf(" %6.2f/ns", rate * COUNT * 1e-9);
      }
    }
    puts("");
  }
}

// Remainders are exact, also beside multiples of the divisor, of all magnitudes: those of libm, to the bit.
static void check_remainders(void) {
  enum { N = 1000 };
  static float a[N], b[N], y[N];
  for (int round = 0; round < 300; round++) {
    for (size_t i = 0; i < N; i++) {
      b[i] = ldexpf((float)(random_bits() & 0xffffff), (int)(random_bits() % 60) - 50) * (random_bits() & 1 ? 1 : -1);
      const double multiple = (double)(random_bits() >> (34 + random_bits() % 30)) * (double)b[i];
      const float near = (float)multiple;
      const int side = (int)(random_bits() % 4);
      a[i] = side == 0 ? near : side == 1 ? nextafterf(near, INFINITY) : side == 2 ? nextafterf(near, -INFINITY) : -near;
    }
    FOR_EACH_ISA(isa) {
      pk_binary_kernel(isa, PK_BINARY_FMOD, PK_F32)(a, b, y, N, 0);
      for (size_t i = 0; i < N; i++) {
        const float wanted = fmodf(a[i], b[i]);
        if (memcmp(&wanted, &y[i], sizeof wanted) != 0 && !(isnan(wanted) && isnan(y[i])))
          FAIL("%s: fmod(%a, %a) is %a, expected %a", pk_isa_name(isa), a[i], b[i], y[i], wanted);
      }
    }
  }
}

// Quotients around multiples of the divisor, where a float's rounding would show: k * b - 1, k * b and k * b + 1 for divisors of all
// magnitudes, one divisor for all as well as one each.
#define CHECK_QUOTIENTS(T, type)                                                                                        \
  do {                                                                                                                  \
    enum { N = 3001 };                                                                                                  \
    static T a[N], b[N], y[N];                                                                                          \
    const unsigned bits = (unsigned)sizeof(T) * 8;                                                                      \
    const wide lowest = (T)-1 < 0 ? -((wide)1 << (bits - 1)) : 0, highest = lowest + (((wide)1 << bits) - 1);           \
    for (int round = 0; round < 400; round++) {                                                                         \
      const bool same = round % 2;                                                                                      \
      const T divisor = (T)(round < 16 ? (wide[]){1, -1, lowest, highest, 3, lowest + 1, 2, highest - 1}[round / 2]     \
                                       : (wide)(T)(random_bits() >> (64 - bits + random_bits() % bits)));               \
      for (size_t i = 0; i < N; i++) {                                                                                  \
        b[i] = same ? divisor : (T)(random_bits() >> (64 - bits + random_bits() % bits));                               \
        const wide k = b[i] == 0 ? 0 : (wide)(T)random_bits() / b[i];                                                   \
        const wide near = k * b[i] + (wide)(random_bits() % 3) - 1;                                                     \
        a[i] = (T)(i == 0 ? lowest : i == 1 ? highest : near < lowest || near > highest ? k * b[i] : near);             \
      }                                                                                                                 \
      pk_binary_kernel(isa, PK_BINARY_DIV, type)(a, same ? &divisor : b, y, N, same ? PK_B_SCALAR : 0);                 \
      for (size_t i = 0; i < N; i++) {                                                                                  \
        const T wanted = (T)(b[i] == 0 ? 0 : (wide)a[i] / b[i]);                                                        \
        if (y[i] != wanted)                                                                                             \
          FAIL("%s: %lld / %lld of type %d: %lld", pk_isa_name(isa), (long long)a[i], (long long)b[i], type, (long long)y[i]); \
      }                                                                                                                 \
    }                                                                                                                   \
  } while (0)

static void check_quotients(pk_isa isa) {
  CHECK_QUOTIENTS(int8_t, PK_I8);
  CHECK_QUOTIENTS(int16_t, PK_I16);
  CHECK_QUOTIENTS(int32_t, PK_I32);
  CHECK_QUOTIENTS(int64_t, PK_I64);
  CHECK_QUOTIENTS(uint8_t, PK_U8);
  CHECK_QUOTIENTS(uint16_t, PK_U16);
  CHECK_QUOTIENTS(uint32_t, PK_U32);
  CHECK_QUOTIENTS(uint64_t, PK_U64);
  // Every pair of bytes.
  static uint8_t a[256], y[256];
  for (int i = 0; i < 256; i++) a[i] = (uint8_t)i;
  for (int divisor = 0; divisor < 256; divisor++) {
    const uint8_t b = (uint8_t)divisor;
    pk_binary_kernel(isa, PK_BINARY_DIV, PK_U8)(a, &b, y, 256, PK_B_SCALAR);
    for (int i = 0; i < 256; i++) CHECK(y[i] == (b ? i / b : 0));
    pk_binary_kernel(isa, PK_BINARY_DIV, PK_I8)(a, &b, y, 256, PK_B_SCALAR);
    for (int i = 0; i < 256; i++) CHECK(y[i] == (uint8_t)(b ? (int8_t)i / (int8_t)b : 0));
  }
}

int main(int argc, char **argv) {
  CHECK(!pk_binary_kernel(PK_ISA_SCALAR, PK_BINARY_AND, PK_F32) && !pk_binary_kernel(PK_ISA_SCALAR, PK_BINARY_COUNT, PK_F32));
  CHECK(!pk_binary_kernel(PK_ISA_SCALAR, PK_BINARY_ADD, PK_BOOL) && !pk_compare_kernel(PK_ISA_SCALAR, PK_COMPARE_EQ, (pk_type)8));
  check_remainders();
  FOR_EACH_ISA(isa) {
    for (int op = 0; op <= PK_BINARY_SQUARED_DIFFERENCE; op++) {
      check_floats(isa, (pk_binary_op)op, PK_F32);
      check_floats(isa, (pk_binary_op)op, PK_F64);
      check_floats(isa, (pk_binary_op)op, PK_F16);
      check_floats(isa, (pk_binary_op)op, PK_BF16);
    }
    CHECK_INTEGERS(int8_t, PK_I8, true)
    CHECK_INTEGERS(int16_t, PK_I16, true)
    CHECK_INTEGERS(int32_t, PK_I32, true)
    CHECK_INTEGERS(int64_t, PK_I64, true)
    CHECK_INTEGERS(uint8_t, PK_U8, false)
    CHECK_INTEGERS(uint16_t, PK_U16, false)
    CHECK_INTEGERS(uint32_t, PK_U32, false)
    CHECK_INTEGERS(uint64_t, PK_U64, false)
    CHECK_COMPARISONS(float, PK_F32, (float), ITSELF)
    CHECK_COMPARISONS(double, PK_F64, (double), ITSELF)
    CHECK_COMPARISONS(uint16_t, PK_F16, encode_f16, decode_f16)
    CHECK_COMPARISONS(uint16_t, PK_BF16, encode_bf16, decode_bf16)
    CHECK_COMPARISONS(int8_t, PK_I8, (int8_t)INTEGER, ITSELF)
    CHECK_COMPARISONS(int16_t, PK_I16, (int16_t)INTEGER, ITSELF)
    CHECK_COMPARISONS(int32_t, PK_I32, (int32_t)INTEGER, ITSELF)
    CHECK_COMPARISONS(int64_t, PK_I64, (int64_t)INTEGER, ITSELF)
    CHECK_COMPARISONS(uint8_t, PK_U8, (uint8_t)INTEGER, ITSELF)
    CHECK_COMPARISONS(uint16_t, PK_U16, (uint16_t)INTEGER, ITSELF)
    CHECK_COMPARISONS(uint32_t, PK_U32, (uint32_t)INTEGER, ITSELF)
    CHECK_COMPARISONS(uint64_t, PK_U64, (uint64_t)INTEGER, ITSELF)
    CHECK_COMPARISONS(uint8_t, PK_BOOL, BYTE, TRUTH)
    check_where(isa);
    check_quotients(isa);
    for (int i = 0; i < 16; i++) { // logic on any bytes gives 0 and 1
      const uint8_t a = (uint8_t)(i % 4), b = (uint8_t)(i / 4);
      uint8_t y[3];
      pk_binary_kernel(isa, PK_BINARY_AND, PK_BOOL)(&a, &b, y, 1, 0);
      pk_binary_kernel(isa, PK_BINARY_OR, PK_BOOL)(&a, &b, y + 1, 1, 0);
      pk_binary_kernel(isa, PK_BINARY_XOR, PK_BOOL)(&a, &b, y + 2, 1, 0);
      CHECK(y[0] == (a && b) && y[1] == (a || b) && y[2] == (!a != !b));
    }
  }
  if (argc > 1 && strcmp(argv[1], "--time") == 0) report_speed();
  return finish("binary_test");
}
