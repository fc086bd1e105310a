#define PK_LEVEL 0
#include "levels/pk_level_begin.h"
#include "pk_tree_masks.inl.h"
#include "levels/pk_level_end.h"
