#include "pk_reduce.h"

#include "levels/pk_select.h"

extern const pk_reduce_fn pk_reduce_table_scalar[PK_REDUCE_COUNT][PK_TYPE_LIMIT];
extern const pk_reduce_fn pk_reduce_table_avx2[PK_REDUCE_COUNT][PK_TYPE_LIMIT];
extern const pk_reduce_fn pk_reduce_table_avx512[PK_REDUCE_COUNT][PK_TYPE_LIMIT];
extern const pk_arg_fn pk_arg_max_table_scalar[PK_TYPE_LIMIT];
extern const pk_arg_fn pk_arg_max_table_avx2[PK_TYPE_LIMIT];
extern const pk_arg_fn pk_arg_max_table_avx512[PK_TYPE_LIMIT];
extern const pk_arg_fn pk_arg_min_table_scalar[PK_TYPE_LIMIT];
extern const pk_arg_fn pk_arg_min_table_avx2[PK_TYPE_LIMIT];
extern const pk_arg_fn pk_arg_min_table_avx512[PK_TYPE_LIMIT];

pk_reduce_fn pk_reduce_kernel(pk_isa isa, pk_reduce_op op, pk_type type) {
  if ((unsigned)op >= PK_REDUCE_COUNT || (unsigned)type >= PK_TYPE_LIMIT) return NULL;
  return PK_SELECT(isa, pk_reduce_table)[op][type];
}

pk_arg_fn pk_arg_max_kernel(pk_isa isa, pk_type type) {
  return (unsigned)type < PK_TYPE_LIMIT ? PK_SELECT(isa, pk_arg_max_table)[type] : NULL;
}

pk_arg_fn pk_arg_min_kernel(pk_isa isa, pk_type type) {
  return (unsigned)type < PK_TYPE_LIMIT ? PK_SELECT(isa, pk_arg_min_table)[type] : NULL;
}
