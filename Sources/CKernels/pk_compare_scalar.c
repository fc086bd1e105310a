#include "pk_binary.h"

#define PK_LEVEL 0
#include "pk_level_begin.h"
#include "pk_compare.inl.h"
#include "pk_level_end.h"
