#include "levels/pk_number.inl.h"
#include "reduce/pk_pairwise.inl.h"

#define READ_BOOL(v) ((v) != 0)
#define COMPARE(name, type, T, READ, operator)                                                                \
  static void PK_FN(pk_##name##_##type)(const void *a, const void *b, uint8_t *y, size_t n, int flags) {      \
    PK_PAIRWISE(PK_VECTORISE, T, uint8_t, READ, a, b, y, n, flags, a operator b);                             \
  }
#define COMPARISONS(type, T, READ)                                                                            \
  COMPARE(eq, type, T, READ, ==)                                                                              \
  COMPARE(lt, type, T, READ, <)                                                                               \
  COMPARE(le, type, T, READ, <=)
COMPARISONS(f32, float, PK_AS_IT_IS)
COMPARISONS(f64, double, PK_AS_IT_IS)
COMPARISONS(f16, uint16_t, PK_FN(pk_f32_of_f16))
COMPARISONS(bf16, uint16_t, PK_FN(pk_f32_of_bf16))
COMPARISONS(i8, int8_t, PK_AS_IT_IS)
COMPARISONS(i16, int16_t, PK_AS_IT_IS)
COMPARISONS(i32, int32_t, PK_AS_IT_IS)
COMPARISONS(i64, int64_t, PK_AS_IT_IS)
COMPARISONS(u8, uint8_t, PK_AS_IT_IS)
COMPARISONS(u16, uint16_t, PK_AS_IT_IS)
COMPARISONS(u32, uint32_t, PK_AS_IT_IS)
COMPARISONS(u64, uint64_t, PK_AS_IT_IS)
COMPARISONS(b8, uint8_t, READ_BOOL)

#define SWAPPED_FLAGS(flags) (((flags) & PK_A_SCALAR ? PK_B_SCALAR : 0) | ((flags) & PK_B_SCALAR ? PK_A_SCALAR : 0))
#define SWAPPED(name, of, type)                                                                               \
  static void PK_FN(pk_##name##_##type)(const void *a, const void *b, uint8_t *y, size_t n, int flags) {      \
    PK_FN(pk_##of##_##type)(b, a, y, n, SWAPPED_FLAGS(flags));                                                \
  }
#define SWAPPED_COMPARISONS(type) SWAPPED(gt, lt, type) SWAPPED(ge, le, type)
SWAPPED_COMPARISONS(f32)
SWAPPED_COMPARISONS(f64)
SWAPPED_COMPARISONS(f16)
SWAPPED_COMPARISONS(bf16)
SWAPPED_COMPARISONS(i8)
SWAPPED_COMPARISONS(i16)
SWAPPED_COMPARISONS(i32)
SWAPPED_COMPARISONS(i64)
SWAPPED_COMPARISONS(u8)
SWAPPED_COMPARISONS(u16)
SWAPPED_COMPARISONS(u32)
SWAPPED_COMPARISONS(u64)
SWAPPED_COMPARISONS(b8)

#define K(name, type) PK_FN(pk_##name##_##type)
#define TYPES(name)                                                                                           \
  {[PK_F32] = K(name, f32), [PK_F64] = K(name, f64), [PK_F16] = K(name, f16), [PK_BF16] = K(name, bf16),      \
   [PK_I8] = K(name, i8), [PK_I16] = K(name, i16), [PK_I32] = K(name, i32), [PK_I64] = K(name, i64),          \
   [PK_U8] = K(name, u8), [PK_U16] = K(name, u16), [PK_U32] = K(name, u32), [PK_U64] = K(name, u64),          \
   [PK_BOOL] = K(name, b8)}
const pk_compare_fn PK_FN(pk_compare_table)[PK_COMPARE_COUNT][PK_TYPE_LIMIT] = {
    [PK_COMPARE_EQ] = TYPES(eq), [PK_COMPARE_LT] = TYPES(lt), [PK_COMPARE_LE] = TYPES(le),
    [PK_COMPARE_GT] = TYPES(gt), [PK_COMPARE_GE] = TYPES(ge),
};

typedef struct PK_FN(pk_sixteen) {
  uint64_t low, high;
} PK_FN(pk_sixteen);

#define WHERE(size, T, LOOP)                                                                                  \
  static void PK_FN(pk_where_##size)(const uint8_t *condition, const void *av, const void *bv, void *yv, size_t n, int flags) { \
    T *const y = yv;                                                                                          \
    if (n == 0) return;                                                                                       \
    if (flags & PK_CONDITION_SCALAR) {                                                                        \
      const bool first = *condition != 0, scalar = flags & (first ? PK_A_SCALAR : PK_B_SCALAR);               \
      const T *const chosen = first ? av : bv, only = *chosen;                                                \
      if (!scalar) memmove(y, chosen, n * sizeof(T));                                                         \
      else LOOP for (size_t i = 0; i < n; i++) y[i] = only;                                                   \
      return;                                                                                                 \
    }                                                                                                         \
    const T *const as = av, *const bs = bv, a = *as, b = *bs;                                                 \
    switch (flags & (PK_A_SCALAR | PK_B_SCALAR)) {                                                            \
    case 0: LOOP for (size_t i = 0; i < n; i++) { const T s = as[i], t = bs[i]; y[i] = condition[i] ? s : t; } break; \
    case PK_A_SCALAR: LOOP for (size_t i = 0; i < n; i++) { const T t = bs[i]; y[i] = condition[i] ? a : t; } break; \
    case PK_B_SCALAR: LOOP for (size_t i = 0; i < n; i++) { const T s = as[i]; y[i] = condition[i] ? s : b; } break; \
    default: LOOP for (size_t i = 0; i < n; i++) y[i] = condition[i] ? a : b;                                 \
    }                                                                                                         \
  }
WHERE(1, uint8_t, PK_VECTORISE)
WHERE(2, uint16_t, PK_VECTORISE)
WHERE(4, uint32_t, PK_VECTORISE)
WHERE(8, uint64_t, PK_VECTORISE)
WHERE(16, PK_FN(pk_sixteen), )

const pk_where_fn PK_FN(pk_where_table)[5] = {
    PK_FN(pk_where_1), PK_FN(pk_where_2), PK_FN(pk_where_4), PK_FN(pk_where_8), PK_FN(pk_where_16),
};
