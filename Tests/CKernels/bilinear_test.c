// Points of a plane with zeros around it against the definition: sum over the four elements around of (1 - |y - row|) (1 - |x - column|).
#include "ckernels_test.h"

static double value(const float *x, size_t height, size_t width, double py, double px, double *size) {
  double sum = 0;
  if (!(fabs(py) < 1e6 && fabs(px) < 1e6)) return 0;
  for (int i = 0; i < 2; i++)
    for (int j = 0; j < 2; j++) {
      const double row = floor(py) + i, column = floor(px) + j;
      if (row < 0 || column < 0 || row >= (double)height || column >= (double)width) continue;
      const double term = (1 - fabs(py - row)) * (1 - fabs(px - column)) * x[(size_t)row * width + (size_t)column];
      sum += term, *size += fabs(term);
    }
  return sum;
}

static void check(pk_isa isa, size_t height, size_t width, size_t n) {
  const pk_bilinear_kernels k = pk_bilinear_of(isa);
  float *x = random_floats(height * width), *py = random_floats(n), *px = random_floats(n), *y = buffer(n * 4, 0xff);
  const float odd[] = {NAN, INFINITY, -INFINITY, 3e38f, -3e38f, -1, -0.5f, 0, (float)(height - 1), (float)(width - 1), (float)height, (float)width};
  for (size_t i = 0; i < n; i++) {
    py[i] = random_in(0, 9) ? (float)height * 0.7f * (py[i] + 0.8f) : odd[random_in(0, 11)];
    px[i] = random_in(0, 9) ? (float)width * 0.7f * (px[i] + 0.8f) : odd[random_in(0, 11)];
    if (random_in(0, 5) == 0) py[i] = floorf(py[i]);
  }
  // What has no part in a value does not show: all elements but one are NaN in one plane, and points far from it are not.
  const bool poisoned = random_in(0, 3) == 0;
  const size_t spared = random_in(0, height * width - 1);
  if (poisoned)
    for (size_t i = 0; i < height * width; i++)
      if (i != spared) x[i] = NAN;
  pk_bilinear taps = {buffer(n * 4, 0xff), buffer(n * 4, 0xff), buffer(n * 4, 0xff), buffer(n * 16, 0xff)};
  k.taps(py, px, n, height, width, &taps);
  k.gather(x, &taps, y, n);
  for (size_t i = 0; i < n; i++) {
    double size = 0;
    const double want = value(x, height, width, py[i], px[i], &size), have = y[i];
    // The four weights can be 0 on elements that take part, which are NaN then.
    const bool same = isnan(want) ? isnan(have) : fabs(want - have) <= 1e-5 * (size + 1e-3);
    CHECK(same, "%s: %zux%zu at %g, %g: %g, not %g", pk_isa_name(isa), height, width, (double)py[i], (double)px[i], have, want);
  }
  free(x), free(py), free(px), free(y), free(taps.upper), free(taps.lower), free(taps.flags), free(taps.weights);
}

static void check_denormalise(pk_isa isa) {
  const pk_bilinear_kernels k = pk_bilinear_of(isa);
  const size_t n = random_in(1, 40), step = random_in(1, 3);
  float *grid = random_floats(n * step), *x = buffer(n * 4, 0xff);
  for (int aligns = 0; aligns < 2; aligns++) {
    const float extent = (float)random_in(1, 99);
    k.denormalise(grid, step, extent, aligns, x, n);
    for (size_t i = 0; i < n; i++) {
      const double g = grid[i * step], want = aligns ? (g + 1) / 2 * (extent - 1) : ((g + 1) * extent - 1) / 2;
      CHECK(fabs(want - x[i]) <= 1e-6 * extent, "%s: coordinate %g, not %g", pk_isa_name(isa), (double)x[i], want);
    }
  }
  free(grid), free(x);
}

int main(void) {
  FOR_EACH_ISA(isa) {
    for (int i = 0; i < 500; i++) check(isa, random_in(1, 12), random_in(2, 12), random_in(1, 70));
    for (int i = 0; i < 50; i++) check_denormalise(isa);
  }
  return test_end("bilinear");
}
