// Top-k, and elements placed by indices, against plain loops and the operators.
#include "check.h"

#include "scatter.cu"
#include "selection.cu"

template <class T, class Kernel> static void top_k(const std::string &name, Kernel kernel) {
  typedef typename T::Stored U;
  const int rows = between(1, 3), columns = between(1, between(0, 1) ? 40 : 900), k = between(1, std::min(columns, 300)), is_least = between(0, 1);
  int size = 1;
  while (size < k) size *= 2;
  Device<U> x((size_t)rows * columns), y((size_t)rows * k);
  Device<i64> indices(y.count());
  // Few values, so that many are equal; both zeros, infinities and NaN.
  const bool has_ties = between(0, 1);
  x.fill([&](size_t) { return T::store(has_ties ? (float)between(-3, 3) * 0.5f : normal()); });
  if (between(0, 1))
    for (float special : {-0.0f, INFINITY, -INFINITY, NAN}) x[generator() % x.count()] = T::store(special);
  const bool ok = emulator::run("top_k", rows, 32 * between(1, 8), size * sizeof(u64), kernel, x.data(), y.data(), indices.data(), columns, k, size, is_least);
  std::vector<int> order((size_t)rows * k);
  for (int row = 0; row < rows; row++) {
    std::vector<int> places(columns);
    std::iota(places.begin(), places.end(), 0);
    std::sort(places.begin(), places.end(), [&](int i, int j) {
      const float a = T::load(x[row * columns + i]), b = T::load(x[row * columns + j]);
      auto is_greater = [](float p, float q) { return std::isnan(p) ? !std::isnan(q) : p > q; };
      if (is_greater(a, b) || is_greater(b, a)) return is_least ? is_greater(b, a) : is_greater(a, b);
      return i < j;
    });
    std::copy_n(places.begin(), k, order.begin() + row * k);
  }
  expect("top_k_" + name + " indices", ok, indices.count(), [&](size_t i) { return (double)indices[i]; }, [&](size_t i) { return order[i]; }, 0);
  expect("top_k_" + name, ok, y.count(), [&](size_t i) { return T::load(y[i]); }, [&](size_t i) { return T::load(x[i / k * columns + order[i]]); }, 0);
  auto chosen = [&](processor::Graph &graph) {
    return graph.nodes("TopK", {widened<T>(graph, x, {rows, columns}), graph.integers({k})}, 2, {{"axis", 1}, {"largest", !is_least ? 1 : 0}, {"sorted", 1}});
  };
  expect_processor("top_k_" + name + " indices", ok, indices.count(), [&](size_t i) { return (double)indices[i]; }, 0, [&](processor::Graph &graph) { return chosen(graph)[1]; });
  expect_processor("top_k_" + name, ok, y.count(), [&](size_t i) { return T::load(y[i]); }, 0, [&](processor::Graph &graph) { return chosen(graph)[0]; });
}

// Indices of which none names a place twice, some counted from the end; with is_faulty the last is out of range.
static i64 spoiled(i64 index, int extent) { return between(0, 1) ? index : index - extent; }

template <class U, class Gather, class Scatter, class GatherTuples, class ScatterTuples>
static void indexed(Gather gather, Scatter scatter, GatherTuples gather_tuples_kernel, ScatterTuples scatter_tuples_kernel) {
  const bool is_faulty = between(0, 3) == 0;
  Device<i32> fault(1);
  auto same = [](const std::string &name, bool ok, const Device<U> &y, const std::function<double(size_t)> &wanted) {
    expect(name + "_" + std::to_string(sizeof(U)), ok, y.count(), [&](size_t i) { return (double)y[i]; }, wanted, 0);
  };
  auto same_processor = [](const std::string &name, const Device<U> &y, const std::function<processor::Value(processor::Graph &)> &build) {
    expect_processor(name + "_" + std::to_string(sizeof(U)), true, y.count(), [&](size_t i) { return (double)y[i]; }, 0, build);
  };
  auto value = [](size_t i) { return (U)(i * 37 + 11); };
  {
    const int outer = between(1, 3), extent = between(1, 12), inner = between(1, 9), picked = between(1, extent), count = outer * picked * inner;
    Device<i64> indices(count);
    // Every column takes places in an order of its own.
    for (int o = 0; o < outer; o++)
      for (int c = 0; c < inner; c++) {
        std::vector<int> places(extent);
        std::iota(places.begin(), places.end(), 0);
        std::shuffle(places.begin(), places.end(), generator);
        for (int p = 0; p < picked; p++) indices[(o * picked + p) * inner + c] = spoiled(places[p], extent);
      }
    std::vector<i64> plain(indices.data(), indices.data() + count);
    for (i64 &index : plain) index = index < 0 ? index + extent : index;
    if (is_faulty) indices[count - 1] = extent;
    Device<U> x((size_t)outer * extent * inner), picked_values(count), updates(count), y(x.count());
    x.fill(value), updates.fill([&](size_t i) { return value(i + 500); }), y.fill(value);
    for (int writes = 0; writes < 2; writes++) {
      fault[0] = 0x7fffffff;
      std::vector<U> before(y.data(), y.data() + y.count());
      const bool ok = writes ? emulator::run("scatter_elements", 2, 256, 0, scatter, updates.data(), indices.data(), y.data(), fault.data(), extent, inner, picked, count)
                             : emulator::run("gather_elements", 2, 256, 0, gather, x.data(), indices.data(), picked_values.data(), fault.data(), extent, inner, picked, count);
      expect("elements' fault", ok, 1, [&](size_t) { return fault[0]; }, [&](size_t) { return is_faulty ? count - 1 : 0x7fffffff; }, 0);
      if (is_faulty) continue;
      same_processor(writes ? "scatter_elements" : "gather_elements", writes ? y : picked_values, [&](processor::Graph &graph) {
        const processor::Value at = placed(graph, indices, {outer, picked, inner}), from = graph.input(type_of<U>(), writes ? before.data() : x.data(), {outer, extent, inner});
        return writes ? graph.node("ScatterElements", {from, at, placed(graph, updates, {outer, picked, inner})}, {{"axis", 1}}) : graph.node("GatherElements", {from, at}, {{"axis", 1}});
      });
    }
    if (!is_faulty) {
      same("gather_elements", true, picked_values, [&](size_t i) { return (double)x[(i / inner / picked * extent + plain[i]) * inner + i % inner]; });
      std::vector<double> wanted(y.count());
      for (size_t i = 0; i < wanted.size(); i++) wanted[i] = (double)value(i);
      for (int i = 0; i < count; i++) wanted[(i / inner / picked * extent + plain[i]) * inner + i % inner] = (double)updates[i];
      same("scatter_elements", true, y, [&](size_t i) { return wanted[i]; });
    }
  }
  {
    Tuples t = {between(1, 3), {}, between(1, 7)};
    int slices = 1;
    for (int axis = 0; axis < t.depth; axis++) slices *= t.extent[axis] = between(1, 5);
    const int tuples = between(1, slices), count = tuples * t.inner;
    std::vector<int> places(slices);
    std::iota(places.begin(), places.end(), 0);
    std::shuffle(places.begin(), places.end(), generator);
    Device<i64> indices((size_t)tuples * t.depth);
    for (int i = 0; i < tuples; i++)
      for (int axis = t.depth, rest = places[i]; axis-- > 0; rest /= t.extent[axis]) indices[i * t.depth + axis] = spoiled(rest % t.extent[axis], t.extent[axis]);
    if (is_faulty) indices[indices.count() - 1] = -t.extent[t.depth - 1] - 1;
    Device<U> x((size_t)slices * t.inner), picked_values(count), updates(count), y(x.count());
    x.fill(value), updates.fill([&](size_t i) { return value(i + 500); }), y.fill(value);
    for (int writes = 0; writes < 2; writes++) {
      fault[0] = 0x7fffffff;
      std::vector<U> before(y.data(), y.data() + y.count());
      const bool ok = writes ? emulator::run("scatter_tuples", 2, 256, 0, scatter_tuples_kernel, updates.data(), indices.data(), y.data(), fault.data(), t, count)
                             : emulator::run("gather_tuples", 2, 256, 0, gather_tuples_kernel, x.data(), indices.data(), picked_values.data(), fault.data(), t, count);
      expect("tuples' fault", ok, 1, [&](size_t) { return fault[0]; }, [&](size_t) { return is_faulty ? tuples - 1 : 0x7fffffff; }, 0);
      if (is_faulty) continue;
      same_processor(writes ? "scatter_tuples" : "gather_tuples", writes ? y : picked_values, [&](processor::Graph &graph) {
        processor::Ints dims(t.extent, t.extent + t.depth);
        dims.push_back(t.inner);
        const processor::Value at = placed(graph, indices, {tuples, t.depth}), from = graph.input(type_of<U>(), writes ? before.data() : x.data(), dims);
        return writes ? graph.node("ScatterND", {from, at, placed(graph, updates, {tuples, t.inner})}) : graph.node("GatherND", {from, at});
      });
    }
    if (!is_faulty) {
      same("gather_tuples", true, picked_values, [&](size_t i) { return (double)x[places[i / t.inner] * t.inner + i % t.inner]; });
      std::vector<double> wanted(y.count());
      for (size_t i = 0; i < wanted.size(); i++) wanted[i] = (double)value(i);
      for (int i = 0; i < count; i++) wanted[places[i / t.inner] * t.inner + i % t.inner] = (double)updates[i];
      same("scatter_tuples", true, y, [&](size_t i) { return wanted[i]; });
    }
  }
}

// Sums of whole numbers, which no order of adding changes.
static void added() {
  const int extent = between(1, 6), inner = between(1, 5), picked = between(1, 60), count = picked * inner;
  Device<i64> indices(count), rows(picked);
  Device<float> updates(count), y((size_t)extent * inner), z(y.count());
  Device<i32> fault(1);
  fault[0] = 0x7fffffff;
  indices.fill([&](size_t) { return spoiled(between(0, extent - 1), extent); }), rows.fill([&](size_t) { return spoiled(between(0, extent - 1), extent); });
  updates.fill([](size_t) { return (float)between(-9, 9); }), y.fill([](size_t i) { return (float)i; }), z.fill([](size_t i) { return (float)i; });
  bool ok = emulator::run("scatter_elements_add", 2, 256, 0, scatter_elements_add_f32, updates.data(), indices.data(), y.data(), fault.data(), extent, inner, picked, count);
  const Tuples t = {1, {extent}, inner};
  ok &= emulator::run("scatter_tuples_add", 2, 256, 0, scatter_tuples_add_f32, updates.data(), rows.data(), z.data(), fault.data(), t, count);
  std::vector<double> by_element(y.count()), by_row(y.count());
  for (size_t i = 0; i < y.count(); i++) by_element[i] = by_row[i] = (double)i;
  for (int i = 0; i < count; i++) {
    const i64 element = indices[i], row = rows[i / inner];
    by_element[(element < 0 ? element + extent : element) * inner + i % inner] += updates[i];
    by_row[(row < 0 ? row + extent : row) * inner + i % inner] += updates[i];
  }
  expect("scatter_elements_add", ok && fault[0] == 0x7fffffff, y.count(), [&](size_t i) { return y[i]; }, [&](size_t i) { return by_element[i]; }, 0);
  expect("scatter_tuples_add", ok, z.count(), [&](size_t i) { return z[i]; }, [&](size_t i) { return by_row[i]; }, 0);
  auto start = [&](processor::Graph &graph) {
    std::vector<float> counted(y.count());
    std::iota(counted.begin(), counted.end(), 0.0f);
    return graph.floats(counted, {extent, inner});
  };
  const processor::Ints dims = {picked, inner};
  expect_processor("scatter_elements_add", ok, y.count(), [&](size_t i) { return y[i]; }, 0, [&](processor::Graph &graph) {
    return graph.node("ScatterElements", {start(graph), placed(graph, indices, dims), placed(graph, updates, dims)}, {{"axis", 0}, {"reduction", "add"}});
  });
  expect_processor("scatter_tuples_add", ok, z.count(), [&](size_t i) { return z[i]; }, 0, [&](processor::Graph &graph) {
    return graph.node("ScatterND", {start(graph), placed(graph, rows, {picked, 1}), placed(graph, updates, dims)}, {{"reduction", "add"}});
  });
}

int main(int count, char **arguments) {
  return finish("selection", seeds_of(count, arguments), [&] {
    for (int i = 0; i < 3; i++) {
      top_k<F32>("f32", top_k_f32), top_k<F16>("f16", top_k_f16), top_k<BF16>("bf16", top_k_bf16);
      indexed<u8>(gather_elements_1, scatter_elements_1, gather_tuples_1, scatter_tuples_1);
      indexed<u16>(gather_elements_2, scatter_elements_2, gather_tuples_2, scatter_tuples_2);
      indexed<u32>(gather_elements_4, scatter_elements_4, gather_tuples_4, scatter_tuples_4);
      indexed<u64>(gather_elements_8, scatter_elements_8, gather_tuples_8, scatter_tuples_8);
      added();
    }
  });
}
