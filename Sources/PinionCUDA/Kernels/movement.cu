// Elements moved as they are. Each kernel exists for units of 1 to 16 bytes; the host takes the largest that divides everything.
#include "elementwise.cuh"

// x is [gridDim.z, rows, columns], y [gridDim.z, columns, rows]: through tiles of 32 x 32, so that both sides are read and written by rows.
template <class U> DEVICE void transpose_tiles(const U *x, U *y, int rows, int columns) {
  SHARED U tile[32][33];
  x += (i64)blockIdx.z * rows * columns;
  y += (i64)blockIdx.z * rows * columns;
  const int across = threadIdx.x & 31, down = threadIdx.x >> 5;
  const int column = blockIdx.x * 32 + across;
  for (int i = down; i < 32; i += 8) {
    const int row = blockIdx.y * 32 + i;
    if (row < rows && column < columns) tile[i][across] = x[(i64)row * columns + column];
  }
  __syncthreads();
  const int row = blockIdx.y * 32 + across;
  for (int i = down; i < 32; i += 8)
    if (row < rows && (int)blockIdx.x * 32 + i < columns) y[(i64)(blockIdx.x * 32 + i) * rows + row] = tile[across][i];
}

// y[i] = x[the place that the axes give]: any order of axes, slices and expansions.
template <class U> DEVICE void move_strided(const U *x, U *y, int count, const Axes<1> &axes) {
  for (int i = blockIdx.x * blockDim.x + threadIdx.x; i < count; i += gridDim.x * blockDim.x) {
    i32 offset[1];
    Axes<1>::locate(axes, (u32)i, offset);
    y[i] = x[offset[0]];
  }
}

// x is [outer, extent, inner], y [outer, indices, inner]. A negative index counts from the end. The first index that is out of range
// ends up in `fault`, by its position; its elements are left alone.
template <class U, class I>
DEVICE void gather_slices(const U *x, const I *indices, U *y, i32 *fault, int extent, int inner, int index_count, int count) {
  for (int i = blockIdx.x * blockDim.x + threadIdx.x; i < count; i += gridDim.x * blockDim.x) {
    const int place = i % inner, rest = i / inner, position = rest % index_count, outer = rest / index_count;
    const i64 given = indices[position], index = given < 0 ? given + extent : given;
    if (index < 0 || index >= extent) atomic_minimum(fault, position);
    else y[i] = x[((i64)outer * extent + index) * inner + place];
  }
}

// Rows of `width` units, from_pitch apart in x and to_pitch apart in y: the parts of Concat and Split.
template <class U> DEVICE void copy_rows(const U *x, U *y, int width, int from_pitch, int to_pitch, int count) {
  for (int i = blockIdx.x * blockDim.x + threadIdx.x; i < count; i += gridDim.x * blockDim.x) {
    const int row = i / width, column = i - row * width;
    y[(i64)row * to_pitch + column] = x[(i64)row * from_pitch + column];
  }
}

// What lies around a picture of any rank: y's place along an axis is x's plus `begin`.
// What is cut off goes first: x begins behind it, and from_extent is what is left of each axis, 0 only where all is the constant.
struct Padding {
  i32 rank, extent[MOST_AXES], from_extent[MOST_AXES], begin[MOST_AXES], step[MOST_AXES];
  i32 mode;  // 0: a constant; 1: the edge; 2: reflected without the edge; 3: from the other end
};
template <class U> DEVICE void pad_axes(const U *x, U *y, U value, int count, const Padding &p) {
  for (int i = blockIdx.x * blockDim.x + threadIdx.x; i < count; i += gridDim.x * blockDim.x) {
    int rest = i, place = 0;
    bool is_inside = true;
#pragma unroll
    for (int axis = MOST_AXES - 1; axis >= 0; axis--) {
      if (axis >= p.rank) continue;
      const int extent = p.from_extent[axis];
      int at = rest % p.extent[axis] - p.begin[axis];
      rest /= p.extent[axis];
      if (at < 0 || at >= extent) {
        if (p.mode == 0) {
          // A place outside may be further away than 32 bits count.
          is_inside = false, at = 0;
        } else if (p.mode == 1) {
          at = at < 0 ? 0 : extent - 1;
        } else {
          // Reflected, the picture repeats after there and back.
          const int period = p.mode == 3 ? extent : extent > 1 ? 2 * extent - 2 : 1;
          at %= period;
          if (at < 0) at += period;
          if (at >= extent) at = period - at;
        }
      }
      place += at * p.step[axis];
    }
    y[i] = is_inside ? x[place] : value;
  }
}

#define MOVEMENT(bytes, U) \
  KERNEL(256) transpose_##bytes(const U *__restrict__ x, U *__restrict__ y, int rows, int columns) { \
    transpose_tiles<U>(x, y, rows, columns); \
  } \
  KERNEL(256) move_##bytes(const U *__restrict__ x, U *__restrict__ y, int count, Axes<1> axes) { move_strided<U>(x, y, count, axes); } \
  KERNEL(256) gather_##bytes##_i32( \
      const U *__restrict__ x, const i32 *__restrict__ indices, U *__restrict__ y, i32 *fault, int extent, int inner, int index_count, \
      int count) { \
    gather_slices<U, i32>(x, indices, y, fault, extent, inner, index_count, count); \
  } \
  KERNEL(256) gather_##bytes##_i64( \
      const U *__restrict__ x, const i64 *__restrict__ indices, U *__restrict__ y, i32 *fault, int extent, int inner, int index_count, \
      int count) { \
    gather_slices<U, i64>(x, indices, y, fault, extent, inner, index_count, count); \
  } \
  KERNEL(256) pad_##bytes(const U *__restrict__ x, U *__restrict__ y, U value, int count, Padding p) { pad_axes<U>(x, y, value, count, p); } \
  KERNEL(256) copy_rows_##bytes(const U *__restrict__ x, U *__restrict__ y, int width, int from_pitch, int to_pitch, int count) { \
    copy_rows<U>(x, y, width, from_pitch, to_pitch, count); \
  }
MOVEMENT(1, u8)
MOVEMENT(2, u16)
MOVEMENT(4, u32)
MOVEMENT(8, u64)
MOVEMENT(16, Bytes16)
