// What kernels are written with: names for types, and the instructions that C++ has no word for. Everything a kernel text uses beside the
// language, threadIdx, blockIdx, blockDim, gridDim, __syncthreads and the functions of the C library is declared here, so that
// an emulator can stand in for it. Inline PTX is nowhere else.
#pragma once
#ifdef PINION_EMULATOR
#include "emulator_prims.h"
#else

typedef unsigned char u8;
typedef signed char i8;
typedef unsigned short u16;
typedef short i16;
typedef unsigned int u32;
typedef int i32;
typedef unsigned long long u64;
typedef long long i64;

#define DEVICE static __device__ __forceinline__
// A kernel of blocks of at most `threads` threads.
#define KERNEL(threads) extern "C" __global__ void __launch_bounds__(threads)
// The same, with registers for `blocks` of them on a multiprocessor and no more: without, the compiler may keep values in memory to fit one more.
#define KERNEL_OF(threads, blocks) extern "C" __global__ void __launch_bounds__(threads, blocks)
#define SHARED static __shared__
// The dynamic shared memory of the block as an array of T.
#define DYNAMIC_SHARED(T, name) \
  extern __shared__ __align__(128) unsigned char dynamic_shared_[]; \
  T *const name = reinterpret_cast<T *>(dynamic_shared_)

#define HAS_ASYNC_COPY (__CUDA_ARCH__ >= 800)

struct alignas(16) Bytes16 { u32 word[4]; };

// ---- 16-bit floats, kept as their bits ----

DEVICE float float_of_half(u16 bits) {
  float value;
  asm("cvt.f32.f16 %0, %1;" : "=f"(value) : "h"(bits));
  return value;
}

DEVICE u16 half_of_float(float value) {
  u16 bits;
  asm("cvt.rn.f16.f32 %0, %1;" : "=h"(bits) : "f"(value));
  return bits;
}

DEVICE float float_of_bfloat(u16 bits) { return __uint_as_float((u32)bits << 16); }

// Rounds to nearest, ties to even; a NaN stays one.
DEVICE u16 bfloat_of_float(float value) {
  const u32 bits = __float_as_uint(value);
  if ((bits & 0x7fffffffu) > 0x7f800000u) return 0x7fff;
  return (u16)((bits + 0x7fffu + ((bits >> 16) & 1)) >> 16);
}

DEVICE u32 bits_of_float(float value) { return __float_as_uint(value); }
DEVICE float float_of_bits(u32 bits) { return __uint_as_float(bits); }

// ---- the warp ----

DEVICE int lane_index() { return threadIdx.x & 31; }
DEVICE int warp_index() { return threadIdx.x >> 5; }

// The value of the lane whose number differs in the bits of `mask`; all 32 lanes take part.
template <class T> DEVICE T shuffle_xor(T value, int mask) { return __shfl_xor_sync(0xffffffffu, value, mask); }

// The value of lane `lane`; all 32 lanes take part.
template <class T> DEVICE T shuffle(T value, int lane) { return __shfl_sync(0xffffffffu, value, lane); }

// All lanes see what any of them wrote to memory before it.
DEVICE void sync_warp() { __syncwarp(); }

// ---- shared memory and matrix fragments ----

DEVICE u32 shared_address(const void *pointer) { return (u32)__cvta_generic_to_shared(pointer); }

// Four 8x8 matrices of 16-bit elements; lane 8 * i + r names row r of matrix i, 16 bytes, 16-byte aligned.
DEVICE void load_matrices(u32 (&fragment)[4], const void *row) {
  asm volatile("ldmatrix.sync.aligned.m8n8.x4.shared.b16 {%0, %1, %2, %3}, [%4];"
               : "=r"(fragment[0]), "=r"(fragment[1]), "=r"(fragment[2]), "=r"(fragment[3])
               : "r"(shared_address(row))
               : "memory");
}

// The same, each matrix transposed on the way.
DEVICE void load_matrices_transposed(u32 (&fragment)[4], const void *row) {
  asm volatile("ldmatrix.sync.aligned.m8n8.x4.trans.shared.b16 {%0, %1, %2, %3}, [%4];"
               : "=r"(fragment[0]), "=r"(fragment[1]), "=r"(fragment[2]), "=r"(fragment[3])
               : "r"(shared_address(row))
               : "memory");
}

// c[16x8] += a[16x16] b[16x8], float16 factors, float32 sums. With g = lane / 4 and q = lane % 4, two elements a word:
// a[0]: row g, columns 2q..; a[1]: row g + 8; a[2], a[3]: the same with columns + 8. b[0]: rows 2q.., column g; b[1]: rows + 8.
// c[0], c[1]: row g, columns 2q, 2q + 1; c[2], c[3]: row g + 8.
DEVICE void multiply_add_half(float (&c)[4], const u32 (&a)[4], u32 b0, u32 b1) {
#if __CUDA_ARCH__ >= 800
  asm volatile("mma.sync.aligned.m16n8k16.row.col.f32.f16.f16.f32 {%0, %1, %2, %3}, {%4, %5, %6, %7}, {%8, %9}, {%0, %1, %2, %3};"
               : "+f"(c[0]), "+f"(c[1]), "+f"(c[2]), "+f"(c[3])
               : "r"(a[0]), "r"(a[1]), "r"(a[2]), "r"(a[3]), "r"(b0), "r"(b1));
#else
  // Turing multiplies 8 deep; the fragments are the halves of the larger ones.
  asm volatile("mma.sync.aligned.m16n8k8.row.col.f32.f16.f16.f32 {%0, %1, %2, %3}, {%4, %5}, {%6}, {%0, %1, %2, %3};"
               : "+f"(c[0]), "+f"(c[1]), "+f"(c[2]), "+f"(c[3])
               : "r"(a[0]), "r"(a[1]), "r"(b0));
  asm volatile("mma.sync.aligned.m16n8k8.row.col.f32.f16.f16.f32 {%0, %1, %2, %3}, {%4, %5}, {%6}, {%0, %1, %2, %3};"
               : "+f"(c[0]), "+f"(c[1]), "+f"(c[2]), "+f"(c[3])
               : "r"(a[2]), "r"(a[3]), "r"(b1));
#endif
}

// The same for bfloat16, from capability 8.0 on; the host launches nothing that needs it on older devices.
DEVICE void multiply_add_bfloat(float (&c)[4], const u32 (&a)[4], u32 b0, u32 b1) {
#if __CUDA_ARCH__ >= 800
  asm volatile("mma.sync.aligned.m16n8k16.row.col.f32.bf16.bf16.f32 {%0, %1, %2, %3}, {%4, %5, %6, %7}, {%8, %9}, {%0, %1, %2, %3};"
               : "+f"(c[0]), "+f"(c[1]), "+f"(c[2]), "+f"(c[3])
               : "r"(a[0]), "r"(a[1]), "r"(a[2]), "r"(a[3]), "r"(b0), "r"(b1));
#else
  asm volatile("trap;");
#endif
}

// A float32 rounded to the 10 bits of fraction that the matrix units take, ties away from zero. From capability 8.0 on.
DEVICE u32 tf32_of_float(float value) {
#if __CUDA_ARCH__ >= 800
  u32 bits;
  asm("cvt.rna.tf32.f32 %0, %1;" : "=r"(bits) : "f"(value));
  return bits;
#else
  return __float_as_uint(value);
#endif
}

// c[16x8] += a[16x8] b[8x8] of tf32 values, one element a word. a[0]: row g, column q; a[1]: row g + 8; a[2], a[3]: the same with
// columns + 4. b0: row q, column g; b1: row q + 4. c as above. From capability 8.0 on.
DEVICE void multiply_add_tf32(float (&c)[4], const u32 (&a)[4], u32 b0, u32 b1) {
#if __CUDA_ARCH__ >= 800
  asm volatile("mma.sync.aligned.m16n8k8.row.col.f32.tf32.tf32.f32 {%0, %1, %2, %3}, {%4, %5, %6, %7}, {%8, %9}, {%0, %1, %2, %3};"
               : "+f"(c[0]), "+f"(c[1]), "+f"(c[2]), "+f"(c[3])
               : "r"(a[0]), "r"(a[1]), "r"(a[2]), "r"(a[3]), "r"(b0), "r"(b1));
#else
  asm volatile("trap;");
#endif
}

// c[16x8] += a[16x32] b[32x8] of int8, four elements a word, sums in int32. a[0]: row g, columns 4q..; a[1]: row g + 8; a[2], a[3]: the
// same with columns + 16. b0: rows 4q.., column g; b1: rows + 16. c as above.
DEVICE void multiply_add_int8(i32 (&c)[4], const u32 (&a)[4], u32 b0, u32 b1) {
#if __CUDA_ARCH__ >= 800
  asm volatile("mma.sync.aligned.m16n8k32.row.col.s32.s8.s8.s32 {%0, %1, %2, %3}, {%4, %5, %6, %7}, {%8, %9}, {%0, %1, %2, %3};"
               : "+r"(c[0]), "+r"(c[1]), "+r"(c[2]), "+r"(c[3])
               : "r"(a[0]), "r"(a[1]), "r"(a[2]), "r"(a[3]), "r"(b0), "r"(b1));
#else
  // Turing multiplies 8x8x16.
#define QUARTER(i, j, part, factor) \
  asm volatile("mma.sync.aligned.m8n8k16.row.col.s32.s8.s8.s32 {%0, %1}, {%2}, {%3}, {%0, %1};" \
               : "+r"(c[i]), "+r"(c[j]) \
               : "r"(a[part]), "r"(factor))
  QUARTER(0, 1, 0, b0);
  QUARTER(0, 1, 2, b1);
  QUARTER(2, 3, 1, b0);
  QUARTER(2, 3, 3, b1);
#undef QUARTER
#endif
}

// ---- copies from global to shared memory that run beside the program ----

// 16 bytes, both addresses 16-byte aligned, of which the last 16 - bytes become zero; `bytes` is 0 or a multiple of 4.
DEVICE void copy_async(void *to, const void *from, int bytes) {
#if HAS_ASYNC_COPY
  asm volatile("cp.async.cg.shared.global [%0], [%1], 16, %2;" : : "r"(shared_address(to)), "l"(from), "r"(bytes) : "memory");
#else
  Bytes16 value = {};
  const u32 *words = (const u32 *)from;
  if (bytes == 16) value = *(const Bytes16 *)from;
  else
    for (int i = 0; i < 3; i++)
      if (i * 4 < bytes) value.word[i] = words[i];
  *(Bytes16 *)to = value;
#endif
}

// Closes the group of copies that this thread began since the last one.
DEVICE void commit_copies() {
#if HAS_ASYNC_COPY
  asm volatile("cp.async.commit_group;" : : : "memory");
#endif
}

// Waits until at most `pending` of this thread's groups are under way. Other threads see the copies after a barrier.
template <int pending> DEVICE void wait_for_copies() {
#if HAS_ASYNC_COPY
  asm volatile("cp.async.wait_group %0;" : : "n"(pending) : "memory");
#endif
}

// ---- memory that blocks share ----

DEVICE void atomic_minimum(i32 *to, i32 value) { atomicMin(to, value); }
DEVICE void atomic_add(float *to, float value) { atomicAdd(to, value); }
// The value before.
DEVICE u32 atomic_add(u32 *to, u32 value) { return atomicAdd(to, value); }

#endif
