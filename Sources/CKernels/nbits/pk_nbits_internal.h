// What pk_nbits.c and the per-ISA files share.
#ifndef PINION_PK_NBITS_INTERNAL_H
#define PINION_PK_NBITS_INTERNAL_H

#include "pk_nbits.h"

typedef struct pk_nbits_table {
  void (*dequantize)(const pk_nbits *b, size_t n0, size_t n1, float *w);
  void (*gemv)(const pk_nbits *b, const float *prepared, size_t n0, size_t n1, float *y);
} pk_nbits_table;

extern const pk_nbits_table pk_nbits_table_scalar;
#if defined(__x86_64__)
extern const pk_nbits_table pk_nbits_table_avx2, pk_nbits_table_avx512;
#endif

#endif
