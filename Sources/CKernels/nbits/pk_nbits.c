#include "pk_nbits.h"

#include "pk_nbits_internal.h"
#include "levels/pk_select.h"

void pk_nbits_panels(pk_isa isa, const pk_nbits *b, size_t n0, size_t n1, float *packed) {
  PK_SELECT(isa, pk_nbits_table).panels(b, n0, n1, packed);
}

void pk_nbits_gemv(pk_isa isa, const pk_nbits *b, const float *prepared, size_t m, size_t n0, size_t n1, float *y, size_t ldy) {
  PK_SELECT(isa, pk_nbits_table).gemv(b, prepared, m, n0, n1, y, ldy);
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

size_t pk_nbits_row_bytes(const pk_nbits *b) {
  const pk_nbits_row row = pk_nbits_row_of(b);
  return row.words * (8 + sizeof(float)) + row.blocks * sizeof(float);
}

void pk_nbits_prepare_bytes(pk_isa isa, const pk_nbits *b, const float *a, void *prepared) {
  PK_SELECT(isa, pk_nbits_table).prepare_bytes(b, a, prepared);
}

void pk_nbits_product_bytes(pk_isa isa, const pk_nbits *b, const void *prepared, size_t m, size_t n0, size_t n1, float *y, size_t ldy) {
  if (isa == PK_ISA_AVX512 && !pk_has_vnni()) isa = PK_ISA_AVX2;
  PK_SELECT(isa, pk_nbits_bytes_table).product(b, prepared, m, n0, n1, y, ldy);
}
