// pk_softmax against the definition in long double.
#include "check.h"

typedef struct shape {
  size_t outer, axis, inner, stride;
} shape;
static const shape shapes[] = {{1, 1, 1, 1}, {4, 7, 1, 1}, {3, 16, 1, 1}, {2, 197, 1, 1}, {1, 5000, 1, 1}, {2, 0, 3, 3}, {2, 5, 3, 3}, {1, 21, 300, 300}, {3, 40, 16, 20}, {2, 6, 1, 2}, {0, 4, 1, 1},
                               {1000, 2, 1, 1}, {700, 3, 1, 1}, {257, 4, 1, 1}, {300, 8, 1, 1}, {1, 9, 1, 1}, {129, 16, 1, 1}, {70, 31, 1, 1}, {65, 32, 1, 1}, {9, 33, 1, 1}};
enum { SHAPES = sizeof shapes / sizeof *shapes, CAPACITY = 10000 };

static double x[CAPACITY], y[CAPACITY];
static float xf[CAPACITY], yf[CAPACITY];

static void check_shape(pk_isa isa, shape s, bool logarithm, bool in_place, double spread) {
  const size_t n = s.outer * s.axis * s.stride;
  for (size_t i = 0; i < n; i++) x[i] = xf[i] = (float)random_between(-spread, spread), y[i] = yf[i] = 7;
  if (spread > 1000 && n > 0) x[0] = xf[0] = -INFINITY;
  const double *kept = x;
  static double source[CAPACITY];
  memcpy(source, kept, sizeof source);
  (logarithm ? pk_log_softmax_kernel : pk_softmax_kernel)(isa, PK_F32)(xf, in_place ? xf : yf, s.outer, s.axis, s.inner, s.stride);
  (logarithm ? pk_log_softmax_kernel : pk_softmax_kernel)(isa, PK_F64)(x, in_place ? x : y, s.outer, s.axis, s.inner, s.stride);
  for (size_t o = 0; o < s.outer; o++)
    for (size_t i = 0; i < s.stride; i++) {
      const size_t base = o * s.axis * s.stride + i;
      if (i >= s.inner) { // between the columns nothing is written
        for (size_t k = 0; k < s.axis; k++) CHECK(in_place ? x[base + k * s.stride] == source[base + k * s.stride] : y[base + k * s.stride] == 7);
        continue;
      }
      long double most = -INFINITY, sum = 0;
      for (size_t k = 0; k < s.axis; k++) most = fmaxl(most, source[base + k * s.stride]);
      for (size_t k = 0; k < s.axis; k++) sum += expl(source[base + k * s.stride] - most);
      for (size_t k = 0; k < s.axis; k++) {
        const size_t at = base + k * s.stride;
        const long double difference = source[at] - most;
        const long double wanted = logarithm ? difference - logl(sum) : expl(difference) / sum;
        const double single = (in_place ? xf : yf)[at], wide = (in_place ? x : y)[at];
        // the rounding of the difference, of up to twice the spread, is amplified by exp
        const long double relative = (6 + (logarithm ? 0 : fminl(2 * spread, 90))) * FLT_EPSILON, slack = logarithm ? relative * fmaxl(1, fabsl(wanted)) : relative * wanted + 1e-37;
        if (!(fabsl(single - wanted) <= slack) && single != wanted)
          FAIL("%s: %ssoftmax f32 [%zu %zu %zu]: %.9g, not %.9Lg", pk_isa_name(isa), logarithm ? "log " : "", s.outer, s.axis, s.inner, single, wanted);
        if (!(fabsl(wide - wanted) <= 1e-6L * slack + 1e-300L) && wide != wanted)
          FAIL("%s: %ssoftmax f64 [%zu %zu %zu]: %.17g, not %.17Lg", pk_isa_name(isa), logarithm ? "log " : "", s.outer, s.axis, s.inner, wide, wanted);
      }
    }
}

static void check_attention(pk_isa isa, size_t rows, size_t n, bool with_mask, float scale, bool in_place) {
  enum { GAP = 3 };
  static float scores[CAPACITY], mask[CAPACITY], out[CAPACITY], source[CAPACITY];
  const size_t stride = n + GAP;
  for (size_t i = 0; i < rows * stride; i++) {
    source[i] = scores[i] = (float)random_between(-5, 5);
    mask[i] = random_bits() % 3 == 0 ? -INFINITY : (float)random_between(-1, 1);
    out[i] = 7;
  }
  for (size_t i = 0; i < n; i++) mask[i] = -INFINITY;
  for (int shared = 0; shared < 2; shared++) {
    for (int zero = 0; zero < 2; zero++) {
      memcpy(scores, source, sizeof scores);
      float *y = in_place ? scores : out;
      const float *m = with_mask ? shared ? mask + stride : mask : NULL;
      if (shared && rows < 2) continue;
      pk_attention_softmax_kernel(isa)(scores, m, y, rows, n, stride, shared ? 0 : stride, stride, scale, zero);
      for (size_t r = 0; r < rows; r++) {
        long double most = -INFINITY, sum = 0;
        long double v[2000];
        for (size_t i = 0; i < n; i++) {
          v[i] = (long double)source[r * stride + i] * scale + (m ? m[(shared ? 0 : r * stride) + i] : 0);
          most = fmaxl(most, v[i]);
        }
        for (size_t i = 0; i < n; i++) sum += expl(v[i] - most);
        for (size_t i = 0; i < n; i++) {
          const long double wanted = expl(v[i] - most) / sum;
          const float got = y[r * stride + i];
          const bool same = most == -INFINITY ? (zero ? got == 0 : isnan(got)) : fabsl(got - wanted) <= 30 * FLT_EPSILON * wanted && (wanted > 0 || got == 0);
          if (!same) FAIL("%s: attention row %zu of %zu at %zu: %.9g, not %.9Lg", pk_isa_name(isa), r, n, i, (double)got, wanted);
        }
        for (size_t i = n; i < stride; i++) CHECK(y[r * stride + i] == (in_place ? source[r * stride + i] : 7));
      }
    }
  }
}

static void report_speed(void) {
  static const shape timed[] = {{100, 64, 1, 1}, {50, 197, 1, 1}, {9, 1000, 1, 1}, {1, 21, 400, 400}};
  for (size_t k = 0; k < sizeof timed / sizeof *timed; k++) {
    const shape s = timed[k];
    printf("softmax [%3zu %4zu %3zu] elements/ns:", s.outer, s.axis, s.inner);
    for (int log = 0; log < 2; log++)
      FOR_EACH_ISA(isa) {
        for (size_t i = 0; i < CAPACITY; i++) xf[i] = (float)random_between(-4, 4);
        double rate;
        MEASURE(rate, (log ? pk_log_softmax_kernel : pk_softmax_kernel)(isa, PK_F32)(xf, yf, s.outer, s.axis, s.inner, s.stride));
        printf(" %5.2f", rate * (double)(s.outer * s.axis * s.inner) * 1e-9);
      }
    puts("");
  }
}

int main(int argc, char **argv) {
  CHECK(!pk_softmax_kernel(PK_ISA_SCALAR, PK_F16) && !pk_log_softmax_kernel(PK_ISA_SCALAR, PK_I32));
  FOR_EACH_ISA(isa) {
    for (size_t k = 0; k < SHAPES; k++)
      for (int variant = 0; variant < 4; variant++) {
        check_shape(isa, shapes[k], variant & 1, variant & 2, 4);
        check_shape(isa, shapes[k], variant & 1, variant & 2, 40);
        if (shapes[k].axis > 1) check_shape(isa, shapes[k], variant & 1, variant & 2, 1e5);
      }
    float nan[3] = {1, NAN, 2};
    pk_softmax_kernel(isa, PK_F32)(nan, nan, 1, 3, 1, 1);
    CHECK(isnan(nan[0]) && isnan(nan[1]) && isnan(nan[2]));
    static const size_t lengths[] = {1, 5, 16, 17, 64, 197, 1025};
    for (size_t k = 0; k < sizeof lengths / sizeof *lengths; k++)
      for (int variant = 0; variant < 8; variant++) check_attention(isa, 4, lengths[k], variant & 1, variant & 2 ? 1 : 0.125f, variant & 4);
  }
  if (argc > 1 && strcmp(argv[1], "--time") == 0) report_speed();
  return finish("softmax_test");
}
