#if defined(__x86_64__)
#define PK_LEVEL 1
#include "levels/pk_level_begin.h"
#include "pk_nbits.inl.h"
#include "pk_nbits_bytes.inl.h"
#include "levels/pk_level_end.h"
#endif
