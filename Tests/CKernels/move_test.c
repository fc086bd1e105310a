// pk_move against one-element-at-a-time definitions, over random shapes.
#include "check.h"

enum { CAPACITY = 1 << 18 };
static _Alignas(64) unsigned char x[CAPACITY * 16], y[CAPACITY * 16], z[CAPACITY * 16];

static int64_t below(int64_t n) { return (int64_t)(random_bits() % (uint64_t)n); }

static int64_t product(const int64_t *dims, size_t rank) {
  int64_t p = 1;
  for (size_t k = 0; k < rank; k++) p *= dims[k];
  return p;
}

static void naive_copy(const unsigned char *from, const int64_t *xs, unsigned char *to, const int64_t *ys, const int64_t *dims, size_t rank, size_t size) {
  const int64_t total = product(dims, rank);
  for (int64_t i = 0; i < total; i++) {
    int64_t rest = i, a = 0, b = 0;
    for (size_t k = rank; k-- > 0; rest /= dims[k]) a += rest % dims[k] * xs[k], b += rest % dims[k] * ys[k];
    memcpy(to + b * (int64_t)size, from + a * (int64_t)size, size);
  }
}

static void check_copy(pk_isa isa, size_t size) {
  for (int round = 0; round < 400; round++) {
    const size_t rank = (size_t)below(6);
    int64_t dims[6], shape[6], order[6], xs[6], ys[6], at = 0, stride = 1, rows = 1;
    for (size_t k = 0; k < rank; k++) {
      static const int64_t sizes[] = {1, 2, 3, 4, 5, 8, 16, 17, 33, 70};
      dims[k] = sizes[below(rank < 3 ? 10 : rank < 4 ? 8 : 6)];
      if (round % 50 == 7 && k == 1) dims[k] = 0;
      order[k] = (int64_t)k;
    }
    for (size_t k = rank; k-- > 1;) { // a random permutation of the axes of x
      const size_t other = (size_t)below((int64_t)k + 1);
      const int64_t swap = order[k];
      order[k] = order[other], order[other] = swap;
    }
    for (size_t k = rank; k-- > 0;) shape[k] = dims[k] + (round % 3 == 0 ? below(3) : 0); // x larger than the part copied
    for (size_t k = rank; k-- > 0;) {
      const size_t axis = (size_t)order[k];
      xs[axis] = stride, stride *= shape[axis];
      if (round % 4 == 1 && below(3) == 0 && dims[axis] > 0) at += xs[axis] * (dims[axis] - 1), xs[axis] = -xs[axis];
      if (round % 4 == 2 && below(3) == 0) xs[axis] = 0;
    }
    const int64_t gap = round % 5 == 0 ? below(4) : 0; // y's rows apart, or y's axes swapped
    for (size_t k = rank; k-- > 0;) ys[k] = rows, rows = rows * dims[k] + (k + 1 == rank ? gap : 0);
    if (round % 7 == 0 && rank >= 2 && gap == 0) {
      ys[rank - 1] = dims[rank - 2], ys[rank - 2] = 1;
    }
    if (stride > CAPACITY || rows > CAPACITY) continue;
    memset(y, 0x5a, (size_t)(rows + 1) * size);
    memset(z, 0x5a, (size_t)(rows + 1) * size);
    CHECK(pk_strided_copy_kernel(isa)(x + at * (int64_t)size, xs, y, ys, dims, rank, size));
    naive_copy(x + at * (int64_t)size, xs, z, ys, dims, rank, size);
    if (memcmp(y, z, (size_t)(rows + 1) * size) != 0) FAIL("%s: strided copy of %zu bytes, rank %zu, round %d", pk_isa_name(isa), size, rank, round);
  }
  static const int64_t ones[17] = {1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1};
  CHECK(!pk_strided_copy_kernel(isa)(x, ones, y, ones, ones, 17, 4));
  CHECK(!pk_strided_copy_kernel(isa)(x, ones, y, ones, ones, 1, 3) && !pk_strided_copy_kernel(isa)(x, ones, y, ones, ones, 1, 0));
}

static void check_gather(void) {
  enum { ROWS = 37 };
  static const size_t sizes[] = {1, 2, 4, 8, 16, 3, 100};
  for (size_t s = 0; s < sizeof sizes / sizeof *sizes; s++) {
    int64_t wide[50];
    int32_t narrow[50];
    for (int i = 0; i < 50; i++) narrow[i] = (int32_t)(wide[i] = below(2 * ROWS) - ROWS);
    CHECK(pk_gather_rows_i64(x, wide, y, 50, sizes[s], ROWS) == 50 && pk_gather_rows_i32(x, narrow, z, 50, sizes[s], ROWS) == 50);
    for (int i = 0; i < 50; i++) CHECK(memcmp(y + (size_t)i * sizes[s], x + (size_t)(wide[i] < 0 ? wide[i] + ROWS : wide[i]) * sizes[s], sizes[s]) == 0);
    CHECK(memcmp(y, z, 50 * sizes[s]) == 0);
    wide[20] = ROWS, narrow[21] = -ROWS - 1, wide[30] = INT64_MIN;
    CHECK(pk_gather_rows_i64(x, wide, y, 50, sizes[s], ROWS) == 20 && pk_gather_rows_i32(x, narrow, y, 50, sizes[s], ROWS) == 21);
    wide[20] = 0;
    CHECK(pk_gather_rows_i64(x, wide, y, 50, sizes[s], ROWS) == 30 && pk_gather_rows_i64(x, wide, y, 50, sizes[s], 0) == 0);
  }
}

static void check_repeat(void) {
  static const size_t blocks[] = {1, 2, 3, 4, 16, 100, 5000, 20000};
  for (size_t b = 0; b < sizeof blocks / sizeof *blocks; b++)
    for (size_t times = 1; times < 200; times += times / 2 + 1) {
      const size_t total = blocks[b] * times;
      if (total >= sizeof y) continue;
      memcpy(y, x, blocks[b]);
      y[total] = 0x77;
      pk_repeat(y, blocks[b], times);
      for (size_t i = 0; i < total; i++) CHECK(y[i] == x[i % blocks[b]]);
      CHECK(y[total] == 0x77);
      if (blocks[b] <= 16) {
        memset(y, 0, total);
        pk_fill(y, x, blocks[b], times);
        for (size_t i = 0; i < total; i++) CHECK(y[i] == x[i % blocks[b]]);
        CHECK(y[total] == 0x77);
      }
    }
  y[0] = 1;
  pk_fill(y, x, 4, 0);
  CHECK(y[0] == 1);
}

// numpy.pad's rules, found by walking instead of by division.
static int64_t walk(pk_pad_mode mode, int64_t i, int64_t n) {
  if (mode == PK_PAD_EDGE) return i < 0 ? 0 : i >= n ? n - 1 : i;
  if (mode == PK_PAD_WRAP) {
    while (i < 0) i += n;
    while (i >= n) i -= n;
    return i;
  }
  if (n == 1) return 0;
  while (i < 0 || i >= n) i = i < 0 ? -i : 2 * (n - 1) - i;
  return i;
}

static void check_pad(void) {
  for (int round = 0; round < 3000; round++) {
    const size_t rank = 1 + (size_t)below(4), size = (size_t)1 << below(5);
    const pk_pad_mode mode = (pk_pad_mode)below(4);
    int64_t dims[4], before[4], after[4], length[4];
    bool makes_from_nothing = false;
    for (size_t k = 0; k < rank; k++) {
      dims[k] = below(6) + (round % 10 == 0 ? 0 : 1);
      before[k] = below(3) ? below(8) : 0, after[k] = below(3) ? below(8) : 0;
      if (round % 4 == 0 && dims[k] > 2) *(below(2) ? &before[k] : &after[k]) = -below(3);
      length[k] = dims[k] + before[k] + after[k];
      makes_from_nothing |= mode != PK_PAD_CONSTANT && dims[k] == 0 && length[k] > 0;
    }
    const int64_t total = product(length, rank);
    const unsigned char *value = x + 1000;
    memset(y, 0x5a, (size_t)(total + 1) * size);
    memset(z, 0x5a, (size_t)(total + 1) * size);
    const bool done = pk_pad(x, dims, y, before, after, rank, mode, value, size);
    CHECK(done == !makes_from_nothing);
    if (!done) continue;
    for (int64_t i = 0; i < total; i++) {
      int64_t rest = i, from = 0, step = 1;
      bool outside = false;
      for (size_t k = rank; k-- > 0; rest /= length[k]) {
        const int64_t at = rest % length[k] - before[k];
        outside |= mode == PK_PAD_CONSTANT && (at < 0 || at >= dims[k]);
        from += (mode == PK_PAD_CONSTANT ? at : walk(mode, at, dims[k])) * step, step *= dims[k];
      }
      memcpy(z + (size_t)i * size, outside ? value : x + (size_t)from * size, size);
    }
    if (memcmp(y, z, (size_t)(total + 1) * size) != 0) FAIL("pad: mode %d, rank %zu, size %zu, round %d", mode, rank, size, round);
  }
  const int64_t dims[1] = {3}, huge[1] = {INT64_MAX}, crop[1] = {-4}, none[1] = {0};
  CHECK(!pk_pad(x, dims, y, huge, huge, 1, PK_PAD_EDGE, x, 4) && !pk_pad(x, dims, y, crop, none, 1, PK_PAD_CONSTANT, x, 4));
}

#define CHECK_CUMULATIVE(T, type, read, write, slack)                                                                       \
  for (int variant = 0; variant < 16; variant++) {                                                                          \
    const bool exclusive = variant & 1, reverse = variant & 2, sum = variant & 4, in_place = variant & 8;                   \
    static const int64_t shapes[][3] = {{3, 7, 1}, {1, 1, 5}, {2, 0, 3}, {2, 9, 200}, {4, 5, 17}};                          \
    for (size_t s = 0; s < 5; s++) {                                                                                        \
      const int64_t outer = shapes[s][0], axis = shapes[s][1], inner = shapes[s][2];                                        \
      T a[4000], b[4000], source[4000];                                                                                     \
      for (int64_t i = 0; i < outer * axis * inner; i++) source[i] = a[i] = write(sum ? below(20) : 1 + below(2));          \
      T *out = in_place ? a : b;                                                                                            \
      const pk_cumulative_fn kernel = sum ? pk_cumulative_sum_kernel(isa, type) : pk_cumulative_product_kernel(isa, type);  \
      CHECK(kernel);                                                                                                        \
      const size_t lines = (size_t)(outer * inner), cut = lines > 0 ? random_bits() % lines : 0;                            \
      if (kernel) kernel(a, out, (size_t)axis, (size_t)inner, cut, lines, exclusive, reverse);                              \
      if (kernel) kernel(a, out, (size_t)axis, (size_t)inner, 0, cut, exclusive, reverse);                                  \
      for (int64_t o = 0; kernel && o < outer; o++)                                                                         \
        for (int64_t i = 0; i < inner; i++) {                                                                               \
          double running = sum ? 0 : 1;                                                                                     \
          for (int64_t k = 0; k < axis; k++) {                                                                              \
            const int64_t at = (o * axis + (reverse ? axis - 1 - k : k)) * inner + i;                                       \
            const double v = (double)read(source[at]), after = sum ? running + v : running * v;                             \
            const double wanted = exclusive ? running : after, got = (double)read(out[at]);                                 \
            if (fabs(got - wanted) > (slack) * fabs(wanted)) FAIL("%s: cumulative, type %d, variant %d: %g, not %g", pk_isa_name(isa), type, variant, got, wanted); \
            running = after;                                                                                                \
          }                                                                                                                 \
        }                                                                                                                   \
    }                                                                                                                       \
  }
#define ITSELF(v) (v)

static void report_speed(void) {
  enum { N = 1024 };
  double rate;
  MEASURE(rate, memcpy(y, x, (size_t)N * N * 4));
  printf("memcpy of 4 MiB: %.1f GB/s; transposes [1024, 1024], GB/s:\n", rate * N * N * 4 * 1e-9);
  for (size_t size = 1; size <= 8; size *= 2) {
    const int64_t n = size == 8 ? N / 2 : N, dims[2] = {n, n}, xs[2] = {1, n}, ys[2] = {n, 1};
    const int64_t batch[3] = {8, 64, 64}, bxs[3] = {4096, 1, 64}, bys[3] = {4096, 64, 1};
    const int64_t heads[3] = {12, 197, 64}, hxs[3] = {64, 768, 1}, hys[3] = {197 * 64, 64, 1};
    const int64_t channels[3] = {1, 3, 50000}, cxs[3] = {0, 1, 3}, cys[3] = {0, 50000, 1};
    FOR_EACH_ISA(isa) {
      printf("%zu bytes, %-6s", size, pk_isa_name(isa));
      const int64_t *const all[][3] = {{dims, xs, ys}, {batch, bxs, bys}, {heads, hxs, hys}, {channels, cxs, cys}};
      static const char *const names[] = {"square", "8x64x64", "heads", "3 channels"};
      for (int c = 0; c < 4; c++) {
        const size_t rank = c == 0 ? 2 : 3, bytes = (size_t)product(all[c][0], rank) * size;
        MEASURE(rate, pk_strided_copy_kernel(isa)(x, all[c][1], y, all[c][2], all[c][0], rank, size));
        printf("  %s %5.2f", names[c], rate * (double)bytes * 1e-9);
      }
      puts("");
    }
  }
  FOR_EACH_ISA(isa) {
    memset(x, 0, 400000);
    MEASURE(rate, pk_cumulative_sum_kernel(isa, PK_F32)(x, y, 1000, 1, 0, 100, false, false));
    printf("cumsum of rows %.2f/ns", rate * 1e5 * 1e-9);
    MEASURE(rate, pk_cumulative_sum_kernel(isa, PK_F32)(x, y, 1000, 100, 0, 100, false, false));
    printf(", of columns %.2f/ns\n", rate * 1e5 * 1e-9);
  }
}

// Single elements: those that are chosen, those that indices name, and back.
static void check_elements(void) {
  enum { N = 1500 };
  static unsigned char from[N * 16], to[N * 16 + 16];
  static uint8_t flags[N];
  static int64_t wide[N];
  static int32_t narrow[N];
  for (size_t size = 1; size <= 16; size *= 2)
    for (size_t n = 0; n < N; n += n < 20 ? 1 : 97) {
      for (size_t i = 0; i < sizeof from; i++) from[i] = (unsigned char)random_bits();
      size_t count = 0;
      for (size_t i = 0; i < n; i++) count += (flags[i] = random_bits() % 3 ? (uint8_t)(random_bits() % 3) : 0) != 0;
      memset(to, 7, sizeof to);
      pk_compress(from, flags, n, size, to, count);
      for (size_t i = 0, at = 0; i < n; i++)
        if (flags[i]) CHECK(memcmp(to + at++ * size, from + i * size, size) == 0);
      CHECK(to[count * size] == 7);

      const size_t extent = n + 3;
      for (size_t i = 0; i < n; i++) narrow[i] = (int32_t)(wide[i] = (int64_t)(random_bits() % (2 * extent)) - (int64_t)extent);
      static unsigned char expected[(N + 3) * 16], placed[(N + 3) * 16];
      memset(expected, 0, sizeof expected);
      memset(placed, 0, sizeof placed);
      for (size_t i = 0; i < n; i++) memcpy(expected + (size_t)(wide[i] < 0 ? wide[i] + (int64_t)extent : wide[i]) * size, from + i * size, size);
      CHECK(pk_place_elements(from, wide, n, size, placed, extent) == n);
      CHECK(memcmp(placed, expected, sizeof placed) == 0);
      for (int drift = 0; drift < 2; drift++)
        for (size_t step = 1; step < 3; step++) {
          static unsigned char data[((N + 3) * 2 + N) * 16], got[2][N * 16];
          for (size_t i = 0; i < sizeof data; i++) data[i] = (unsigned char)random_bits();
          CHECK(pk_gather_elements(data, wide, true, extent, step, (size_t)drift, size, got[0], n));
          CHECK(pk_gather_elements(data, narrow, false, extent, step, (size_t)drift, size, got[1], n));
          for (size_t i = 0; i < n; i++) {
            const size_t place = (size_t)(wide[i] < 0 ? wide[i] + (int64_t)extent : wide[i]);
            for (int k = 0; k < 2; k++) CHECK(memcmp(got[k] + i * size, data + (place * step + i * (size_t)drift) * size, size) == 0);
          }
        }
      if (n == 0) continue;
      const size_t bad = random_bits() % n;
      wide[bad] = random_bits() % 2 ? (int64_t)extent : -(int64_t)extent - 1;
      narrow[bad] = (int32_t)wide[bad];
      CHECK(pk_place_elements(from, wide, n, size, placed, extent) == bad);
      static unsigned char out[N * 16];
      CHECK(!pk_gather_elements(from, wide, true, extent, 0, 0, size, out, n) && !pk_gather_elements(from, narrow, false, extent, 0, 0, size, out, n));
      wide[bad] = random_bits() % 2 ? INT64_MIN : INT64_MAX;
      CHECK(!pk_gather_elements(from, wide, true, extent, 0, 0, size, out, n));
    }
}

static void check_tile(void) {
  static unsigned char from[6000], to[60000];
  for (size_t i = 0; i < sizeof from; i++) from[i] = (unsigned char)random_bits();
  for (int round = 0; round < 400; round++) {
    const size_t rank = 1 + random_bits() % 3, size = (size_t)1 << random_bits() % 5;
    size_t dims[3], repeats[3], in = size, out = size;
    for (size_t k = 0; k < rank; k++) {
      dims[k] = 1 + random_bits() % (rank == 1 ? 60 : 7), repeats[k] = 1 + random_bits() % (rank == 1 ? 60 : 3);
      in *= dims[k], out *= dims[k] * repeats[k];
    }
    if (in > sizeof from || out >= sizeof to) continue;
    to[out] = 99;
    pk_tile(from, dims, repeats, rank, size, to);
    CHECK(to[out] == 99);
    for (size_t i = 0; i < out / size; i++) {
      size_t rest = i, source = 0, stride = 1;
      for (size_t k = rank; k-- > 0;) {
        source += rest % (dims[k] * repeats[k]) % dims[k] * stride;
        rest /= dims[k] * repeats[k], stride *= dims[k];
      }
      CHECK(memcmp(to + i * size, from + source * size, size) == 0);
    }
  }
}

int main(int argc, char **argv) {
  for (size_t i = 0; i < sizeof x; i++) x[i] = (unsigned char)random_bits();
  FOR_EACH_ISA(isa) {
    for (size_t size = 1; size <= 16; size *= 2) check_copy(isa, size);
    CHECK_CUMULATIVE(float, PK_F32, ITSELF, (float), 1e-6)
    CHECK_CUMULATIVE(double, PK_F64, ITSELF, (double), 1e-15)
    CHECK_CUMULATIVE(uint16_t, PK_F16, decode_f16, encode_f16, 0x1p-11)
    CHECK_CUMULATIVE(uint16_t, PK_BF16, decode_bf16, encode_bf16, 0x1p-8)
    CHECK_CUMULATIVE(int32_t, PK_I32, ITSELF, (int32_t), 0)
    CHECK_CUMULATIVE(int64_t, PK_I64, ITSELF, (int64_t), 0)
    CHECK_CUMULATIVE(uint32_t, PK_U32, ITSELF, (uint32_t), 0)
    CHECK_CUMULATIVE(uint64_t, PK_U64, ITSELF, (uint64_t), 0)
    CHECK(!pk_cumulative_sum_kernel(isa, PK_I8) && !pk_cumulative_product_kernel(isa, PK_BOOL));
  }
  check_elements();
  check_tile();
  check_gather();
  check_repeat();
  check_pad();
  if (argc > 1 && strcmp(argv[1], "--time") == 0) report_speed();
  return finish("move_test");
}
