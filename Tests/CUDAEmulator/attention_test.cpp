// Attention, its cache and rotary places against double-precision loops and the operators.
#include "products.h"

#include "attention.cu"

template <class T, class Kernel> static void attention(const std::string &name, int most, int unit, Kernel kernel) {
  typedef typename T::Stored U;
  const bool is_row = name.find("row") == 0;
  const int batch = between(1, 2), kv_heads = between(1, 2), heads = kv_heads * between(1, 2), q_rows = between(1, is_row ? 4 : 90);
  const int kv_rows = between(1, 100), capacity = kv_rows + between(0, 20), size = unit * between(1, most / unit), value_size = unit * between(1, most / unit);
  // The cache is [batch, capacity, heads, size]; the rest [batch, heads, rows, size].
  Device<U> q((size_t)batch * heads * q_rows * size), k((size_t)batch * capacity * kv_heads * size), v((size_t)batch * capacity * kv_heads * value_size),
      y((size_t)batch * heads * q_rows * value_size);
  auto random = [](size_t) { return T::store(normal()); };
  q.fill(random), k.fill(random), v.fill(random);
  const int kind = between(0, 2);
  // One mask for all heads of a batch.
  Device<U> added((size_t)batch * q_rows * kv_rows);
  Device<u8> seen(added.count());
  added.fill([](size_t) { return between(0, 3) ? T::store(normal()) : T::store(-INFINITY); });
  seen.fill([](size_t) { return (u8)(between(0, 3) != 0); });
  Device<i32> lengths(batch);
  lengths.fill([&](size_t) { return between(0, kv_rows); });
  const bool has_lengths = between(0, 1);
  Attention p = {heads, kv_heads, q_rows, kv_rows, size, value_size, {heads * q_rows * size, q_rows * size, size},
                 {capacity * kv_heads * size, size, kv_heads * size}, {capacity * kv_heads * value_size, value_size, kv_heads * value_size},
                 {heads * q_rows * value_size, q_rows * value_size, value_size}, {q_rows * kv_rows, 0, kv_rows}, kind, between(0, 1),
                 kv_rows - q_rows, between(0, 2) ? 0 : between(1, 40), 1 / std::sqrt((float)size), between(0, 2) ? 0.0f : 2.0f};
  const void *mask = kind == 1 ? (const void *)added.data() : kind == 2 ? (const void *)seen.data() : nullptr;
  const size_t shared = is_row ? 0 : (size_t)(QUERIES + 2 * KEYS) * (most + 8) * 2;
  const bool ok = emulator::run(name.c_str(), (is_row ? q_rows : tiles_of(q_rows, QUERIES)) * heads * batch, 128, shared, kernel, q.data(), k.data(), v.data(),
                                mask, has_lengths ? lengths.data() : nullptr, y.data(), p);
  std::vector<double> wanted(y.count());
  for (int z = 0; z < batch; z++)
    for (int h = 0; h < heads; h++)
      for (int row = 0; row < q_rows; row++) {
        const int rows = has_lengths ? lengths[z] : kv_rows, place = row + rows - q_rows, own = h / (heads / kv_heads);
        std::vector<double> score(rows, -INFINITY);
        double greatest = -INFINITY, total = 0;
        for (int key = 0; key < rows; key++) {
          if ((p.is_causal && key > place) || (p.window && key <= place - p.window)) continue;
          double sum = 0;
          for (int d = 0; d < size; d++)
            sum += (double)T::load(q[((size_t)(z * heads + h) * q_rows + row) * size + d]) * T::load(k[((size_t)(z * capacity + key) * kv_heads + own) * size + d]);
          sum *= p.scale;
          if (p.cap > 0) sum = p.cap * std::tanh(sum / p.cap);
          const size_t at = ((size_t)z * q_rows + row) * kv_rows + key;
          if (kind == 1) sum += T::load(added[at]);
          if (kind == 2 && !seen[at]) sum = -INFINITY;
          score[key] = sum, greatest = std::max(greatest, sum);
        }
        for (double &s : score) s = std::isinf(greatest) ? 0 : std::exp(s - greatest), total += s;
        for (int d = 0; d < value_size; d++) {
          double sum = 0;
          for (int key = 0; key < rows; key++) sum += score[key] * T::load(v[((size_t)(z * capacity + key) * kv_heads + own) * value_size + d]);
          wanted[((size_t)(z * heads + h) * q_rows + row) * value_size + d] = total > 0 ? sum / total : 0;
        }
      }
  expect("attention_" + name + sizes({heads, kv_heads, q_rows, kv_rows, size, value_size, kind, p.is_causal, p.window}), ok, y.count(),
         [&](size_t i) { return T::load(y[i]); }, [&](size_t i) { return wanted[i]; }, Exactness<T>::tolerance);
  expect_processor("attention_" + name + sizes({heads, kv_heads, q_rows, kv_rows, size, value_size, kind, p.is_causal, p.window}), ok, y.count(),
                   [&](size_t i) { return T::load(y[i]); }, Exactness<T>::tolerance, [&](processor::Graph &graph) {
                     auto cached = [&](const Device<U> &from, int size) {
                       const processor::Value cache = widened<T>(graph, from, {batch, capacity, kv_heads, size});
                       return graph.transposed(graph.node("Slice", {cache, graph.integers({0}), graph.integers({kv_rows}), graph.integers({1})}), {0, 2, 1, 3});
                     };
                     processor::Value mask;
                     const processor::Ints mask_dims = {batch, 1, q_rows, kv_rows};
                     if (kind == 1) mask = widened<T>(graph, added, mask_dims);
                     if (kind == 2) mask = graph.input(processor::BOOL, seen.data(), mask_dims);
                     processor::Ints rows;
                     for (int z = 0; z < batch; z++) rows.push_back(has_lengths ? lengths[z] : kv_rows);
                     // A window of one place is the query's own.
                     return graph.node("Attention",
                                       {widened<T>(graph, q, {batch, heads, q_rows, size}), cached(k, size), cached(v, value_size), mask, {}, {}, graph.integers(rows)},
                                       {{"is_causal", p.is_causal}, {"left_window_size", p.window - 1}, {"scale", p.scale}, {"softcap", p.cap}});
                   });
}

template <class U, class Kernel> static void append(Kernel kernel) {
  const int batch = between(1, 3), heads = between(1, 3), rows = between(1, 5), size = between(1, 20), capacity = rows + between(0, 6);
  Device<U> x((size_t)batch * heads * rows * size), y((size_t)batch * capacity * heads * size);
  x.fill([](size_t i) { return (U)(i + 1); }), y.fill([](size_t) { return (U)0; });
  Device<i32> lengths(batch);
  lengths.fill([&](size_t) { return between(rows, capacity); });
  const bool has_lengths = between(0, 1);
  const int start = between(0, capacity - rows);
  const Append p = {heads, rows, size, capacity, start, {heads * rows * size, rows * size, size}, {capacity * heads * size, size, heads * size}};
  const bool ok = emulator::run("append", 1, 256, 0, kernel, x.data(), has_lengths ? lengths.data() : nullptr, y.data(), p, (int)x.count());
  expect("append", ok, y.count(), [&](size_t i) { return (double)y[i]; },
         [&](size_t i) {
           const int d = i % size, head = i / size % heads, place = i / size / heads % capacity, z = i / size / heads / capacity;
           const int row = place - (has_lengths ? lengths[z] - rows : start);
           return row < 0 || row >= rows ? 0.0 : (double)(U)(((z * heads + head) * rows + row) * size + d + 1);
         },
         0);
  expect_processor("append", ok, y.count(), [&](size_t i) { return (double)y[i]; }, 0, [&](processor::Graph &graph) {
    const std::vector<U> nothing(y.count());
    processor::Ints starts;
    for (int z = 0; z < batch; z++) starts.push_back(has_lengths ? lengths[z] - rows : start);
    const processor::Value added = graph.transposed(placed(graph, x, {batch, heads, rows, size}), {0, 2, 1, 3});
    return graph.node("TensorScatter", {graph.input(type_of<U>(), nothing.data(), {batch, capacity, heads, size}), added, graph.integers(starts)}, {{"axis", 1}});
  });
}

template <class T, class Kernel> static void rotary(const std::string &name, Kernel kernel) {
  typedef typename T::Stored U;
  const int batch = between(1, 2), heads = between(1, 3), rows = between(1, 6), turned = 2 * between(1, 8), size = turned + between(0, 5), table = rows + between(0, 9);
  const int half_size = turned / 2;
  Device<U> x((size_t)batch * rows * heads * size), y(x.count()), cosine((size_t)table * half_size), sine(cosine.count());
  x.fill([](size_t) { return T::store(normal()); });
  std::vector<double> angle(cosine.count());
  for (double &a : angle) a = normal() * 3;
  cosine.fill([&](size_t i) { return T::store((float)std::cos(angle[i])); }), sine.fill([&](size_t i) { return T::store((float)std::sin(angle[i])); });
  Device<i64> positions((size_t)batch * rows);
  positions.fill([&](size_t) { return between(0, table - 1); });
  const bool has_positions = between(0, 1), is_faulty = has_positions && between(0, 3) == 0;
  if (is_faulty) positions[positions.count() - 1] = table;
  Device<i32> fault(1);
  fault[0] = 0x7fffffff;
  const int offset = between(0, table - rows);
  const Rotary p = {heads, rows, size, turned, between(0, 1), offset, rows, table, {rows * heads * size, size, heads * size}, {rows * heads * size, size, heads * size}};
  const int units = half_size + size - turned;
  const bool ok = emulator::run("rotary", between(1, 2), 256, 0, kernel, x.data(), cosine.data(), sine.data(), has_positions ? positions.data() : nullptr, y.data(),
                                fault.data(), p, batch * heads * rows * units);
  expect("rotary's fault", ok, 1, [&](size_t) { return fault[0]; }, [&](size_t) { return is_faulty ? batch * rows - 1 : 0x7fffffff; }, 0);
  if (is_faulty) return;
  expect("rotary_" + name, ok, y.count(), [&](size_t i) { return T::load(y[i]); },
         [&](size_t i) {
           const int d = i % size, row = i / size / heads % rows, z = i / size / heads / rows;
           if (d >= turned) return (double)T::load(x[i]);
           const int pair = p.is_interleaved ? d / 2 : d % half_size;
           const bool is_second = p.is_interleaved ? d % 2 : d >= half_size;
           const size_t start = i - d, place = has_positions ? positions[z * rows + row] : offset + row;
           const double a = T::load(x[start + (p.is_interleaved ? 2 * pair : pair)]), b = T::load(x[start + (p.is_interleaved ? 2 * pair + 1 : pair + half_size)]);
           const double c = T::load(cosine[place * half_size + pair]), s = T::load(sine[place * half_size + pair]);
           return is_second ? b * c + a * s : a * c - b * s;
         },
         Exactness<T>::tolerance);
  expect_processor("rotary_" + name, ok, y.count(), [&](size_t i) { return T::load(y[i]); }, Exactness<T>::tolerance, [&](processor::Graph &graph) {
    std::vector<i64> places((size_t)batch * rows);
    for (size_t i = 0; i < places.size(); i++) places[i] = has_positions ? positions[i] : offset + (int)i % rows;
    const processor::Value turned_rows =
        graph.node("RotaryEmbedding",
                   {graph.transposed(widened<T>(graph, x, {batch, rows, heads, size}), {0, 2, 1, 3}), widened<T>(graph, cosine, {table, half_size}),
                    widened<T>(graph, sine, {table, half_size}), graph.input(processor::INT64, places.data(), {batch, rows})},
                   {{"interleaved", p.is_interleaved}, {"rotary_embedding_dim", turned}});
    return graph.transposed(turned_rows, {0, 2, 1, 3});
  });
}

int main(int count, char **arguments) {
  return finish("attention", seeds_of(count, arguments), [&] {
    for (int i = 0; i < 2; i++) {
      attention<F16>("64_f16", 64, 8, attention_64_f16);
      attention<BF16>("64_bf16", 64, 8, attention_64_bf16);
      attention<F16>("128_f16", 128, 8, attention_128_f16);
      attention<BF16>("128_bf16", 128, 8, attention_128_bf16);
    }
    for (int i = 0; i < 4; i++) {
      attention<F32>("row_f32", 256, 1, attention_row_f32);
      attention<F16>("row_f16", 256, 1, attention_row_f16);
      attention<BF16>("row_bf16", 256, 1, attention_row_bf16);
      append<u16>(append_2), append<u32>(append_4);
      rotary<F32>("f32", rotary_f32), rotary<F16>("f16", rotary_f16), rotary<BF16>("bf16", rotary_bf16);
    }
  });
}
