#if defined(__x86_64__)
#define PK_LEVEL 2
#include "levels/pk_level_begin.h"
#include "pk_tree_masks.inl.h"
#include "levels/pk_level_end.h"
#endif
