// Moved elements, which have to be equal to the last bit.
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
  Padding p = {between(1, 4), {}, {}, {}, between(0, 3)};
  int count = 1, from_count = 1;
  for (int axis = 0; axis < p.rank; axis++) {
    p.from_extent[axis] = between(1, 5), p.begin[axis] = between(-p.from_extent[axis] + 1, 6);
    p.extent[axis] = std::max(1, p.from_extent[axis] + p.begin[axis] + between(-1, 6));
    count *= p.extent[axis], from_count *= p.from_extent[axis];
  }
  Device<U> x(from_count), y(count);
  x.fill(unit<U>);
  const U value = unit<U>(12345);
  const bool ok = emulator::run("pad", between(1, 2), 256, 0, pad, x.data(), y.data(), value, count, p);
  same<U>("pad", ok, y, [&](size_t i) {
    int place = 0, step = 1, rest = (int)i;
    for (int axis = p.rank; axis-- > 0; rest /= p.extent[axis]) {
      const int at = padded_place(rest % p.extent[axis] - p.begin[axis], p.from_extent[axis], p.mode);
      if (at < 0) return value;
      place += at * step, step *= p.from_extent[axis];
    }
    return x[place];
  });
}

// Places before the first element, so far away that their distance in elements is beyond 32 bits.
static void far_padding() {
  const int wide = 1 << 20;
  const Padding p = {2, {4001, 1}, {1, wide}, {4000, -wide / 2}, 0};
  Device<u8> x(wide), y(4001);
  x.fill(unit<u8>);
  const bool ok = emulator::run("pad", 4, 256, 0, pad_1, x.data(), y.data(), (u8)77, 4001, p);
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
  }
  for (int wide = 0; wide < 2; wide++) {
    const int outer = between(1, 3), extent = between(1, 20), inner = between(1, 9), picked = between(1, 30), count = outer * picked * inner;
    const bool is_faulty = between(0, 2) == 0;
    std::vector<i64> indices(picked);
    for (i64 &index : indices) index = between(-extent, extent - 1);
    int first = 0x7fffffff;
    if (is_faulty) {
      first = between(0, picked - 1);
      for (int i = first; i < picked; i++) indices[i] = between(0, 1) ? extent + between(0, 5) : -extent - 1;
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
