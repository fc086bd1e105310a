#define PK_LEVEL 0
#define PK_INT8_TABLE pk_igemm_table_scalar
#include "pk_gemm_int8.inl.h"
