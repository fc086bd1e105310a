#include "pk_isa.h"

#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

static pk_isa detect(void) {
#if defined(__x86_64__)
  __builtin_cpu_init();
  const int avx2 = __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma") && __builtin_cpu_supports("f16c");
  if (!avx2) return PK_ISA_SCALAR;
  const int avx512 = __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") && __builtin_cpu_supports("avx512vl") &&
                     __builtin_cpu_supports("avx512dq");
  return avx512 ? PK_ISA_AVX512 : PK_ISA_AVX2;
#else
  return PK_ISA_SCALAR;
#endif
}

pk_isa pk_isa_best(void) {
  static _Atomic int chosen = -1;
  int isa = atomic_load_explicit(&chosen, memory_order_relaxed);
  if (isa >= 0) return (pk_isa)isa;
  isa = (int)detect();
  const char *wish = getenv("PINION_ISA");
  for (int level = 0; wish && level < isa; level++)
    if (strcmp(wish, pk_isa_name((pk_isa)level)) == 0) isa = level;
  atomic_store_explicit(&chosen, isa, memory_order_relaxed);
  return (pk_isa)isa;
}

bool pk_has_vnni(void) {
#if defined(__x86_64__)
  static _Atomic int known = -1;
  int has = atomic_load_explicit(&known, memory_order_relaxed);
  if (has >= 0) return has;
  const char *wish = getenv("PINION_VNNI");
  __builtin_cpu_init();
  has = __builtin_cpu_supports("avx512vnni") && !(wish && strcmp(wish, "0") == 0);
  atomic_store_explicit(&known, has, memory_order_relaxed);
  return has;
#else
  return false;
#endif
}

const char *pk_isa_name(pk_isa isa) {
  switch (isa) {
  case PK_ISA_AVX512: return "avx512";
  case PK_ISA_AVX2: return "avx2";
  default: return "scalar";
  }
}
