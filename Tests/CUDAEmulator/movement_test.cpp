// Moved elements, which have to be equal to the last bit, against plain loops and the operators that move.
#include "check.h"

#include "movement.cu"

template <class U> static U unit(size_t i) {
  U value = {};
  u64 bits = i * 0x9e3779b97f4a7c15ull + 1;
  memcpy((void *)&value, &bits, std::min(sizeof value, sizeof bits));
  return value;
}

template <class U> static void same(const std::string &name, bool ok, const Device<U> &y, const std::function<U(size_t)> &wanted) {
  expect(name + "_" + std::to_string(sizeof(U)), ok, y.count(),
         [&](size_t i) {
           const U value = wanted(i);
           return memcmp(&y[i], &value, sizeof(U)) ? 1.0 : 0.0;
         },
         [](size_t) { return 0.0; }, 0);
}

// Elements of any size, those of 16 bytes as pairs in a last axis of their own.
template <class U> static processor::Value moved(processor::Graph &graph, const Device<U> &x, processor::Ints dims) {
  if constexpr (std::is_same_v<U, Bytes16>) {
    dims.push_back(2);
    return graph.input(processor::UINT64, x.data(), dims);
  } else {
    return placed(graph, x, dims);
  }
}
template <class U> static processor::Ints with_pair(processor::Ints list, int64_t last) {
  if (std::is_same_v<U, Bytes16>) list.push_back(last);
  return list;
}
template <class U> static void same_processor(const std::string &name, bool ok, const Device<U> &y, const std::function<processor::Value(processor::Graph &)> &build) {
  constexpr size_t pieces = sizeof(U) == 16 ? 2 : 1;
  expect_processor(name + "_" + std::to_string(sizeof(U)), ok, y.count() * pieces,
                   [&](size_t i) {
                     if constexpr (pieces == 2) return (double)((const u64 *)y.data())[i];
                     else return (double)y[i];
                   },
                   0, build);
}

// y's place along an axis of x, by the definition of each mode; -1 for the constant.
static int padded_place(int place, int extent, int mode) {
  if (mode == 0) return place < 0 || place >= extent ? -1 : place;
  if (mode == 1) return std::min(std::max(place, 0), extent - 1);
  // One step after the other, turning or starting again at the ends.
  while (place < 0 || place >= extent) {
    if (mode == 3) place += place < 0 ? extent : -extent;
    else if (extent == 1) place = 0;
    else place = place < 0 ? -place : 2 * (extent - 1) - place;
  }
  return place;
}

template <class U, class Pad> static void padding(Pad pad) {
  Padding p = {between(1, 4), {}, {}, {}, {}, between(0, 3)};
  // What x has along each axis, and what is added, or cut off, before and behind it.
  int own[MOST_AXES], before[MOST_AXES], behind[MOST_AXES], count = 1, from_count = 1, cut = 0;
  for (int axis = p.rank; axis-- > 0;) {
    own[axis] = between(1, 5), before[axis] = between(-own[axis] + 1, 6);
    const int left = own[axis] + std::min(before[axis], 0);
    behind[axis] = between(-left + 1, 6);
    p.extent[axis] = own[axis] + before[axis] + behind[axis], p.from_extent[axis] = left + std::min(behind[axis], 0);
    p.begin[axis] = std::max(before[axis], 0), p.step[axis] = from_count, cut += std::max(-before[axis], 0) * from_count;
    count *= p.extent[axis], from_count *= own[axis];
  }
  Device<U> x(from_count), y(count);
  x.fill(unit<U>);
  // No operator pads with two numbers as one.
  const U value = sizeof(U) == 16 ? U() : unit<U>(12345);
  const bool ok = emulator::run("pad", between(1, 2), 256, 0, pad, x.data() + cut, y.data(), value, count, p);
  same<U>("pad", ok, y, [&](size_t i) {
    int place = 0, step = 1, rest = (int)i;
    for (int axis = p.rank; axis-- > 0; rest /= p.extent[axis]) {
      // The place in what is left of x, and then in x.
      const int at = padded_place(rest % p.extent[axis] - std::max(before[axis], 0), p.from_extent[axis], p.mode);
      if (at < 0) return value;
      place += (at + std::max(-before[axis], 0)) * step, step *= own[axis];
    }
    return x[place];
  });
  same_processor<U>("pad", ok, y, [&](processor::Graph &graph) {
    static const char *const modes[] = {"constant", "edge", "reflect", "wrap"};
    processor::Ints dims(own, own + p.rank), pads(before, before + p.rank);
    if (sizeof(U) == 16) pads.push_back(0);
    pads.insert(pads.end(), behind, behind + p.rank);
    if (sizeof(U) == 16) pads.push_back(0);
    processor::Value constant;
    if constexpr (sizeof(U) < 16)
      if (p.mode == 0) constant = graph.input(type_of<U>(), &value, {});
    return graph.node("Pad", {moved(graph, x, dims), graph.integers(pads), constant}, {{"mode", modes[p.mode]}});
  });
}

// Places before the first element, so far away that their distance in elements is beyond 32 bits.
static void far_padding() {
  const int wide = 1 << 20;
  const Padding p = {2, {4001, 1}, {1, 1}, {4000, 0}, {wide, 1}, 0};
  Device<u8> x(wide), y(4001);
  x.fill(unit<u8>);
  const bool ok = emulator::run("pad", 4, 256, 0, pad_1, x.data() + wide / 2, y.data(), (u8)77, 4001, p);
  same<u8>("pad", ok, y, [&](size_t i) { return i == 4000 ? x[wide / 2] : (u8)77; });
}

template <class U, class Transpose, class Move, class Gather, class GatherLong, class Copy, class Pad>
static void test(Transpose transpose, Move move, Gather gather, GatherLong gather_long, Copy copy_rows_kernel, Pad pad) {
  for (int i = 0; i < 3; i++) padding<U>(pad);
  {
    const int batch = between(1, 3), rows = between(1, 70), columns = between(1, 70);
    Device<U> x((size_t)batch * rows * columns), y(x.count());
    x.fill(unit<U>);
    const bool ok = emulator::run("transpose", dim3((columns + 31) / 32, (rows + 31) / 32, batch), 256, 0, transpose, x.data(), y.data(), rows, columns);
    same<U>("transpose", ok, y, [&](size_t i) {
      const size_t z = i / (rows * columns), c = i / rows % columns, r = i % rows;
      return x[(z * rows + r) * columns + c];
    });
    same_processor<U>("transpose", ok, y, [&](processor::Graph &graph) { return graph.transposed(moved(graph, x, {batch, rows, columns}), with_pair<U>({0, 2, 1}, 3)); });
  }
  {
    // The axes in reverse order, the last one broadcast.
    const int e0 = between(1, 6), e1 = between(1, 9), e2 = between(1, 7), count = e0 * e1 * e2;
    Device<U> x((size_t)e0 * e1), y(count);
    x.fill(unit<U>);
    Axes<1> axes = {3, {e1, e0, e2}, {{1, e1, 0}}};
    const bool ok = emulator::run("move", between(1, 3), 256, 0, move, x.data(), y.data(), count, axes);
    same<U>("move", ok, y, [&](size_t i) {
      const size_t a = i / (e0 * e2), b = i / e2 % e0;
      return x[b * e1 + a];
    });
    same_processor<U>("move", ok, y, [&](processor::Graph &graph) {
      const processor::Value turned = graph.transposed(moved(graph, x, {e0, e1, 1}), with_pair<U>({1, 0, 2}, 3));
      return graph.node("Expand", {turned, graph.integers(with_pair<U>({e1, e0, e2}, 2))});
    });
  }
  {
    // A part of each axis, in steps of which some go back.
    int own[3], start[3], extent[3], step[3], size = 1, offset = 0, count = 1;
    Axes<1> axes = {3, {}, {{}}};
    for (int axis = 2; axis >= 0; axis--) {
      own[axis] = between(1, 9), start[axis] = between(0, own[axis] - 1), step[axis] = between(0, 1) ? between(1, 3) : -between(1, 3);
      extent[axis] = between(1, (step[axis] > 0 ? own[axis] - 1 - start[axis] : start[axis]) / std::abs(step[axis]) + 1);
      axes.extent[axis] = extent[axis], axes.step[0][axis] = step[axis] * size, offset += start[axis] * size;
      size *= own[axis], count *= extent[axis];
    }
    Device<U> x(size), y(count);
    x.fill(unit<U>);
    const bool ok = emulator::run("move", between(1, 2), 256, 0, move, x.data() + offset, y.data(), count, axes);
    same<U>("slice", ok, y, [&](size_t i) {
      const int a = i / (extent[1] * extent[2]), b = i / extent[2] % extent[1], c = i % extent[2];
      return x[((start[0] + a * step[0]) * own[1] + start[1] + b * step[1]) * own[2] + start[2] + c * step[2]];
    });
    same_processor<U>("slice", ok, y, [&](processor::Graph &graph) {
      processor::Ints starts, ends, steps;
      for (int axis = 0; axis < 3; axis++) {
        const int end = start[axis] + extent[axis] * step[axis];
        // An end before the first element is written as one that is far before it.
        starts.push_back(start[axis]), ends.push_back(end < 0 ? -1000 : end), steps.push_back(step[axis]);
      }
      const processor::Value picture = moved(graph, x, {own[0], own[1], own[2]});
      return graph.node("Slice", {picture, graph.integers(starts), graph.integers(ends), graph.integers({0, 1, 2}), graph.integers(steps)});
    });
  }
  for (int round = 0; round < 4; round++) {
    const bool wide = round & 1, is_faulty = round & 2;
    const int outer = between(1, 3), extent = between(1, 20), inner = between(1, 9), picked = between(1, 30), count = outer * picked * inner;
    std::vector<i64> indices(picked);
    for (i64 &index : indices) index = between(-extent, extent - 1);
    int first = 0x7fffffff;
    if (is_faulty) {
      first = between(0, picked - 1);
      for (int i = first; i < picked; i++) indices[i] = between(0, 1) ? extent + (between(0, 1) ? 0 : between(1, 5)) : -extent - 1;
    }
    Device<U> x((size_t)outer * extent * inner), y(count);
    x.fill(unit<U>);
    Device<i32> fault(1);
    fault[0] = 0x7fffffff;
    Device<i64> indices64(picked);
    Device<i32> indices32(picked);
    for (int i = 0; i < picked; i++) indices64[i] = indices[i], indices32[i] = (i32)indices[i];
    const bool ok = wide ? emulator::run("gather", 2, 256, 0, gather_long, x.data(), indices64.data(), y.data(), fault.data(), extent, inner, picked, count)
                         : emulator::run("gather", 2, 256, 0, gather, x.data(), indices32.data(), y.data(), fault.data(), extent, inner, picked, count);
    expect("gather's fault", ok, 1, [&](size_t) { return fault[0]; }, [&](size_t) { return first; }, 0);
    if (!is_faulty)
      same<U>("gather", ok, y, [&](size_t i) {
        const size_t o = i / (picked * inner), p = i / inner % picked, c = i % inner;
        return x[(o * extent + (indices[p] < 0 ? indices[p] + extent : indices[p])) * inner + c];
      });
    if (!is_faulty)
      same_processor<U>("gather", ok, y, [&](processor::Graph &graph) {
        return graph.node("Gather", {moved(graph, x, {outer, extent, inner}), wide ? placed(graph, indices64, {picked}) : placed(graph, indices32, {picked})}, {{"axis", 1}});
      });
  }
  {
    // Two parts side by side, as Concat has them.
    const int rows = between(1, 9), left = between(1, 40), right = between(1, 40), pitch = left + right;
    Device<U> a((size_t)rows * left), b((size_t)rows * right), y((size_t)rows * pitch);
    a.fill(unit<U>), b.fill([](size_t i) { return unit<U>(i + 1000); });
    bool ok = emulator::run("copy_rows", 2, 256, 0, copy_rows_kernel, a.data(), y.data(), left, left, pitch, rows * left);
    ok &= emulator::run("copy_rows", 1, 256, 0, copy_rows_kernel, b.data(), y.data() + left, right, right, pitch, rows * right);
    same<U>("copy_rows", ok, y, [&](size_t i) {
      const size_t r = i / pitch, c = i % pitch;
      return (int)c < left ? a[r * left + c] : b[r * right + c - left];
    });
    same_processor<U>("copy_rows", ok, y, [&](processor::Graph &graph) {
      return graph.node("Concat", {moved(graph, a, {rows, left}), moved(graph, b, {rows, right})}, {{"axis", 1}});
    });
    // And the right one taken out again, as Split does.
    Device<U> part((size_t)rows * right);
    ok = emulator::run("copy_rows", 1, 256, 0, copy_rows_kernel, y.data() + left, part.data(), right, pitch, right, rows * right);
    same<U>("split", ok, part, [&](size_t i) { return b[i]; });
    same_processor<U>("split", ok, part, [&](processor::Graph &graph) {
      return graph.nodes("Split", {moved(graph, y, {rows, pitch}), graph.integers({left, right})}, 2, {{"axis", 1}})[1];
    });
  }
}

int main(int count, char **arguments) {
  return finish("movement", seeds_of(count, arguments), [] {
#define TEST(bytes, U) test<U>(transpose_##bytes, move_##bytes, gather_##bytes##_i32, gather_##bytes##_i64, copy_rows_##bytes, pad_##bytes)
    TEST(1, u8);
    TEST(2, u16);
    TEST(4, u32);
    TEST(8, u64);
    TEST(16, Bytes16);
    far_padding();
  });
}
