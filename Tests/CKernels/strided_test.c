// Strided copies, interpolation loops and gathers by element against their definitions, at every level of this machine.
#include "ckernels_test.h"

static void check_copy(pk_isa isa) {
  pk_strided_axis axes[5];
  const size_t widths[] = {1, 2, 4, 8, 16};
  const size_t width = widths[random_in(0, 4)], rank = random_in(2, 5);
  // The source is dense in a random order of the axes, some of them repeated or walked backwards; the target dense in theirs.
  size_t order[5], extents[5], count = 1, source_count = 1;
  for (size_t i = 0; i < rank; i++) {
    order[i] = i;
    extents[i] = random_in(0, 5) == 0 ? random_in(1, 4) : random_in(1, rank == 2 ? 150 : rank == 3 ? 30 : 9);
  }
  for (size_t i = rank - 1; i > 0; i--) {
    const size_t j = random_in(0, i), t = order[i];
    order[i] = order[j];
    order[j] = t;
  }
  ptrdiff_t start = 0;
  for (size_t i = rank; i-- > 0;) {
    const size_t axis = order[i];
    const bool repeats = random_in(0, 7) == 0, backwards = random_in(0, 7) == 0;
    axes[axis].extent = extents[axis];
    axes[axis].from = repeats ? 0 : (ptrdiff_t)(source_count * width);
    if (!repeats) source_count *= extents[axis];
    if (backwards && !repeats) {
      start += (ptrdiff_t)(extents[axis] - 1) * axes[axis].from;
      axes[axis].from = -axes[axis].from;
    }
  }
  for (size_t i = rank; i-- > 0;) {
    axes[i].to = (ptrdiff_t)(count * width);
    count *= extents[i];
  }
  unsigned char *from = malloc(source_count * width);
  if (!from) exit(2);
  for (size_t i = 0; i < source_count * width; i++) from[i] = (unsigned char)random_bits();
  scratch to = scratch_of(count * width);
  const size_t row_block = random_in(1, 70), col_block = random_in(1, 70);
  size_t units = ((extents[rank - 2] - 1) / row_block + 1) * ((extents[rank - 1] - 1) / col_block + 1);
  for (size_t i = 0; i + 2 < rank; i++) units *= extents[i];
  const size_t split = random_in(0, units);
  const pk_strided_fn copy = pk_strided_kernel(isa);
  copy(axes, rank, width, row_block, col_block, from + start, to.bytes, split, units);
  copy(axes, rank, width, row_block, col_block, from + start, to.bytes, 0, split);
  bool same = true;
  for (size_t flat = 0; flat < count; flat++) {
    size_t rest = flat;
    ptrdiff_t offset = start;
    for (size_t i = rank; i-- > 0;) {
      offset += (ptrdiff_t)(rest % extents[i]) * axes[i].from;
      rest /= extents[i];
    }
    same &= memcmp(to.bytes + flat * width, from + offset, width) == 0;
  }
  CHECK(same, "%s: copy of rank %zu, width %zu differs", pk_isa_name(isa), rank, width);
  CHECK(scratch_end(to), "%s: copy writes past its target", pk_isa_name(isa));
  free(from);
}

#define CHECK_RESAMPLE(T, type, tolerance)                                                                           \
  static void check_resample_##T(pk_isa isa) {                                                                       \
    const pk_resample_kernels k = pk_resample(isa, type);                                                            \
    const size_t n = random_in(1, 90), taps = random_in(1, 6), run = random_in(0, 2) ? 1 : random_in(2, 5), extent = random_in(2, 50); \
    T *x = malloc(extent * run * sizeof *x), *w = malloc(taps * n * sizeof *w);                                      \
    int32_t *indices = malloc(taps * n * sizeof *indices);                                                           \
    if (!x || !w || !indices) exit(2);                                                                               \
    for (size_t i = 0; i < extent * run; i++) x[i] = (T)random_unit();                                               \
    for (size_t i = 0; i < taps * n; i++) w[i] = (T)random_unit(), indices[i] = (int32_t)random_in(0, extent - 1);   \
    scratch y = scratch_of(n * run * sizeof(T));                                                                     \
    T *found = (T *)y.bytes;                                                                                         \
    double worst = 0;                                                                                                \
    k.gather(x, indices, w, taps, run, found, n);                                                                    \
    for (size_t i = 0; i < n; i++)                                                                                   \
      for (size_t j = 0; j < run; j++) {                                                                             \
        double sum = 0;                                                                                              \
        for (size_t t = 0; t < taps; t++) sum += (double)w[t * n + i] * (double)x[(size_t)indices[t * n + i] * run + j]; \
        worst = fmax(worst, fabs(sum - (double)found[i * run + j]));                                                 \
      }                                                                                                              \
    if (taps >= 2) {                                                                                                 \
      const size_t first = random_in(0, n), last = random_in(first, n);                                              \
      for (size_t i = first; i < last; i++) {                                                                        \
        indices[i] = (int32_t)random_in(0, extent - 2);                                                              \
        indices[n + i] = indices[i] + 1;                                                                             \
      }                                                                                                              \
      k.gather_pairs(x, indices, w, first, last, found, n);                                                          \
      for (size_t i = 0; i < n; i++) {                                                                               \
        const double sum = (double)w[i] * (double)x[indices[i]] + (double)w[n + i] * (double)x[indices[n + i]];      \
        worst = fmax(worst, fabs(sum - (double)found[i]));                                                           \
      }                                                                                                              \
    }                                                                                                                \
    const void *rows[6];                                                                                             \
    T *all = malloc(taps * n * sizeof *all);                                                                         \
    if (!all) exit(2);                                                                                               \
    for (size_t i = 0; i < taps * n; i++) all[i] = (T)random_unit();                                                 \
    for (size_t t = 0; t < taps; t++) rows[t] = all + t * n;                                                         \
    if (random_in(0, 3) == 0) w[0] = 1;                                                                              \
    k.blend(rows, w, taps, found, n);                                                                                \
    for (size_t i = 0; i < n; i++) {                                                                                 \
      double sum = 0;                                                                                                \
      for (size_t t = 0; t < taps; t++) sum += (double)w[t] * (double)all[t * n + i];                                \
      worst = fmax(worst, fabs(sum - (double)found[i]));                                                             \
    }                                                                                                                \
    CHECK(worst < tolerance, "%s: " #T " interpolation is off by %g", pk_isa_name(isa), worst);                      \
    for (size_t i = 0; i < n; i++) found[i] = (T)(300 * random_unit());                                              \
    found[0] = (T)2.5;                                                                                               \
    T *before = malloc(n * sizeof *before);                                                                          \
    if (!before) exit(2);                                                                                            \
    memcpy(before, found, n * sizeof *before);                                                                       \
    if (n > 1) before[1] = found[1] = (T)NAN;                                                                        \
    k.round_clamp(found, n, -128, 127);                                                                              \
    for (size_t i = 0; i < n; i++) {                                                                                 \
      const double wanted = isnan(before[i]) ? -128 : fmin(fmax(nearbyint((double)before[i]), -128), 127);           \
      CHECK((double)found[i] == wanted, "%s: %g is rounded to %g", pk_isa_name(isa), (double)before[i], (double)found[i]); \
    }                                                                                                                \
    CHECK(scratch_end(y), "%s: " #T " interpolation writes past its target", pk_isa_name(isa));                      \
    free(x), free(w), free(indices), free(all), free(before);                                                        \
  }
CHECK_RESAMPLE(float, PK_F32, 1e-5)
CHECK_RESAMPLE(double, PK_F64, 1e-12)

static void check_elements(void) {
  const size_t widths[] = {1, 2, 4, 8, 16};
  const size_t width = widths[random_in(0, 4)], n = random_in(0, 100), extent = random_in(1, 20), factor = random_in(1, 5);
  const bool wide = random_in(0, 1), over_rows = random_in(0, 1);
  const size_t step = over_rows ? n : 1, drift = over_rows;
  unsigned char *x = malloc(extent * (over_rows ? n + 1 : 1) * width + n * width);
  int64_t *wide_indices = malloc((n + 1) * sizeof *wide_indices);
  int32_t *indices = malloc((n + 1) * sizeof *indices);
  if (!x || !wide_indices || !indices) exit(2);
  for (size_t i = 0; i < extent * (over_rows ? n + 1 : 1) * width + n * width; i++) x[i] = (unsigned char)random_bits();
  for (size_t i = 0; i < n; i++) wide_indices[i] = indices[i] = (int32_t)random_in(0, 2 * extent - 1) - (int32_t)extent;
  scratch y = scratch_of(n * factor * width);
  const void *given = wide ? (const void *)wide_indices : (const void *)indices;
  CHECK(pk_gather_elements(x, given, wide, extent, step, drift, width, y.bytes, n), "indices in range are refused");
  for (size_t i = 0; i < n; i++) {
    const size_t place = (size_t)(indices[i] < 0 ? indices[i] + (int32_t)extent : indices[i]);
    CHECK(memcmp(y.bytes + i * width, x + (place * step + i * drift) * width, width) == 0, "gathered element %zu differs", i);
  }
  if (n > 0) {
    const size_t bad = random_in(0, n - 1);
    wide_indices[bad] = random_in(0, 1) ? INT64_MIN : (int64_t)extent;
    indices[bad] = random_in(0, 1) ? -(int32_t)extent - 1 : INT32_MAX;
    CHECK(!pk_gather_elements(x, given, wide, extent, step, drift, width, y.bytes, n), "an index out of range is taken");
  }
  pk_repeat_elements(x, width, factor, y.bytes, n);
  for (size_t i = 0; i < n * factor; i++)
    CHECK(memcmp(y.bytes + i * width, x + i / factor * width, width) == 0, "repeated element %zu differs", i);
  for (size_t i = 0; i < n; i++) indices[i] = (int32_t)random_in(0, extent - 1);
  pk_take(x, indices, width, y.bytes, n);
  for (size_t i = 0; i < n; i++)
    CHECK(memcmp(y.bytes + i * width, x + (size_t)indices[i] * width, width) == 0, "taken element %zu differs", i);
  CHECK(scratch_end(y), "a gather writes past its target");
  free(x), free(wide_indices), free(indices);
}

static void check_find(void) {
  const size_t n = random_in(1, 200), place = random_in(0, n - 1), start = random_in(0, n);
  float *x = malloc(n * sizeof *x);
  if (!x) exit(2);
  for (size_t i = 0; i < n; i++) x[i] = random_unit();
  for (int above = 0; above < 2; above++) {
    const float bound = above ? 1.5f : -1.5f;
    x[place] = random_in(0, 1) ? NAN : 2 * bound;
    const size_t wanted = start <= place ? place : n;
    CHECK(pk_find_beyond(x, start, n, bound, above) == wanted, "what is beyond a bound is not found");
  }
  free(x);
}

int main(void) {
  FOR_EACH_ISA(isa) {
    for (int i = 0; i < 1500; i++) check_copy(isa);
    for (int i = 0; i < 1500; i++) {
      check_resample_float(isa);
      check_resample_double(isa);
    }
  }
  for (int i = 0; i < 2000; i++) {
    check_elements();
    check_find();
  }
  return test_end("strided, resample, index");
}
