// Products with weights of 4 or 8 bits: y[M, N] = activation(a[M, K] w[N, K] + bias[N]) + residual[M, N], w = (q - zero) * scale.
// Weights lie as MatMulNBits has them: q is [N, blocks, block * bits / 8] unsigned, with 4 bits the even place in the low half; scale
// is [N, blocks]; zero is [N, bytes of a row's blocks], packed the same way, or null for the middle, 8 or 128. `block` is a power of
// two of 16 or more, and blocks cover K.
#include "matrix.cuh"

struct Packed {
  i32 m, n, k, block, activation;
};

template <class T> struct PackedRow {
  const u8 *q;
  const typename T::Stored *scale;
  const u8 *zero;
};
template <class T, int bits> DEVICE PackedRow<T> packed_row(const u8 *q, const typename T::Stored *scale, const u8 *zero, const Packed &p, int row) {
  const int blocks = (p.k + p.block - 1) / p.block, bytes = bits == 4 ? (blocks + 1) / 2 : blocks;
  const PackedRow<T> result = {q + (i64)row * blocks * (p.block * bits / 8), scale + (i64)row * blocks, zero ? zero + (i64)row * bytes : zero};
  return result;
}
template <int bits> DEVICE int packed_value(const u8 *bytes, int place) {
  return bits == 4 ? bytes[place >> 1] >> (place & 1) * 4 & 15 : bytes[place];
}
template <class T, int bits> DEVICE float packed_zero(const PackedRow<T> &row, int block) {
  return row.zero ? (float)packed_value<bits>(row.zero, block) : bits == 4 ? 8.0f : 128.0f;
}

enum { PACKED_WARPS = 8 };

// One warp a column, for up to `rows` rows of a; the warp's lanes share the depth, eight places each at a time. Blocks are counted as for tiles.
template <class T, int bits, int rows>
DEVICE void multiply_packed(
    const typename T::Stored *a, const u8 *q, const typename T::Stored *scale, const u8 *zero, const typename T::Stored *bias,
    const typename T::Stored *residual, typename T::Stored *y, const Packed &p) {
  const TilePlace tile = place_of(p.m, p.n, rows, PACKED_WARPS);
  const int column = tile.column + warp_index(), first_row = tile.row;
  if (column >= p.n) return;
  const PackedRow<T> packed = packed_row<T, bits>(q, scale, zero, p, column);
  float sum[rows] = {};
  for (int place = lane_index() * 8; place < p.k; place += 256) {
    // The eight lie in one block, and the row's bytes go on to the end of its last block.
    const int block = place / p.block;
    const float factor = T::load(packed.scale[block]), middle = packed_zero<T, bits>(packed, block);
    float w[8];
#pragma unroll
    for (int i = 0; i < 8; i++) w[i] = ((float)packed_value<bits>(packed.q, place + i) - middle) * factor;
#pragma unroll
    for (int row = 0; row < rows; row++) {
      if (first_row + row >= p.m) continue;
      const typename T::Stored *from = a + (i64)(first_row + row) * p.k + place;
#pragma unroll
      for (int i = 0; i < 8; i++)
        if (place + i < p.k) sum[row] += T::load(from[i]) * w[i];
    }
  }
  const Plain<T> output = {y, bias, residual, p.n, p.activation, 1.0f};
#pragma unroll
  for (int row = 0; row < rows; row++) {
    for (int mask = 16; mask > 0; mask >>= 1) sum[row] += shuffle_xor(sum[row], mask);
  }
#pragma unroll 1
  for (int row = 0; row < rows; row++) {
    float total = 0.0f;
#pragma unroll
    for (int i = 0; i < rows; i++)
      if (i == row) total = sum[i];
    if (lane_index() == 0 && first_row + row < p.m) Plain<T>::put(output, first_row + row, column, total);
  }
}

// The weights by columns, made into 16-bit floats on the way into the tile.
template <class T, int bits> struct PackedColumns {
  const u8 *q;
  const typename T::Stored *scale;
  const u8 *zero;
  Packed p;
  DEVICE void fill(const PackedColumns &source, u16 *to, int line, int place) {
    const bool is_there = line < source.p.n && place < source.p.k;
    const PackedRow<T> row = packed_row<T, bits>(source.q, source.scale, source.zero, source.p, is_there ? line : 0);
    const int block = is_there ? place / source.p.block : 0;
    const float factor = is_there ? T::load(row.scale[block]) : 0.0f, middle = packed_zero<T, bits>(row, block);
#pragma unroll
    for (int i = 0; i < 8; i++)
      to[i] = is_there && place + i < source.p.k ? T::store(((float)packed_value<bits>(row.q, place + i) - middle) * factor) : (u16)0;
  }
};

template <class T, int bits, bool is_aligned>
DEVICE void multiply_packed_tiles(
    const u16 *a, const u8 *q, const u16 *scale, const u8 *zero, const u16 *bias, const u16 *residual, u16 *y, const Packed &p) {
  typedef Tiles<typename UnitOf<T>::Unit, 64, 64, true> Product_;
  DYNAMIC_SHARED(u16, ring);
  const Lines<u16, is_aligned> left = {a, p.m, p.k};
  const PackedColumns<T, bits> right = {q, scale, zero, p};
  const Plain<T> output = {y, bias, residual, p.n, p.activation, 1.0f};
  const TilePlace place = Product_::place(p.m, p.n);
  Product_ tiles;
  Product_::multiply(tiles, ring, left, right, place, p.k);
  Product_::finish(tiles, ring, output, place, p.m, p.n);
}

#define PACKED(bits, rows, name, T) \
  KERNEL(256) packed_##bits##_##rows##_##name( \
      const T::Stored *__restrict__ a, const u8 *__restrict__ q, const T::Stored *__restrict__ scale, const u8 *__restrict__ zero, \
      const T::Stored *__restrict__ bias, const T::Stored *__restrict__ residual, T::Stored *__restrict__ y, Packed p) { \
    multiply_packed<T, bits, rows>(a, q, scale, zero, bias, residual, y, p); \
  }
// Tiles: K a multiple of 8 and a on 16 bytes with is_aligned.
#define PACKED_TILES(bits, name, T, is_aligned) \
  KERNEL_OF(128, 4) packed_##bits##_tiles_##name( \
      const u16 *__restrict__ a, const u8 *__restrict__ q, const u16 *__restrict__ scale, const u8 *__restrict__ zero, \
      const u16 *__restrict__ bias, const u16 *__restrict__ residual, u16 *__restrict__ y, Packed p) { \
    multiply_packed_tiles<T, bits, is_aligned>(a, q, scale, zero, bias, residual, y, p); \
  }
#define PACKED_BITS(bits) \
  PACKED(bits, 1, f32, F32) \
  PACKED(bits, 4, f32, F32) \
  PACKED(bits, 1, f16, F16) \
  PACKED(bits, 4, f16, F16) \
  PACKED(bits, 1, bf16, BF16) \
  PACKED(bits, 4, bf16, BF16) \
  PACKED_TILES(bits, f16_aligned, F16, true) \
  PACKED_TILES(bits, f16_any, F16, false) \
  PACKED_TILES(bits, bf16_aligned, BF16, true) \
  PACKED_TILES(bits, bf16_any, BF16, false)
PACKED_BITS(4)
PACKED_BITS(8)
