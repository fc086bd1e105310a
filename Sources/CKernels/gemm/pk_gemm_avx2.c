#include <immintrin.h>
#include <math.h>
#include <string.h>

#include "conv/pk_conv_internal.h"

#pragma clang attribute push(__attribute__((target("avx2,fma,f16c"))), apply_to = function)
#define PK_LEVEL 1
#define PK_TABLE pk_sgemm_table_avx2
#include "pk_gemm.inl.h"
#define PK_CONV_TABLE pk_conv_table_avx2
#include "conv/pk_conv.inl.h"
#pragma clang attribute pop
