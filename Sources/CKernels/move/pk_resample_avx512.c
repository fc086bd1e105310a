#if defined(__x86_64__)
#include "pk_bilinear.h"
#include "pk_resample.h"

#define PK_LEVEL 2
#include "levels/pk_level_begin.h"
#include "pk_resample.inl.h"
#include "pk_bilinear.inl.h"
#include "levels/pk_level_end.h"
#endif
