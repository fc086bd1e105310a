#include "pk_conv.h"

#define T float
#define NAME(FUNCTION) FUNCTION##_f32
#include "pk_conv_direct.inl.h"
#undef T
#undef NAME

#define T double
#define NAME(FUNCTION) FUNCTION##_f64
#include "pk_conv_direct.inl.h"
