#include "pk_unary.h"

#include "levels/pk_select.h"

extern const pk_unary_fn pk_unary_table_scalar[PK_UNARY_COUNT][PK_TYPE_LIMIT];
extern const pk_unary_fn pk_unary_table_avx2[PK_UNARY_COUNT][PK_TYPE_LIMIT];
extern const pk_unary_fn pk_unary_table_avx512[PK_UNARY_COUNT][PK_TYPE_LIMIT];
extern const pk_predicate_fn pk_predicate_table_scalar[PK_PREDICATE_COUNT][PK_TYPE_LIMIT];
extern const pk_predicate_fn pk_predicate_table_avx2[PK_PREDICATE_COUNT][PK_TYPE_LIMIT];
extern const pk_predicate_fn pk_predicate_table_avx512[PK_PREDICATE_COUNT][PK_TYPE_LIMIT];

pk_unary_fn pk_unary_kernel(pk_isa isa, pk_unary_op op, pk_type type) {
  if ((unsigned)op >= PK_UNARY_COUNT || (unsigned)type >= PK_TYPE_LIMIT) return NULL;
  return PK_SELECT(isa, pk_unary_table)[op][type];
}

pk_predicate_fn pk_predicate_kernel(pk_isa isa, pk_predicate predicate, pk_type type) {
  if ((unsigned)predicate >= PK_PREDICATE_COUNT || (unsigned)type >= PK_TYPE_LIMIT) return NULL;
  return PK_SELECT(isa, pk_predicate_table)[predicate][type];
}
