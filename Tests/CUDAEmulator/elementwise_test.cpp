// Generated chains against the same arithmetic in double precision. Tests/PinionCUDATests sees to it that the files are the generator's.
#include "check.h"

#include "half_flat.cu"
#include "half_strided.cu"
#include "long_flat.cu"
#include "mixed_flat.cu"
#include "names.h"
#include "silu_flat.cu"
#include "silu_strided.cu"

static double silu_of(double x) { return x / (1 + std::exp(-x)); }
static double gelu_of(double x) { return 0.5 * x * (1 + std::erf(x * std::sqrt(0.5))); }

static void silu_chains() {
  const int rows = between(1, 30), columns = 4 * between(1, 40), count = rows * columns;
  Device<float> a(count), scale(columns), bias(1), residual(count), y(count);
  auto random = [](size_t) { return normal(); };
  a.fill(random), scale.fill(random), bias.fill(random), residual.fill(random);
  auto wanted = [&](size_t i) { return silu_of((double)a[i] * scale[i % columns] + bias[0]) + residual[i]; };
  bool ok = emulator::run("silu_flat", between(1, 4), 256, 0, silu_flat, a.data(), scale.data(), bias.data(), residual.data(), y.data(), count, columns);
  expect("silu_flat", ok, count, [&](size_t i) { return y[i]; }, wanted, 1e-5);
  memset((void *)y.data(), 0xff, count * sizeof(float));
  const Axes<4> axes = {2, {rows, columns}, {{columns, 1}, {0, 1}, {0, 0}, {columns, 1}}};
  ok = emulator::run("silu_strided", between(1, 4), 256, 0, silu_strided, a.data(), scale.data(), bias.data(), residual.data(), y.data(), count, axes);
  expect("silu_strided", ok, count, [&](size_t i) { return y[i]; }, wanted, 1e-5);
}

static void half_chains() {
  const int rows = between(1, 30), columns = 4 * between(1, 40), count = rows * columns;
  Device<u16> a(count), b(columns), y(count);
  auto random = [](size_t) { return half(normal()); };
  a.fill(random), b.fill(random);
  auto wanted = [&](size_t i) { return gelu_of((double)float_of_half(a[i]) + float_of_half(b[i % columns])); };
  bool ok = emulator::run("half_flat", between(1, 4), 256, 0, half_flat, a.data(), b.data(), y.data(), count, columns);
  expect("half_flat", ok, count, [&](size_t i) { return float_of_half(y[i]); }, wanted, 2e-3);
  // An odd last axis, read the other way round: a is [columns, rows].
  Device<u16> v(count);
  const Axes<2> axes = {2, {rows, columns}, {{1, rows}, {0, 1}}};
  ok = emulator::run("half_strided", between(1, 4), 256, 0, half_strided, a.data(), b.data(), v.data(), count, axes);
  expect("half_strided", ok, count, [&](size_t i) { return float_of_half(v[i]); },
         [&](size_t i) {
           const size_t row = i / columns, column = i % columns;
           return gelu_of((double)float_of_half(a[column * rows + row]) + float_of_half(b[column]));
         },
         2e-3);
}

static void mixed_chain() {
  const int count = between(1, 700);
  Device<i64> a(count), b(count), y(count);
  Device<u8> c(count);
  Device<u16> d(count), z(count);
  // Of any size, so that sums wrap around.
  auto random = [](size_t) { return (i64)((u64)generator() << 32 | generator()) >> between(0, 60); };
  a.fill(random), b.fill(random);
  c.fill([](size_t) { return (u8)between(0, 1); });
  d.fill([](size_t) { return bfloat_of_float(normal()); });
  const bool ok = emulator::run("mixed_flat", between(1, 3), 256, 0, mixed_flat, a.data(), b.data(), c.data(), d.data(), y.data(), z.data(), count, count);
  expect("mixed_flat", ok, count, [&](size_t i) { return y[i] == (a[i] < b[i] && c[i] ? std::min(a[i], b[i]) : (i64)((u64)a[i] + (u64)b[i])) ? 0.0 : 1.0; },
         [](size_t) { return 0.0; }, 0);
  expect("mixed_flat, negative", ok, count, [&](size_t i) { return float_of_bfloat(z[i]); }, [&](size_t i) { return -float_of_bfloat(d[i]); }, 0);
}

static void long_chain() {
  // The functions in the order of ElementwiseFunction, each on the result of the one before.
  const int count = between(1, 600);
  Device<float> x(count), y(count);
  x.fill([](size_t) { return -0.5f - std::fabs(normal()); });
  const bool ok = emulator::run("long_flat", 1, 256, 0, long_flat, x.data(), y.data(), count, count);
  expect("long_flat", ok, count, [&](size_t i) { return y[i]; },
         [&](size_t i) {
           double v = std::fabs(-(double)x[i]);
           v = 1 / std::sqrt(std::log(std::exp(v)));
           v = std::erf(std::tanh(v));
           v = silu_of(1 / (1 + std::exp(-std::max(v, 0.0))));
           v = gelu_of(v);
           v = 0.5 * v * (1 + std::tanh(std::sqrt(2 / M_PI) * (v + 0.044715 * v * v * v)));
           return std::log1p(std::exp(v));
         },
         1e-5);
}

int main(int count, char **arguments) {
  return finish("elementwise", seeds_of(count, arguments), [] {
    for (int i = 0; i < 4; i++) silu_chains(), half_chains(), mixed_chain(), long_chain();
  });
}
