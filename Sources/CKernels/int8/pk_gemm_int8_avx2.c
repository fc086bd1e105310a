#include <immintrin.h>
#include <string.h>

#include "pk_conv_int8_few_internal.h"
#include "pk_conv_int8_last_internal.h"
#include "pk_conv_int8_winograd_internal.h"
#include "pk_gemm_int8_internal.h"

#pragma clang attribute push(__attribute__((target("avx2,fma,f16c"))), apply_to = function)
#define PK_LEVEL 1
#define PK_INT8_TABLE pk_igemm_table_avx2
#include "pk_gemm_int8.inl.h"
#include "pk_conv_int8_last_avx2.inl.h"
#include "pk_conv_int8_winograd_avx2.inl.h"
#include "pk_conv_int8_few_avx2.inl.h"
#pragma clang attribute pop
