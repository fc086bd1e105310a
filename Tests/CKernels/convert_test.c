// pk_convert against the definitions of the formats: all 65536 values of the 16-bit types, edges and random values of the others.
#include "check.h"

static const pk_type types[] = {PK_F32, PK_F64, PK_F16, PK_BF16, PK_I8, PK_U8, PK_I16, PK_U16, PK_I32, PK_U32, PK_I64, PK_U64, PK_BOOL};
enum { TYPES = sizeof types / sizeof *types, CAPACITY = 70000 };

static size_t size_of(pk_type type) {
  switch (type) {
  case PK_F64: case PK_I64: case PK_U64: return 8;
  case PK_F32: case PK_I32: case PK_U32: return 4;
  case PK_F16: case PK_BF16: case PK_I16: case PK_U16: return 2;
  default: return 1;
  }
}

static bool is_float(pk_type type) { return type == PK_F32 || type == PK_F64 || type == PK_F16 || type == PK_BF16; }

typedef union number {
  double f;
  int64_t i; // of integers, with u64 kept modulo 2^64
} number;

static number read_number(pk_type type, const void *array, size_t at) {
  const char *p = (const char *)array + at * size_of(type);
  float f;
  double d;
  uint16_t h;
  int64_t i = 0;
  switch (type) {
  case PK_F32: memcpy(&f, p, 4); return (number){.f = f};
  case PK_F64: memcpy(&d, p, 8); return (number){.f = d};
  case PK_F16: memcpy(&h, p, 2); return (number){.f = decode_f16(h)};
  case PK_BF16: memcpy(&h, p, 2); return (number){.f = decode_bf16(h)};
  case PK_I8: i = *(const int8_t *)p; break;
  case PK_U8: i = *(const uint8_t *)p; break;
  case PK_I16: i = *(const int16_t *)p; break;
  case PK_U16: i = *(const uint16_t *)p; break;
  case PK_I32: i = *(const int32_t *)p; break;
  case PK_U32: i = *(const uint32_t *)p; break;
  case PK_BOOL: i = *(const uint8_t *)p != 0; break;
  default: memcpy(&i, p, 8); break;
  }
  return (number){.i = i};
}

static bool same_float(double a, double b) { return (isnan(a) && isnan(b)) || (a == b && signbit(a) == signbit(b)); }

static int64_t truncated(double x, int bits) {
  const double limit = ldexp(1, bits - 1);
  const double whole = trunc(x);
  if (!(whole >= -limit && whole < limit)) return bits == 32 ? INT32_MIN : INT64_MIN;
  return (int64_t)whole;
}

static int64_t wrapped(pk_type type, int64_t i) {
  switch (type) {
  case PK_I8: return (int8_t)i;
  case PK_U8: return (uint8_t)i;
  case PK_I16: return (int16_t)i;
  case PK_U16: return (uint16_t)i;
  case PK_I32: return (int32_t)i;
  case PK_U32: return (uint32_t)i;
  default: return i;
  }
}

static void check_element(pk_isa isa, pk_type from, pk_type to, const void *x, const void *y, size_t at) {
  const number a = read_number(from, x, at), b = read_number(to, y, at);
  bool good;
  if (is_float(to)) {
    double exact;
    if (is_float(from)) exact = a.f;
    else if (from == PK_U64 && a.i < 0) exact = to == PK_F32 ? (double)(float)(uint64_t)a.i : (double)(uint64_t)a.i;
    else exact = to == PK_F32 ? (double)(float)a.i : (double)a.i;
    switch (to) {
    case PK_F32: good = same_float(b.f, (double)(float)exact); break;
    case PK_F16: good = same_float(b.f, decode_f16(encode_f16(exact))); break;
    case PK_BF16: // integers go through f32, as everywhere
      good = same_float(b.f, decode_bf16(encode_bf16(is_float(from) ? exact
        : from == PK_U64 ? (float)(uint64_t)a.i : (float)a.i)));
      break;
    default: good = same_float(b.f, exact);
    }
  } else if (to == PK_BOOL) {
    good = b.i == (is_float(from) ? a.f != 0 : a.i != 0);
    good &= ((const uint8_t *)y)[at] <= 1;
  } else if (!is_float(from)) {
    good = b.i == wrapped(to, a.i);
  } else if (to == PK_U64) {
    const bool defined = a.f > -0x1p63 && a.f < 0x1p64;
    good = !defined || (uint64_t)b.i == (a.f >= 0x1p63 ? (uint64_t)a.f : (uint64_t)(int64_t)a.f);
  } else {
    good = b.i == wrapped(to, truncated(a.f, to == PK_U32 || to == PK_I64 ? 64 : 32));
  }
  if (!good) FAIL("%s: type %d -> %d at %zu: %.17g/%lld -> %.17g/%lld", pk_isa_name(isa), from, to, at, a.f, (long long)a.i, b.f, (long long)b.i);
}

static size_t fill(pk_type type, void *x) {
  static const double edges[] = {0, -0.0, 0.5, -0.5, 0.99999, -0.99999, 1, -1, 1.5, 2.5, 127, 128, -128, -129, 255, 256, 300, -300, 32767, 32768,
    -32769, 65504, 65519, 65520, 65536, 1e5, 2147483520., 2147483648., -2147483648., -2147483904., 4294967040., 4294967296., 1e10, -1e10,
    9.2e18, 0x1p63, -0x1p63, 1.7e19, 0x1p64, 1e20, -1e20, 1e38, 1e300, -1e300, INFINITY, -INFINITY, NAN, 5.96e-8, 2.98e-8, 2.99e-8, 6.1e-5, 6.09e-5,
    1e-40, 1e-45, 1e-310, 1.00048828125, 1.0004882812500002, 1.00146484375, 1.0014648437499998, 1.00390625, 1.0039062500000002, 3.4028235677973366e+38};
  if (size_of(type) == 2) {
    for (uint32_t i = 0; i < 65536; i++) ((uint16_t *)x)[i] = (uint16_t)i;
    return 65536;
  }
  const size_t count = 60000;
  for (size_t i = 0; i < count; i++) {
    const uint64_t bits = random_bits();
    memcpy((char *)x + i * size_of(type), &bits, size_of(type));
    const double ordinary = (i & 1 ? 1 : -1) * ldexp(random_between(1, 2), (int)(random_bits() % 100) - 30);
    const double value = i < sizeof edges / sizeof *edges ? edges[i] : ordinary;
    if (i < 30000 && type == PK_F32) ((float *)x)[i] = (float)value;
    if (i < 30000 && type == PK_F64) ((double *)x)[i] = value;
    if (i < 20000 && i % 2 && size_of(type) == 8 && !is_float(type)) ((int64_t *)x)[i] = (int64_t)bits >> bits % 64;
  }
  return count;
}

static void report_speed(void) {
  enum { N = 1 << 14 };
  static float x[N];
  static double y[N];
  const pk_type pairs[][2] = {{PK_F32, PK_F16}, {PK_F16, PK_F32}, {PK_F32, PK_BF16}, {PK_BF16, PK_F32}, {PK_F32, PK_I32}, {PK_I64, PK_F32},
                              {PK_F32, PK_I64}, {PK_U8, PK_F32}, {PK_F32, PK_U8}, {PK_I64, PK_I32}, {PK_BOOL, PK_F32}, {PK_F32, PK_BOOL}};
  for (size_t p = 0; p < sizeof pairs / sizeof *pairs; p++) {
    printf("convert %2d -> %2d, elements/ns:", pairs[p][0], pairs[p][1]);
    FOR_EACH_ISA(isa) {
      const pk_convert_fn kernel = pk_convert_kernel(isa, pairs[p][0], pairs[p][1]);
      double rate;
      MEASURE(rate, kernel(x, y, N / 2));
      printf(" %6.2f", N / 2 * rate * 1e-9);
    }
    puts("");
  }
}

int main(int argc, char **argv) {
  char *x = malloc(CAPACITY * 8), *y = malloc(CAPACITY * 8 + 8), *z = malloc(CAPACITY * 8 + 8);
  if (!x || !y || !z) return 2;
  CHECK(!pk_convert_kernel(PK_ISA_SCALAR, (pk_type)8, PK_F32) && !pk_convert_kernel(PK_ISA_SCALAR, PK_F32, (pk_type)1000));
  for (size_t f = 0; f < TYPES; f++) {
    const size_t count = fill(types[f], x);
    for (size_t t = 0; t < TYPES; t++) {
      FOR_EACH_ISA(isa) {
        const pk_convert_fn kernel = pk_convert_kernel(isa, types[f], types[t]);
        CHECK(kernel);
        if (!kernel) continue;
        const size_t size = size_of(types[t]);
        kernel(x, y, count);
        for (size_t i = 0; i < count; i++) check_element(isa, types[f], types[t], x, y, i);
        for (size_t n = 0; n < 70; n++) { // neither more nor less than n elements, however n divides into vectors
          memset(z, 0x5a, (n + 1) * size);
          kernel(x, z, n);
          CHECK(n == 0 || memcmp(y, z, n * size) == 0);
          for (size_t b = 0; b < size; b++) CHECK(z[n * size + b] == 0x5a);
        }
      }
    }
  }
  if (argc > 1 && strcmp(argv[1], "--time") == 0) report_speed();
  free(x), free(y), free(z);
  return finish("convert_test");
}
