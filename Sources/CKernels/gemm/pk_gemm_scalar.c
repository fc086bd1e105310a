#define PK_LEVEL 0
#define PK_TABLE pk_sgemm_table_scalar
#include "pk_gemm.inl.h"
#define PK_CONV_TABLE pk_conv_table_scalar
#include "conv/pk_conv.inl.h"
