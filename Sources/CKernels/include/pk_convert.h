#ifndef PINION_PK_CONVERT_H
#define PINION_PK_CONVERT_H

#include "pk_isa.h"

#include <stddef.h>

#ifdef __cplusplus
extern "C" {
#endif

/// y[i] = x[i] in another type, for n elements; x and y do not overlap.
typedef void (*pk_convert_fn)(const void *x, void *y, size_t n);

/// The cast between two types with the meaning of ONNX Cast, or NULL if a type is not one of pk_type.
/// To floats: round to nearest even. Float to integer: truncates; int8, int16 and their unsigned kin wrap through int32 and
/// uint32 through int64; what fits in neither, and NaN, gives the least int32 or int64. Between integers: wraps.
/// To bool: x != 0. From bool: any byte but 0 is 1.
pk_convert_fn pk_convert_kernel(pk_isa isa, pk_type from, pk_type to);

#ifdef __cplusplus
}
#endif
#endif
