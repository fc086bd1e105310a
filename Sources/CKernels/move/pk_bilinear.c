#include "pk_bilinear.h"

#include "levels/pk_select.h"

extern const pk_bilinear_kernels pk_bilinear_scalar, pk_bilinear_avx2, pk_bilinear_avx512;

pk_bilinear_kernels pk_bilinear_of(pk_isa isa) { return PK_SELECT(isa, pk_bilinear); }
