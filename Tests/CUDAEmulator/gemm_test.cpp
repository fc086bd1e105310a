// The matrix products against a double-precision loop.
#include "check.h"

#include "gemm.cu"

static double activation(double x, int kind) {
  switch (kind) {
  case 1: return x > 0 ? x : 0;
  case 2: return 0.5 * x * (1 + std::erf(x * std::sqrt(0.5)));
  case 3: return x / (1 + std::exp(-x));
  case 4: return 1 / (1 + std::exp(-x));
  default: return x;
  }
}

struct Case {
  int m, n, k, batch, activation;
  bool has_bias, has_residual, shares_b;
};

static Product product(const Case &c) {
  const int b_step = c.shares_b ? 0 : c.k * c.n;
  return {c.m, c.n, c.k, c.activation, {c.m * c.k, 0}, {b_step, 0}, {c.m * c.n, 0}};
}

template <class T, class Encode, class Decode, class Run>
static void test(const std::string &name, const Case &c, double tolerance, Encode encode, Decode decode, Run run) {
  Device<T> a((size_t)c.batch * c.m * c.k), b((size_t)(c.shares_b ? 1 : c.batch) * c.k * c.n), bias(c.n),
      residual((size_t)c.batch * c.m * c.n), y((size_t)c.batch * c.m * c.n);
  auto random = [&](size_t) { return encode(normal()); };
  a.fill(random), b.fill(random), bias.fill(random), residual.fill(random);
  const float alpha = 0.5f;
  const dim3 grid((c.n + 63) / 64, (c.m + 63) / 64, c.batch);
  const bool launched = run(grid, a.data(), b.data(), c.has_bias ? bias.data() : nullptr, c.has_residual ? residual.data() : nullptr,
                            y.data(), product(c), alpha);
  expect(name + " " + std::to_string(c.m) + "x" + std::to_string(c.n) + "x" + std::to_string(c.k), launched, y.count(),
         [&](size_t i) { return decode(y[i]); },
         [&](size_t i) {
           const size_t z = i / (c.m * c.n), row = i / c.n % c.m, column = i % c.n;
           const T *left = a.data() + z * c.m * c.k + row * c.k, *right = b.data() + (c.shares_b ? 0 : z * c.k * c.n) + column;
           double sum = 0;
           for (int k = 0; k < c.k; k++) sum += (double)decode(left[k]) * decode(right[(size_t)k * c.n]);
           sum *= alpha;
           if (c.has_bias) sum += decode(bias[column]);
           sum = activation(sum, c.activation);
           return c.has_residual ? sum + decode(residual[i]) : sum;
         },
         tolerance);
}

static Case random_case(int unit) {
  auto extent = [&](int most) { return (between(1, most) + unit - 1) / unit * unit; };
  return {between(1, 150), extent(140), extent(110), between(1, 2), between(0, 4), between(0, 1) == 1, between(0, 1) == 1, between(0, 1) == 1};
}

int main(int count, char **arguments) {
  auto plain = [](float x) { return x; };
  const size_t ring = STAGES * STAGE_ELEMENTS * sizeof(u16);
  return finish("gemm", seeds_of(count, arguments), [&] {
    auto run_f32 = [](dim3 grid, auto... values) { return emulator::run("gemm_f32", grid, 256, 0, gemm_f32, values...); };
    auto run_aligned = [&](dim3 grid, auto... values) { return emulator::run("gemm_f16_aligned", grid, 128, ring, gemm_f16_aligned, values...); };
    auto run_any = [&](dim3 grid, auto... values) { return emulator::run("gemm_f16_any", grid, 128, ring, gemm_f16_any, values...); };
    for (const Case &c : {random_case(1), random_case(1), Case{1, 1, 1, 1, 0, true, true, false}, Case{64, 64, 32, 2, 0, false, false, true}})
      test<float>("gemm_f32", c, 1e-5, plain, plain, run_f32);
    for (const Case &c : {random_case(1), random_case(1), Case{1, 1, 1, 1, 1, false, false, false}})
      test<u16>("gemm_f16_any", c, 2e-3, half, float_of_half, run_any);
    // One step, fewer steps than stages, more.
    for (const Case &c : {random_case(8), random_case(8), Case{65, 8, 8, 1, 0, true, false, false}, Case{64, 72, 64, 1, 2, true, true, false},
                          Case{30, 64, 256, 2, 3, false, true, true}})
      test<u16>("gemm_f16_aligned", c, 2e-3, half, float_of_half, run_aligned);
  });
}
