#include "ckernels_test.h"

typedef enum kind { MAX, AVERAGE, LP } kind;

/// Element i of an array of the type, as a double. Half types by ldexp, from the definition of their bits.
static double element(pk_type type, const void *p, size_t i) {
  const uint16_t h = type == PK_F16 || type == PK_BF16 ? ((const uint16_t *)p)[i] : 0;
  switch (type) {
  case PK_F32: return ((const float *)p)[i];
  case PK_F64: return ((const double *)p)[i];
  case PK_I8: return ((const int8_t *)p)[i];
  case PK_U8: return ((const uint8_t *)p)[i];
  case PK_F16: {
    const int e = h >> 10 & 31, f = h & 1023;
    const double v = e == 31 ? (f ? NAN : INFINITY) : e ? ldexp(1024 + f, e - 25) : ldexp(f, -24);
    return h & 0x8000 ? -v : v;
  }
  default: {
    const int e = h >> 7 & 255, f = h & 127;
    const double v = e == 255 ? (f ? NAN : INFINITY) : e ? ldexp(128 + f, e - 134) : ldexp(f, -133);
    return h & 0x8000 ? -v : v;
  }
  }
}

static size_t width_of(pk_type type) { return type == PK_F64 ? 8 : type == PK_F32 ? 4 : type == PK_I8 || type == PK_U8 ? 1 : 2; }

static void *random_array(pk_type type, size_t count) {
  unsigned char *p = buffer(count * width_of(type), 0);
  for (size_t i = 0; i < count; i++) {
    if (type == PK_F32) ((float *)p)[i] = random_bits() % 500 == 0 ? NAN : random_unit();
    else if (type == PK_F64) ((double *)p)[i] = random_unit();
    else if (width_of(type) == 1) p[i] = (uint8_t)random_bits();
    else ((uint16_t *)p)[i] = (uint16_t)((random_bits() & 0x8fff) | (type == PK_F16 ? 0x3000 : 0x3700));
  }
  return p;
}

static void test_one(pk_isa isa, kind k, pk_type type) {
  pk_pool_shape s = {.rank = random_in(1, 3)};
  const bool ceil_mode = random_bits() & 1, dense = random_bits() % 3 == 0;
  size_t in = 1, out = 1, taps = 1;
  for (size_t i = 0; i < s.rank; i++) {
    s.in[i] = random_in(1, s.rank == 1 ? 200 : s.rank == 2 ? 40 : 9);
    // Long windows now and then, and often a stride of one on all axes.
    s.kernel[i] = random_bits() % 4 ? random_in(1, 4) : random_in(1, s.rank == 3 ? 5 : 14), s.stride[i] = dense ? 1 : random_in(1, 4);
    s.dilation[i] = random_bits() % 3 ? 1 : random_in(1, 3);
    s.pad[i] = random_bits() & 1 ? random_in(0, s.kernel[i] - 1) : 0, s.pad_end[i] = random_bits() & 1 ? random_in(0, s.kernel[i] - 1) : 0;
    const size_t reach = (s.kernel[i] - 1) * s.dilation[i] + 1, padded = s.in[i] + s.pad[i] + s.pad_end[i];
    if (padded < reach) return;
    s.out[i] = (padded - reach + (ceil_mode ? s.stride[i] - 1 : 0)) / s.stride[i] + 1;
    in *= s.in[i], out *= s.out[i], taps *= s.kernel[i];
  }
  const size_t planes = random_in(1, 4), first = random_in(0, planes - 1);
  const bool count_pad = random_bits() & 1, with_indices = random_bits() & 1, column_major = random_bits() & 1;
  const double p = (double)random_in(1, 3);
  void *x = random_array(type, planes * in), *y = buffer(planes * out * width_of(type), 0x77);
  int64_t *indices = buffer(planes * out * 8, 0);
  scratch t = scratch_of(pk_pool_scratch_bytes(isa, type, &s));
  bool known;
  const size_t rows = k == LP || with_indices ? 0 : pk_pool_rows(type, &s, k == MAX);
  if (rows && random_bits() & 1) {
    // Any cut into rows gives the same.
    known = true;
    for (size_t row = first * rows; row < planes * rows;) {
      const size_t last = row + random_in(1, planes * rows - row);
      if (k == MAX) known &= pk_pool_max_rows(isa, type, &s, planes, x, y, row, last, t.bytes);
      else known &= pk_pool_average_rows(isa, type, &s, count_pad, planes, x, y, row, last, t.bytes);
      row = last;
    }
  } else if (k == MAX) known = pk_pool_max(isa, type, &s, x, y, with_indices ? indices : NULL, column_major, first, planes, t.bytes);
  else if (k == AVERAGE) known = pk_pool_average(isa, type, &s, count_pad, x, y, first, planes, t.bytes);
  else known = pk_pool_lp(type, &s, p, x, y, first, planes);
  CHECK(known, "type %d not known", type);
  CHECK(scratch_end(t), "pooling wrote behind its scratch");
  for (size_t i = first * out; i < planes * out; i++) {
    const size_t plane = i / out;
    size_t o[3] = {0}, rest = i % out;
    for (size_t a = s.rank; a-- > 0; rest /= s.out[a]) o[a] = rest % s.out[a];
    double best = type == PK_I8 ? -128 : type == PK_U8 ? 0 : -INFINITY, sum = 0, norm = 0;
    int64_t at_best = -1;
    size_t seen = 0, padded = 0;
    for (size_t tap = 0; tap < taps; tap++) {
      bool inside = true, in_pad = true;
      size_t index = 0, column = 0, scale = 1, q = tap, tap_of[3];
      for (size_t a = s.rank; a-- > 0; q /= s.kernel[a]) tap_of[a] = q % s.kernel[a];
      for (size_t a = 0; a < s.rank; a++) {
        const long long w = (long long)(o[a] * s.stride[a] + tap_of[a] * s.dilation[a]) - (long long)s.pad[a];
        inside &= w >= 0 && w < (long long)s.in[a];
        in_pad &= w < (long long)(s.in[a] + s.pad_end[a]);
        index = index * s.in[a] + (size_t)w;
        column += (size_t)w * scale;
        scale *= s.in[a];
      }
      padded += in_pad;
      if (!inside) continue;
      seen++;
      const double v = element(type, x, plane * in + index);
      if (isnan(v) ? !isnan(best) : at_best < 0 || v > best) best = v, at_best = (int64_t)(plane * in + (column_major ? column : index));
      sum += v;
      norm += pow(fabs(v), p);
    }
    const size_t count = count_pad ? padded : seen;
    const double want = k == MAX ? best : k == AVERAGE ? (count ? sum / (double)count : 0) : pow(norm, 1 / p);
    const double got = element(type, y, i);
    const double error = k == MAX ? 0 : type == PK_F64 ? 1e-14 : type == PK_F32 ? 1e-6 : type == PK_F16 ? 6e-4 : 5e-3;
    const bool same = isnan(want)
                          ? isnan(got)
                          : got == want || fabs(got - want) <= error * (fabs(want) + (k == MAX ? 0 : 0.01 + (type == PK_F32 ? 4 : 0)));
    CHECK(same, "%s kind %d type %d rank %zu: y[%zu] = %g, not %g", pk_isa_name(isa), k, type, s.rank, i, got, want);
    if (k == MAX && with_indices)
      CHECK(indices[i] == at_best, "type %d: index %lld, not %lld", type, (long long)indices[i], (long long)at_best);
  }
  free(x), free(y), free(indices);
}

static void test_global(pk_isa isa, pk_type type) {
  const size_t count = random_in(1, 200), planes = random_in(1, 5);
  void *x = random_array(type, planes * count), *y = buffer(planes * width_of(type), 0);
  for (int max = 0; max < 2; max++) {
    const bool known =
        max ? pk_pool_global_max(isa, type, count, x, y, 0, planes) : pk_pool_global_average(isa, type, count, x, y, 0, planes);
    CHECK(known, "type %d not known", type);
    for (size_t i = 0; i < planes; i++) {
      double sum = 0, best = -INFINITY;
      for (size_t j = 0; j < count; j++) {
        const double v = element(type, x, i * count + j);
        sum += v;
        if (isnan(v) || v > best) best = v;
      }
      const double want = isnan(sum) ? NAN : max ? best : sum / (double)count, got = element(type, y, i);
      const double error = max ? 0 : type == PK_F64 ? 1e-14 : type == PK_F32 ? 1e-6 : type == PK_F16 ? 6e-4 : 5e-3;
      CHECK(isnan(want) ? isnan(got) : fabs(got - want) <= error * (fabs(want) + 0.1), "%s global %d type %d: %g, not %g", pk_isa_name(isa),
            max, type, got, want);
    }
  }
  free(x), free(y);
}

/// Maxima with the channels last, by the definition.
static void test_last(pk_isa isa, pk_type type) {
  pk_pool_shape s = {.rank = random_in(1, 3)};
  size_t in[3] = {1, 1, 1}, out[3] = {1, 1, 1};
  const size_t first = 3 - s.rank;
  for (size_t i = 0; i < s.rank; i++) {
    s.in[i] = random_in(1, 9), s.kernel[i] = random_in(1, 4), s.stride[i] = random_in(1, 3), s.dilation[i] = random_in(1, 2);
    s.pad[i] = random_in(0, 4);
    const size_t reach = (s.kernel[i] - 1) * s.dilation[i] + 1, padded = s.in[i] + s.pad[i] + random_in(0, 4);
    if (padded < reach) return;
    s.out[i] = (padded - reach) / s.stride[i] + 1;
    in[first + i] = s.in[i], out[first + i] = s.out[i];
  }
  const size_t images = random_in(1, 2), channels = random_in(1, 150), inputs = in[0] * in[1] * in[2], positions = out[0] * out[1] * out[2];
  uint8_t *x = malloc(images * inputs * channels), *y = buffer(images * positions * channels + 64, 0x5a);
  for (size_t i = 0; i < images * inputs * channels; i++) x[i] = (uint8_t)random_bits();
  const size_t half = random_in(0, images * positions);
  CHECK(pk_pool_max_last(isa, type, &s, channels, x, y, half, images * positions), "no maxima of type %d", type);
  pk_pool_max_last(isa, type, &s, channels, x, y, 0, half);
  bool bad = false;
  for (size_t i = 0; i < images * positions * channels && !bad; i++) {
    const size_t c = i % channels, p = i / channels % positions, image = i / channels / positions;
    const size_t at[3] = {p / out[2] / out[1], p / out[2] % out[1], p % out[2]};
    int want = type == PK_I8 ? -128 : 0;
    size_t taps = 1;
    for (size_t a = 0; a < s.rank; a++) taps *= s.kernel[a];
    for (size_t t = 0; t < taps; t++) {
      size_t rest = t, place[3] = {0, 0, 0};
      bool inside = true;
      for (size_t a = s.rank; a-- > 0;) {
        const size_t h = at[first + a] * s.stride[a] + rest % s.kernel[a] * s.dilation[a] - s.pad[a];
        rest /= s.kernel[a], inside &= h < s.in[a], place[first + a] = h;
      }
      if (!inside) continue;
      const uint8_t byte = x[(image * inputs + (place[0] * in[1] + place[1]) * in[2] + place[2]) * channels + c];
      const int value = type == PK_I8 ? (int8_t)byte : byte;
      want = value > want ? value : want;
    }
    const int got = type == PK_I8 ? (int8_t)y[i] : y[i];
    bad = got != want;
    CHECK(!bad, "%s: type %d, channel %zu at %zu: %d, not %d", pk_isa_name(isa), type, c, p, got, want);
  }
  for (size_t i = 0; i < 64; i++) CHECK(y[images * positions * channels + i] == 0x5a, "%s: wrote behind the result", pk_isa_name(isa));
  free(x), free(y);
}

/// Every 16-bit pattern must survive: the maximum of one element is itself, and its mean as well.
static void test_halves(void) {
  static uint16_t x[65536], y[65536];
  for (unsigned i = 0; i < 65536; i++) x[i] = (uint16_t)i;
  const pk_type types[] = {PK_F16, PK_BF16};
  for (int t = 0; t < 2; t++) {
    pk_pool_global_average(PK_ISA_SCALAR, types[t], 1, x, y, 0, 65536);
    for (unsigned i = 0; i < 65536; i++) {
      const double a = element(types[t], x, i), b = element(types[t], y, i);
      CHECK(isnan(a) ? isnan(b) : a == b, "type %d: %04x became %04x", types[t], i, y[i]);
    }
    // The mean of two neighbours lies half-way: it must go to the even one.
    for (uint16_t i = 1; i < 0x7bff; i += 7) {
      uint16_t pair[2] = {i, (uint16_t)(i + 1)}, mean;
      pk_pool_global_average(PK_ISA_SCALAR, types[t], 2, pair, &mean, 0, 1);
      CHECK(mean == (i & 1 ? i + 1 : i), "type %d: mean of %04x and the next is %04x", types[t], i, mean);
    }
  }
}

int main(void) {
  const pk_type all[] = {PK_F32, PK_F64, PK_F16, PK_BF16, PK_I8, PK_U8};
  test_halves();
  FOR_EACH_ISA(isa) {
    for (int i = 0; i < 1500; i++) {
      test_one(isa, MAX, i % 2 ? PK_F32 : all[random_in(0, 5)]);
      test_one(isa, AVERAGE, i % 2 ? PK_F32 : all[random_in(0, 3)]);
      if (i % 4 == 0) test_last(isa, i % 8 ? PK_U8 : PK_I8);
      if (i % 4 == 0) test_one(isa, LP, all[random_in(0, 3)]);
      if (i % 4 == 0) test_global(isa, all[random_in(0, 3)]);
    }
    CHECK(!pk_pool_global_max(isa, PK_I64, 1, NULL, NULL, 0, 0), "took a type it cannot do");
  }
  return test_end("pool_test");
}
