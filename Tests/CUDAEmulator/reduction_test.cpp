// Reductions, softmax and normalisation against double-precision loops.
#include "check.h"

#include "reduction.cu"

template <class T> struct Format;
template <> struct Format<float> {
  static float encode(double x) { return (float)x; }
  static double decode(float x) { return x; }
  static constexpr double tolerance = 1e-5;
};
template <> struct Format<u16> {
  static u16 encode(double x) { return half(x); }
  static double decode(u16 x) { return float_of_half(x); }
  static constexpr double tolerance = 2e-3;
};

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
  Device<T> x((size_t)rows * columns), y(rows);
  x.fill([](size_t) { return F::encode(normal()); });
  if (between(0, 3) == 0) x[generator() % x.count()] = F::encode(NAN);
  const float factor = kind == 0 ? 0.25f : 1.0f;
  bool ok = emulator::run(name, rows, threads, 0, rows_kernel, x.data(), y.data(), columns, factor);
  expect(std::string(name) + " rows", ok, rows, [&](size_t i) { return F::decode(y[i]); },
         [&](size_t i) { return reduced(kind, columns, [&](int k) { return F::decode(x[i * columns + k]); }) * factor; }, F::tolerance);

  const int outer = between(1, 3), extent = between(1, 40), inner = between(1, 300);
  Device<T> u((size_t)outer * extent * inner), v((size_t)outer * inner);
  u.fill([](size_t) { return F::encode(normal()); });
  ok = emulator::run(name, dim3((inner + 255) / 256, outer), 256, 0, columns_kernel, u.data(), v.data(), extent, inner, factor);
  expect(std::string(name) + " columns", ok, v.count(), [&](size_t i) { return F::decode(v[i]); },
         [&](size_t i) {
           const size_t o = i / inner, c = i % inner;
           return reduced(kind, extent, [&](int k) { return F::decode(u[(o * extent + k) * inner + c]); }) * factor;
         },
         F::tolerance);
}

template <class T, class Run> static void softmax(const char *name, int most, Run run) {
  typedef Format<T> F;
  for (int logarithm = 0; logarithm < 2; logarithm++) {
    const int rows = between(1, 9), columns = between(1, most);
    Device<T> x((size_t)rows * columns), y(x.count());
    // Large values overflow where the greatest is not taken off first.
    x.fill([&](size_t) { return F::encode(normal() * 3 + 200); });
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
           F::tolerance * (logarithm ? 5 : 1));
  }
}

template <class T, class Layer, class RMS> static void normalization(const char *name, Layer layer, RMS rms) {
  typedef Format<T> F;
  for (int kind = 0; kind < 3; kind++) {
    const int rows = between(1, 3), columns = between(1, 900);
    const float epsilon = 1e-5f;
    Device<T> x((size_t)rows * columns), scale(columns), bias(columns), y(x.count());
    // Far from zero, where a variance as the difference of two means would lose its digits.
    x.fill([&](size_t) { return F::encode(normal() + 30); });
    scale.fill([&](size_t) { return F::encode(normal()); });
    bias.fill([&](size_t) { return F::encode(normal()); });
    bool ok;
    if (kind == 2) ok = emulator::run(name, rows, 256, 0, rms, x.data(), scale.data(), y.data(), columns, epsilon);
    else
      ok = emulator::run(name, rows, 256, 0, layer, x.data(), scale.data(), kind ? bias.data() : (T *)nullptr, y.data(), columns, epsilon);
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
           F::tolerance * 10);
  }
}

template <class T, class Short, class Long, class Any>
static void softmaxes(const std::string &name, Short short_kernel, Long long_kernel, Any any) {
  softmax<T>(("softmax_128_" + name).c_str(), 128, [&](int rows, int columns, T *x, T *y, int logarithm) {
    return emulator::run("softmax_128", (rows + 3) / 4, 128, 0, short_kernel, x, y, rows, columns, logarithm);
  });
  softmax<T>(("softmax_1024_" + name).c_str(), 1024, [&](int rows, int columns, T *x, T *y, int logarithm) {
    return emulator::run("softmax_1024", (rows + 3) / 4, 128, 0, long_kernel, x, y, rows, columns, logarithm);
  });
  softmax<T>(("softmax_any_" + name).c_str(), 2000, [&](int rows, int columns, T *x, T *y, int logarithm) {
    return emulator::run("softmax_any", rows, 512, 0, any, x, y, columns, logarithm);
  });
}

int main(int count, char **arguments) {
  return finish("reduction", seeds_of(count, arguments), [] {
    reductions<float>("sum_f32", 0, reduce_rows_sum_f32, reduce_columns_sum_f32);
    reductions<float>("max_f32", 1, reduce_rows_max_f32, reduce_columns_max_f32);
    reductions<float>("min_f32", 2, reduce_rows_min_f32, reduce_columns_min_f32);
    reductions<u16>("sum_f16", 0, reduce_rows_sum_f16, reduce_columns_sum_f16);
    reductions<u16>("max_f16", 1, reduce_rows_max_f16, reduce_columns_max_f16);
    reductions<u16>("min_f16", 2, reduce_rows_min_f16, reduce_columns_min_f16);
    softmaxes<float>("f32", softmax_128_f32, softmax_1024_f32, softmax_any_f32);
    softmaxes<u16>("f16", softmax_128_f16, softmax_1024_f16, softmax_any_f16);
    normalization<float>("norm_f32", layer_norm_f32, rms_norm_f32);
    normalization<u16>("norm_f16", layer_norm_f16, rms_norm_f16);
  });
}
