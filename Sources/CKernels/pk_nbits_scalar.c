#define PK_LEVEL 0
#include "pk_level_begin.h"
#include "pk_nbits.inl.h"
#include "pk_level_end.h"
