// Sums over rows and columns, softmax and normalisation. Everything is summed in float32.
#include "elementwise.cuh"

struct Sum {
  DEVICE float identity() { return 0.0f; }
  DEVICE float combine(float a, float b) { return a + b; }
};
struct Maximum {
  DEVICE float identity() { return float_of_bits(0xff800000u); }
  DEVICE float combine(float a, float b) { return maximum(a, b); }
};
struct Minimum {
  DEVICE float identity() { return float_of_bits(0x7f800000u); }
  DEVICE float combine(float a, float b) { return minimum(a, b); }
};

template <class R> DEVICE float warp_reduce(float value) {
  for (int mask = 16; mask > 0; mask >>= 1) value = R::combine(value, shuffle_xor(value, mask));
  return value;
}

// The result over all threads of the block, for every thread; `partial` has a place for each warp.
template <class R> DEVICE float block_reduce(float value, float *partial) {
  value = warp_reduce<R>(value);
  __syncthreads();  // `partial` may still be read by an earlier call
  if (lane_index() == 0) partial[warp_index()] = value;
  __syncthreads();
  const int warps = (int)(blockDim.x + 31) >> 5;
  return warp_reduce<R>(lane_index() < warps ? partial[lane_index()] : R::identity());
}

// One block a row of `columns` neighbours; y[row] = reduced * factor.
template <class R, class T>
DEVICE void reduce_row(const typename T::Stored *x, typename T::Stored *y, int columns, float factor) {
  SHARED float partial[32];
  const typename T::Stored *row = x + (i64)blockIdx.x * columns;
  float value = R::identity();
  for (int i = threadIdx.x; i < columns; i += blockDim.x) value = R::combine(value, T::load(row[i]));
  value = block_reduce<R>(value, partial);
  if (threadIdx.x == 0) y[blockIdx.x] = T::store(value * factor);
}

// x is [outer, extent, inner]; a thread reduces one column of `extent` elements, neighbours read neighbouring ones. A block has 256 columns of one
// outer row; blocks are counted along x alone, since a grid has no more than 65535 along y.
template <class R, class T>
DEVICE void reduce_column(const typename T::Stored *x, typename T::Stored *y, int extent, int inner, float factor) {
  const u32 across = ((u32)inner + 255) / 256, outer = blockIdx.x / across;
  const int column = (int)((blockIdx.x - outer * across) * 256 + threadIdx.x);
  if (column >= inner) return;
  const typename T::Stored *first = x + (i64)outer * extent * inner + column;
  float value = R::identity();
  for (int i = 0; i < extent; i++) value = R::combine(value, T::load(first[(i64)i * inner]));
  y[(i64)outer * inner + column] = T::store(value * factor);
}

#define REDUCTION(name, R, T) \
  KERNEL(256) reduce_rows_##name(const T::Stored *__restrict__ x, T::Stored *__restrict__ y, int columns, float factor) { \
    reduce_row<R, T>(x, y, columns, factor); \
  } \
  KERNEL(256) reduce_columns_##name( \
      const T::Stored *__restrict__ x, T::Stored *__restrict__ y, int extent, int inner, float factor) { \
    reduce_column<R, T>(x, y, extent, inner, factor); \
  }
REDUCTION(sum_f32, Sum, F32)
REDUCTION(max_f32, Maximum, F32)
REDUCTION(min_f32, Minimum, F32)
REDUCTION(sum_f16, Sum, F16)
REDUCTION(max_f16, Maximum, F16)
REDUCTION(min_f16, Minimum, F16)
REDUCTION(sum_bf16, Sum, BF16)
REDUCTION(max_bf16, Maximum, BF16)
REDUCTION(min_bf16, Minimum, BF16)

// One warp a row that its registers hold: at most 32 * each elements. blockDim.x / 32 rows a block.
template <class T, int each>
DEVICE void softmax_short(const typename T::Stored *x, typename T::Stored *y, int rows, int columns, int logarithm) {
  const int row = blockIdx.x * (blockDim.x >> 5) + warp_index();
  if (row >= rows) return;
  const typename T::Stored *from = x + (i64)row * columns;
  typename T::Stored *to = y + (i64)row * columns;
  float value[each], most = Maximum::identity();
#pragma unroll
  for (int k = 0; k < each; k++) {
    const int i = lane_index() + 32 * k;
    value[k] = i < columns ? T::load(from[i]) : Maximum::identity();
    most = Maximum::combine(most, value[k]);
  }
  most = warp_reduce<Maximum>(most);
  float sum = 0.0f;
#pragma unroll
  for (int k = 0; k < each; k++) sum += lane_index() + 32 * k < columns ? expf(value[k] - most) : 0.0f;
  sum = warp_reduce<Sum>(sum);
  // The greatest is taken off first: added to the logarithm, it would cost that its digits.
  const float scale = 1.0f / sum, shift = logf(sum);
#pragma unroll
  for (int k = 0; k < each; k++) {
    const int i = lane_index() + 32 * k;
    if (i < columns) to[i] = T::store(logarithm ? value[k] - most - shift : expf(value[k] - most) * scale);
  }
}

// One block a row of any length; the row is read three times, the later times mostly from the cache.
template <class T> DEVICE void softmax_long(const typename T::Stored *x, typename T::Stored *y, int columns, int logarithm) {
  SHARED float partial[32];
  const typename T::Stored *from = x + (i64)blockIdx.x * columns;
  typename T::Stored *to = y + (i64)blockIdx.x * columns;
  float most = Maximum::identity();
  for (int i = threadIdx.x; i < columns; i += blockDim.x) most = Maximum::combine(most, T::load(from[i]));
  most = block_reduce<Maximum>(most, partial);
  float sum = 0.0f;
  for (int i = threadIdx.x; i < columns; i += blockDim.x) sum += expf(T::load(from[i]) - most);
  sum = block_reduce<Sum>(sum, partial);
  const float scale = 1.0f / sum, shift = logf(sum);
  for (int i = threadIdx.x; i < columns; i += blockDim.x) {
    const float value = T::load(from[i]) - most;
    to[i] = T::store(logarithm ? value - shift : expf(value) * scale);
  }
}

#define SOFTMAX(name, T) \
  KERNEL(128) softmax_128_##name(const T::Stored *__restrict__ x, T::Stored *__restrict__ y, int rows, int columns, int logarithm) { \
    softmax_short<T, 4>(x, y, rows, columns, logarithm); \
  } \
  KERNEL(128) softmax_1024_##name(const T::Stored *__restrict__ x, T::Stored *__restrict__ y, int rows, int columns, int logarithm) { \
    softmax_short<T, 32>(x, y, rows, columns, logarithm); \
  } \
  KERNEL(512) softmax_any_##name(const T::Stored *__restrict__ x, T::Stored *__restrict__ y, int columns, int logarithm) { \
    softmax_long<T>(x, y, columns, logarithm); \
  }
SOFTMAX(f32, F32)
SOFTMAX(f16, F16)
SOFTMAX(bf16, BF16)

// One block a row: its mean, or 0 without is_centred, and 1 / sqrt(variance + epsilon), for products that normalise on the way in.
template <class T>
DEVICE void row_moments(const typename T::Stored *from, float *partial, int columns, float epsilon, bool is_centred, float &mean, float &inverse) {
  mean = 0.0f;
  if (is_centred) {
    for (int i = threadIdx.x; i < columns; i += blockDim.x) mean += T::load(from[i]);
    mean = block_reduce<Sum>(mean, partial) / (float)columns;
  }
  float squares = 0.0f;
  for (int i = threadIdx.x; i < columns; i += blockDim.x) {
    const float difference = T::load(from[i]) - mean;
    squares += difference * difference;
  }
  inverse = 1.0f / sqrtf(block_reduce<Sum>(squares, partial) / (float)columns + epsilon);
}

template <class T>
DEVICE void measure(const typename T::Stored *x, float *means, float *inverses, int columns, float epsilon, int is_centred) {
  SHARED float partial[32];
  float mean, inverse;
  row_moments<T>(x + (i64)blockIdx.x * columns, partial, columns, epsilon, is_centred != 0, mean, inverse);
  if (threadIdx.x == 0) means[blockIdx.x] = mean, inverses[blockIdx.x] = inverse;
}

// One block a row: y = (x - mean) / sqrt(variance + epsilon) * scale + bias, or without `is_centred` x / sqrt(mean square + epsilon) * scale.
// The variance is that of the differences, so that a large mean costs no precision. `bias` may be null.
template <class T>
DEVICE void normalize(
    const typename T::Stored *x, const typename T::Stored *scale, const typename T::Stored *bias, typename T::Stored *y, int columns,
    float epsilon, bool is_centred) {
  SHARED float partial[32];
  const typename T::Stored *from = x + (i64)blockIdx.x * columns;
  typename T::Stored *to = y + (i64)blockIdx.x * columns;
  float mean, inverse;
  row_moments<T>(from, partial, columns, epsilon, is_centred, mean, inverse);
  for (int i = threadIdx.x; i < columns; i += blockDim.x) {
    const float value = (T::load(from[i]) - mean) * inverse * T::load(scale[i]);
    to[i] = T::store(bias ? value + T::load(bias[i]) : value);
  }
}

#define NORMALIZATION(name, T) \
  KERNEL(256) row_statistics_##name( \
      const T::Stored *__restrict__ x, float *__restrict__ means, float *__restrict__ inverses, int columns, float epsilon, int is_centred) { \
    measure<T>(x, means, inverses, columns, epsilon, is_centred); \
  } \
  KERNEL(256) layer_norm_##name( \
      const T::Stored *__restrict__ x, const T::Stored *__restrict__ scale, const T::Stored *__restrict__ bias, \
      T::Stored *__restrict__ y, int columns, float epsilon) { \
    normalize<T>(x, scale, bias, y, columns, epsilon, true); \
  } \
  KERNEL(256) rms_norm_##name( \
      const T::Stored *__restrict__ x, const T::Stored *__restrict__ scale, T::Stored *__restrict__ y, int columns, float epsilon) { \
    normalize<T>(x, scale, nullptr, y, columns, epsilon, false); \
  }
NORMALIZATION(f32, F32)
NORMALIZATION(f16, F16)
NORMALIZATION(bf16, BF16)
