// A kernel for each primitive of prims.cuh, so that a GPU can be asked whether its instructions do what the emulator takes them for.
// One warp a block, but for copies.
#include "elementwise.cuh"

KERNEL(256) primitive_halves(const u16 *__restrict__ x, float *__restrict__ wide, u16 *__restrict__ back, int count) {
  const int i = blockIdx.x * blockDim.x + threadIdx.x;
  if (i < count) wide[i] = float_of_half(x[i]), back[i] = half_of_float(float_of_half(x[i]));
}
// float32 to each narrower form.
KERNEL(256) primitive_rounding(const float *__restrict__ x, u16 *__restrict__ halves, u16 *__restrict__ bfloats, u32 *__restrict__ tf32, int count) {
  const int i = blockIdx.x * blockDim.x + threadIdx.x;
  if (i < count) halves[i] = half_of_float(x[i]), bfloats[i] = bfloat_of_float(x[i]), tf32[i] = tf32_of_float(x[i]);
}
KERNEL(32) primitive_shuffles(const u32 *__restrict__ x, u32 *__restrict__ y) {
  const u32 value = x[lane_index()];
  for (int i = 0; i < 5; i++) y[i * 32 + lane_index()] = shuffle_xor(value, 1 << i);
  y[5 * 32 + lane_index()] = shuffle(value, (lane_index() * 7 + 3) & 31);
}
// x: 32 rows of 8 16-bit elements, as four matrices.
KERNEL(32) primitive_matrices(const u16 *__restrict__ x, u32 *__restrict__ plain, u32 *__restrict__ transposed) {
  SHARED Bytes16 tile[32];
  tile[lane_index()] = ((const Bytes16 *)x)[lane_index()];
  sync_warp();
  u32 words[4];
  load_matrices(words, &tile[lane_index()]);
  for (int i = 0; i < 4; i++) plain[lane_index() * 4 + i] = words[i];
  load_matrices_transposed(words, &tile[lane_index()]);
  for (int i = 0; i < 4; i++) transposed[lane_index() * 4 + i] = words[i];
}
// Fragments by lane: four words of a, two of b, four sums.
#define MULTIPLICATION(name, Sum) \
  KERNEL(32) primitive_##name(const u32 *__restrict__ a, const u32 *__restrict__ b, Sum *__restrict__ c) { \
    const int lane = lane_index(); \
    const u32 left[4] = {a[lane * 4], a[lane * 4 + 1], a[lane * 4 + 2], a[lane * 4 + 3]}; \
    Sum sum[4] = {c[lane * 4], c[lane * 4 + 1], c[lane * 4 + 2], c[lane * 4 + 3]}; \
    name(sum, left, b[lane * 2], b[lane * 2 + 1]); \
    for (int i = 0; i < 4; i++) c[lane * 4 + i] = sum[i]; \
  }
MULTIPLICATION(multiply_add_half, float)
MULTIPLICATION(multiply_add_bfloat, float)
MULTIPLICATION(multiply_add_tf32, float)
MULTIPLICATION(multiply_add_int8, i32)

// Each thread copies 16 bytes, of which bytes[thread] are there, in two groups; a barrier, and the neighbour's are read.
KERNEL(64) primitive_copies(const u32 *__restrict__ x, const i32 *__restrict__ bytes, u32 *__restrict__ y) {
  SHARED Bytes16 tile[2][64];
  const int thread = threadIdx.x;
  copy_async(&tile[0][thread], x + thread * 4, bytes[thread]);
  commit_copies();
  copy_async(&tile[1][thread], x + thread * 4, bytes[63 - thread]);
  commit_copies();
  wait_for_copies<1>();
  __syncthreads();
  ((Bytes16 *)y)[thread] = tile[0][thread ^ 1];
  wait_for_copies<0>();
  __syncthreads();
  ((Bytes16 *)y)[64 + thread] = tile[1][thread ^ 33];
}
KERNEL(256) primitive_atomics(const i32 *__restrict__ x, i32 *least, float *sum, u32 *count, u32 *seen, int elements) {
  const int i = blockIdx.x * blockDim.x + threadIdx.x;
  if (i >= elements) return;
  atomic_minimum(least, x[i]);
  atomic_add(sum, (float)x[i]);
  seen[atomic_add(count, 1u)] = 1;
}
