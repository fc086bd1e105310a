// pk_norm against the definitions in long double.
#include "check.h"

static const pk_type types[] = {PK_F32, PK_F64, PK_F16, PK_BF16};
enum { CAPACITY = 20000 };

static size_t size_of(pk_type type) { return type == PK_F64 ? 8 : type == PK_F32 ? 4 : 2; }
static double get(pk_type type, const void *p, size_t i) {
  switch (type) {
  case PK_F32: return ((const float *)p)[i];
  case PK_F64: return ((const double *)p)[i];
  case PK_F16: return decode_f16(((const uint16_t *)p)[i]);
  default: return decode_bf16(((const uint16_t *)p)[i]);
  }
}
static void put(pk_type type, void *p, size_t i, double v) {
  switch (type) {
  case PK_F32: ((float *)p)[i] = (float)v; break;
  case PK_F64: ((double *)p)[i] = v; break;
  case PK_F16: ((uint16_t *)p)[i] = encode_f16(v); break;
  default: ((uint16_t *)p)[i] = encode_bf16(v); break;
  }
}
static double unit(pk_type type) { return type == PK_F64 ? 1e-14 : type == PK_F32 ? 1e-6 : type == PK_F16 ? 0x1p-10 : 0x1p-7; }

static double x[CAPACITY], y[CAPACITY], scale[CAPACITY], bias[CAPACITY], x0[CAPACITY];

static void fill(pk_type type, double center) {
  for (size_t i = 0; i < CAPACITY; i++) {
    put(type, x, i, center + random_between(-2, 2));
    put(type, scale, i, random_between(0.5, 2));
    put(type, bias, i, random_between(-1, 1));
  }
  memcpy(x0, x, sizeof x);
}

static void expect(const char *what, pk_isa isa, pk_type type, size_t at, double got, long double wanted, long double slack) {
  if (!(fabsl(got - wanted) <= slack)) FAIL("%s: %s, type %d at %zu: %.9g, not %.9Lg", pk_isa_name(isa), what, type, at, got, wanted);
}

// Sums of 2048 numbers of size 1, in lanes of vectors: their errors are below 3e-6. Checks of addresses keep the compiler from vectors, and
// numbers of 16 bits less a center leave the same rest below the sum's last place each time: 2^-24 of a sum of up to some 500.
#if __has_feature(address_sanitizer)
static const double STATISTICS = 500 * 0x1p-24;
#else
static const double STATISTICS = 3e-6;
#endif

static void check_rows(pk_isa isa, pk_type type, size_t rows, size_t n, int flags, double center) {
  fill(type, center);
  void *target = flags & 4 ? x : y;
  double means[8], deviations[8];
  const double epsilon = 1e-5;
  // arguments of size `center` carry errors of that many units
  const long double slack = unit(type) * (1 + fabs(center) / 4) * 8;
  pk_layer_norm_kernel(isa, type)(x, flags & 1 ? scale : NULL, flags & 2 ? bias : NULL, target, flags & 8 ? means : NULL, flags & 8 ? deviations : NULL, rows, n, epsilon);
  for (size_t r = 0; r < rows; r++) {
    long double mean = 0, variance = 0;
    for (size_t i = 0; i < n; i++) mean += get(type, x0, r * n + i);
    mean /= n;
    for (size_t i = 0; i < n; i++) variance += powl(get(type, x0, r * n + i) - mean, 2);
    variance /= n;
    const long double inverse = 1 / sqrtl(variance + epsilon);
    if (flags & 8) {
      expect("mean", isa, type, r, type == PK_F64 ? means[r] : ((float *)means)[r], mean, (type == PK_F64 ? 1e-14 : STATISTICS) * (1 + fabs(center)));
      expect("inverse deviation", isa, type, r, type == PK_F64 ? deviations[r] : ((float *)deviations)[r], inverse, (type == PK_F64 ? 1e-13 : STATISTICS) * inverse * (1 + fabs(center) / 10));
    }
    for (size_t i = 0; i < n; i++) {
      const long double s = flags & 1 ? get(type, scale, i) : 1, b = flags & 2 ? get(type, bias, i) : 0;
      const long double wanted = (get(type, x0, r * n + i) - mean) * inverse * s + b;
      expect("layer norm", isa, type, r * n + i, get(type, target, r * n + i), wanted, slack * fmaxl(1, inverse));
    }
  }
  fill(type, center);
  pk_rms_norm_kernel(isa, type)(x, flags & 1 ? scale : NULL, target, rows, n, epsilon);
  for (size_t r = 0; r < rows; r++) {
    long double squares = 0;
    for (size_t i = 0; i < n; i++) squares += powl(get(type, x0, r * n + i), 2);
    for (size_t i = 0; i < n; i++) {
      const long double wanted = get(type, x0, r * n + i) / sqrtl(squares / n + epsilon) * (flags & 1 ? get(type, scale, i) : 1);
      expect("rms norm", isa, type, r * n + i, get(type, target, r * n + i), wanted, unit(type) * fmaxl(fabsl(wanted), 0.1));
    }
  }
}

static void check_channels(pk_isa isa, pk_type type, size_t groups, size_t channels, size_t inner, int flags) {
  fill(type, 0.5);
  void *target = flags & 4 ? x : y;
  const size_t n = channels * inner;
  pk_group_norm_kernel(isa, type)(x, flags & 1 ? scale : NULL, flags & 2 ? bias : NULL, target, groups, channels, inner, 1e-3);
  for (size_t g = 0; g < groups; g++) {
    long double mean = 0, variance = 0;
    for (size_t i = 0; i < n; i++) mean += get(type, x0, g * n + i);
    mean /= n;
    for (size_t i = 0; i < n; i++) variance += powl(get(type, x0, g * n + i) - mean, 2);
    for (size_t i = 0; i < n; i++) {
      const size_t c = g * channels + i / inner;
      const long double wanted = (get(type, x0, g * n + i) - mean) / sqrtl(variance / n + 1e-3) * (flags & 1 ? get(type, scale, c) : 1) + (flags & 2 ? get(type, bias, c) : 0);
      expect("group norm", isa, type, g * n + i, get(type, target, g * n + i), wanted, unit(type) * 8 * (n == 1 ? 30 : 1));
    }
  }
  fill(type, 0.5);
  const pk_type real = type == PK_F64 ? PK_F64 : PK_F32;
  static double middle[CAPACITY], factor[CAPACITY], term[CAPACITY];
  for (size_t c = 0; c < channels; c++) {
    put(real, middle, c, random_between(-0.5, 0.5));
    put(real, factor, c, random_between(0.5, 2)), put(real, term, c, random_between(-1, 1));
  }
  pk_channel_affine_kernel(isa, type)(x, middle, factor, term, target, groups, channels, inner);
  for (size_t i = 0; i < groups * n; i++) {
    const size_t c = i / inner % channels;
    expect("channel affine", isa, type, i, get(type, target, i), ((long double)get(type, x0, i) - get(real, middle, c)) * get(real, factor, c) + get(real, term, c), unit(type) * 6);
  }
}

// Numbers around a mean far from 0: what they differ by is exact, so the result has to be as well, but for a few roundings.
static void check_far_mean(pk_isa isa, pk_type type, double mean, size_t n) {
  const double step = ldexp(mean, type == PK_F64 ? -50 : -22);
  double total = 0, variance = 0;
  for (size_t i = 0; i < n; i++) put(type, x, i, mean + step * floor(random_between(-40, 41)));
  if (n > 8) put(type, x, 0, mean + step * 1000);
  for (size_t i = 0; i < n; i++) total += get(type, x, i) - mean;
  for (size_t i = 0; i < n; i++) variance += pow(get(type, x, i) - mean - total / (double)n, 2) / (double)n;
  const double inverse = 1 / sqrt(variance);
  for (int group = 0; group < 2; group++) {
    if (group) pk_group_norm_kernel(isa, type)(x, NULL, NULL, y, 1, 1, n, 0);
    else pk_layer_norm_kernel(isa, type)(x, NULL, NULL, y, NULL, NULL, 1, n, 0);
    for (size_t i = 0; i < n; i++)
      expect("norm around a large mean", isa, type, i, get(type, y, i), (get(type, x, i) - mean - total / (double)n) * inverse, unit(type) * 100);
  }
}

// 3 and 4 times a power of two have the norms 5 and 7 times it, whatever their squares are.
static void check_lp_range(pk_isa isa, pk_type type, double size) {
  for (size_t inner = 1; inner <= 3; inner += 2)
    for (int p = 1; p <= 2; p++) {
      for (size_t i = 0; i < inner; i++) put(type, x, i, i == 1 ? 3 : 3 * size), put(type, x, inner + i, i == 1 ? -4 : -4 * size);
      pk_lp_normalize_kernel(isa, type)(x, y, 1, 2, inner, inner, p);
      for (size_t i = 0; i < inner; i++) {
        expect("norm out of range", isa, type, i, get(type, y, i), 3.0 / (p == 1 ? 7 : 5), unit(type) * 4);
        expect("norm out of range", isa, type, inner + i, get(type, y, inner + i), -4.0 / (p == 1 ? 7 : 5), unit(type) * 4);
      }
    }
}

static void check_lp(pk_isa isa, pk_type type, size_t outer, size_t axis, size_t inner, size_t stride, int p, bool in_place) {
  fill(type, 0.25);
  void *target = in_place ? x : y;
  for (size_t k = 0; k < axis; k++) put(type, x, k * stride, 0); // a line of norm 0
  memcpy(x0, x, sizeof x);
  pk_lp_normalize_kernel(isa, type)(x, target, outer, axis, inner, stride, p);
  for (size_t o = 0; o < outer; o++)
    for (size_t i = 0; i < inner; i++) {
      const size_t base = o * axis * stride + i;
      long double norm = 0;
      for (size_t k = 0; k < axis; k++) norm += p == 1 ? fabs(get(type, x0, base + k * stride)) : powl(get(type, x0, base + k * stride), 2);
      if (p == 2) norm = sqrtl(norm);
      for (size_t k = 0; k < axis; k++) {
        const double v = get(type, x0, base + k * stride);
        expect("lp", isa, type, base + k * stride, get(type, target, base + k * stride), norm == 0 ? 0 : v / norm, unit(type) * 4 * (norm == 0 ? 0 : fabsl(v / norm)) + (type == PK_F16 ? 1e-7 : 0));
      }
    }
}

static void report_speed(void) {
  for (size_t t = 0; t < 4; t++) {
    const size_t n = 768, rows = 24;
    fill(types[t], 0);
    printf("type %2d elements/ns: layer norm", types[t]);
    FOR_EACH_ISA(isa) {
      double rate;
      MEASURE(rate, pk_layer_norm_kernel(isa, types[t])(x, scale, bias, y, NULL, NULL, rows, n, 1e-5));
      printf(" %5.2f", rate * (double)(rows * n) * 1e-9);
    }
    printf("  rms norm");
    FOR_EACH_ISA(isa) {
      double rate;
      MEASURE(rate, pk_rms_norm_kernel(isa, types[t])(x, scale, y, rows, n, 1e-5));
      printf(" %5.2f", rate * (double)(rows * n) * 1e-9);
    }
    printf("  instance norm 196");
    FOR_EACH_ISA(isa) {
      double rate;
      MEASURE(rate, pk_group_norm_kernel(isa, types[t])(x, scale, bias, y, 100, 1, 196, 1e-5));
      printf(" %5.2f", rate * (double)(19600) * 1e-9);
    }
    puts("");
  }
}

int main(int argc, char **argv) {
  CHECK(!pk_layer_norm_kernel(PK_ISA_SCALAR, PK_I32) && !pk_lp_normalize_kernel(PK_ISA_SCALAR, (pk_type)-1));
  CHECK(size_of(PK_F64) == sizeof *x);
  FOR_EACH_ISA(isa) {
    for (size_t t = 0; t < 4; t++) {
      static const size_t lengths[] = {1, 2, 7, 16, 100, 768, 5000};
      for (size_t k = 0; k < sizeof lengths / sizeof *lengths; k++)
        for (int flags = 0; flags < 16; flags++) {
          check_rows(isa, types[t], 3, lengths[k], flags, 0);
          if (types[t] == PK_F32 || types[t] == PK_F64) check_rows(isa, types[t], 3, lengths[k], flags, 100);
        }
      for (int flags = 0; flags < 8; flags++) {
        check_channels(isa, types[t], 3, 1, 49, flags);
        check_channels(isa, types[t], 2, 4, 33, flags);
        check_channels(isa, types[t], 2, 37, 1, flags);
        check_channels(isa, types[t], 1, 3, 3000, flags);
      }
      if (types[t] == PK_F32 || types[t] == PK_F64)
        for (size_t n = 7; n <= 4096; n = n * 3 + 1) {
          check_far_mean(isa, types[t], 80000, n);
          check_far_mean(isa, types[t], -1e10, n);
          const double large = types[t] == PK_F64 ? 1e200 : 1e20;
          check_lp_range(isa, types[t], large);
          check_lp_range(isa, types[t], 1 / large);
        }
      for (int p = 1; p <= 2; p++)
        for (int in_place = 0; in_place < 2; in_place++) {
          check_lp(isa, types[t], 3, 50, 1, 1, p, in_place);
          check_lp(isa, types[t], 2, 7, 5, 5, p, in_place);
          check_lp(isa, types[t], 2, 20, 150, 160, p, in_place);
        }
    }
  }
  if (argc > 1 && strcmp(argv[1], "--time") == 0) report_speed();
  return finish("norm_test");
}
