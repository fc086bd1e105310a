// The declarations of prims.cuh for the emulator: same names, same contracts.
#pragma once
#include "emulator.h"

#pragma clang attribute push(__attribute__((no_sanitize("thread"))), apply_to = function)

typedef unsigned char u8;
typedef signed char i8;
typedef unsigned short u16;
typedef short i16;
typedef unsigned int u32;
typedef int i32;
typedef unsigned long long u64;
typedef long long i64;

#define __restrict__ __restrict
#define DEVICE static inline
// Kernels of the same launch bound lie in one section, by which a launch with more threads is known; the bound is a plain number.
#define KERNEL(threads) extern "C" __attribute__((used, section("kernels_of_" #threads), annotate("pinion_kernel"))) void
#define KERNEL_OF(threads, blocks) KERNEL(threads)
#ifdef EMULATOR_ASAN
#define SHARED static
#else
#define SHARED static __attribute__((section("emulator_shared"), aligned(16)))
#endif
#define DYNAMIC_SHARED(T, name) T *const name = reinterpret_cast<T *>(emulator::dynamic_shared)
#define HAS_ASYNC_COPY 1

struct alignas(16) Bytes16 {
  u32 word[4];
};

inline u32 bits_of_float(float value) {
  u32 bits;
  memcpy(&bits, &value, 4);
  return bits;
}
inline float float_of_bits(u32 bits) {
  float value;
  memcpy(&value, &bits, 4);
  return value;
}
inline float float_of_half(u16 bits) {
  _Float16 value;
  memcpy(&value, &bits, 2);
  return (float)value;
}
inline u16 half_of_float(float value) {
  const _Float16 half = (_Float16)value;
  u16 bits;
  memcpy(&bits, &half, 2);
  return bits;
}
inline float float_of_bfloat(u16 bits) { return float_of_bits((u32)bits << 16); }
inline u16 bfloat_of_float(float value) {
  const u32 bits = bits_of_float(value);
  if ((bits & 0x7fffffffu) > 0x7f800000u) return 0x7fff;
  return (u16)((bits + 0x7fffu + ((bits >> 16) & 1)) >> 16);
}

inline int lane_index() { return threadIdx.x & 31; }
inline int warp_index() { return threadIdx.x >> 5; }

namespace emulator {

struct Shuffle {
  u64 value, result;
  int from;
};
inline void shuffle_all(void *const *arguments) {
  for (int lane = 0; lane < 32; lane++) {
    Shuffle *mine = (Shuffle *)arguments[lane];
    mine->result = ((Shuffle *)arguments[mine->from])->value;
  }
}

struct MatrixLoad {
  u32 *fragment;
  const void *row;
};
template <bool is_transposed> void load_all_matrices(void *const *arguments) {
  u32 loaded[32][4];
  for (int lane = 0; lane < 32; lane++) {
    const void *row = ((MatrixLoad *)arguments[lane])->row;
    if ((uintptr_t)row & 15) report("a matrix row that is not 16-byte aligned");
    touch(row, 16, false, __builtin_return_address(0));
  }
  auto element = [&](int matrix, int row, int column) {
    u16 value;
    memcpy(&value, (const char *)((MatrixLoad *)arguments[matrix * 8 + row])->row + column * 2, 2);
    return (u32)value;
  };
  for (int lane = 0; lane < 32; lane++)
    for (int matrix = 0; matrix < 4; matrix++) {
      const int row = lane / 4, column = lane % 4 * 2;
      loaded[lane][matrix] = is_transposed ? element(matrix, column, row) | element(matrix, column + 1, row) << 16
                                           : element(matrix, row, column) | element(matrix, row, column + 1) << 16;
    }
  for (int lane = 0; lane < 32; lane++) memcpy(((MatrixLoad *)arguments[lane])->fragment, loaded[lane], 16);
}

struct MultiplyAdd {
  void *c;
  const u32 *a;
  u32 b[2];
};

// The products of all lanes, whose words hold `each` elements of T; a fragment of a has 8 rows and 4 * each columns, one of b as many rows.
template <class T, class Sum, int each, T (*element)(u32 word, int index)> void multiply_add_all(void *const *arguments) {
  constexpr int depth = 8 * each;
  T a[16][depth], b[depth][8];
  for (int lane = 0; lane < 32; lane++) {
    const MultiplyAdd *mine = (const MultiplyAdd *)arguments[lane];
    const int group = lane / 4, quad = lane % 4;
    for (int e = 0; e < each; e++) {
      for (int i = 0; i < 4; i++) a[group + (i & 1) * 8][(i >> 1) * 4 * each + quad * each + e] = element(mine->a[i], e);
      for (int i = 0; i < 2; i++) b[i * 4 * each + quad * each + e][group] = element(mine->b[i], e);
    }
  }
  for (int lane = 0; lane < 32; lane++)
    for (int e = 0; e < 4; e++) {
      const int row = lane / 4 + (e >> 1) * 8, column = lane % 4 * 2 + (e & 1);
      Sum sum = 0;
      for (int k = 0; k < depth; k++) sum += (Sum)a[row][k] * (Sum)b[k][column];
      ((Sum *)((MultiplyAdd *)arguments[lane])->c)[e] += sum;
    }
}
inline float half_element(u32 word, int index) { return float_of_half((u16)(word >> (16 * index))); }
inline float bfloat_element(u32 word, int index) { return float_of_bfloat((u16)(word >> (16 * index))); }
// The matrix unit does not look at the 13 bits that tf32 lacks.
inline float tf32_element(u32 word, int) { return float_of_bits(word & 0xffffe000u); }
inline int int8_element(u32 word, int index) { return (i8)(word >> (8 * index)); }

inline void meet(void *const *) {
  for (int lane = 0; lane < 32; lane++) threads[current->number + lane].warp_epoch++;
}

}  // namespace emulator

template <class T> T shuffle_xor(T value, int mask) {
  static_assert(sizeof(T) <= 8);
  emulator::Shuffle shuffle = {0, 0, lane_index() ^ mask};
  memcpy(&shuffle.value, &value, sizeof value);
  emulator::warp_operation(emulator::shuffle_all, &shuffle);
  memcpy(&value, &shuffle.result, sizeof value);
  return value;
}

template <class T> T shuffle(T value, int lane) {
  emulator::Shuffle shuffle = {0, 0, lane & 31};
  memcpy(&shuffle.value, &value, sizeof value);
  emulator::warp_operation(emulator::shuffle_all, &shuffle);
  memcpy(&value, &shuffle.result, sizeof value);
  return value;
}
inline void sync_warp() { emulator::warp_operation(emulator::meet, nullptr); }

inline void load_matrices(u32 (&fragment)[4], const void *row) {
  emulator::MatrixLoad load = {fragment, row};
  emulator::warp_operation(emulator::load_all_matrices<false>, &load);
}
inline void load_matrices_transposed(u32 (&fragment)[4], const void *row) {
  emulator::MatrixLoad load = {fragment, row};
  emulator::warp_operation(emulator::load_all_matrices<true>, &load);
}

inline void multiply_add_half(float (&c)[4], const u32 (&a)[4], u32 b0, u32 b1) {
  emulator::MultiplyAdd operands = {c, a, {b0, b1}};
  emulator::warp_operation(emulator::multiply_add_all<float, float, 2, emulator::half_element>, &operands);
}
inline void multiply_add_bfloat(float (&c)[4], const u32 (&a)[4], u32 b0, u32 b1) {
  emulator::MultiplyAdd operands = {c, a, {b0, b1}};
  emulator::warp_operation(emulator::multiply_add_all<float, float, 2, emulator::bfloat_element>, &operands);
}
inline void multiply_add_tf32(float (&c)[4], const u32 (&a)[4], u32 b0, u32 b1) {
  emulator::MultiplyAdd operands = {c, a, {b0, b1}};
  emulator::warp_operation(emulator::multiply_add_all<float, float, 1, emulator::tf32_element>, &operands);
}
inline void multiply_add_int8(i32 (&c)[4], const u32 (&a)[4], u32 b0, u32 b1) {
  emulator::MultiplyAdd operands = {c, a, {b0, b1}};
  emulator::warp_operation(emulator::multiply_add_all<int, i32, 4, emulator::int8_element>, &operands);
}
// To nearest, ties away from zero.
inline u32 tf32_of_float(float value) {
  const u32 bits = bits_of_float(value);
  return (bits & 0x7f800000u) == 0x7f800000u ? bits : (bits + 0x1000u) & 0xffffe000u;
}

inline void copy_async(void *to, const void *from, int bytes) {
  if (((uintptr_t)to | (uintptr_t)from) & 15) emulator::report("an asynchronous copy that is not 16-byte aligned");
  if (bytes < 0 || bytes > 16 || bytes % 4) emulator::report("an asynchronous copy of a size that there is none of");
  std::vector<emulator::Copy> one = {{to, from, bytes}};
  if (!emulator::copies_are_late()) return emulator::land(one);
  // Whoever reads before waiting finds NaNs.
  emulator::touch(to, 16, true, __builtin_return_address(0));
  memset(to, 0xff, 16);
  emulator::current->open.push_back(one[0]);
}
inline void commit_copies() {
  emulator::current->groups.push_back(std::move(emulator::current->open));
  emulator::current->open.clear();
}
template <int pending> void wait_for_copies() {
  auto &groups = emulator::current->groups;
  while (groups.size() > pending) {
    emulator::land(groups.front());
    groups.erase(groups.begin());
  }
}

// What several threads may do to one place at a time is not watched for races.
template <class T, class F> T atomically(T *to, F change) {
  emulator::Unwatched pause;
  const T before = *to;
  *to = change(before);
  return before;
}
inline void atomic_minimum(i32 *to, i32 value) {
  atomically(to, [=](i32 before) { return std::min(before, value); });
}
inline void atomic_add(float *to, float value) {
  atomically(to, [=](float before) { return before + value; });
}
inline u32 atomic_add(u32 *to, u32 value) {
  return atomically(to, [=](u32 before) { return before + value; });
}
#pragma clang attribute pop
