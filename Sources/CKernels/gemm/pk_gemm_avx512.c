#include <immintrin.h>
#include <math.h>
#include <string.h>

#include "conv/pk_conv_internal.h"

#pragma clang attribute push(__attribute__((target("avx512f,avx512bw,avx512vl,avx512dq,avx2,fma,f16c"))), apply_to = function)
#define PK_LEVEL 2
#define PK_TABLE pk_sgemm_table_avx512
#include "pk_gemm.inl.h"
#define PK_CONV_TABLE pk_conv_table_avx512
#include "conv/pk_conv.inl.h"
#pragma clang attribute pop
