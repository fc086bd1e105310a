#include "pk_norm.h"

#include "levels/pk_select.h"

#define GETTER(name)                                                                                       \
  extern const name##_fn name##_table_scalar[PK_TYPE_LIMIT];                                               \
  extern const name##_fn name##_table_avx2[PK_TYPE_LIMIT];                                                 \
  extern const name##_fn name##_table_avx512[PK_TYPE_LIMIT];                                               \
  name##_fn name##_kernel(pk_isa isa, pk_type type) {                                                      \
    return (unsigned)type < PK_TYPE_LIMIT ? PK_SELECT(isa, name##_table)[type] : NULL;                     \
  }
GETTER(pk_layer_norm)
GETTER(pk_rms_norm)
GETTER(pk_group_norm)
GETTER(pk_channel_affine)
GETTER(pk_lp_normalize)
