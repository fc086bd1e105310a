#define PK_LEVEL 0
#include "levels/pk_level_begin.h"
#include "pk_pool_level.inl.h"
#include "levels/pk_level_end.h"
