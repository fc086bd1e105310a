// Casts between all pairs of element types. Each storage type is read as a C type that holds it exactly (f16 and bf16 as
// float), and each target picks its rounding by that C type.
#include "levels/pk_number.inl.h"

#define READ_f32(v) (v)
#define READ_f64(v) (v)
#define READ_f16(v) PK_FN(pk_f32_of_f16)(v)
#define READ_bf16(v) PK_FN(pk_f32_of_bf16)(v)
#define READ_i8(v) (v)
#define READ_i16(v) (v)
#define READ_i32(v) (v)
#define READ_i64(v) (v)
#define READ_u8(v) (v)
#define READ_u16(v) (v)
#define READ_u32(v) (v)
#define READ_u64(v) (v)
#define READ_b8(v) ((uint8_t)((v) != 0))

static inline int32_t PK_FN(pk_i32_of_integer)(int64_t x) { return (int32_t)x; }
static inline int64_t PK_FN(pk_i64_of_integer)(int64_t x) { return x; }
static inline uint64_t PK_FN(pk_u64_of_f32)(float x) { return PK_FN(pk_u64_of_f64)((double)x); }
static inline uint64_t PK_FN(pk_u64_of_integer)(int64_t x) { return (uint64_t)x; }
static inline float PK_FN(pk_f32_for_f16)(float x) { return x; }

#define BY_KIND(v, of_f32, of_f64, of_integer) _Generic((v), float: of_f32, double: of_f64, default: of_integer)(v)
#define TO_INT32(v) BY_KIND(v, PK_FN(pk_i32_of_f32), PK_FN(pk_i32_of_f64), PK_FN(pk_i32_of_integer))
#define TO_INT64(v) BY_KIND(v, PK_FN(pk_i64_of_f32), PK_FN(pk_i64_of_f64), PK_FN(pk_i64_of_integer))
#define TO_NARROWABLE(v) _Generic((v), double: PK_FN(pk_odd_f32_of_f64), default: PK_FN(pk_f32_for_f16))(v)

#define WRITE_f32(v) ((float)(v))
#define WRITE_f64(v) ((double)(v))
#define WRITE_f16(v) PK_FN(pk_f16_of_f32)(TO_NARROWABLE(v))
#define WRITE_bf16(v) PK_FN(pk_bf16_of_f32)(TO_NARROWABLE(v))
#define WRITE_i8(v) ((int8_t)TO_INT32(v))
#define WRITE_i16(v) ((int16_t)TO_INT32(v))
#define WRITE_i32(v) TO_INT32(v)
#define WRITE_i64(v) TO_INT64(v)
#define WRITE_u8(v) ((uint8_t)TO_INT32(v))
#define WRITE_u16(v) ((uint16_t)TO_INT32(v))
#define WRITE_u32(v) ((uint32_t)TO_INT64(v))
#define WRITE_u64(v) BY_KIND(v, PK_FN(pk_u64_of_f32), PK_FN(pk_u64_of_f64), PK_FN(pk_u64_of_integer))
#define WRITE_b8(v) ((uint8_t)((v) != 0))

typedef float PK_FN(pk_store_f32);
typedef double PK_FN(pk_store_f64);
typedef uint16_t PK_FN(pk_store_f16);
typedef uint16_t PK_FN(pk_store_bf16);
typedef int8_t PK_FN(pk_store_i8);
typedef int16_t PK_FN(pk_store_i16);
typedef int32_t PK_FN(pk_store_i32);
typedef int64_t PK_FN(pk_store_i64);
typedef uint8_t PK_FN(pk_store_u8);
typedef uint16_t PK_FN(pk_store_u16);
typedef uint32_t PK_FN(pk_store_u32);
typedef uint64_t PK_FN(pk_store_u64);
typedef uint8_t PK_FN(pk_store_b8);

#define CAST(from, to)                                                                              \
  static void PK_FN(pk_##from##_to_##to)(const void *x, void *y, size_t n) {                        \
    const PK_FN(pk_store_##from) *restrict source = x;                                              \
    PK_FN(pk_store_##to) *restrict target = y;                                                      \
    PK_VECTORISE for (size_t i = 0; i < n; i++) target[i] = WRITE_##to(READ_##from(source[i]));     \
  }

#define COPY(name, bytes)                                                                            \
  static void PK_FN(pk_copy_##name)(const void *x, void *y, size_t n) { memcpy(y, x, n * (bytes)); }
COPY(1, 1)
COPY(2, 2)
COPY(4, 4)
COPY(8, 8)

// What integers become depends on the target's width only, and truncation reads unsigned sources like signed ones.
#define TO_FLOATS(from) CAST(from, f16) CAST(from, bf16) CAST(from, f32) CAST(from, f64) CAST(from, b8)
#define FROM_FLOAT(from)                                                                             \
  CAST(from, i8) CAST(from, i16) CAST(from, i32) CAST(from, i64)                                     \
  CAST(from, u32) CAST(from, u64) CAST(from, b8)
FROM_FLOAT(f32) CAST(f32, f64) CAST(f32, f16) CAST(f32, bf16)
FROM_FLOAT(f64) CAST(f64, f32) CAST(f64, f16) CAST(f64, bf16)
FROM_FLOAT(f16) CAST(f16, f32) CAST(f16, f64) CAST(f16, bf16)
FROM_FLOAT(bf16) CAST(bf16, f32) CAST(bf16, f64) CAST(bf16, f16)
TO_FLOATS(i8) CAST(i8, i16) CAST(i8, i32) CAST(i8, i64)
TO_FLOATS(u8) CAST(u8, i16) CAST(u8, i32) CAST(u8, i64)
TO_FLOATS(i16) CAST(i16, i8) CAST(i16, i32) CAST(i16, i64)
TO_FLOATS(u16) CAST(u16, i32) CAST(u16, i64)
TO_FLOATS(i32) CAST(i32, i8) CAST(i32, i16) CAST(i32, i64)
TO_FLOATS(u32) CAST(u32, i64)
TO_FLOATS(i64) CAST(i64, i8) CAST(i64, i16) CAST(i64, i32)
TO_FLOATS(u64)
TO_FLOATS(b8) CAST(b8, i16) CAST(b8, i32) CAST(b8, i64)

#define F(from, to) PK_FN(pk_##from##_to_##to)
#define TO_ALL(from, i8, i16, i32, i64, u32, u64, f32, f64, f16, bf16)                                     \
  {                                                                                                        \
    [PK_I8] = i8, [PK_U8] = i8, [PK_I16] = i16, [PK_U16] = i16, [PK_I32] = i32, [PK_U32] = u32,            \
    [PK_I64] = i64, [PK_U64] = u64, [PK_F32] = f32, [PK_F64] = f64, [PK_F16] = f16, [PK_BF16] = bf16,      \
    [PK_BOOL] = F(from, b8),                                                                             \
  }
#define INTEGER_TO_ALL(from, i8, i16, i32, i64)                                                            \
  TO_ALL(from, i8, i16, i32, i64, i32, i64, F(from, f32), F(from, f64), F(from, f16), F(from, bf16))
#define FLOAT_TO_ALL(from, f32, f64, f16, bf16)                                                            \
  TO_ALL(from, F(from, i8), F(from, i16), F(from, i32), F(from, i64), F(from, u32), F(from, u64), f32, f64, f16, bf16)
#define COPY_1 PK_FN(pk_copy_1)
#define COPY_2 PK_FN(pk_copy_2)
#define COPY_4 PK_FN(pk_copy_4)
#define COPY_8 PK_FN(pk_copy_8)

const pk_convert_fn PK_FN(pk_convert_table)[PK_TYPE_LIMIT][PK_TYPE_LIMIT] = {
    [PK_F32] = FLOAT_TO_ALL(f32, COPY_4, F(f32, f64), F(f32, f16), F(f32, bf16)),
    [PK_F64] = FLOAT_TO_ALL(f64, F(f64, f32), COPY_8, F(f64, f16), F(f64, bf16)),
    [PK_F16] = FLOAT_TO_ALL(f16, F(f16, f32), F(f16, f64), COPY_2, F(f16, bf16)),
    [PK_BF16] = FLOAT_TO_ALL(bf16, F(bf16, f32), F(bf16, f64), F(bf16, f16), COPY_2),
    [PK_I8] = INTEGER_TO_ALL(i8, COPY_1, F(i8, i16), F(i8, i32), F(i8, i64)),
    [PK_U8] = INTEGER_TO_ALL(u8, COPY_1, F(u8, i16), F(u8, i32), F(u8, i64)),
    [PK_I16] = INTEGER_TO_ALL(i16, F(i16, i8), COPY_2, F(i16, i32), F(i16, i64)),
    [PK_U16] = INTEGER_TO_ALL(u16, F(i16, i8), COPY_2, F(u16, i32), F(u16, i64)),
    [PK_I32] = INTEGER_TO_ALL(i32, F(i32, i8), F(i32, i16), COPY_4, F(i32, i64)),
    [PK_U32] = INTEGER_TO_ALL(u32, F(i32, i8), F(i32, i16), COPY_4, F(u32, i64)),
    [PK_I64] = INTEGER_TO_ALL(i64, F(i64, i8), F(i64, i16), F(i64, i32), COPY_8),
    [PK_U64] = INTEGER_TO_ALL(u64, F(i64, i8), F(i64, i16), F(i64, i32), COPY_8),
    [PK_BOOL] = INTEGER_TO_ALL(b8, F(b8, b8), F(b8, i16), F(b8, i32), F(b8, i64)),
};
