// Products and convolutions give the same bits for every number of threads that a grid is made for.
#include "ckernels_test.h"

enum { MOST_THREADS = 9 };

static void check_same(pk_isa isa, const char *what, size_t threads, const size_t shape[3], unsigned variant, const float *one, const float *y,
                       size_t count) {
  for (size_t i = 0; i < count; i++)
    if (memcmp(&one[i], &y[i], sizeof *y) != 0) {
      CHECK(false, "%s %s %zux%zux%zu variant %u: element %zu is %.9g on 1 thread and %.9g on %zu", pk_isa_name(isa), what, shape[0], shape[1],
            shape[2], variant, i, one[i], y[i], threads);
      return;
    }
}

static void test_product(pk_isa isa, size_t m, size_t n, size_t k, unsigned variant) {
  const bool ta = variant & 1, tb = variant & 2, packed_a = variant & 4, packed_b = variant & 8;
  float *a = random_floats(m * k), *b = random_floats(n * k), *one = random_floats(m * n), *c = random_floats(m * n);
  float *bias = random_floats(n);
  pk_sgemm g = {.m = m, .n = n, .k = k, .a = a, .lda = ta ? m : k, .trans_a = ta, .trans_b = tb, .b = b, .ldb = tb ? k : n, .ldc = n, .alpha = 1};
  g.epilogue.col_bias = bias;
  g.epilogue.activation = variant % 3 == 0 ? PK_ACT_GELU_ERF : PK_ACT_NONE;
  float *pa = buffer(pk_sgemm_packed_a_bytes(isa, m, k), 0), *pb = buffer(pk_sgemm_packed_b_bytes(isa, k, n), 0);
  pk_sgemm_pack_a(isa, ta, m, k, a, g.lda, 0, m, pa);
  pk_sgemm_pack_b(isa, tb, k, n, b, g.ldb, 0, n, pb);
  if (packed_a) g.packed_a = pa;
  if (packed_b) g.packed_b = pb;
  for (size_t threads = 1; threads <= MOST_THREADS; threads++) {
    size_t rows, cols;
    pk_sgemm_grid(isa, &g, threads, &rows, &cols);
    scratch s = scratch_of(pk_sgemm_scratch_bytes(isa, &g, rows, cols));
    g.c = threads == 1 ? one : c;
    for (size_t i = 0; i < m; i += rows)
      for (size_t j = 0; j < n; j += cols) pk_sgemm_block(isa, &g, i, i + rows < m ? i + rows : m, j, j + cols < n ? j + cols : n, s.bytes);
    CHECK(scratch_end(s), "%s: wrote behind its scratch", pk_isa_name(isa));
    if (threads > 1) check_same(isa, "product", threads, (const size_t[]){m, k, n}, variant, one, c, m * n);
  }
  free(a), free(b), free(one), free(c), free(bias), free(pa), free(pb);
}

/// Parts whose output channels threads have shared, and convolutions whose patches were made once.
static size_t shared, patched;

static void test_convolution(pk_isa isa, bool winograd, size_t channels, size_t outputs, size_t depth, size_t extent) {
  const size_t taps = depth > 1 ? 3 : 1;
  const pk_conv_shape s = {.images = 1, .groups = 1, .channels = channels, .outputs = outputs, .in = {depth, extent, extent + 1},
                           .kernel = {taps, 3, 3}, .stride = {1, 1, 1}, .dilation = {1, 1, 1}, .pad = {taps / 2, 1, 1}, .out = {depth, extent, extent + 1}};
  const size_t out = depth * extent * (extent + 1), count = outputs * out;
  float *x = random_floats(channels * out), *w = random_floats(outputs * channels * taps * 9), *one = random_floats(count), *y = random_floats(count);
  float *packed = buffer(winograd ? pk_conv_winograd_packed_bytes(isa, &s) : pk_conv_packed_bytes(isa, &s), 0);
  (winograd ? pk_conv_winograd_pack : pk_conv_pack)(isa, &s, w, 0, 1, packed);
  for (size_t threads = 1; threads <= MOST_THREADS; threads++) {
    pk_conv c = {.shape = s, .x = x, .weights = packed, .y = threads == 1 ? one : y};
    if (winograd) {
      const size_t bands = (extent + 3) / 4;
      size_t deep, step;
      pk_conv_winograd_grid(isa, &s, threads, &deep, &step);
      const size_t rows = pk_conv_winograd_shared_rows(isa, &s, threads);
      if (rows > 0) pk_conv_winograd_grid(isa, &s, 1, &deep, &step);
      scratch t = scratch_of(rows > 0 ? pk_conv_winograd_half_scratch_bytes(isa, &s, deep, step) : pk_conv_winograd_scratch_bytes(isa, &s, deep, step));
      scratch input = scratch_of(pk_conv_winograd_input_bytes(isa, &s, deep, step));
      for (size_t d = 0; d < depth; d += deep)
        for (size_t i = 0; i < bands; i += step) {
          const pk_winograd_part part = {0, 0, d, d + deep < depth ? d + deep : depth, i, i + step < bands ? i + step : bands};
          if (rows == 0) pk_conv_winograd_block(isa, &c, &part, t.bytes);
          for (size_t k = 0; rows > 0 && k < channels; k++) pk_conv_winograd_transform(isa, &c, &part, k, k + 1, (float *)input.bytes, t.bytes);
          for (size_t m = 0; rows > 0 && m < outputs; m += rows)
            pk_conv_winograd_outputs(isa, &c, &part, m, m + rows < outputs ? m + rows : outputs, (const float *)input.bytes, t.bytes);
          shared += rows > 0;
        }
      CHECK(scratch_end(t) & scratch_end(input), "%s: Winograd wrote behind its scratch", pk_isa_name(isa));
    } else {
      size_t rows, cols;
      const bool shares = pk_conv_patches_pay(isa, &s, false, threads);
      (shares ? pk_conv_grid_over_patches : pk_conv_grid)(isa, &s, threads, &rows, &cols);
      scratch t = scratch_of(pk_conv_scratch_bytes(isa, &s)), patches = scratch_of(pk_conv_patch_bytes(isa, &s, false));
      if (shares) pk_conv_patches(isa, &c, false, 0, 0, 0, channels, (float *)patches.bytes), c.patches = (const float *)patches.bytes;
      patched += shares;
      for (size_t i = 0; i < outputs; i += rows)
        for (size_t j = 0; j < out; j += cols)
          pk_conv_block(isa, &c, 0, 0, i, i + rows < outputs ? i + rows : outputs, j, j + cols < out ? j + cols : out, t.bytes);
      CHECK(scratch_end(t) & scratch_end(patches), "%s: conv wrote behind its scratch", pk_isa_name(isa));
    }
    if (threads > 1) check_same(isa, winograd ? "Winograd" : "conv", threads, (const size_t[]){outputs, channels, depth * extent}, 0, one, y, count);
  }
  free(x), free(w), free(one), free(y), free(packed);
}

int main(void) {
  FOR_EACH_ISA(isa) {
    for (unsigned variant = 0; variant < 16; variant++) {
      test_product(isa, 20, 32, 768, variant);
      test_product(isa, 13, 8, 1100, variant);
      for (size_t m = 1; m <= 5; m++) {
        test_product(isa, m, 1030, 1030, variant);
        test_product(isa, m, 255, 130, variant);
        test_product(isa, m, 1100, 37, variant);
      }
      for (int i = 0; i < 60; i++) {
        const size_t few = i % 3 ? 40 : 5, deep = i % 2 ? 60 : 1500;
        test_product(isa, random_in(1, i % 5 ? few : 300), random_in(1, i % 4 ? 100 : 700), random_in(1, deep), variant);
      }
    }
    for (int i = 0; i < 25; i++) {
      test_convolution(isa, false, random_in(1, 90), random_in(1, 60), 1, random_in(3, 20));
      test_convolution(isa, true, random_in(32, 60), random_in(32, 70), 1, random_in(9, 26));
      test_convolution(isa, true, random_in(16, 60), random_in(16, 70), random_in(2, 9), random_in(9, 20));
    }
  }
  CHECK(shared > 0, "no Winograd part was shared");
  CHECK(patched > 0, "no convolution had its patches made once");
  return test_end("threads_test");
}
