#include "levels/pk_math.inl.h"
#include "pk_order.inl.h"

enum { TILE = 512, PIECE = 2048, PIECE_ROWS = 16, SOUGHT = 32 };

#define PLAIN(v) (v)
#define SQUARE(v) ((PART)(v) * (PART)(v))
#define SAME(v) (v)

#define T float
#define KEY int32_t
#define NAME(name) PK_FN(pk_reduce_##name##_f32)
#define MAX_KEY PK_FN(pk_key_max_f32)
#define MIN_KEY PK_FN(pk_key_min_f32)
#define OF_KEY PK_FN(pk_of_key_f32)
#define ROW_MOST PK_FN(pk_row_most_f32)
#define ROW_LEAST PK_FN(pk_row_least_f32)
#define FOR_ARG(v) ((v) + 0.0f)
#define LEAST (-(float)INFINITY)
#define GREATEST ((float)INFINITY)
#define PART float
#define TOTAL double
#define MAGNITUDE(v) fabsf(v)
#define MATH(name) PK_FN(pk_##name##_f32)
#define MATH_LOOP PK_VECTORISE
#include "pk_reduce_extremes.inl.h"
#include "pk_reduce_places.inl.h"
#include "pk_reduce_sums.inl.h"
#include "pk_reduce_logarithms.inl.h"
#include "pk_reduce_undefine.inl.h"

#define T double
#define KEY int64_t
#define NAME(name) PK_FN(pk_reduce_##name##_f64)
#define MAX_KEY PK_FN(pk_key_max_f64)
#define MIN_KEY PK_FN(pk_key_min_f64)
#define OF_KEY PK_FN(pk_of_key_f64)
#define ROW_MOST PK_FN(pk_row_most_f64)
#define ROW_LEAST PK_FN(pk_row_least_f64)
#define FOR_ARG(v) ((v) + 0.0)
#define LEAST (-(double)INFINITY)
#define GREATEST ((double)INFINITY)
#define PART double
#define TOTAL double
#define MAGNITUDE(v) fabs(v)
#define MATH(name) PK_FN(pk_##name##_f64)
#define MATH_LOOP PK_VECTORISE
#include "pk_reduce_extremes.inl.h"
#include "pk_reduce_places.inl.h"
#include "pk_reduce_sums.inl.h"
#include "pk_reduce_logarithms.inl.h"
#include "pk_reduce_undefine.inl.h"

#define T int32_t
#define KEY int32_t
#define NAME(name) PK_FN(pk_reduce_##name##_i32)
#define MAX_KEY SAME
#define MIN_KEY SAME
#define OF_KEY SAME
#define FOR_ARG SAME
#define LEAST INT32_MIN
#define GREATEST INT32_MAX
#define PART uint32_t
#define TOTAL uint32_t
#define MAGNITUDE(v) ((v) < 0 ? 0 - (PART)(v) : (PART)(v))
#include "pk_reduce_extremes.inl.h"
#include "pk_reduce_places.inl.h"
#include "pk_reduce_sums.inl.h"
#include "pk_reduce_undefine.inl.h"

#define T int64_t
#define KEY int64_t
#define NAME(name) PK_FN(pk_reduce_##name##_i64)
#define MAX_KEY SAME
#define MIN_KEY SAME
#define OF_KEY SAME
#define FOR_ARG SAME
#define LEAST INT64_MIN
#define GREATEST INT64_MAX
#define PART uint64_t
#define TOTAL uint64_t
#define MAGNITUDE(v) ((v) < 0 ? 0 - (PART)(v) : (PART)(v))
#include "pk_reduce_extremes.inl.h"
#include "pk_reduce_places.inl.h"
#include "pk_reduce_sums.inl.h"
#include "pk_reduce_undefine.inl.h"

#define T int8_t
#define KEY int8_t
#define NAME(name) PK_FN(pk_reduce_##name##_i8)
#define MAX_KEY SAME
#define MIN_KEY SAME
#define OF_KEY SAME
#define FOR_ARG SAME
#define LEAST INT8_MIN
#define GREATEST INT8_MAX
#include "pk_reduce_extremes.inl.h"
#include "pk_reduce_places.inl.h"
#include "pk_reduce_undefine.inl.h"

#define T uint8_t
#define KEY uint8_t
#define NAME(name) PK_FN(pk_reduce_##name##_u8)
#define MAX_KEY SAME
#define MIN_KEY SAME
#define OF_KEY SAME
#define FOR_ARG SAME
#define LEAST 0
#define GREATEST UINT8_MAX
#include "pk_reduce_extremes.inl.h"
#include "pk_reduce_places.inl.h"
#include "pk_reduce_undefine.inl.h"

#define T uint8_t
#define KEY uint8_t
#define NAME(name) PK_FN(pk_reduce_##name##_b8)
#define MAX_KEY SAME
#define MIN_KEY SAME
#define OF_KEY SAME
#define LEAST 0
#define GREATEST 1
#include "pk_reduce_extremes.inl.h"
#include "pk_reduce_undefine.inl.h"

#define K(name, type) PK_FN(pk_reduce_##name##_##type)
#define FLOATS(name) [PK_F32] = K(name, f32), [PK_F64] = K(name, f64)
#define WIDE(name) FLOATS(name), [PK_I32] = K(name, i32), [PK_I64] = K(name, i64)
#define ARGS(name) WIDE(name), [PK_I8] = K(name, i8), [PK_U8] = K(name, u8)

const pk_reduce_fn PK_FN(pk_reduce_table)[PK_REDUCE_COUNT][PK_TYPE_LIMIT] = {
    [PK_REDUCE_SUM] = {WIDE(sum)},
    [PK_REDUCE_MEAN] = {FLOATS(mean)},
    [PK_REDUCE_PROD] = {WIDE(prod)},
    [PK_REDUCE_MIN] = {ARGS(min), [PK_BOOL] = K(min, b8)},
    [PK_REDUCE_MAX] = {ARGS(max), [PK_BOOL] = K(max, b8)},
    [PK_REDUCE_L1] = {WIDE(l1)},
    [PK_REDUCE_L2] = {FLOATS(l2)},
    [PK_REDUCE_SUM_SQUARE] = {WIDE(sumsq)},
    [PK_REDUCE_LOG_SUM] = {FLOATS(logsum)},
    [PK_REDUCE_LOG_SUM_EXP] = {FLOATS(logsumexp)},
};
const pk_arg_fn PK_FN(pk_arg_max_table)[PK_TYPE_LIMIT] = {ARGS(argmax)};
const pk_arg_fn PK_FN(pk_arg_min_table)[PK_TYPE_LIMIT] = {ARGS(argmin)};
