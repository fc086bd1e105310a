// Matrix products: y[M, N] = activation(alpha * a[M, K] b[K, N] + bias[N]) + residual[M, N], row-major, any M, N and K, for each
// of a batch of matrices. `bias` and `residual` may be null. Columns: b is given as [N, K].
#include "matrix.cuh"

// The sizes of a product; steps are elements from one matrix of the batch to the next, 0 where all share one.
struct Product {
  i32 m, n, k;
  i32 activation;
  i32 a_step[2], b_step[2], y_step[2];  // 64-bit integers, the low word first
};

template <class T>
DEVICE Plain<T> plain(
    typename T::Stored *y, const typename T::Stored *bias, const typename T::Stored *residual, const Product &p, int batch, float alpha) {
  const i64 step = step_of(p.y_step) * batch;
  const Plain<T> output = {y + step, bias, residual ? residual + step : residual, p.n, p.activation, alpha};
  return output;
}

template <class T, int tile, bool is_aligned, bool is_by_columns>
DEVICE void multiply_matrices(
    const typename T::Stored *a, const typename T::Stored *b, const typename T::Stored *bias, const typename T::Stored *residual,
    typename T::Stored *y, const Product &p, float alpha) {
  typedef typename T::Stored U;
  typedef Tiles<typename UnitOf<T>::Unit, tile, tile, is_by_columns> Product_;
  DYNAMIC_SHARED(U, ring);
  const TilePlace place = Product_::place(p.m, p.n);
  const Lines<U, is_aligned> left = {a + step_of(p.a_step) * place.batch, p.m, p.k};
  const Lines<U, is_aligned> right = {b + step_of(p.b_step) * place.batch, is_by_columns ? p.n : p.k, is_by_columns ? p.k : p.n};
  Product_ tiles;
  Product_::multiply(tiles, ring, left, right, place, p.k);
  Product_::finish(tiles, ring, plain<T>(y, bias, residual, p, place.batch, alpha), place, p.m, p.n);
}

#define GEMM(name, T, tile, threads, blocks, is_aligned, is_by_columns) \
  KERNEL_OF(threads, blocks) name( \
      const T::Stored *__restrict__ a, const T::Stored *__restrict__ b, const T::Stored *__restrict__ bias, \
      const T::Stored *__restrict__ residual, T::Stored *__restrict__ y, Product p, float alpha) { \
    multiply_matrices<T, tile, is_aligned, is_by_columns>(a, b, bias, residual, y, p, alpha); \
  }
// Aligned: rows of a and b are whole pieces of 16 bytes, every matrix starts on 16 bytes. Wide: tiles of 128 x 128.
#define GEMMS(name, T) \
  GEMM(gemm_##name##_aligned, T, 64, 128, 4, true, false) \
  GEMM(gemm_##name##_any, T, 64, 128, 4, false, false) \
  GEMM(gemm_##name##_wide, T, 128, 256, 1, true, false) \
  GEMM(gemm_##name##_columns, T, 64, 128, 4, true, true)
GEMMS(f16, F16)
GEMMS(bf16, BF16)
GEMMS(tf32, F32)

// float32 on the plain units, to the last bit that float32 sums have.
struct Elements {
  const float *matrix;
  int length;
  DEVICE float at(const Elements &source, int line, int place) { return source.matrix[(i64)line * source.length + place]; }
};
KERNEL_OF(256, 2) gemm_f32(
    const float *__restrict__ a, const float *__restrict__ b, const float *__restrict__ bias, const float *__restrict__ residual,
    float *__restrict__ y, Product p, float alpha) {
  const TilePlace place = place_of(p.m, p.n, 64, 64);
  const Elements left = {a + step_of(p.a_step) * place.batch, p.k}, right = {b + step_of(p.b_step) * place.batch, p.n};
  multiply_plain(left, right, plain<F32>(y, bias, residual, p, place.batch, alpha), place, p.m, p.n, p.k);
}

// ---- prologues: the left factor is made on its way into the tile ----

// (x - mean[line]) * inverse[line] * scale[place] + shift[place]; `mean` and `shift` may be null. What row_statistics gives makes it
// a layer or RMS norm.
template <class T> struct Normalized {
  typedef typename T::Stored U;
  const U *matrix, *scale, *shift;
  const float *mean, *inverse;
  int lines, length;
  DEVICE void fill(const Normalized &source, U *to, int line, int place) {
    const bool is_there = line < source.lines;
    const float mean = is_there && source.mean ? source.mean[line] : 0.0f, inverse = is_there ? source.inverse[line] : 0.0f;
#pragma unroll 1
    for (int i = 0; i < 8; i++) {
      float value = 0.0f;
      if (is_there && place + i < source.length) {
        value = (T::load(source.matrix[(i64)line * source.length + place + i]) - mean) * inverse * T::load(source.scale[place + i]);
        if (source.shift) value += T::load(source.shift[place + i]);
      }
      to[i] = T::store(value);
    }
  }
};

// silu(gate) * up, of a matrix whose lines are `length` gates and then as many ups.
template <class T> struct Gated {
  typedef typename T::Stored U;
  const U *matrix;
  int lines, length;
  DEVICE void fill(const Gated &source, U *to, int line, int place) {
#pragma unroll 1
    for (int i = 0; i < 8; i++) {
      float value = 0.0f;
      if (line < source.lines && place + i < source.length) {
        const U *gate = source.matrix + (i64)line * source.length * 2 + place + i;
        value = silu(T::load(gate[0])) * T::load(gate[source.length]);
      }
      to[i] = T::store(value);
    }
  }
};

template <class T, class Left>
DEVICE void multiply_made(
    const Left &left, const typename T::Stored *b, const typename T::Stored *bias, const typename T::Stored *residual,
    typename T::Stored *y, const Product &p, float alpha) {
  typedef typename T::Stored U;
  typedef Tiles<typename UnitOf<T>::Unit, 64, 64, false> Product_;
  DYNAMIC_SHARED(U, ring);
  const Lines<U, true> right = {b, p.k, p.n};
  const TilePlace place = Product_::place(p.m, p.n);
  Product_ tiles;
  Product_::multiply(tiles, ring, left, right, place, p.k);
  Product_::finish(tiles, ring, plain<T>(y, bias, residual, p, 0, alpha), place, p.m, p.n);
}

// N a multiple of 8, b on 16 bytes; one matrix.
#define MADE(name, T) \
  KERNEL_OF(128, 4) gemm_normalized_##name( \
      const T::Stored *__restrict__ a, const float *__restrict__ mean, const float *__restrict__ inverse, \
      const T::Stored *__restrict__ scale, const T::Stored *__restrict__ shift, const T::Stored *__restrict__ b, \
      const T::Stored *__restrict__ bias, const T::Stored *__restrict__ residual, T::Stored *__restrict__ y, Product p, float alpha) { \
    const Normalized<T> left = {a, scale, shift, mean, inverse, p.m, p.k}; \
    multiply_made<T>(left, b, bias, residual, y, p, alpha); \
  } \
  KERNEL_OF(128, 4) gemm_gated_##name( \
      const T::Stored *__restrict__ a, const T::Stored *__restrict__ b, const T::Stored *__restrict__ bias, \
      const T::Stored *__restrict__ residual, T::Stored *__restrict__ y, Product p, float alpha) { \
    const Gated<T> left = {a, p.m, p.k}; \
    multiply_made<T>(left, b, bias, residual, y, p, alpha); \
  }
MADE(f16, F16)
MADE(bf16, BF16)
