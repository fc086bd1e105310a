#if defined(__x86_64__)
#define PK_LEVEL 2
#include "levels/pk_level_begin.h"
#include "pk_nbits.inl.h"
#include "levels/pk_level_end.h"

#pragma clang attribute push(__attribute__((target("avx512f,avx512bw,avx512vl,avx512dq,avx512vnni,avx2,fma,f16c"))), apply_to = function)
#define PK_LEVEL 2
#define PK_FN(name) name##_avx512
#include "pk_nbits_bytes.inl.h"
#pragma clang attribute pop
#endif
