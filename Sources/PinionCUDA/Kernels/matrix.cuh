// Products on the matrix units, whatever their factors come from: the tiles, the ring of stages and the way out. A kernel brings a
// source for each factor, which fills 16 bytes of a tile at a time.
#pragma once
#include "elementwise.cuh"

DEVICE float activate(float x, int activation) {
  switch (activation) {
  case 1: return relu(x);
  case 2: return gelu(x);
  case 3: return silu(x);
  case 4: return sigmoid(x);
  case 5: return gelu_tanh(x);
  default: return x;
  }
}

// What a block makes of a batch of matrices of m x n, by tiles. Blocks are counted along x alone, the tiles of a row one after the other, then the
// rows, then the batch: a grid has 65535 blocks along y and z and no more, which the rows of a large picture exceed.
struct TilePlace {
  int batch, row, column;
};
DEVICE TilePlace place_of(int m, int n, int tile_m, int tile_n) {
  const u32 across = ((u32)n + tile_n - 1) / tile_n, down = ((u32)m + tile_m - 1) / tile_m, line = blockIdx.x / across, batch = line / down;
  const TilePlace place = {(int)batch, (int)((line - batch * down) * tile_m), (int)((blockIdx.x - line * across) * tile_n)};
  return place;
}

// A 64-bit integer of two words, the low one first.
DEVICE i64 step_of(const i32 (&words)[2]) { return (i64)(u32)words[0] | ((i64)words[1] << 32); }

// A tile's row is 64 bytes deep, in memory 80: eight rows of 16 bytes then lie in different banks. A tile by rows of the right factor is
// padded by 8 elements for the same reason. The host counts on (m + n) * 80 bytes a stage.
enum { DEEP_BYTES = 64, PITCH_BYTES = 80, STAGES = 3, SIDE_PADDING = 8, SUM_PADDING = 4 };

// A kind of product: what is multiplied, what sums are kept in, and how fragments of a right factor by rows are read.
struct HalfUnit {
  typedef u16 Element;
  typedef float Sum;
  DEVICE void prepare(u32 (&)[4]) {}
  // For sixteen columns from `column` on: words 0 and 1 for the first eight, 2 and 3 for the next.
  DEVICE void load_by_rows(u32 (&words)[4], const u16 *tile, int pitch, int depth, int column) {
    const int lane = lane_index();
    load_matrices_transposed(words, tile + (depth + (lane & 15)) * pitch + column + (lane >> 4) * 8);
  }
  DEVICE void multiply_add(float (&c)[4], const u32 (&a)[4], u32 b0, u32 b1) { multiply_add_half(c, a, b0, b1); }
};
struct BfloatUnit : HalfUnit {
  DEVICE void multiply_add(float (&c)[4], const u32 (&a)[4], u32 b0, u32 b1) { multiply_add_bfloat(c, a, b0, b1); }
};
struct Tf32Unit {
  typedef float Element;
  typedef float Sum;
  DEVICE void prepare(u32 (&words)[4]) {
#pragma unroll
    for (int i = 0; i < 4; i++) words[i] = tf32_of_float(float_of_bits(words[i]));
  }
  DEVICE void load_by_rows(u32 (&words)[4], const float *tile, int pitch, int depth, int column) {
    const int group = lane_index() >> 2, quad = lane_index() & 3;
#pragma unroll
    for (int i = 0; i < 4; i++) words[i] = bits_of_float(tile[(depth + quad + (i & 1) * 4) * pitch + column + group + (i >> 1) * 8]);
  }
  DEVICE void multiply_add(float (&c)[4], const u32 (&a)[4], u32 b0, u32 b1) { multiply_add_tf32(c, a, b0, b1); }
};
struct Int8Unit {
  typedef i8 Element;
  typedef i32 Sum;
  DEVICE void prepare(u32 (&)[4]) {}
  DEVICE void load_by_rows(u32 (&)[4], const i8 *, int, int, int) {}  // right factors of int8 lie by columns
  DEVICE void multiply_add(i32 (&c)[4], const u32 (&a)[4], u32 b0, u32 b1) { multiply_add_int8(c, a, b0, b1); }
};
template <class T> struct UnitOf;
template <> struct UnitOf<F16> { typedef HalfUnit Unit; };
template <> struct UnitOf<BF16> { typedef BfloatUnit Unit; };
template <> struct UnitOf<F32> { typedef Tf32Unit Unit; };

// Sources: piece(to, line, place) fills 16 bytes with the elements of `line` from `place` on, zeros beyond the ends.

// A matrix by rows. With `is_aligned` every row starts on 16 bytes and holds whole pieces.
template <class U, bool is_aligned> struct Lines {
  const U *matrix;
  int lines, length;
  DEVICE void fill(const Lines &source, U *to, int line, int place) {
    enum { EACH = 16 / sizeof(U) };
    const int left = source.length - place, count = line < source.lines && left > 0 ? (left < EACH ? left : EACH) : 0;
    const U *from = source.matrix + (i64)line * source.length + place;
    if (is_aligned) {
      copy_async(to, count ? from : source.matrix, count * (int)sizeof(U));
    } else {
#pragma unroll
      for (int i = 0; i < EACH; i++) to[i] = i < count ? from[i] : (U)0;
    }
  }
};

// Sums of a tile of tile_m x tile_n: two warps one above the other, tile_n / 32 side by side, each of tile_m / 2 x 32.
// `left` gives lines of m, places of k; `right` lines of k, places of n, or with `is_by_columns` lines of n, places of k.
template <class Unit, int tile_m, int tile_n, bool is_by_columns> struct Tiles {
  typedef typename Unit::Element Element;
  typedef typename Unit::Sum Sum;
  enum {
    THREADS = tile_n * 2,
    DEEP = DEEP_BYTES / sizeof(Element),
    PITCH = PITCH_BYTES / sizeof(Element),
    EACH = 16 / sizeof(Element),
    RIGHT_PITCH = is_by_columns ? PITCH : tile_n + SIDE_PADDING,
    STAGE = (tile_m + tile_n) * PITCH,
    DOWN = tile_m / 32,
    PARTS = tile_m / 64,
  };
  Sum sum[DOWN][4][4];

  template <class Left, class Right>
  DEVICE void load(Element *stage, const Left &left, const Right &right, int first_row, int first_column, int depth) {
    for (int i = threadIdx.x; i < tile_m * (DEEP / EACH); i += THREADS) {
      const int row = i / (DEEP / EACH), place = i % (DEEP / EACH) * EACH;
      Left::fill(left, stage + row * PITCH + place, first_row + row, depth + place);
    }
    Element *const tile = stage + tile_m * PITCH;
    enum { LINES = is_by_columns ? tile_n : DEEP, LONG = is_by_columns ? DEEP : tile_n };
    for (int i = threadIdx.x; i < LINES * (LONG / EACH); i += THREADS) {
      const int line = i / (LONG / EACH), place = i % (LONG / EACH) * EACH;
      Right::fill(right, tile + line * RIGHT_PITCH + place, (is_by_columns ? first_column : depth) + line,
                  (is_by_columns ? depth : first_column) + place);
    }
  }

  DEVICE TilePlace place(int m, int n) { return place_of(m, n, tile_m, tile_n); }

  // Products of depths 0 to k.
  template <class Left, class Right>
  DEVICE void multiply(Tiles &tiles, Element *ring, const Left &left, const Right &right, const TilePlace &place, int k) {
    const int lane = lane_index(), first_row = place.row, first_column = place.column;
    const int warp_row = (warp_index() & 1) * (tile_m / 2), warp_column = (warp_index() >> 1) * 32;
#pragma unroll
    for (int i = 0; i < DOWN; i++)
#pragma unroll
      for (int j = 0; j < 4; j++)
#pragma unroll
        for (int e = 0; e < 4; e++) tiles.sum[i][j][e] = 0;
    const int steps = (k + DEEP - 1) / DEEP;
    for (int s = 0; s < STAGES - 1; s++) {
      if (s < steps) load(ring + s * STAGE, left, right, first_row, first_column, s * DEEP);
      commit_copies();
    }
    for (int step = 0; step < steps; step++) {
      wait_for_copies<STAGES - 2>();
      // This step's stage is there for all threads, and none still reads the one that is filled next.
      __syncthreads();
      const int ahead = step + STAGES - 1;
      if (ahead < steps) load(ring + ahead % STAGES * STAGE, left, right, first_row, first_column, ahead * DEEP);
      commit_copies();
      const Element *const left_tile = ring + step % STAGES * STAGE, *const right_tile = left_tile + tile_m * PITCH;
#pragma unroll
      for (int depth = 0; depth < DEEP; depth += DEEP / 2) {
        u32 a[DOWN][4], b[2][4];
#pragma unroll
        for (int i = 0; i < DOWN; i++) {
          load_matrices(a[i], left_tile + (warp_row + i * 16 + (lane & 15)) * PITCH + depth + (lane >> 4) * EACH);
          Unit::prepare(a[i]);
        }
#pragma unroll
        for (int j = 0; j < 2; j++) {
          if (is_by_columns) {
            // Lanes 0 to 7 name the first eight columns, 8 to 15 the same columns' other half of the depth, and so on.
            const int column = warp_column + j * 16 + (lane & 7) + (lane >> 4) * 8;
            load_matrices(b[j], right_tile + column * PITCH + depth + (lane >> 3 & 1) * EACH);
          } else {
            Unit::load_by_rows(b[j], right_tile, RIGHT_PITCH, depth, warp_column + j * 16);
          }
          Unit::prepare(b[j]);
        }
#pragma unroll
        for (int i = 0; i < DOWN; i++)
#pragma unroll
          for (int j = 0; j < 4; j++) Unit::multiply_add(tiles.sum[i][j], a[i], b[j >> 1][(j & 1) * 2], b[j >> 1][(j & 1) * 2 + 1]);
      }
    }
    wait_for_copies<0>();
    __syncthreads();  // the last stage has been read
  }

  // Hands every sum within m and n to `output`. Sums meet in shared memory, in parts of 64 rows, so that a row's neighbours are written by
  // neighbouring threads and the output's text is there once, not once for each sum that a thread holds.
  template <class Output> DEVICE void finish(const Tiles &tiles, Element *ring, const Output &output, const TilePlace &place, int m, int n) {
    enum { SUM_PITCH = tile_n + SUM_PADDING };
    Sum *const sums = (Sum *)ring;
    const int lane = lane_index(), warp_row = (warp_index() & 1) * (tile_m / 2), warp_column = (warp_index() >> 1) * 32;
#pragma unroll
    for (int part = 0; part < PARTS; part++) {
      if (part) __syncthreads();  // the part before has been read
#pragma unroll
      for (int i = 0; i < DOWN; i++)
#pragma unroll
        for (int j = 0; j < 4; j++)
#pragma unroll
          for (int e = 0; e < 4; e++) {
            const int row = warp_row + i * 16 + (lane >> 2) + (e >> 1) * 8 - part * 64, column = warp_column + j * 8 + (lane & 3) * 2 + (e & 1);
            if (row >= 0 && row < 64) sums[row * SUM_PITCH + column] = tiles.sum[i][j][e];
          }
      __syncthreads();
#pragma unroll 1
      for (int i = threadIdx.x; i < 64 * tile_n; i += THREADS) {
        const int row = place.row + part * 64 + i / tile_n, column = place.column + i % tile_n;
        if (row < m && column < n) Output::put(output, row, column, sums[i / tile_n * SUM_PITCH + i % tile_n]);
      }
    }
  }
};

// y = activation(alpha * sum + bias[column]) + residual; rows of y and residual lie `pitch` elements apart. `bias` and `residual` may be null.
template <class T> struct Plain {
  typename T::Stored *y;
  const typename T::Stored *bias, *residual;
  int pitch, activation;
  float alpha;
  DEVICE void put(const Plain &output, int row, int column, float sum) {
    const i64 place = (i64)row * output.pitch + column;
    float value = sum * output.alpha;
    if (output.bias) value += T::load(output.bias[column]);
    value = activate(value, output.activation);
    if (output.residual) value += T::load(output.residual[place]);
    output.y[place] = T::store(value);
  }
};

// On the plain units: tiles of 64 x 64 x 16, 256 threads of 4 x 4 sums, float32. Sources give at(line, place).
template <class Left, class Right, class Output>
DEVICE void multiply_plain(const Left &left, const Right &right, const Output &output, const TilePlace &place, int m, int n, int k) {
  SHARED Bytes16 storage[64 * 68 / 4];
  // The tile of the left factor by columns, padded to spread its stores over the banks; that of the right by rows; the sums in place of both.
  float *const sums = (float *)storage;
  float(*const left_tile)[68] = (float(*)[68])sums;
  float(*const right_tile)[64] = (float(*)[64])(sums + 16 * 68);
  const int thread = threadIdx.x, across = thread & 15, down = thread >> 4;
  const int first_row = place.row, first_column = place.column;
  float sum[4][4] = {};
  for (int start = 0; start < k; start += 16) {
#pragma unroll
    for (int i = 0; i < 4; i++) {
      const int row = first_row + down + 16 * i, depth = start + across;
      left_tile[across][down + 16 * i] = row < m && depth < k ? Left::at(left, row, depth) : 0.0f;
    }
#pragma unroll
    for (int i = 0; i < 4; i++) {
      const int depth = start + (thread >> 6) + 4 * i, column = first_column + (thread & 63);
      right_tile[(thread >> 6) + 4 * i][thread & 63] = depth < k && column < n ? Right::at(right, depth, column) : 0.0f;
    }
    __syncthreads();
#pragma unroll 8
    for (int depth = 0; depth < 16; depth++) {
      const Four<float> a = *(const Four<float> *)&left_tile[depth][down * 4], b = *(const Four<float> *)&right_tile[depth][across * 4];
#pragma unroll
      for (int i = 0; i < 4; i++)
#pragma unroll
        for (int j = 0; j < 4; j++) sum[i][j] += a.element[i] * b.element[j];
    }
    __syncthreads();
  }
#pragma unroll
  for (int i = 0; i < 4; i++)
#pragma unroll
    for (int j = 0; j < 4; j++) sums[(down * 4 + i) * 68 + across * 4 + j] = sum[i][j];
  __syncthreads();
#pragma unroll 1
  for (int i = thread; i < 64 * 64; i += 256) {
    const int row = first_row + (i >> 6), column = first_column + (i & 63);
    if (row < m && column < n) Output::put(output, row, column, sums[(i >> 6) * 68 + (i & 63)]);
  }
}
