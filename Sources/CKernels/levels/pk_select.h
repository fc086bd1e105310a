#ifndef PINION_PK_SELECT_H
#define PINION_PK_SELECT_H

#include "pk_isa.h"

// The level's variant of something that exists once per level; other processors have the portable one only.
#if defined(__x86_64__)
#define PK_SELECT(isa, name) ((isa) == PK_ISA_AVX512 ? name##_avx512 : (isa) == PK_ISA_AVX2 ? name##_avx2 : name##_scalar)
#else
#define PK_SELECT(isa, name) ((void)(isa), name##_scalar)
#endif

#endif
