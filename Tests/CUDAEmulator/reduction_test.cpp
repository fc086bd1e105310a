// Reductions, softmax and normalisation against double-precision loops and the operators.
#include "check.h"

#include "reduction.cu"

template <class T> struct Format {
  static typename T::Stored encode(double x) { return T::store((float)x); }
  static double decode(typename T::Stored x) { return T::load(x); }
};
template <class T> struct Tolerance;
template <> struct Tolerance<F32> { static constexpr double value = 1e-5; };
template <> struct Tolerance<F16> { static constexpr double value = 2e-3; };
template <> struct Tolerance<BF16> { static constexpr double value = 1e-2; };

static double reduced(int kind, int count, const std::function<double(int)> &element) {
  double result = kind == 0 ? 0 : kind == 1 ? -INFINITY : INFINITY;
  for (int i = 0; i < count; i++) {
    const double x = element(i);
    if (std::isnan(x)) return x;
    result = kind == 0 ? result + x : kind == 1 ? std::max(result, x) : std::min(result, x);
  }
  return result;
}

template <class T, class Rows, class Columns> static void reductions(const char *name, int kind, Rows rows_kernel, Columns columns_kernel) {
  typedef Format<T> F;
  const int rows = between(1, 4), columns = between(1, 1100), threads = 32 * between(1, 8);
  Device<typename T::Stored> x((size_t)rows * columns), y(rows);
  x.fill([](size_t) { return F::encode(normal()); });
  if (between(0, 3) == 0) x[generator() % x.count()] = F::encode(NAN);
  const float factor = kind == 0 ? 0.25f : 1.0f;
  bool ok = emulator::run(name, rows, threads, 0, rows_kernel, x.data(), y.data(), columns, factor);
  expect(std::string(name) + " rows", ok, rows, [&](size_t i) { return F::decode(y[i]); },
         [&](size_t i) { return reduced(kind, columns, [&](int k) { return F::decode(x[i * columns + k]); }) * factor; }, Tolerance<T>::value);
  auto reduction = [&](processor::Graph &graph, processor::Value value) {
    static const char *const names[] = {"ReduceSum", "ReduceMax", "ReduceMin"};
    return graph.node("Mul", {graph.node(names[kind], {value, graph.integers({1})}), graph.scalar(factor)});
  };
  expect_processor(std::string(name) + " rows", ok, rows, [&](size_t i) { return F::decode(y[i]); }, Tolerance<T>::value,
                   [&](processor::Graph &graph) { return reduction(graph, widened<T>(graph, x, {rows, columns})); });

  const int outer = between(1, 3), extent = between(1, 40), inner = between(1, 300);
  Device<typename T::Stored> u((size_t)outer * extent * inner), v((size_t)outer * inner);
  u.fill([](size_t) { return F::encode(normal()); });
  ok = emulator::run(name, (inner + 255) / 256 * outer, 256, 0, columns_kernel, u.data(), v.data(), extent, inner, factor);
  expect(std::string(name) + " columns", ok, v.count(), [&](size_t i) { return F::decode(v[i]); },
         [&](size_t i) {
           const size_t o = i / inner, c = i % inner;
           return reduced(kind, extent, [&](int k) { return F::decode(u[(o * extent + k) * inner + c]); }) * factor;
         },
         Tolerance<T>::value);
  expect_processor(std::string(name) + " columns", ok, v.count(), [&](size_t i) { return F::decode(v[i]); }, Tolerance<T>::value,
                   [&](processor::Graph &graph) { return reduction(graph, widened<T>(graph, u, {outer, extent, inner})); });
}

template <class T, class Run> static void softmax(const char *name, int most, Run run) {
  typedef Format<T> F;
  for (int logarithm = 0; logarithm < 2; logarithm++) {
    const int rows = between(1, 9), columns = between(1, most);
    Device<typename T::Stored> x((size_t)rows * columns), y(x.count());
    // Large values overflow where the greatest is not taken off first, and lose digits where anything is added to it.
    const float middle = between(0, 1) ? 200.0f : 5000.0f;
    x.fill([&](size_t) { return F::encode(normal() * 3 + middle); });
    const bool ok = run(rows, columns, x.data(), y.data(), logarithm);
    std::vector<double> most_of(rows), sum_of(rows);
    for (int r = 0; r < rows; r++) {
      most_of[r] = reduced(1, columns, [&](int k) { return F::decode(x[r * columns + k]); });
      sum_of[r] = reduced(0, columns, [&](int k) { return std::exp(F::decode(x[r * columns + k]) - most_of[r]); });
    }
    expect(name, ok, x.count(), [&](size_t i) { return F::decode(y[i]); },
           [&](size_t i) {
             const size_t r = i / columns;
             const double value = F::decode(x[i]) - most_of[r];
             return logarithm ? value - std::log(sum_of[r]) : std::exp(value) / sum_of[r];
           },
           Tolerance<T>::value * (logarithm ? 5 : 1));
    expect_processor(name, ok, x.count(), [&](size_t i) { return F::decode(y[i]); }, Tolerance<T>::value * (logarithm ? 5 : 1), [&](processor::Graph &graph) {
      return graph.node(logarithm ? "LogSoftmax" : "Softmax", {widened<T>(graph, x, {rows, columns})}, {{"axis", 1}});
    });
  }
}

template <class T, class Layer, class RMS, class Statistics>
static void normalization(const char *name, Layer layer, RMS rms, Statistics statistics) {
  typedef Format<T> F;
  for (int kind = 0; kind < 3; kind++) {
    const int rows = between(1, 3), columns = between(1, 900);
    const float epsilon = 1e-5f;
    Device<typename T::Stored> x((size_t)rows * columns), scale(columns), bias(columns), y(x.count());
    // Far from zero, where a variance as the difference of two means would lose its digits.
    x.fill([&](size_t) { return F::encode(normal() + 30); });
    scale.fill([&](size_t) { return F::encode(normal()); });
    bias.fill([&](size_t) { return F::encode(normal()); });
    bool ok;
    if (kind == 2) ok = emulator::run(name, rows, 256, 0, rms, x.data(), scale.data(), y.data(), columns, epsilon);
    else
      ok = emulator::run(name, rows, 256, 0, layer, x.data(), scale.data(), kind ? bias.data() : (typename T::Stored *)nullptr, y.data(), columns, epsilon);
    std::vector<double> mean(rows), deviation(rows);
    for (int r = 0; r < rows; r++) {
      if (kind < 2) mean[r] = reduced(0, columns, [&](int k) { return F::decode(x[r * columns + k]); }) / columns;
      deviation[r] = std::sqrt(reduced(0, columns, [&](int k) { return std::pow(F::decode(x[r * columns + k]) - mean[r], 2); }) / columns + epsilon);
    }
    // A row of one element has no variance; what is left of its mean is divided by the root of epsilon.
    expect(name, ok, x.count(), [&](size_t i) { return F::decode(y[i]); },
           [&](size_t i) {
             const size_t r = i / columns, c = i % columns;
             const double value = (F::decode(x[i]) - mean[r]) / deviation[r] * F::decode(scale[c]);
             return kind == 1 ? value + F::decode(bias[c]) : value;
           },
           Tolerance<T>::value * 10);
    auto layer_norm = [&](processor::Graph &graph, int outputs) {
      return graph.nodes("LayerNormalization",
                         {widened<T>(graph, x, {rows, columns}), widened<T>(graph, scale, {columns}), kind == 1 ? widened<T>(graph, bias, {columns}) : processor::Value()},
                         outputs, {{"axis", 1}, {"epsilon", epsilon}});
    };
    expect_processor(name, ok, x.count(), [&](size_t i) { return F::decode(y[i]); }, Tolerance<T>::value * 10, [&](processor::Graph &graph) {
      if (kind < 2) return layer_norm(graph, 1)[0];
      return graph.node("RMSNormalization", {widened<T>(graph, x, {rows, columns}), widened<T>(graph, scale, {columns})}, {{"axis", 1}, {"epsilon", epsilon}});
    });
    Device<float> means(rows), inverses(rows);
    const bool measured = emulator::run(name, rows, 256, 0, statistics, x.data(), means.data(), inverses.data(), columns, epsilon, (int)(kind < 2));
    expect(std::string(name) + " means", measured, rows, [&](size_t i) { return means[i]; }, [&](size_t i) { return mean[i]; }, 1e-5);
    expect(std::string(name) + " inverses", measured, rows, [&](size_t i) { return inverses[i]; }, [&](size_t i) { return 1 / deviation[i]; }, 1e-4);
    if (kind == 2) continue;
    expect_processor(std::string(name) + " means", measured, rows, [&](size_t i) { return means[i]; }, 1e-5,
                     [&](processor::Graph &graph) { return layer_norm(graph, 3)[1]; });
    expect_processor(std::string(name) + " inverses", measured, rows, [&](size_t i) { return inverses[i]; }, 1e-4,
                     [&](processor::Graph &graph) { return layer_norm(graph, 3)[2]; });
  }
}

template <class T, class Short, class Long, class Any>
static void softmaxes(const std::string &name, Short short_kernel, Long long_kernel, Any any) {
  softmax<T>(("softmax_128_" + name).c_str(), 128, [&](int rows, int columns, typename T::Stored *x, typename T::Stored *y, int logarithm) {
    return emulator::run("softmax_128", (rows + 3) / 4, 128, 0, short_kernel, x, y, rows, columns, logarithm);
  });
  softmax<T>(("softmax_1024_" + name).c_str(), 1024, [&](int rows, int columns, typename T::Stored *x, typename T::Stored *y, int logarithm) {
    return emulator::run("softmax_1024", (rows + 3) / 4, 128, 0, long_kernel, x, y, rows, columns, logarithm);
  });
  softmax<T>(("softmax_any_" + name).c_str(), 2000, [&](int rows, int columns, typename T::Stored *x, typename T::Stored *y, int logarithm) {
    return emulator::run("softmax_any", rows, 512, 0, any, x, y, columns, logarithm);
  });
}

#define FAMILIES(name, T) \
  reductions<T>("sum_" #name, 0, reduce_rows_sum_##name, reduce_columns_sum_##name); \
  reductions<T>("max_" #name, 1, reduce_rows_max_##name, reduce_columns_max_##name); \
  reductions<T>("min_" #name, 2, reduce_rows_min_##name, reduce_columns_min_##name); \
  softmaxes<T>(#name, softmax_128_##name, softmax_1024_##name, softmax_any_##name); \
  normalization<T>("norm_" #name, layer_norm_##name, rms_norm_##name, row_statistics_##name)

int main(int count, char **arguments) {
  return finish("reduction", seeds_of(count, arguments), [] {
    FAMILIES(f32, F32);
    FAMILIES(f16, F16);
    FAMILIES(bf16, BF16);
  });
}
