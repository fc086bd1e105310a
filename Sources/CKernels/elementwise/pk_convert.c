#include "pk_convert.h"

#include "levels/pk_select.h"

extern const pk_convert_fn pk_convert_table_scalar[PK_TYPE_LIMIT][PK_TYPE_LIMIT];
extern const pk_convert_fn pk_convert_table_avx2[PK_TYPE_LIMIT][PK_TYPE_LIMIT];
extern const pk_convert_fn pk_convert_table_avx512[PK_TYPE_LIMIT][PK_TYPE_LIMIT];

pk_convert_fn pk_convert_kernel(pk_isa isa, pk_type from, pk_type to) {
  if ((unsigned)from >= PK_TYPE_LIMIT || (unsigned)to >= PK_TYPE_LIMIT) return NULL;
  return PK_SELECT(isa, pk_convert_table)[from][to];
}
