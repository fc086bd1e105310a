#include "pk_strided.h"

#include "pk_select.h"

#include <stdint.h>
#include <string.h>

#define DECLARE(name)                                                                                                \
  void name(const pk_strided_axis *axes, size_t rank, size_t width, size_t row_block, size_t col_block, const void *from, \
            void *to, size_t first, size_t last);
DECLARE(pk_strided_scalar)
DECLARE(pk_strided_avx2)
DECLARE(pk_strided_avx512)

pk_strided_fn pk_strided_kernel(pk_isa isa) { return PK_SELECT(isa, pk_strided); }

void pk_fill(void *to, const void *value, size_t width, size_t n) {
  if (n == 0) return;
  if (width == 1) {
    memset(to, *(const unsigned char *)value, n);
    return;
  }
  // The pattern of 16 bytes repeats every element, whatever the width.
  unsigned char pattern[16];
  for (size_t i = 0; i < sizeof pattern; i += width) memcpy(pattern + i, value, width);
  const size_t bytes = n * width;
  size_t i = 0;
  for (; i + sizeof pattern <= bytes; i += sizeof pattern) memcpy((char *)to + i, pattern, sizeof pattern);
  memcpy((char *)to + i, pattern, bytes - i);
}
