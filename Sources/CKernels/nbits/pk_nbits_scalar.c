#define PK_LEVEL 0
#include "levels/pk_level_begin.h"
#include "pk_nbits.inl.h"
#include "levels/pk_level_end.h"

/// The sum of a block's products with bytes at even and odd places.
static int32_t dot(size_t count, const uint8_t *codes, const int8_t *even, const int8_t *odd) {
  int32_t sum = 0;
  for (size_t j = 0; j < count; j++) sum += (codes[j] & 15) * even[j] + (codes[j] >> 4) * odd[j];
  return sum;
}

static void product_bytes(const pk_nbits *b, const uint8_t *prepared, size_t m, size_t n0, size_t n1, float *y, size_t ldy) {
  enum { RUN = 1 << 14 }; // bytes of codes whose sum fits
  const pk_nbits_row layout = pk_nbits_row_of(b);
  const size_t half = b->block / 2;
  for (size_t row = 0; row < m; row++, prepared += pk_nbits_row_bytes(b))
    for (size_t n = n0; n < n1; n++) {
      const int8_t *even = (const int8_t *)prepared, *odd = even + 4 * layout.words;
      const float *scales = (const float *)(const void *)(prepared + 8 * layout.words), *sums = scales + layout.words;
      float total = 0;
      for (size_t i = 0; i < b->blocks; i++) {
        const size_t at = n * b->blocks + i;
        float block = 0;
        for (size_t j = 0; j < half; j += RUN)
          block += (float)dot(half - j < RUN ? half - j : RUN, b->codes + at * half + j, even + i * half + j, odd + i * half + j);
        total += block * (b->scale[at] * scales[i * b->block / 8]) - pk_nbits_zero(b, at) * b->scale[at] * sums[i];
      }
      y[row * ldy + n - n0] = total;
    }
}

const pk_nbits_bytes_table pk_nbits_bytes_table_scalar = {.product = product_bytes};
