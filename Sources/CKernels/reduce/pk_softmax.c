#include "pk_softmax.h"

#include "levels/pk_select.h"

extern const pk_softmax_fn pk_softmax_table_scalar[2], pk_softmax_table_avx2[2], pk_softmax_table_avx512[2];
extern const pk_softmax_fn pk_log_softmax_table_scalar[2], pk_log_softmax_table_avx2[2], pk_log_softmax_table_avx512[2];
extern const pk_attention_softmax_fn pk_attention_softmax_scalar, pk_attention_softmax_avx2, pk_attention_softmax_avx512;

pk_softmax_fn pk_softmax_kernel(pk_isa isa, pk_type type) {
  return type == PK_F32 || type == PK_F64 ? PK_SELECT(isa, pk_softmax_table)[type == PK_F64] : NULL;
}

pk_softmax_fn pk_log_softmax_kernel(pk_isa isa, pk_type type) {
  return type == PK_F32 || type == PK_F64 ? PK_SELECT(isa, pk_log_softmax_table)[type == PK_F64] : NULL;
}

pk_attention_softmax_fn pk_attention_softmax_kernel(pk_isa isa) { return PK_SELECT(isa, pk_attention_softmax); }
