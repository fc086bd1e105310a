// Generated chains against the same arithmetic in double precision, and against the operators. Tests/PinionCUDATests sees to it that the files are the generator's.
#include "check.h"

#include "casts_flat.cu"
#include "half_flat.cu"
#include "half_strided.cu"
#include "long_flat.cu"
#include "mixed_flat.cu"
#include "names.h"
#include "pairs_flat.cu"
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
  auto operators = [&](processor::Graph &graph) {
    const processor::Value product = graph.node("Mul", {placed(graph, a, {rows, columns}), placed(graph, scale, {columns})});
    const processor::Value sum = graph.node("Add", {product, placed(graph, bias, {1})});
    return graph.node("Add", {graph.node("Swish", {sum}), placed(graph, residual, {rows, columns})});
  };
  expect_processor("silu_flat", ok, count, [&](size_t i) { return y[i]; }, 1e-5, operators);
  memset((void *)y.data(), 0xff, count * sizeof(float));
  const Axes<4> axes = {2, {rows, columns}, {{columns, 1}, {0, 1}, {0, 0}, {columns, 1}}};
  ok = emulator::run("silu_strided", between(1, 4), 256, 0, silu_strided, a.data(), scale.data(), bias.data(), residual.data(), y.data(), count, axes);
  expect("silu_strided", ok, count, [&](size_t i) { return y[i]; }, wanted, 1e-5);
  expect_processor("silu_strided", ok, count, [&](size_t i) { return y[i]; }, 1e-5, operators);
}

static void half_chains() {
  const int rows = between(1, 30), columns = 4 * between(1, 40), count = rows * columns;
  Device<u16> a(count), b(columns), y(count);
  auto random = [](size_t) { return half(normal()); };
  a.fill(random), b.fill(random);
  auto wanted = [&](size_t i) { return gelu_of((double)float_of_half(a[i]) + float_of_half(b[i % columns])); };
  bool ok = emulator::run("half_flat", between(1, 4), 256, 0, half_flat, a.data(), b.data(), y.data(), count, columns);
  expect("half_flat", ok, count, [&](size_t i) { return float_of_half(y[i]); }, wanted, 2e-3);
  auto operators = [&](processor::Graph &graph, bool is_turned) {
    processor::Value left = graph.input(processor::FLOAT16, a.data(), {is_turned ? columns : rows, is_turned ? rows : columns});
    if (is_turned) left = graph.transposed(left, {1, 0});
    return graph.node("Gelu", {graph.node("Add", {left, graph.input(processor::FLOAT16, b.data(), {columns})})});
  };
  expect_processor("half_flat", ok, count, [&](size_t i) { return float_of_half(y[i]); }, 2e-3, [&](processor::Graph &graph) { return operators(graph, false); });
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
  expect_processor("half_strided", ok, count, [&](size_t i) { return float_of_half(v[i]); }, 2e-3, [&](processor::Graph &graph) { return operators(graph, true); });
}

static void mixed_chain() {
  const int count = between(1, 700);
  Device<i64> a(count), b(count), y(count);
  Device<u8> c(count);
  Device<u16> d(count), z(count);
  // Of any size, and half of them so great that sums wrap around.
  auto random = [](size_t) { return (i64)((u64)generator() << 32 | generator()) >> (between(0, 1) ? 0 : between(1, 60)); };
  a.fill(random), b.fill(random);
  c.fill([](size_t) { return (u8)between(0, 1); });
  d.fill([](size_t) { return bfloat_of_float(normal()); });
  const bool ok = emulator::run("mixed_flat", between(1, 3), 256, 0, mixed_flat, a.data(), b.data(), c.data(), d.data(), y.data(), z.data(), count, count);
  expect("mixed_flat", ok, count, [&](size_t i) { return y[i] == (a[i] < b[i] && c[i] ? std::min(a[i], b[i]) : (i64)((u64)a[i] + (u64)b[i])) ? 0.0 : 1.0; },
         [](size_t) { return 0.0; }, 0);
  expect("mixed_flat, negative", ok, count, [&](size_t i) { return float_of_bfloat(z[i]); }, [&](size_t i) { return -float_of_bfloat(d[i]); }, 0);
  expect_processor("mixed_flat", ok, count, [&](size_t i) { return (double)y[i]; }, 0, [&](processor::Graph &graph) {
    const processor::Value left = placed(graph, a, {count}), right = placed(graph, b, {count});
    const processor::Value both = graph.node("And", {graph.node("Less", {left, right}), graph.input(processor::BOOL, c.data(), {count})});
    return graph.node("Where", {both, graph.node("Min", {left, right}), graph.node("Add", {left, right})});
  });
  expect_processor("mixed_flat, negative", ok, count, [&](size_t i) { return float_of_bfloat(z[i]); }, 0,
                   [&](processor::Graph &graph) { return graph.node("Neg", {graph.input(processor::BFLOAT16, d.data(), {count})}); });
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
  expect_processor("long_flat", ok, count, [&](size_t i) { return y[i]; }, 1e-5, [&](processor::Graph &graph) {
    processor::Value value = placed(graph, x, {count});
    for (const char *name : {"Neg", "Abs", "Exp", "Log", "Sqrt", "Reciprocal", "Tanh", "Erf", "Relu", "Sigmoid", "Swish", "Gelu"}) value = graph.node(name, {value});
    return graph.node("Softplus", {graph.node("Gelu", {value}, {{"approximate", "tanh"}})});
  });
}

// Each result by itself, in the order of the generated kernel's parameters.
static void pairs() {
  const int count = between(1, 500);
  Device<float> a(count), b(count), add(count), subtract(count), multiply(count), divide(count), maximum(count), minimum(count), power(count);
  Device<i32> c(count), d(count), sums(count), differences(count), products(count), greatest(count), least(count), negated(count), absolute(count);
  Device<u8> equal(count), less(count), greater(count), neither(count);
  auto special = [](size_t) {
    static const float values[] = {NAN, INFINITY, -INFINITY, 0.0f, -0.0f, 1.0f};
    return between(0, 9) ? normal() : values[between(0, 5)];
  };
  a.fill(special), b.fill(special);
  auto whole = [](size_t) { return between(0, 1) ? (i32)generator() : between(-3, 3); };
  c.fill(whole), d.fill(whole);
  const bool ok = emulator::run("pairs_flat", between(1, 2), 256, 0, pairs_flat, a.data(), b.data(), c.data(), d.data(), add.data(), subtract.data(), multiply.data(),
                                divide.data(), maximum.data(), minimum.data(), power.data(), equal.data(), less.data(), greater.data(), sums.data(), differences.data(),
                                products.data(), greatest.data(), least.data(), negated.data(), absolute.data(), neither.data(), count, count);
  typedef std::vector<processor::Value> Operands;
  auto floats = [&](const char *name, const Device<float> &y, const std::function<double(double, double)> &wanted) {
    expect(name, ok, count, [&](size_t i) { return y[i]; }, [&](size_t i) { return wanted(a[i], b[i]); }, 1e-5);
    expect_processor(name, ok, count, [&](size_t i) { return y[i]; }, 1e-5,
                     [&](processor::Graph &graph) { return graph.node(name, {placed(graph, a, {count}), placed(graph, b, {count})}); });
  };
  auto greatest_of = [](double x, double y) { return std::isnan(x) || std::isnan(y) ? NAN : std::max(x, y); };
  auto least_of = [](double x, double y) { return std::isnan(x) || std::isnan(y) ? NAN : std::min(x, y); };
  floats("Add", add, [](double x, double y) { return x + y; });
  floats("Sub", subtract, [](double x, double y) { return x - y; });
  floats("Mul", multiply, [](double x, double y) { return x * y; });
  floats("Div", divide, [](double x, double y) { return x / y; });
  floats("Max", maximum, greatest_of);
  floats("Min", minimum, least_of);
  floats("Pow", power, [](double x, double y) { return std::pow(x, y); });
  auto exact = [&](const char *name, const ElementAt &got, const ElementAt &wanted, const std::function<processor::Value(processor::Graph &)> &build) {
    expect(name, ok, count, got, wanted, 0);
    expect_processor(name, ok, count, got, 0, build);
  };
  auto compared = [&](const char *name, const Device<u8> &y, const std::function<bool(float, float)> &wanted) {
    exact(name, [&](size_t i) { return y[i]; }, [&](size_t i) { return wanted(a[i], b[i]); },
          [&](processor::Graph &graph) { return graph.node(name, {placed(graph, a, {count}), placed(graph, b, {count})}); });
  };
  compared("Equal", equal, [](float x, float y) { return x == y; });
  compared("Less", less, [](float x, float y) { return x < y; });
  compared("Greater", greater, [](float x, float y) { return x > y; });
  auto integers = [&](const char *name, const Device<i32> &y, int operands, const std::function<i32(i64, i64)> &wanted) {
    exact(name, [&](size_t i) { return y[i]; }, [&](size_t i) { return wanted(c[i], d[i]); }, [&](processor::Graph &graph) {
      Operands all = {placed(graph, c, {count})};
      if (operands == 2) all.push_back(placed(graph, d, {count}));
      return graph.node(name, all);
    });
  };
  integers("Add", sums, 2, [](i64 x, i64 y) { return (i32)(x + y); });
  integers("Sub", differences, 2, [](i64 x, i64 y) { return (i32)(x - y); });
  integers("Mul", products, 2, [](i64 x, i64 y) { return (i32)(x * y); });
  integers("Max", greatest, 2, [](i64 x, i64 y) { return (i32)std::max(x, y); });
  integers("Min", least, 2, [](i64 x, i64 y) { return (i32)std::min(x, y); });
  integers("Neg", negated, 1, [](i64 x, i64) { return (i32)-x; });
  integers("Abs", absolute, 1, [](i64 x, i64) { return (i32)std::abs(x); });
  exact("Not and Or", [&](size_t i) { return neither[i]; }, [&](size_t i) { return !(c[i] == d[i] || c[i] > d[i]); }, [&](processor::Graph &graph) {
    const processor::Value left = placed(graph, c, {count}), right = placed(graph, d, {count});
    return graph.node("Not", {graph.node("Or", {graph.node("Equal", {left, right}), graph.node("Greater", {left, right})})});
  });
}

// From float32 and int64 to every type, and quantised.
static void conversions() {
  const int count = between(1, 500);
  Device<float> a(count), float_float(count), long_float(count);
  Device<u16> float_half(count), float_bfloat(count), long_half(count), long_bfloat(count);
  Device<i64> b(count), float_long(count), long_long(count);
  Device<i32> float_int(count), long_int(count);
  Device<i8> float_char(count), long_char(count), quantized_i8(count);
  Device<u8> float_byte(count), long_byte(count), float_bool(count), long_bool(count), quantized_u8(count);
  // What int32 has: more has no answer that all devices give.
  a.fill([](size_t) { return between(0, 3) ? normal() * std::ldexp(1.0f, between(0, 27)) : (float)between(-2, 2) * 0.35f; });
  b.fill([](size_t) { return between(0, 3) ? (i64)((u64)generator() << 32 | generator()) >> between(0, 62) : 0; });
  const bool ok = emulator::run("casts_flat", between(1, 2), 256, 0, casts_flat, a.data(), b.data(), float_float.data(), float_half.data(), float_bfloat.data(),
                                float_char.data(), float_byte.data(), float_int.data(), float_long.data(), float_bool.data(), long_float.data(), long_half.data(),
                                long_bfloat.data(), long_char.data(), long_byte.data(), long_int.data(), long_long.data(), long_bool.data(), quantized_i8.data(),
                                quantized_u8.data(), count, count);
  auto cast = [&](bool is_float, processor::Type to, const ElementAt &got, const ElementAt &wanted, double tolerance = 0) {
    const std::string name = (is_float ? "float to " : "int64 to ") + std::to_string(to);
    expect(name, ok, count, got, wanted, tolerance);
    expect_processor(name, ok, count, got, tolerance,
                     [&](processor::Graph &graph) { return graph.cast(is_float ? placed(graph, a, {count}) : placed(graph, b, {count}), to); });
  };
  using namespace processor;
  cast(true, FLOAT32, [&](size_t i) { return float_float[i]; }, [&](size_t i) { return a[i]; });
  cast(true, FLOAT16, [&](size_t i) { return float_of_half(float_half[i]); }, [&](size_t i) { return (double)(float)(_Float16)a[i]; });
  cast(true, BFLOAT16, [&](size_t i) { return float_of_bfloat(float_bfloat[i]); }, [&](size_t i) { return a[i]; }, 4e-3);
  cast(true, INT8, [&](size_t i) { return float_char[i]; }, [&](size_t i) { return (i8)(i64)a[i]; });
  cast(true, UINT8, [&](size_t i) { return float_byte[i]; }, [&](size_t i) { return (u8)(i64)a[i]; });
  cast(true, INT32, [&](size_t i) { return float_int[i]; }, [&](size_t i) { return std::trunc(a[i]); });
  cast(true, INT64, [&](size_t i) { return (double)float_long[i]; }, [&](size_t i) { return std::trunc(a[i]); });
  cast(true, BOOL, [&](size_t i) { return float_bool[i]; }, [&](size_t i) { return a[i] != 0; });
  cast(false, FLOAT32, [&](size_t i) { return long_float[i]; }, [&](size_t i) { return (float)b[i]; });
  // By way of float32, so that halves of the last place may go the other way.
  cast(false, FLOAT16, [&](size_t i) { return float_of_half(long_half[i]); }, [&](size_t i) { return (double)(float)(_Float16)(float)b[i]; }, 1e-3);
  cast(false, BFLOAT16, [&](size_t i) { return float_of_bfloat(long_bfloat[i]); }, [&](size_t i) { return (double)b[i]; }, 8e-3);
  cast(false, INT8, [&](size_t i) { return long_char[i]; }, [&](size_t i) { return (i8)b[i]; });
  cast(false, UINT8, [&](size_t i) { return long_byte[i]; }, [&](size_t i) { return (u8)b[i]; });
  cast(false, INT32, [&](size_t i) { return long_int[i]; }, [&](size_t i) { return (i32)b[i]; });
  cast(false, INT64, [&](size_t i) { return (double)long_long[i]; }, [&](size_t i) { return (double)b[i]; });
  cast(false, BOOL, [&](size_t i) { return long_bool[i]; }, [&](size_t i) { return b[i] != 0; });
  auto quantized = [&](Type type, int zero, int low, int high, const ElementAt &got) {
    expect("quantized", ok, count, got, [&](size_t i) { return std::min<double>(std::max<double>(std::nearbyint(a[i] / 0.7f) + zero, low), high); }, 0);
    expect_processor("quantized", ok, count, got, 0, [&](Graph &graph) {
      const i8 byte = (i8)zero;
      return graph.node("QuantizeLinear", {placed(graph, a, {count}), graph.scalar(0.7f), graph.input(type, &byte, {})});
    });
  };
  quantized(INT8, 3, -128, 127, [&](size_t i) { return quantized_i8[i]; });
  quantized(UINT8, 130, 0, 255, [&](size_t i) { return quantized_u8[i]; });
}

int main(int count, char **arguments) {
  return finish("elementwise", seeds_of(count, arguments), [] {
    for (int i = 0; i < 4; i++) silu_chains(), half_chains(), mixed_chain(), long_chain(), pairs(), conversions();
  });
}
