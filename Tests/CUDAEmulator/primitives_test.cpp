// The primitives against their definitions, written out from the instructions' documentation.
#include "check.h"

#include "primitives.cu"

// A binary floating-point number from its parts, for formats with a sign, `exponent_bits` and `fraction_bits`.
static double decoded(u32 bits, int exponent_bits, int fraction_bits) {
  const int bias = (1 << (exponent_bits - 1)) - 1, exponent = bits >> fraction_bits & ((1 << exponent_bits) - 1), fraction = bits & ((1 << fraction_bits) - 1);
  const double sign = bits >> (exponent_bits + fraction_bits) & 1 ? -1 : 1;
  if (exponent == (1 << exponent_bits) - 1) return fraction ? NAN : sign * INFINITY;
  return sign * (exponent ? std::ldexp(1 + std::ldexp(fraction, -fraction_bits), exponent - bias) : std::ldexp(fraction, 1 - bias - fraction_bits));
}
// The nearest number of the format; ties to the even fraction, or away from zero.
static double rounded(double x, int exponent_bits, int fraction_bits, bool ties_away) {
  if (x == 0 || std::isnan(x) || std::isinf(x)) return x;
  const int bias = (1 << (exponent_bits - 1)) - 1, exponent = std::max(std::ilogb(x), 1 - bias);
  const double unit = std::ldexp(1, exponent - fraction_bits), steps = x / unit, result = (ties_away ? std::round(steps) : std::nearbyint(steps)) * unit;
  return std::fabs(result) >= std::ldexp(1, bias + 1) ? std::copysign(INFINITY, x) : result;
}

static void conversions() {
  Device<u16> x(65536), back(65536);
  Device<float> wide(65536);
  x.fill([](size_t i) { return (u16)i; });
  bool ok = emulator::run("primitive_halves", 256, 256, 0, primitive_halves, x.data(), wide.data(), back.data(), 65536);
  expect("halves", ok, 65536, [&](size_t i) { return wide[i]; }, [&](size_t i) { return decoded(x[i], 5, 10); }, 0);
  expect("halves and back", ok, 65536, [&](size_t i) { return decoded(back[i], 5, 10); }, [&](size_t i) { return decoded(x[i], 5, 10); }, 0);

  const int count = 4096;
  Device<float> y(count);
  Device<u16> halves(count), bfloats(count);
  Device<u32> tf32(count);
  // All exponents, and many fractions that lie half-way between two numbers.
  y.fill([](size_t i) {
    u32 bits = generator();
    if (i % 3 == 0) bits &= 0xfffff000u;
    if (i % 5 == 0) bits = (bits & 0x87ffffffu) | 0x38000000u;
    return float_of_bits(bits);
  });
  ok = emulator::run("primitive_rounding", count / 256, 256, 0, primitive_rounding, y.data(), halves.data(), bfloats.data(), tf32.data(), count);
  expect("to half", ok, count, [&](size_t i) { return decoded(halves[i], 5, 10); }, [&](size_t i) { return rounded(y[i], 5, 10, false); }, 0);
  expect("to bfloat", ok, count, [&](size_t i) { return decoded(bfloats[i], 8, 7); }, [&](size_t i) { return rounded(y[i], 8, 7, false); }, 0);
  expect("to tf32", ok, count, [&](size_t i) { return std::isnan(y[i]) ? 0.0 : (double)float_of_bits(tf32[i]); },
         [&](size_t i) { return std::isnan(y[i]) ? 0.0 : rounded(y[i], 8, 10, true); }, 0);
}

static void warps() {
  Device<u32> x(32), y(6 * 32);
  x.fill([](size_t) { return (u32)generator(); });
  bool ok = emulator::run("primitive_shuffles", 1, 32, 0, primitive_shuffles, x.data(), y.data());
  expect("shuffles", ok, y.count(), [&](size_t i) { return y[i]; },
         [&](size_t i) { return i < 160 ? x[i % 32 ^ (1u << i / 32)] : x[(i % 32 * 7 + 3) % 32]; }, 0);

  Device<u16> rows(256);
  Device<u32> plain(128), transposed(128);
  rows.fill([](size_t i) { return (u16)i; });
  ok = emulator::run("primitive_matrices", 1, 32, 0, primitive_matrices, rows.data(), plain.data(), transposed.data());
  // Word m of lane l: row l / 4, elements 2 (l % 4) and the next of matrix m; transposed, the column instead of the row.
  expect("matrices", ok, 128, [&](size_t i) { return plain[i]; },
         [&](size_t i) {
           const size_t at = i % 4 * 64 + i / 16 * 8 + i / 4 % 4 * 2;
           return rows[at] | (u32)rows[at + 1] << 16;
         },
         0);
  expect("matrices, transposed", ok, 128, [&](size_t i) { return transposed[i]; },
         [&](size_t i) {
           const size_t at = i % 4 * 64 + i / 4 % 4 * 2 * 8 + i / 16;
           return rows[at] | (u32)rows[at + 8] << 16;
         },
         0);
}

// c[16 x 8] += a[16 x depth] b[depth x 8]: the fragments are filled from matrices by the documented places, each word with 32 / bits elements.
template <class Sum, class Kernel>
static void multiplication(const std::string &name, int bits, Kernel kernel, const std::function<u32(int)> &encode) {
  const int each = 32 / bits, depth = 8 * each;
  std::vector<int> a(16 * depth), b(depth * 8), c(16 * 8);
  for (int &v : a) v = between(-8, 8);
  for (int &v : b) v = between(-8, 8);
  for (int &v : c) v = between(-100, 100);
  Device<u32> left(128), right(64);
  Device<Sum> sums(128);
  for (int lane = 0; lane < 32; lane++) {
    const int group = lane / 4, quad = lane % 4;
    for (int i = 0; i < 4; i++) {
      u32 word = 0;
      for (int e = 0; e < each; e++) word |= encode(a[(group + i % 2 * 8) * depth + i / 2 * 4 * each + quad * each + e]) << (e * bits % 32);
      left[lane * 4 + i] = word;
      sums[lane * 4 + i] = (Sum)c[(group + i / 2 * 8) * 8 + quad * 2 + i % 2];
    }
    for (int i = 0; i < 2; i++) {
      u32 word = 0;
      for (int e = 0; e < each; e++) word |= encode(b[(i * 4 * each + quad * each + e) * 8 + group]) << (e * bits % 32);
      right[lane * 2 + i] = word;
    }
  }
  const bool ok = emulator::run(name.c_str(), 1, 32, 0, kernel, left.data(), right.data(), sums.data());
  expect(name, ok, 128, [&](size_t i) { return (double)sums[i]; },
         [&](size_t i) {
           const int lane = i / 4, row = lane / 4 + i % 4 / 2 * 8, column = lane % 4 * 2 + i % 2;
           double sum = c[row * 8 + column];
           for (int k = 0; k < depth; k++) sum += a[row * depth + k] * b[k * 8 + column];
           return sum;
         },
         0);
}

static void copies() {
  Device<u32> x(256), y(512);
  Device<i32> bytes(64);
  x.fill([](size_t) { return (u32)generator(); }), bytes.fill([](size_t) { return 4 * between(0, 4); });
  const bool ok = emulator::run("primitive_copies", 1, 64, 0, primitive_copies, x.data(), bytes.data(), y.data());
  expect("copies", ok, 512, [&](size_t i) { return y[i]; },
         [&](size_t i) {
           const int second = i / 256, thread = i % 256 / 4 ^ (second ? 33 : 1), there = bytes[second ? 63 - thread : thread];
           return (int)(i % 4) * 4 < there ? x[thread * 4 + i % 4] : 0;
         },
         0);
}

static void atomics() {
  const int count = between(1, 1000);
  Device<i32> x(count), least(1);
  Device<float> sum(1);
  Device<u32> counted(1), seen(count);
  x.fill([](size_t) { return between(-1000, 1000); }), seen.fill([](size_t) { return 0u; });
  least[0] = 5000, sum[0] = 0, counted[0] = 0;
  const bool ok = emulator::run("primitive_atomics", 4, 256, 0, primitive_atomics, x.data(), least.data(), sum.data(), counted.data(), seen.data(), count);
  expect("least", ok, 1, [&](size_t) { return least[0]; }, [&](size_t) { return *std::min_element(x.data(), x.data() + count); }, 0);
  expect("sum", ok, 1, [&](size_t) { return sum[0]; }, [&](size_t) { return std::accumulate(x.data(), x.data() + count, 0); }, 0);
  expect("count", ok, 1, [&](size_t) { return counted[0]; }, [&](size_t) { return count; }, 0);
  expect("places", ok, count, [&](size_t i) { return seen[i]; }, [](size_t) { return 1; }, 0);
}

int main(int count, char **arguments) {
  return finish("primitives", seeds_of(count, arguments), [] {
    conversions(), warps(), copies(), atomics();
    multiplication<float>("primitive_multiply_add_half", 16, primitive_multiply_add_half, [](int v) { return (u32)half((double)v); });
    multiplication<float>("primitive_multiply_add_bfloat", 16, primitive_multiply_add_bfloat, [](int v) { return bits_of_float((float)v) >> 16; });
    multiplication<float>("primitive_multiply_add_tf32", 32, primitive_multiply_add_tf32, [](int v) { return bits_of_float((float)v); });
    multiplication<i32>("primitive_multiply_add_int8", 8, primitive_multiply_add_int8, [](int v) { return (u32)(u8)(i8)v; });
  }, false);
}
