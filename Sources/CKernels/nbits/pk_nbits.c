#include "pk_nbits.h"

#include "pk_nbits_internal.h"
#include "levels/pk_select.h"

void pk_nbits_dequantize(pk_isa isa, const pk_nbits *b, size_t n0, size_t n1, float *w) {
  PK_SELECT(isa, pk_nbits_table).dequantize(b, n0, n1, w);
}

void pk_nbits_gemv(pk_isa isa, const pk_nbits *b, const float *prepared, size_t n0, size_t n1, float *y) {
  PK_SELECT(isa, pk_nbits_table).gemv(b, prepared, n0, n1, y);
}

size_t pk_nbits_row_floats(const pk_nbits *b) { return b->blocks * (b->block + 1); }

void pk_nbits_prepare_row(const pk_nbits *b, const float *a, float *prepared) {
  float *sums = prepared + b->blocks * b->block;
  for (size_t i = 0; i < b->blocks; i++) {
    float *even = prepared + i * b->block, *odd = even + b->block / 2;
    float sum = 0;
    for (size_t j = 0; j < b->block / 2; j++) {
      const size_t p = i * b->block + 2 * j;
      even[j] = p < b->k ? a[p] : 0;
      odd[j] = p + 1 < b->k ? a[p + 1] : 0;
      sum += even[j] + odd[j];
    }
    sums[i] = sum;
  }
}
