// Top-k: the k greatest or least of each row, in order; of equal ones the first. NaN counts as the greatest.
#include "elementwise.cuh"

// Numbers whose order as integers is that of the values.
DEVICE u32 ordered_key(float value) {
  const u32 bits = bits_of_float(value);
  if (value != value) return 0xffffffffu;
  // Zero has two signs, and both are equal.
  if ((bits & 0x7fffffffu) == 0) return 0x80000000u;
  return bits & 0x80000000u ? ~bits : bits | 0x80000000u;
}

enum { MOST_SELECTED = 1024 };

// One block a row, k up to 1024. Each element gets a key of its own: its value's, then its place's, the first the greatest. The k-th
// greatest key is found eight bits at a time; those from it on are gathered and sorted. `size`: the power of two from k on.
template <class T>
DEVICE void select(const typename T::Stored *x, typename T::Stored *y, i64 *indices, int columns, int k, int size, int is_least) {
  DYNAMIC_SHARED(u64, chosen);
  SHARED u32 histogram[256];
  SHARED u32 found, rest, digit;
  const typename T::Stored *const row = x + (i64)blockIdx.x * columns;
  u64 prefix = 0;
  // rest: how many greater keys are still to be found among those that begin with the prefix.
  if (threadIdx.x == 0) rest = (u32)k, found = 0;
  for (int shift = 56; shift >= 0; shift -= 8) {
    for (int i = threadIdx.x; i < 256; i += blockDim.x) histogram[i] = 0;
    __syncthreads();
    for (int i = threadIdx.x; i < columns; i += blockDim.x) {
      const u32 value = ordered_key(T::load(row[i]));
      const u64 key = (u64)(is_least ? ~value : value) << 32 | (u32)~i;
      if (shift == 56 || key >> (shift + 8) == prefix >> (shift + 8)) atomic_add(&histogram[(u32)(key >> shift) & 255], 1u);
    }
    __syncthreads();
    if (threadIdx.x == 0) {
      u32 left = rest, at = 255;
      while (at > 0 && histogram[at] < left) left -= histogram[at--];
      rest = left, digit = at;
    }
    __syncthreads();
    prefix |= (u64)digit << shift;
  }
  for (int i = threadIdx.x; i < size; i += blockDim.x) chosen[i] = 0;
  __syncthreads();
  for (int i = threadIdx.x; i < columns; i += blockDim.x) {
    const u32 value = ordered_key(T::load(row[i]));
    const u64 key = (u64)(is_least ? ~value : value) << 32 | (u32)~i;
    if (key >= prefix) chosen[atomic_add(&found, 1u)] = key;
  }
  __syncthreads();
  // Bitonic, the greatest first; the zeros that fill it up come last.
  for (int run = 2; run <= size; run *= 2)
    for (int step = run / 2; step > 0; step /= 2) {
      for (int i = threadIdx.x; i < size; i += blockDim.x) {
        const int other = i ^ step;
        if (other <= i) continue;
        const u64 a = chosen[i], b = chosen[other];
        if ((a < b) == ((i & run) == 0)) chosen[i] = b, chosen[other] = a;
      }
      __syncthreads();
    }
  for (int i = threadIdx.x; i < k; i += blockDim.x) {
    const u32 place = ~(u32)chosen[i];
    y[(i64)blockIdx.x * k + i] = row[place];
    indices[(i64)blockIdx.x * k + i] = place;
  }
}

#define SELECTION(name, T) \
  KERNEL(1024) top_k_##name( \
      const T::Stored *__restrict__ x, T::Stored *__restrict__ y, i64 *__restrict__ indices, int columns, int k, int size, int is_least) { \
    select<T>(x, y, indices, columns, k, size, is_least); \
  }
SELECTION(f32, F32)
SELECTION(f16, F16)
SELECTION(bf16, BF16)
