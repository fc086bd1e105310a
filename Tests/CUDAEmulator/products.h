// What the tests of products share: their way out, and types as the plain loops see them.
#pragma once
#include "check.h"

#include "matrix.cuh"

inline double activation(double x, int kind) {
  switch (kind) {
  case 1: return x > 0 ? x : 0;
  case 2: return 0.5 * x * (1 + std::erf(x * std::sqrt(0.5)));
  case 3: return x / (1 + std::exp(-x));
  case 4: return 1 / (1 + std::exp(-x));
  case 5: return 0.5 * x * (1 + std::tanh(std::sqrt(2 / M_PI) * (x + 0.044715 * x * x * x)));
  default: return x;
  }
}

// A type, and how far results may be off where sums are in float32.
template <class T> struct Exactness;
template <> struct Exactness<F32> { static constexpr double tolerance = 1e-5; };
template <> struct Exactness<F16> { static constexpr double tolerance = 2e-3; };
template <> struct Exactness<BF16> { static constexpr double tolerance = 1e-2; };

// A factor as the matrix units take it: float32 with 10 bits of fraction, ties away from zero.
inline double tf32(float x) {
  int exponent;
  const double fraction = std::frexp((double)x, &exponent);
  return std::ldexp(std::round(fraction * 2048) / 2048, exponent);
}

// A graph's float32 value, rounded to the type.
template <class T> processor::Value rounded(processor::Graph &graph, processor::Value value) {
  static_assert(std::is_same_v<T, F16> || std::is_same_v<T, BF16>);
  return graph.cast(graph.cast(value, std::is_same_v<T, F16> ? processor::FLOAT16 : processor::BFLOAT16), processor::FLOAT32);
}

inline size_t ring_bytes(int tile) { return (size_t)STAGES * PITCH_BYTES * 2 * tile; }
inline unsigned tiles_of(int count, int tile) { return (unsigned)((count + tile - 1) / tile); }
// As many blocks as cover a batch of matrices by tiles.
inline dim3 blocks_of(int m, int n, int batch, int tile_m, int tile_n) { return dim3(tiles_of(n, tile_n) * tiles_of(m, tile_m) * batch); }
inline std::string sizes(std::initializer_list<int> list) {
  std::string text;
  for (int size : list) text += " " + std::to_string(size);
  return text;
}

// What comes after a product's sum.
template <class T> struct WayOut {
  Device<typename T::Stored> bias, residual;
  bool has_bias, has_residual;
  int columns, activation_;
  WayOut(int rows, int columns)
      : bias(columns), residual((size_t)rows * columns), has_bias(between(0, 1)), has_residual(between(0, 1)), columns(columns),
        activation_(between(0, 5)) {
    auto random = [](size_t) { return T::store(normal()); };
    bias.fill(random), residual.fill(random);
  }
  typename T::Stored *bias_pointer() const { return has_bias ? bias.data() : nullptr; }
  typename T::Stored *residual_pointer() const { return has_residual ? residual.data() : nullptr; }
  double operator()(double sum, size_t place) const {
    if (has_bias) sum += T::load(bias[place % columns]);
    sum = activation(sum, activation_);
    return has_residual ? sum + T::load(residual[place]) : sum;
  }
  // The same of a graph's sums, with the dimensions `dims`, of which the last are the columns.
  processor::Value operator()(processor::Graph &graph, processor::Value sum, const processor::Ints &dims) const {
    if (has_bias) sum = graph.node("Add", {sum, widened<T>(graph, bias, {columns})});
    switch (activation_) {
    case 1: sum = graph.node("Relu", {sum}); break;
    case 2: sum = graph.node("Gelu", {sum}); break;
    case 3: sum = graph.node("Mul", {sum, graph.node("Sigmoid", {sum})}); break;
    case 4: sum = graph.node("Sigmoid", {sum}); break;
    case 5: sum = graph.node("Gelu", {sum}, {{"approximate", "tanh"}}); break;
    }
    return has_residual ? graph.node("Add", {sum, widened<T>(graph, residual, dims)}) : sum;
  }
};
