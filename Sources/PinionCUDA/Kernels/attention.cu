// Attention: y = softmax(q k' * scale + mask) v for each head, the keys taken in parts, so that the scores are nowhere in memory.
// q is [batch, heads, q_rows, size], k and v [batch, kv_heads, rows, size], by steps; the last axis is dense. heads is a multiple of
// kv_heads. A cache is k and v with more rows than are used: kv_rows of them are, or lengths[batch] where that is given.
#include "matrix.cuh"

struct Attention {
  i32 heads, kv_heads, q_rows, kv_rows, size, value_size;
  i32 q_step[3], k_step[3], v_step[3], y_step[3];  // elements from one batch, head, row to the next
  i32 mask_step[3], mask_kind;                     // 0: none; 1: added, of q's type; 2: bytes, 0 where a key is not seen
  // Query i is at place i + offset among the keys; with lengths the last query is at the last key.
  i32 is_causal, offset;
  i32 window;  // keys that a query sees up to its place; 0: all
  float scale, cap;  // cap > 0: cap * tanh(score / cap)
};

// A block's batch, head and first query, where each block has `queries` of them. Blocks are counted along x alone: along the others a grid has 65535
// and no more, which the windows of a picture exceed.
struct Part {
  int batch, head, row;
};
DEVICE Part part_of(const Attention &p, int queries) {
  const u32 parts = ((u32)p.q_rows + queries - 1) / queries, line = blockIdx.x / parts, batch = line / p.heads;
  const Part part = {(int)batch, (int)(line - batch * p.heads), (int)((blockIdx.x - line * parts) * queries)};
  return part;
}

// The keys from first to end that queries first_row to last_row may see.
struct KeyRange {
  int first, end, offset;
};
DEVICE KeyRange keys_of(const Attention &p, const i32 *lengths, int batch, int first_row, int last_row) {
  int rows = lengths ? lengths[batch] : p.kv_rows;
  rows = rows < 0 ? 0 : rows < p.kv_rows ? rows : p.kv_rows;
  KeyRange range = {0, rows, lengths ? rows - p.q_rows : p.offset};
  if (p.is_causal && last_row + range.offset + 1 < range.end) range.end = last_row + range.offset + 1;
  if (p.window > 0 && first_row + range.offset - p.window + 1 > 0) range.first = first_row + range.offset - p.window + 1;
  return range;
}
DEVICE bool is_seen(const Attention &p, const KeyRange &range, int row, int key) {
  const int place = row + range.offset;
  return key < range.end && !(p.is_causal && key > place) && !(p.window > 0 && key <= place - p.window);
}
// A score after scale, cap and mask; minus infinity where the key is not seen.
template <class T> DEVICE float score_of(const Attention &p, const KeyRange &range, const void *mask, float product, int row, int key) {
  const float none = float_of_bits(0xff800000u);
  if (row >= p.q_rows || !is_seen(p, range, row, key)) return none;
  float score = product * p.scale;
  if (p.cap > 0.0f) score = p.cap * tanhf(score / p.cap);
  const i64 place = (i64)row * p.mask_step[2] + key;
  if (p.mask_kind == 1) score += T::load(((const typename T::Stored *)mask)[place]);
  if (p.mask_kind == 2 && !((const u8 *)mask)[place]) return none;
  return score;
}
// exp(x - most), where a row that sees nothing has no greatest score.
DEVICE float weight_of(float x, float most) { return most == float_of_bits(0xff800000u) ? 0.0f : expf(x - most); }

// ---- on the matrix units: 64 queries a block, 16 a warp, KEYS keys at a time; size and value_size up to `most`, multiples of 8 ----

// Turing, which multiplies in smaller pieces, has no registers for more keys.
enum { QUERIES = 64, KEYS = HAS_ASYNC_COPY ? 64 : 32 };

template <int most, int lines> DEVICE void load_rows(u16 *tile, const u16 *matrix, int step, int first, int rows, int size) {
  for (int i = threadIdx.x; i < lines * (most / 8); i += 128) {
    const int row = i / (most / 8), place = i % (most / 8) * 8;
    const bool is_there = first + row < rows && place < size;
    copy_async(tile + row * (most + 8) + place, is_there ? matrix + (i64)(first + row) * step + place : matrix, is_there ? 16 : 0);
  }
}

template <class T, int most>
DEVICE void attend_tiles(const u16 *q, const u16 *k, const u16 *v, const void *mask, const i32 *lengths, u16 *y, const Attention &p) {
  typedef typename UnitOf<T>::Unit Unit;
  enum { PITCH = most + 8 };
  DYNAMIC_SHARED(u16, tiles);
  u16 *const q_tile = tiles, *const k_tile = tiles + QUERIES * PITCH, *const v_tile = k_tile + KEYS * PITCH;
  const Part part = part_of(p, QUERIES);
  const int batch = part.batch, head = part.head, kv_head = head / (p.heads / p.kv_heads), first_row = part.row;
  const int lane = lane_index(), warp_row = warp_index() * 16, group = lane >> 2, quad = lane & 3;
  q += (i64)batch * p.q_step[0] + (i64)head * p.q_step[1];
  k += (i64)batch * p.k_step[0] + (i64)kv_head * p.k_step[1];
  v += (i64)batch * p.v_step[0] + (i64)kv_head * p.v_step[1];
  y += (i64)batch * p.y_step[0] + (i64)head * p.y_step[1];
  const i64 mask_start = (i64)batch * p.mask_step[0] + (i64)head * p.mask_step[1];
  if (p.mask_kind) mask = p.mask_kind == 1 ? (const void *)((const u16 *)mask + mask_start) : (const void *)((const u8 *)mask + mask_start);
  const int last_row = first_row + QUERIES - 1 < p.q_rows ? first_row + QUERIES - 1 : p.q_rows - 1;
  const KeyRange range = keys_of(p, lengths, batch, first_row, last_row);
  const int first_key = range.first / KEYS * KEYS;

  load_rows<most, QUERIES>(q_tile, q, p.q_step[2], first_row, p.q_rows, p.size);
  load_rows<most, KEYS>(k_tile, k, p.k_step[2], first_key, range.end, p.size);
  commit_copies();
  load_rows<most, KEYS>(v_tile, v, p.v_step[2], first_key, range.end, p.value_size);
  commit_copies();

  float out[most / 8][4], greatest[2], total[2] = {0.0f, 0.0f};
#pragma unroll
  for (int i = 0; i < most / 8; i++)
#pragma unroll
    for (int e = 0; e < 4; e++) out[i][e] = 0.0f;
  greatest[0] = greatest[1] = float_of_bits(0xff800000u);
  for (int key = first_key; key < range.end; key += KEYS) {
    wait_for_copies<1>();
    __syncthreads();  // the keys are there for all
    float score[KEYS / 8][4];
#pragma unroll
    for (int j = 0; j < KEYS / 8; j++)
#pragma unroll
      for (int e = 0; e < 4; e++) score[j][e] = 0.0f;
#pragma unroll
    for (int depth = 0; depth < most; depth += 16) {
      u32 a[4];
      load_matrices(a, q_tile + (warp_row + (lane & 15)) * PITCH + depth + (lane >> 4) * 8);
#pragma unroll
      for (int j = 0; j < KEYS / 16; j++) {
        u32 b[4];
        load_matrices(b, k_tile + (j * 16 + (lane & 7) + (lane >> 4) * 8) * PITCH + depth + (lane >> 3 & 1) * 8);
        Unit::multiply_add(score[j * 2], a, b[0], b[1]);
        Unit::multiply_add(score[j * 2 + 1], a, b[2], b[3]);
      }
    }
    __syncthreads();  // all have read the keys
    if (key + KEYS < range.end) load_rows<most, KEYS>(k_tile, k, p.k_step[2], key + KEYS, range.end, p.size);
    commit_copies();

    float before[2] = {greatest[0], greatest[1]};
#pragma unroll
    for (int j = 0; j < KEYS / 8; j++)
#pragma unroll
      for (int e = 0; e < 4; e++) {
        score[j][e] = score_of<T>(p, range, mask, score[j][e], first_row + warp_row + group + (e >> 1) * 8, key + j * 8 + quad * 2 + (e & 1));
        greatest[e >> 1] = maximum(greatest[e >> 1], score[j][e]);
      }
    float shrink[2];
#pragma unroll
    for (int half = 0; half < 2; half++) {
      greatest[half] = maximum(greatest[half], shuffle_xor(greatest[half], 1));
      greatest[half] = maximum(greatest[half], shuffle_xor(greatest[half], 2));
      shrink[half] = weight_of(before[half], greatest[half]);
      total[half] *= shrink[half];
    }
    u32 weights[KEYS / 16][4];
#pragma unroll
    for (int j = 0; j < KEYS / 8; j++)
#pragma unroll
      for (int half = 0; half < 2; half++) {
        const float low = weight_of(score[j][half * 2], greatest[half]), high = weight_of(score[j][half * 2 + 1], greatest[half]);
        total[half] += low + high;
        // The sums of a product of 16 x 8 lie as the left factor of the next wants its halves.
        weights[j >> 1][(j & 1) * 2 + half] = (u32)T::store(low) | (u32)T::store(high) << 16;
      }
#pragma unroll
    for (int i = 0; i < most / 8; i++)
#pragma unroll
      for (int e = 0; e < 4; e++) out[i][e] *= shrink[e >> 1];
    wait_for_copies<1>();
    __syncthreads();  // the values are there for all
#pragma unroll
    for (int j = 0; j < KEYS / 16; j++)
#pragma unroll
      for (int i = 0; i < most / 16; i++) {
        u32 b[4];
        Unit::load_by_rows(b, v_tile, PITCH, j * 16, i * 16);
        Unit::multiply_add(out[i * 2], weights[j], b[0], b[1]);
        Unit::multiply_add(out[i * 2 + 1], weights[j], b[2], b[3]);
      }
    __syncthreads();  // all have read the values
    if (key + KEYS < range.end) load_rows<most, KEYS>(v_tile, v, p.v_step[2], key + KEYS, range.end, p.value_size);
    commit_copies();
  }
  wait_for_copies<0>();
#pragma unroll
  for (int half = 0; half < 2; half++) {
    total[half] += shuffle_xor(total[half], 1);
    total[half] += shuffle_xor(total[half], 2);
    // Nothing seen gives zeros.
    const float inverse = total[half] > 0.0f ? 1.0f / total[half] : total[half] == 0.0f ? 0.0f : total[half];
    const int row = first_row + warp_row + group + half * 8;
    if (row >= p.q_rows) continue;
#pragma unroll
    for (int i = 0; i < most / 8; i++)
#pragma unroll
      for (int e = 0; e < 2; e++) {
        const int place = i * 8 + quad * 2 + e;
        if (place < p.value_size) y[(i64)row * p.y_step[2] + place] = T::store(out[i][half * 2 + e] * inverse);
      }
  }
}

#define ATTENTION_TILES(name, T, most, blocks) \
  KERNEL_OF(128, blocks) attention_##most##_##name( \
      const u16 *__restrict__ q, const u16 *__restrict__ k, const u16 *__restrict__ v, const void *__restrict__ mask, \
      const i32 *__restrict__ lengths, u16 *__restrict__ y, Attention p) { \
    attend_tiles<T, most>(q, k, v, mask, lengths, y, p); \
  }
ATTENTION_TILES(f16, F16, 64, 3)
ATTENTION_TILES(f16, F16, 128, 2)
ATTENTION_TILES(bf16, BF16, 64, 3)
ATTENTION_TILES(bf16, BF16, 128, 2)

// ---- one query a block on the plain units: few queries, float32, and sizes up to 256; the warps share the keys ----

template <class T>
DEVICE void attend_row(
    const typename T::Stored *q, const typename T::Stored *k, const typename T::Stored *v, const void *mask, const i32 *lengths,
    typename T::Stored *y, const Attention &p) {
  typedef typename T::Stored U;
  enum { WARPS = 4, EACH = 8 };
  SHARED float part[WARPS][256];
  SHARED float greatest_of[WARPS], total_of[WARPS];
  const Part own = part_of(p, 1);
  const int row = own.row, head = own.head, batch = own.batch, kv_head = head / (p.heads / p.kv_heads), lane = lane_index();
  q += (i64)batch * p.q_step[0] + (i64)head * p.q_step[1] + (i64)row * p.q_step[2];
  k += (i64)batch * p.k_step[0] + (i64)kv_head * p.k_step[1];
  v += (i64)batch * p.v_step[0] + (i64)kv_head * p.v_step[1];
  y += (i64)batch * p.y_step[0] + (i64)head * p.y_step[1] + (i64)row * p.y_step[2];
  const i64 mask_start = (i64)batch * p.mask_step[0] + (i64)head * p.mask_step[1];
  if (p.mask_kind) mask = p.mask_kind == 1 ? (const void *)((const U *)mask + mask_start) : (const void *)((const u8 *)mask + mask_start);
  const KeyRange range = keys_of(p, lengths, batch, row, row);
  float query[EACH], out[EACH], greatest = float_of_bits(0xff800000u), total = 0.0f;
#pragma unroll
  for (int i = 0; i < EACH; i++) {
    query[i] = lane + 32 * i < p.size ? T::load(q[lane + 32 * i]) : 0.0f;
    out[i] = 0.0f;
  }
  for (int key = range.first + warp_index(); key < range.end; key += WARPS) {
    float product = 0.0f;
#pragma unroll
    for (int i = 0; i < EACH; i++)
      if (lane + 32 * i < p.size) product += query[i] * T::load(k[(i64)key * p.k_step[2] + lane + 32 * i]);
    for (int bit = 16; bit > 0; bit >>= 1) product += shuffle_xor(product, bit);
    const float score = score_of<T>(p, range, mask, product, row, key), now = maximum(greatest, score);
    const float shrink = weight_of(greatest, now), weight = weight_of(score, now);
    greatest = now;
    total = total * shrink + weight;
#pragma unroll
    for (int i = 0; i < EACH; i++)
      if (lane + 32 * i < p.value_size) out[i] = out[i] * shrink + weight * T::load(v[(i64)key * p.v_step[2] + lane + 32 * i]);
  }
#pragma unroll
  for (int i = 0; i < EACH; i++) part[warp_index()][lane + 32 * i] = out[i];
  if (lane == 0) greatest_of[warp_index()] = greatest, total_of[warp_index()] = total;
  __syncthreads();
  float most = greatest_of[0], all = 0.0f;
  for (int warp = 1; warp < WARPS; warp++) most = maximum(most, greatest_of[warp]);
  for (int warp = 0; warp < WARPS; warp++) all += total_of[warp] * weight_of(greatest_of[warp], most);
  const float inverse = all > 0.0f ? 1.0f / all : all == 0.0f ? 0.0f : all;
  for (int place = threadIdx.x; place < p.value_size; place += WARPS * 32) {
    float sum = 0.0f;
    for (int warp = 0; warp < WARPS; warp++) sum += part[warp][place] * weight_of(greatest_of[warp], most);
    y[place] = T::store(sum * inverse);
  }
}

#define ATTENTION_ROW(name, T) \
  KERNEL_OF(128, 8) attention_row_##name( \
      const T::Stored *__restrict__ q, const T::Stored *__restrict__ k, const T::Stored *__restrict__ v, const void *__restrict__ mask, \
      const i32 *__restrict__ lengths, T::Stored *__restrict__ y, Attention p) { \
    attend_row<T>(q, k, v, mask, lengths, y, p); \
  }
ATTENTION_ROW(f32, F32)
ATTENTION_ROW(f16, F16)
ATTENTION_ROW(bf16, BF16)

// ---- a cache and places ----

// New rows of a cache: y[batch, head, start, :] = x[batch, head, row, :], from row lengths[batch] - rows on, or from `start` where
// lengths is null. Rows beyond the capacity are left out.
struct Append {
  i32 heads, rows, size, capacity, start;
  i32 x_step[3], y_step[3];
};
template <class U> DEVICE void append_rows(const U *x, const i32 *lengths, U *y, const Append &p, int count) {
  for (int i = blockIdx.x * blockDim.x + threadIdx.x; i < count; i += gridDim.x * blockDim.x) {
    const int place = i % p.size, rest = i / p.size, row = rest % p.rows, head = rest / p.rows % p.heads, batch = rest / p.rows / p.heads;
    const int to = (lengths ? lengths[batch] - p.rows : p.start) + row;
    if (to < 0 || to >= p.capacity) continue;
    y[(i64)batch * p.y_step[0] + (i64)head * p.y_step[1] + (i64)to * p.y_step[2] + place] =
        x[(i64)batch * p.x_step[0] + (i64)head * p.x_step[1] + (i64)row * p.x_step[2] + place];
  }
}
KERNEL(256) append_2(const u16 *__restrict__ x, const i32 *__restrict__ lengths, u16 *__restrict__ y, Append p, int count) {
  append_rows<u16>(x, lengths, y, p, count);
}
KERNEL(256) append_4(const u32 *__restrict__ x, const i32 *__restrict__ lengths, u32 *__restrict__ y, Append p, int count) {
  append_rows<u32>(x, lengths, y, p, count);
}

// Rotary places: pairs of the first `rotary` elements of a row are turned by the angle whose cosine and sine are in [table_rows, rotary / 2];
// a pair is (i, i + rotary / 2), or with is_interleaved (2i, 2i + 1). The place of a row is positions[batch * position_step + row], or
// offset + row without positions. The first place outside the table ends up in `fault`, by batch * rows + row.
struct Rotary {
  i32 heads, rows, size, rotary, is_interleaved, offset, position_step, table_rows;
  i32 x_step[3], y_step[3];
};
template <class T>
DEVICE void rotate(
    const typename T::Stored *x, const typename T::Stored *cosine, const typename T::Stored *sine, const i64 *positions,
    typename T::Stored *y, i32 *fault, const Rotary &p, int count) {
  const int half = p.rotary / 2, units = half + p.size - p.rotary;
  for (int i = blockIdx.x * blockDim.x + threadIdx.x; i < count; i += gridDim.x * blockDim.x) {
    const int unit = i % units, rest = i / units, row = rest % p.rows, head = rest / p.rows % p.heads, batch = rest / p.rows / p.heads;
    const typename T::Stored *from = x + (i64)batch * p.x_step[0] + (i64)head * p.x_step[1] + (i64)row * p.x_step[2];
    typename T::Stored *to = y + (i64)batch * p.y_step[0] + (i64)head * p.y_step[1] + (i64)row * p.y_step[2];
    if (unit >= half) {
      to[unit + half] = from[unit + half];
      continue;
    }
    const i64 place = positions ? positions[(i64)batch * p.position_step + row] : (i64)p.offset + row;
    if (place < 0 || place >= p.table_rows) {
      atomic_minimum(fault, batch * p.rows + row);
      continue;
    }
    const int first = p.is_interleaved ? unit * 2 : unit, second = p.is_interleaved ? unit * 2 + 1 : unit + half;
    const float a = T::load(from[first]), b = T::load(from[second]), c = T::load(cosine[place * half + unit]), s = T::load(sine[place * half + unit]);
    to[first] = T::store(a * c - b * s);
    to[second] = T::store(b * c + a * s);
  }
}
#define ROTARY(name, T) \
  KERNEL(256) rotary_##name( \
      const T::Stored *__restrict__ x, const T::Stored *__restrict__ cosine, const T::Stored *__restrict__ sine, \
      const i64 *__restrict__ positions, T::Stored *__restrict__ y, i32 *fault, Rotary p, int count) { \
    rotate<T>(x, cosine, sine, positions, y, fault, p, count); \
  }
ROTARY(f32, F32)
ROTARY(f16, F16)
ROTARY(bf16, BF16)
