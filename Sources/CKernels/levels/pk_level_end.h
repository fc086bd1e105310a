#if PK_LEVEL > 0
#pragma clang attribute pop
#endif
#undef PK_FN
#undef PK_LANES
#undef PK_VECTORISE_16
#undef PK_VECTORISE_8
#undef PK_VECTORISE
#undef PK_LEVEL
