// The matrix products against a double-precision loop and MatMul.
#include "products.h"

#include "gemm.cu"

struct Case {
  int m, n, k, batch;
  bool shares_b, is_by_columns;
};

template <class T> static double plain_factor(typename T::Stored x) { return T::load(x); }
static double tf32_factor(float x) { return tf32(x); }

template <class T, class Kernel>
static void test(const std::string &name, const Case &c, int tile, Kernel kernel, double (*factor)(typename T::Stored) = plain_factor<T>) {
  typedef typename T::Stored U;
  Device<U> a((size_t)c.batch * c.m * c.k), b((size_t)(c.shares_b ? 1 : c.batch) * c.k * c.n), y((size_t)c.batch * c.m * c.n);
  auto random = [&](size_t) { return T::store(normal()); };
  a.fill(random), b.fill(random);
  WayOut<T> out(c.batch * c.m, c.n);
  const float alpha = 0.5f;
  const Product product = {c.m, c.n, c.k, out.activation_, {c.m * c.k, 0}, {c.shares_b ? 0 : c.k * c.n, 0}, {c.m * c.n, 0}};
  const bool is_plain = name == "gemm_f32";
  const bool launched = emulator::run(name.c_str(), blocks_of(c.m, c.n, c.batch, tile, tile), is_plain ? 256 : tile * 2,
                                      is_plain ? 0 : ring_bytes(tile), kernel, a.data(), b.data(), out.bias_pointer(), out.residual_pointer(),
                                      y.data(), product, alpha);
  expect(name + sizes({c.m, c.n, c.k}), launched, y.count(), [&](size_t i) { return T::load(y[i]); },
         [&](size_t i) {
           const size_t z = i / (c.m * c.n), row = i / c.n % c.m, column = i % c.n;
           const U *left = a.data() + z * c.m * c.k + row * c.k, *right = b.data() + (c.shares_b ? 0 : z * c.k * c.n);
           double sum = 0;
           for (int k = 0; k < c.k; k++) sum += factor(left[k]) * factor(c.is_by_columns ? right[column * c.k + k] : right[(size_t)k * c.n + column]);
           return out(sum * alpha, i);
         },
         Exactness<T>::tolerance);
  expect_processor(name, launched, y.count(), [&](size_t i) { return T::load(y[i]); }, Exactness<T>::tolerance, [&](processor::Graph &graph) {
    auto factors = [&](const Device<U> &from, const processor::Ints &dims) {
      std::vector<float> elements(from.count());
      for (size_t i = 0; i < elements.size(); i++) elements[i] = (float)factor(from[i]);
      return graph.floats(elements, dims);
    };
    const int matrices = c.shares_b ? 1 : c.batch;
    processor::Value right = factors(b, {matrices, c.is_by_columns ? c.n : c.k, c.is_by_columns ? c.k : c.n});
    if (c.is_by_columns) right = graph.transposed(right, {0, 2, 1});
    const processor::Value sum = graph.node("MatMul", {factors(a, {c.batch, c.m, c.k}), right});
    return out(graph, graph.node("Mul", {sum, graph.scalar(alpha)}), {c.batch, c.m, c.n});
  });
}

static int up(int value, int unit) { return (value + unit - 1) / unit * unit; }
static Case random_case(int unit, bool is_by_columns = false) {
  return {between(1, 110), up(between(1, 110), unit), up(between(1, 90), unit), between(1, 2), between(0, 1) == 1, is_by_columns};
}

template <class T, class Aligned, class Any, class Wide, class Columns>
static void kinds(const std::string &name, int unit, Aligned aligned, Any any, Wide wide, Columns columns, double (*factor)(typename T::Stored)) {
  // One step, fewer steps than stages, more.
  for (const Case &c : {random_case(unit), Case{65, unit, unit, 1, false, false}, Case{30, 64, 160, 1, false, false}})
    test<T>(name + "_aligned", c, 64, aligned, factor);
  for (const Case &c : {random_case(1), Case{1, 1, 1, 1, false, false}}) test<T>(name + "_any", c, 64, any, factor);
  test<T>(name + "_wide", {between(60, 150), up(between(90, 150), unit), up(between(1, 70), unit), 1, false, false}, 128, wide, factor);
  test<T>(name + "_columns", random_case(unit, true), 64, columns, factor);
}

template <class T, class Normalized, class Gated> static void prologues(const std::string &name, Normalized normalized_kernel, Gated gated_kernel) {
  typedef typename T::Stored U;
  const int m = between(1, 80), n = up(between(1, 80), 8), k = between(1, 90);
  Device<U> a((size_t)m * k), gates((size_t)m * 2 * k), scale(k), shift(k), b((size_t)k * n), y((size_t)m * n);
  Device<float> mean(m), inverse(m);
  auto random = [&](size_t) { return T::store(normal()); };
  a.fill(random), gates.fill(random), scale.fill(random), shift.fill(random), b.fill(random);
  mean.fill([](size_t) { return normal(); }), inverse.fill([](size_t) { return 0.5f + std::fabs(normal()); });
  const bool has_mean = between(0, 1), has_shift = between(0, 1);
  WayOut<T> out(m, n);
  const Product product = {m, n, k, out.activation_, {0, 0}, {0, 0}, {0, 0}};
  const dim3 grid = blocks_of(m, n, 1, 64, 64);
  auto compare = [&](const std::string &what, bool launched, const std::function<double(size_t, size_t)> &left) {
    // The left factor is rounded to the type on its way in; the sum is of 90 such at most.
    expect(what + sizes({m, n, k}), launched, y.count(), [&](size_t i) { return T::load(y[i]); },
           [&](size_t i) {
             double sum = 0;
             for (int d = 0; d < k; d++) sum += (double)T::load(T::store((float)left(i / n, d))) * T::load(b[(size_t)d * n + i % n]);
             return out(sum, i);
           },
           Exactness<T>::tolerance * 2);
  };
  auto compare_processor = [&](const std::string &what, bool launched, const std::function<processor::Value(processor::Graph &)> &left) {
    expect_processor(what, launched, y.count(), [&](size_t i) { return T::load(y[i]); }, Exactness<T>::tolerance * 2, [&](processor::Graph &graph) {
      return out(graph, graph.node("MatMul", {rounded<T>(graph, left(graph)), widened<T>(graph, b, {k, n})}), {m, n});
    });
  };
  bool ok = emulator::run("gemm_normalized", grid, 128, ring_bytes(64), normalized_kernel, a.data(), has_mean ? mean.data() : nullptr, inverse.data(),
                          scale.data(), has_shift ? shift.data() : nullptr, b.data(), out.bias_pointer(), out.residual_pointer(), y.data(),
                          product, 1.0f);
  compare("gemm_normalized_" + name, ok, [&](size_t row, size_t d) {
    return ((double)T::load(a[row * k + d]) - (has_mean ? mean[row] : 0)) * inverse[row] * T::load(scale[d]) + (has_shift ? T::load(shift[d]) : 0);
  });
  compare_processor("gemm_normalized_" + name, ok, [&](processor::Graph &graph) {
    processor::Value x = widened<T>(graph, a, {m, k});
    if (has_mean) x = graph.node("Sub", {x, placed(graph, mean, {m, 1})});
    x = graph.node("Mul", {graph.node("Mul", {x, placed(graph, inverse, {m, 1})}), widened<T>(graph, scale, {k})});
    return has_shift ? graph.node("Add", {x, widened<T>(graph, shift, {k})}) : x;
  });
  ok = emulator::run("gemm_gated", grid, 128, ring_bytes(64), gated_kernel, gates.data(), b.data(), out.bias_pointer(), out.residual_pointer(), y.data(),
                     product, 1.0f);
  compare("gemm_gated_" + name, ok,
          [&](size_t row, size_t d) { return activation(T::load(gates[row * 2 * k + d]), 3) * T::load(gates[row * 2 * k + k + d]); });
  compare_processor("gemm_gated_" + name, ok, [&](processor::Graph &graph) {
    const std::vector<processor::Value> parts = graph.nodes("Split", {widened<T>(graph, gates, {m, 2 * k})}, 2, {{"axis", 1}, {"num_outputs", 2}});
    return graph.node("Mul", {graph.node("Swish", {parts[0]}), parts[1]});
  });
}

int main(int count, char **arguments) {
  return finish("gemm", seeds_of(count, arguments), [&] {
    for (const Case &c : {random_case(1), random_case(1), Case{1, 1, 1, 1, false, false}, Case{64, 64, 32, 2, true, false}})
      test<F32>("gemm_f32", c, 64, gemm_f32);
    kinds<F16>("gemm_f16", 8, gemm_f16_aligned, gemm_f16_any, gemm_f16_wide, gemm_f16_columns, plain_factor<F16>);
    kinds<BF16>("gemm_bf16", 8, gemm_bf16_aligned, gemm_bf16_any, gemm_bf16_wide, gemm_bf16_columns, plain_factor<BF16>);
    kinds<F32>("gemm_tf32", 4, gemm_tf32_aligned, gemm_tf32_any, gemm_tf32_wide, gemm_tf32_columns, tf32_factor);
    prologues<F16>("f16", gemm_normalized_f16, gemm_gated_f16);
    prologues<BF16>("bf16", gemm_normalized_bf16, gemm_gated_bf16);
  });
}
