#include <immintrin.h>
#include <string.h>

#include "pk_conv_int8_internal.h"
#include "pk_conv_int8_last_internal.h"
#include "pk_gemm_int8_internal.h"

#pragma clang attribute push(__attribute__((target("avx512f,avx512bw,avx512vl,avx512dq,avx512vnni,avx2,fma,f16c"))), apply_to = function)
#define PK_LEVEL 2
#define PK_INT8_TABLE pk_igemm_table_avx512
#include "pk_gemm_int8.inl.h"
#include "pk_conv_int8.inl.h"
#include "pk_conv_int8_last.inl.h"
#include "pk_conv_int8_last_depthwise.inl.h"
#pragma clang attribute pop
