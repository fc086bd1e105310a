// What pk_quantize.c and the per-ISA files share.
#ifndef PINION_PK_QUANTIZE_INTERNAL_H
#define PINION_PK_QUANTIZE_INTERNAL_H

#include "pk_quantize.h"

typedef struct pk_quantize_table {
  void (*quantize[PK_TYPE_LIMIT])(const pk_quantization *q, const float *x, void *y, size_t n);
  void (*requantize[PK_TYPE_LIMIT])(const pk_quantization *q, int32_t bias, const int32_t *x, void *y, size_t n);
  void (*dequantize[PK_TYPE_LIMIT])(const pk_quantization *q, const void *x, float *y, size_t n);
  void (*add[PK_TYPE_LIMIT])(const pk_pairwise_int8 *q, const void *a, const void *b, void *c, size_t n);
  void (*multiply[PK_TYPE_LIMIT])(const pk_pairwise_int8 *q, const void *a, const void *b, void *c, size_t n);
  void (*scale_sums)(const pk_sum_scale *q, const int32_t *x, float *y, size_t n);
  /// sums[i] += the bytes x[r * stride + i] of all rows.
  void (*sum_rows)(bool is_signed, const void *x, size_t rows, size_t stride, int32_t *sums, size_t n);
  void (*range)(const float *x, size_t n, float *least, float *greatest);
} pk_quantize_table;

extern const pk_quantize_table pk_quantize_table_scalar;
#if defined(__x86_64__)
extern const pk_quantize_table pk_quantize_table_avx2, pk_quantize_table_avx512;
#endif

#endif
