#ifndef PINION_CC_BLASLT_H
#define PINION_CC_BLASLT_H

#include <stddef.h>
#include <stdint.h>

// The part of cublasLt (libcublasLt.so.13, .12) that a matrix product needs. Descriptors are made by the library, so that their
// layout does not matter here; an algorithm and a heuristic's result are filled by it and have these sizes.

typedef struct cc_lt_algorithm {
  uint64_t data[8];
} cc_lt_algorithm;

typedef struct cc_lt_heuristic {
  cc_lt_algorithm algorithm;
  size_t workspace_bytes;
  int status;
  float waves;
  int reserved[4];
} cc_lt_heuristic;

#define CC_BLASLT_FUNCTIONS(FUNCTION) \
  FUNCTION(cublasLtCreate, int, (void **handle)) \
  FUNCTION(cublasLtDestroy, int, (void *handle)) \
  FUNCTION(cublasLtGetVersion, size_t, (void)) \
  FUNCTION(cublasLtMatmulDescCreate, int, (void **description, int compute_type, int scale_type)) \
  FUNCTION(cublasLtMatmulDescDestroy, int, (void *description)) \
  FUNCTION(cublasLtMatmulDescSetAttribute, int, (void *description, int attribute, const void *value, size_t bytes)) \
  FUNCTION(cublasLtMatrixLayoutCreate, int, (void **layout, int type, uint64_t rows, uint64_t columns, int64_t leading)) \
  FUNCTION(cublasLtMatrixLayoutDestroy, int, (void *layout)) \
  FUNCTION(cublasLtMatrixLayoutSetAttribute, int, (void *layout, int attribute, const void *value, size_t bytes)) \
  FUNCTION(cublasLtMatmulPreferenceCreate, int, (void **preference)) \
  FUNCTION(cublasLtMatmulPreferenceDestroy, int, (void *preference)) \
  FUNCTION(cublasLtMatmulPreferenceSetAttribute, int, (void *preference, int attribute, const void *value, size_t bytes)) \
  FUNCTION(cublasLtMatmulAlgoGetHeuristic, int, \
    (void *handle, void *description, void *a, void *b, void *c, void *d, void *preference, int wanted, \
     cc_lt_heuristic *results, int *found)) \
  FUNCTION(cublasLtMatmul, int, \
    (void *handle, void *description, const void *alpha, const void *a, void *a_layout, const void *b, void *b_layout, \
     const void *beta, const void *c, void *c_layout, void *d, void *d_layout, const cc_lt_algorithm *algorithm, \
     void *workspace, size_t workspace_bytes, void *stream))

typedef struct cc_blaslt {
#define CC_FIELD(name, result, arguments) result(*name) arguments;
  CC_BLASLT_FUNCTIONS(CC_FIELD)
#undef CC_FIELD
} cc_blaslt;

#endif
