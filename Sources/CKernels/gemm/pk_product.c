#include "pk_product.h"

#include "levels/pk_select.h"

extern const pk_product_fn pk_product_table_scalar[PK_TYPE_LIMIT];
extern const pk_product_fn pk_product_table_avx2[PK_TYPE_LIMIT];
extern const pk_product_fn pk_product_table_avx512[PK_TYPE_LIMIT];

pk_product_fn pk_product_kernel(pk_isa isa, pk_type type) {
  if ((unsigned)type >= PK_TYPE_LIMIT) return NULL;
  return PK_SELECT(isa, pk_product_table)[type];
}

extern const pk_dots_fn pk_dots_table_scalar[2], pk_dots_table_avx2[2], pk_dots_table_avx512[2];

pk_dots_fn pk_dots_kernel(pk_isa isa, pk_type type) {
  return type == PK_F32 || type == PK_F64 ? PK_SELECT(isa, pk_dots_table)[type == PK_F64] : NULL;
}
