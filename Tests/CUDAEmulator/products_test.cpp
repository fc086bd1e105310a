// Products of int8, with few rows, and with packed weights, against double-precision or integer loops, and
// against MatMulInteger, MatMul and MatMulNBits.
#include "products.h"

#include "gemm_int8.cu"
#include "skinny.cu"
#include "weight_only.cu"

static void int8(bool is_aligned) {
  const int m = between(1, 90), n = between(1, 90), k = is_aligned ? 16 * between(1, 14) : between(1, 200), batch = between(1, 2);
  Device<i8> a((size_t)batch * m * k), b((size_t)batch * n * k);
  auto random = [](size_t) { return (i8)between(-128, 127); };
  a.fill(random), b.fill(random);
  auto sum_of = [&](size_t i) {
    const size_t z = i / (m * n), row = i / n % m, column = i % n;
    i64 sum = 0;
    for (int d = 0; d < k; d++) sum += (i64)a[(z * m + row) * k + d] * b[(z * n + column) * k + d];
    return sum;
  };
  const dim3 grid = blocks_of(m, n, batch, 64, 64);
  Device<i32> sums((size_t)batch * m * n);
  Int8Product p = {m, n, k, 0, {m * k, 0}, {n * k, 0}, {m * n, 0}};
  bool ok = emulator::run("gemm_i8_i32", grid, 128, ring_bytes(64), is_aligned ? gemm_i8_i32_aligned : gemm_i8_i32_any, a.data(), b.data(), sums.data(), p);
  expect("gemm_i8_i32" + sizes({m, n, k}), ok, sums.count(), [&](size_t i) { return sums[i]; }, [&](size_t i) { return (double)sum_of(i); }, 0);
  auto product = [&](processor::Graph &graph, processor::Value a_zero) {
    const processor::Value right = graph.transposed(placed(graph, b, {batch, n, k}), {0, 2, 1});
    return graph.node("MatMulInteger", {placed(graph, a, {batch, m, k}), right, a_zero});
  };
  expect_processor("gemm_i8_i32" + sizes({m, n, k}), ok, sums.count(), [&](size_t i) { return sums[i]; }, 0,
                   [&](processor::Graph &graph) { return product(graph, {}); });

  Device<float> y(sums.count()), column_scale(n);
  Device<i32> column_sum(n);
  column_scale.fill([](size_t) { return 0.1f + std::fabs(normal()); });
  column_sum.fill([&](size_t column) {
    i32 sum = 0;
    for (int d = 0; d < k; d++) sum += b[column * k + d];
    return sum;
  });
  // The sums of columns are those of one matrix.
  const bool has_zero = batch == 1 && between(0, 1), has_scale = between(0, 1);
  const int zero = between(-128, 127);
  const float scale = 1e-3f;
  WayOut<F32> out(batch * m, n);
  p.activation = out.activation_;
  ok = emulator::run("gemm_i8_f32", grid, 128, ring_bytes(64), is_aligned ? gemm_i8_f32_aligned : gemm_i8_f32_any, a.data(), b.data(),
                     has_scale ? column_scale.data() : nullptr, has_zero ? column_sum.data() : nullptr, out.bias_pointer(),
                     out.residual_pointer(), y.data(), p, scale, zero);
  expect("gemm_i8_f32" + sizes({m, n, k}), ok, y.count(), [&](size_t i) { return y[i]; },
         [&](size_t i) {
           double sum = (double)sum_of(i);
           if (has_zero)
             for (int d = 0; d < k; d++) sum -= (double)zero * b[i % n * k + d];
           return out(sum * scale * (has_scale ? column_scale[i % n] : 1), i);
         },
         1e-5);
  expect_processor("gemm_i8_f32" + sizes({m, n, k}), ok, y.count(), [&](size_t i) { return y[i]; }, 1e-5, [&](processor::Graph &graph) {
    const i8 zero_byte = (i8)zero;
    processor::Value sum = graph.cast(product(graph, has_zero ? graph.input(processor::INT8, &zero_byte, {}) : processor::Value()), processor::FLOAT32);
    sum = graph.node("Mul", {sum, graph.scalar(scale)});
    if (has_scale) sum = graph.node("Mul", {sum, placed(graph, column_scale, {n})});
    return out(graph, sum, {batch, m, n});
  });
}

template <class T, class One, class Four> static void skinny(const std::string &name, int rows, One one, Four four) {
  typedef typename T::Stored U;
  const int m = between(1, 6), n = between(0, 1) ? 8 * between(1, 20) : between(1, 150), k = between(1, 150), batch = between(1, 2);
  Device<U> a((size_t)batch * m * k), b((size_t)batch * k * n), y((size_t)batch * m * n);
  auto random = [](size_t) { return T::store(normal()); };
  a.fill(random), b.fill(random);
  WayOut<T> out(batch * m, n);
  const SkinnyProduct p = {m, n, k, out.activation_, {m * k, 0}, {k * n, 0}, {m * n, 0}};
  const bool ok = emulator::run("skinny", blocks_of(m, n, batch, rows, 64), 256, 0, rows == 4 ? four : one, a.data(), b.data(),
                                out.bias_pointer(), out.residual_pointer(), y.data(), p, 0.5f);
  expect("skinny_" + std::to_string(rows) + "_" + name + sizes({m, n, k}), ok, y.count(), [&](size_t i) { return T::load(y[i]); },
         [&](size_t i) {
           const size_t z = i / (m * n), row = i / n % m, column = i % n;
           double sum = 0;
           for (int d = 0; d < k; d++) sum += (double)T::load(a[(z * m + row) * k + d]) * T::load(b[(z * k + d) * n + column]);
           return out(sum * 0.5, i);
         },
         Exactness<T>::tolerance);
  expect_processor("skinny_" + std::to_string(rows) + "_" + name + sizes({m, n, k}), ok, y.count(), [&](size_t i) { return T::load(y[i]); },
                   Exactness<T>::tolerance, [&](processor::Graph &graph) {
                     const processor::Value sum = graph.node("MatMul", {widened<T>(graph, a, {batch, m, k}), widened<T>(graph, b, {batch, k, n})});
                     return out(graph, graph.node("Mul", {sum, graph.scalar(0.5f)}), {batch, m, n});
                   });
}

// w[n, k] = (q - zero) * scale, as MatMulNBits packs it.
template <class T, int bits, class Kernel>
static void packed(const std::string &name, int rows, bool is_tiled, bool is_aligned, Kernel kernel) {
  typedef typename T::Stored U;
  const int block = 16 << between(0, 1), m = is_tiled ? between(1, 80) : between(1, 6), n = between(1, 70);
  const int k = is_aligned ? 8 * between(1, 12) : between(1, 100), blocks = (k + block - 1) / block, block_bytes = block * bits / 8;
  const int zero_bytes = bits == 4 ? (blocks + 1) / 2 : blocks;
  Device<U> a((size_t)m * k), scale((size_t)n * blocks), y((size_t)m * n);
  Device<u8> q((size_t)n * blocks * block_bytes), zero((size_t)n * zero_bytes);
  a.fill([](size_t) { return T::store(normal()); }), scale.fill([](size_t) { return T::store((0.5f + std::fabs(normal())) / (1 << bits)); });
  auto bytes = [](size_t) { return (u8)between(0, 255); };
  q.fill(bytes), zero.fill(bytes);
  const bool has_zero = between(0, 1);
  auto value = [](const u8 *from, int place) { return bits == 8 ? from[place] : place % 2 ? from[place / 2] / 16 : from[place / 2] % 16; };
  auto weight = [&](int row, int d) {
    const int middle = has_zero ? value(zero.data() + row * zero_bytes, d / block) : 1 << (bits - 1);
    return (value(q.data() + (size_t)row * blocks * block_bytes, d) - middle) * (double)T::load(scale[row * blocks + d / block]);
  };
  WayOut<T> out(m, n);
  const Packed p = {m, n, k, block, out.activation_};
  const dim3 grid = is_tiled ? blocks_of(m, n, 1, 64, 64) : blocks_of(m, n, 1, rows, PACKED_WARPS);
  const bool ok = emulator::run("packed", grid, is_tiled ? 128 : 256, is_tiled ? ring_bytes(64) : 0, kernel, a.data(), q.data(), scale.data(),
                                has_zero ? zero.data() : nullptr, out.bias_pointer(), out.residual_pointer(), y.data(), p);
  expect("packed_" + name + sizes({m, n, k, block}), ok, y.count(), [&](size_t i) { return T::load(y[i]); },
         [&](size_t i) {
           double sum = 0;
           for (int d = 0; d < k; d++) {
             const double w = weight((int)(i % n), d);
             // Tiles hold the weights in the type.
             sum += (double)T::load(a[i / n * k + d]) * (is_tiled ? (double)T::load(T::store((float)w)) : w);
           }
           return out(sum, i);
         },
         Exactness<T>::tolerance);
  expect_processor("packed_" + name + sizes({m, n, k, block}), ok, y.count(), [&](size_t i) { return T::load(y[i]); }, Exactness<T>::tolerance,
                   [&](processor::Graph &graph) {
                     auto product = [&](processor::Value left) {
                       return graph.node("microsoft:MatMulNBits",
                                         {left, placed(graph, q, {n, blocks, block_bytes}), widened<T>(graph, scale, {n, blocks}),
                                          has_zero ? placed(graph, zero, {n, zero_bytes}) : processor::Value()},
                                         {{"K", k}, {"N", n}, {"bits", bits}, {"block_size", block}});
                     };
                     const processor::Value left = widened<T>(graph, a, {m, k});
                     if constexpr (!std::is_same_v<T, F32>)
                       if (is_tiled) {
                         // The weights themselves are their product with the identity.
                         std::vector<float> identity((size_t)k * k);
                         for (int d = 0; d < k; d++) identity[(size_t)d * k + d] = 1;
                         return out(graph, graph.node("MatMul", {left, rounded<T>(graph, product(graph.floats(identity, {k, k})))}), {m, n});
                       }
                     return out(graph, product(left), {m, n});
                   });
}

#define PACKED_TESTS(bits) \
  packed<F32, bits>(#bits "_1_f32", 1, false, false, packed_##bits##_1_f32); \
  packed<F32, bits>(#bits "_4_f32", 4, false, false, packed_##bits##_4_f32); \
  packed<F16, bits>(#bits "_1_f16", 1, false, false, packed_##bits##_1_f16); \
  packed<F16, bits>(#bits "_4_f16", 4, false, false, packed_##bits##_4_f16); \
  packed<BF16, bits>(#bits "_1_bf16", 1, false, false, packed_##bits##_1_bf16); \
  packed<BF16, bits>(#bits "_4_bf16", 4, false, false, packed_##bits##_4_bf16); \
  packed<F16, bits>(#bits "_tiles_f16_aligned", 64, true, true, packed_##bits##_tiles_f16_aligned); \
  packed<F16, bits>(#bits "_tiles_f16_any", 64, true, false, packed_##bits##_tiles_f16_any); \
  packed<BF16, bits>(#bits "_tiles_bf16_aligned", 64, true, true, packed_##bits##_tiles_bf16_aligned); \
  packed<BF16, bits>(#bits "_tiles_bf16_any", 64, true, false, packed_##bits##_tiles_bf16_any)

int main(int count, char **arguments) {
  return finish("products", seeds_of(count, arguments), [&] {
    int8(true), int8(false);
    for (int rows : {1, 4}) {
      skinny<F32>("f32", rows, skinny_1_f32, skinny_4_f32);
      skinny<F16>("f16", rows, skinny_1_f16, skinny_4_f16);
      skinny<BF16>("bf16", rows, skinny_1_bf16, skinny_4_bf16);
    }
    PACKED_TESTS(4);
    PACKED_TESTS(8);
  });
}
