#include "pk_binary.h"

#include "levels/pk_select.h"

extern const pk_binary_fn pk_binary_table_scalar[PK_BINARY_COUNT][PK_TYPE_LIMIT];
extern const pk_binary_fn pk_binary_table_avx2[PK_BINARY_COUNT][PK_TYPE_LIMIT];
extern const pk_binary_fn pk_binary_table_avx512[PK_BINARY_COUNT][PK_TYPE_LIMIT];
extern const pk_compare_fn pk_compare_table_scalar[PK_COMPARE_COUNT][PK_TYPE_LIMIT];
extern const pk_compare_fn pk_compare_table_avx2[PK_COMPARE_COUNT][PK_TYPE_LIMIT];
extern const pk_compare_fn pk_compare_table_avx512[PK_COMPARE_COUNT][PK_TYPE_LIMIT];
extern const pk_where_fn pk_where_table_scalar[5];
extern const pk_where_fn pk_where_table_avx2[5];
extern const pk_where_fn pk_where_table_avx512[5];

pk_binary_fn pk_binary_kernel(pk_isa isa, pk_binary_op op, pk_type type) {
  if ((unsigned)op >= PK_BINARY_COUNT || (unsigned)type >= PK_TYPE_LIMIT) return NULL;
  return PK_SELECT(isa, pk_binary_table)[op][type];
}

pk_compare_fn pk_compare_kernel(pk_isa isa, pk_compare_op op, pk_type type) {
  if ((unsigned)op >= PK_COMPARE_COUNT || (unsigned)type >= PK_TYPE_LIMIT) return NULL;
  return PK_SELECT(isa, pk_compare_table)[op][type];
}

pk_where_fn pk_where_kernel(pk_isa isa, size_t element_size) {
  if (element_size == 0 || element_size > 16 || (element_size & (element_size - 1)) != 0) return NULL;
  return PK_SELECT(isa, pk_where_table)[__builtin_ctzll(element_size)];
}
