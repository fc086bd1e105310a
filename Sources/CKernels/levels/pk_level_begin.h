// Opens the region of a .c file that is compiled for one instruction-set level. Define PK_LEVEL (0 scalar, 1 AVX2, 2 AVX-512)
// before; include pk_level_end.h after the kernels. Inside, PK_FN(name) is the level's name of a function, and PK_LANES
// the number of floats in a vector. No include guard: each family opens its own region.
#include "pk_isa.h"

#include <float.h>
#include <limits.h>
#include <math.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

// The intrinsics declare their own targets, so their header has to be read before ours is pushed.
#if defined(__x86_64__)
#include <immintrin.h>
#endif

#if PK_LEVEL == 2
#define PK_FN(name) name##_avx512
#define PK_LANES 16
#define PK_VECTORISE_16 _Pragma("clang loop vectorize(assume_safety) vectorize_width(16) interleave_count(1)")
#define PK_VECTORISE_8 _Pragma("clang loop vectorize(assume_safety) vectorize_width(8) interleave_count(1)")
#pragma clang attribute push(__attribute__((target("avx2,fma,f16c,avx512f,avx512bw,avx512vl,avx512dq"))), apply_to = function)
#elif PK_LEVEL == 1
#define PK_FN(name) name##_avx2
#define PK_LANES 8
#define PK_VECTORISE_16 _Pragma("clang loop vectorize(assume_safety) vectorize_width(8) interleave_count(2)")
#define PK_VECTORISE_8 _Pragma("clang loop vectorize(assume_safety) vectorize_width(4) interleave_count(2)")
#pragma clang attribute push(__attribute__((target("avx2,fma,f16c"))), apply_to = function)
#else
#define PK_FN(name) name##_scalar
#define PK_LANES 4
#define PK_VECTORISE_16 _Pragma("clang loop vectorize(assume_safety) vectorize_width(4) interleave_count(4)")
#define PK_VECTORISE_8 _Pragma("clang loop vectorize(assume_safety) vectorize_width(2) interleave_count(4)")
#endif

// Every loop under PK_VECTORISE may run in any order: operands either are the same array or do not overlap.
// PK_VECTORISE_16 takes 16 floats at a time, for loops over multiples of 16 that are too dear to leave a remainder,
// PK_VECTORISE_8 8 doubles.
#define PK_VECTORISE _Pragma("clang loop vectorize(assume_safety)")
