#define PK_LEVEL 0
#include "pk_level_begin.h"
#include "pk_pool_level.inl.h"
#include "pk_level_end.h"
