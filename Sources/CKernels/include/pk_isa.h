#ifndef PINION_PK_ISA_H
#define PINION_PK_ISA_H

#include <stdbool.h>

#ifdef __cplusplus
extern "C" {
#endif

/// Instruction-set levels a kernel text is compiled for, each including the ones before it.
typedef enum pk_isa {
  PK_ISA_SCALAR = 0, ///< x86-64 baseline (SSE2)
  PK_ISA_AVX2 = 1,   ///< AVX2, FMA, F16C
  PK_ISA_AVX512 = 2, ///< AVX-512 F, BW, VL and DQ
} pk_isa;
enum { PK_ISA_COUNT = 3 };

/// The highest level this processor and operating system run. Thread-safe.
/// The environment variable PINION_ISA=scalar|avx2|avx512 lowers it (never raises it).
pk_isa pk_isa_best(void);

/// Whether products of bytes take one instruction at PK_ISA_AVX512 (VNNI). Their kernels are those of PK_ISA_AVX2 where it is missing,
/// or where the environment variable PINION_VNNI is 0. Thread-safe; always the same in a process.
bool pk_has_vnni(void);

/// "scalar", "avx2" or "avx512".
const char *pk_isa_name(pk_isa isa);

/// Element types as the kernels know them; the numbers are ONNX's TensorProto.DataType.
typedef enum pk_type {
  PK_F32 = 1, PK_U8 = 2, PK_I8 = 3, PK_U16 = 4, PK_I16 = 5, PK_I32 = 6, PK_I64 = 7, PK_BOOL = 9,
  PK_F16 = 10, PK_F64 = 11, PK_U32 = 12, PK_U64 = 13, PK_BF16 = 16,
} pk_type;
enum { PK_TYPE_LIMIT = 27 };

#ifdef __cplusplus
}
#endif
#endif
