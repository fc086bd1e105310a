// Elements whose places are given by indices of int64. A negative index counts from the end. The first index that is out of range ends up
// in `fault`, by its position; its elements are left alone. Of updates to one place any may be the last; sums are in any order.
#include "elementwise.cuh"

DEVICE i64 wrapped(i64 index, int extent) { return index < 0 ? index + extent : index; }

struct Copied {
  template <class U> DEVICE void put(U *to, U value) { *to = value; }
};
struct Added {
  DEVICE void put(float *to, float value) { atomic_add(to, value); }
};

// y is [outer, extent, inner], indices and updates [outer, picked, inner]: y[o, indices[o, p, i], i] = updates[o, p, i].
template <class U, class How>
DEVICE void scatter_elements(const U *updates, const i64 *indices, U *y, i32 *fault, int extent, int inner, int picked, int count) {
  for (int i = blockIdx.x * blockDim.x + threadIdx.x; i < count; i += gridDim.x * blockDim.x) {
    const i64 index = wrapped(indices[i], extent);
    if (index < 0 || index >= extent) atomic_minimum(fault, i);
    else How::put(y + ((i64)(i / inner / picked) * extent + index) * inner + i % inner, updates[i]);
  }
}
// The other way round: y[o, p, i] = x[o, indices[o, p, i], i].
template <class U>
DEVICE void gather_elements(const U *x, const i64 *indices, U *y, i32 *fault, int extent, int inner, int picked, int count) {
  for (int i = blockIdx.x * blockDim.x + threadIdx.x; i < count; i += gridDim.x * blockDim.x) {
    const i64 index = wrapped(indices[i], extent);
    if (index < 0 || index >= extent) atomic_minimum(fault, i);
    else y[i] = x[((i64)(i / inner / picked) * extent + index) * inner + i % inner];
  }
}

// Places of several axes: indices is [tuples, depth], each tuple names a slice of `inner` elements of an array of `extent`s.
struct Tuples {
  i32 depth, extent[MOST_AXES], inner;
  // The slice's number; -1 where an index is out of range.
  DEVICE i64 locate(const Tuples &tuples, const i64 *index) {
    i64 place = 0;
#pragma unroll
    for (int axis = 0; axis < MOST_AXES; axis++) {
      if (axis >= tuples.depth) break;
      const i64 at = wrapped(index[axis], tuples.extent[axis]);
      if (at < 0 || at >= tuples.extent[axis]) return -1;
      place = place * tuples.extent[axis] + at;
    }
    return place;
  }
};
template <class U, class How>
DEVICE void scatter_tuples(const U *updates, const i64 *indices, U *y, i32 *fault, const Tuples &tuples, int count) {
  for (int i = blockIdx.x * blockDim.x + threadIdx.x; i < count; i += gridDim.x * blockDim.x) {
    const int tuple = i / tuples.inner;
    const i64 slice = Tuples::locate(tuples, indices + (i64)tuple * tuples.depth);
    if (slice < 0) atomic_minimum(fault, tuple);
    else How::put(y + slice * tuples.inner + i % tuples.inner, updates[i]);
  }
}
template <class U> DEVICE void gather_tuples(const U *x, const i64 *indices, U *y, i32 *fault, const Tuples &tuples, int count) {
  for (int i = blockIdx.x * blockDim.x + threadIdx.x; i < count; i += gridDim.x * blockDim.x) {
    const int tuple = i / tuples.inner;
    const i64 slice = Tuples::locate(tuples, indices + (i64)tuple * tuples.depth);
    if (slice < 0) atomic_minimum(fault, tuple);
    else y[i] = x[slice * tuples.inner + i % tuples.inner];
  }
}

#define ELEMENTS(name, U, call) \
  KERNEL(256) name( \
      const U *__restrict__ from, const i64 *__restrict__ indices, U *__restrict__ y, i32 *fault, int extent, int inner, int picked, \
      int count) { \
    call(from, indices, y, fault, extent, inner, picked, count); \
  }
#define TUPLES(name, U, call) \
  KERNEL(256) name( \
      const U *__restrict__ from, const i64 *__restrict__ indices, U *__restrict__ y, i32 *fault, Tuples tuples, int count) { \
    call(from, indices, y, fault, tuples, count); \
  }
#define INDEXED(bytes, U) \
  ELEMENTS(gather_elements_##bytes, U, gather_elements<U>) \
  ELEMENTS(scatter_elements_##bytes, U, (scatter_elements<U, Copied>)) \
  TUPLES(gather_tuples_##bytes, U, gather_tuples<U>) \
  TUPLES(scatter_tuples_##bytes, U, (scatter_tuples<U, Copied>))
INDEXED(1, u8)
INDEXED(2, u16)
INDEXED(4, u32)
INDEXED(8, u64)
ELEMENTS(scatter_elements_add_f32, float, (scatter_elements<float, Added>))
TUPLES(scatter_tuples_add_f32, float, (scatter_tuples<float, Added>))
