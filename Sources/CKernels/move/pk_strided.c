#include "pk_strided.h"

#include "levels/pk_select.h"

#include <stdint.h>
#include <string.h>

#define DECLARE(name)                                                                                                \
  void name(const pk_strided_axis *axes, size_t rank, size_t width, size_t row_block, size_t col_block, const void *from, \
            void *to, size_t first, size_t last);
DECLARE(pk_strided_scalar)
DECLARE(pk_strided_avx2)
DECLARE(pk_strided_avx512)

pk_strided_fn pk_strided_kernel(pk_isa isa) { return PK_SELECT(isa, pk_strided); }
