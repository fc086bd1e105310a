#include <math.h>
#include <stdbool.h>

#include "levels/pk_number.inl.h"

enum { TILE = 128, PIECE = 2048 };

#define AS_IT_IS(v) (v)

#define T float
#define REAL float
#define NAME(name) PK_FN(pk_##name##_f32)
#define READ AS_IT_IS
#define WRITE AS_IT_IS
#include "pk_norm_type.inl.h"
#undef T
#undef REAL
#undef NAME
#undef READ
#undef WRITE

#define T double
#define REAL double
#define NAME(name) PK_FN(pk_##name##_f64)
#define READ AS_IT_IS
#define WRITE AS_IT_IS
#include "pk_norm_type.inl.h"
#undef T
#undef REAL
#undef NAME
#undef READ
#undef WRITE

#define T uint16_t
#define REAL float
#define NAME(name) PK_FN(pk_##name##_f16)
#define READ PK_FN(pk_f32_of_f16)
#define WRITE PK_FN(pk_f16_of_f32)
#include "pk_norm_type.inl.h"
#undef T
#undef REAL
#undef NAME
#undef READ
#undef WRITE

#define T uint16_t
#define REAL float
#define NAME(name) PK_FN(pk_##name##_bf16)
#define READ PK_FN(pk_f32_of_bf16)
#define WRITE PK_FN(pk_bf16_of_f32)
#include "pk_norm_type.inl.h"
#undef T
#undef REAL
#undef NAME
#undef READ
#undef WRITE

#define FLOATS(name)                                                                                       \
  {                                                                                                        \
    [PK_F32] = PK_FN(pk_##name##_f32), [PK_F64] = PK_FN(pk_##name##_f64),                                  \
    [PK_F16] = PK_FN(pk_##name##_f16), [PK_BF16] = PK_FN(pk_##name##_bf16),                                \
  }
const pk_layer_norm_fn PK_FN(pk_layer_norm_table)[PK_TYPE_LIMIT] = FLOATS(layer_norm);
const pk_rms_norm_fn PK_FN(pk_rms_norm_table)[PK_TYPE_LIMIT] = FLOATS(rms_norm);
const pk_group_norm_fn PK_FN(pk_group_norm_table)[PK_TYPE_LIMIT] = FLOATS(group_norm);
const pk_channel_affine_fn PK_FN(pk_channel_affine_table)[PK_TYPE_LIMIT] = FLOATS(channel_affine);
const pk_lp_normalize_fn PK_FN(pk_lp_normalize_table)[PK_TYPE_LIMIT] = FLOATS(lp_normalize);
