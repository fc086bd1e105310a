#include "cc_texts.h"

#include <string.h>

#pragma clang diagnostic ignored "-Wc23-extensions"

static const char prims[] = {
#embed "../PinionCUDA/Kernels/prims.cuh" suffix(, )
  0};
static const char elementwise[] = {
#embed "../PinionCUDA/Kernels/elementwise.cuh" suffix(, )
  0};
static const char reduction[] = {
#embed "../PinionCUDA/Kernels/reduction.cu" suffix(, )
  0};
static const char gemm[] = {
#embed "../PinionCUDA/Kernels/gemm.cu" suffix(, )
  0};
static const char movement[] = {
#embed "../PinionCUDA/Kernels/movement.cu" suffix(, )
  0};
static const char matrix[] = {
#embed "../PinionCUDA/Kernels/matrix.cuh" suffix(, )
  0};
static const char gemm_int8[] = {
#embed "../PinionCUDA/Kernels/gemm_int8.cu" suffix(, )
  0};
static const char skinny[] = {
#embed "../PinionCUDA/Kernels/skinny.cu" suffix(, )
  0};
static const char weight_only[] = {
#embed "../PinionCUDA/Kernels/weight_only.cu" suffix(, )
  0};
static const char conv[] = {
#embed "../PinionCUDA/Kernels/conv.cu" suffix(, )
  0};
static const char image[] = {
#embed "../PinionCUDA/Kernels/image.cu" suffix(, )
  0};
static const char attention[] = {
#embed "../PinionCUDA/Kernels/attention.cu" suffix(, )
  0};
static const char selection[] = {
#embed "../PinionCUDA/Kernels/selection.cu" suffix(, )
  0};
static const char scatter[] = {
#embed "../PinionCUDA/Kernels/scatter.cu" suffix(, )
  0};

#define TEXT(name, text) {name, text, sizeof text - 1}
static const cc_text texts[] = {
  TEXT("prims.cuh", prims),
  TEXT("elementwise.cuh", elementwise),
  TEXT("reduction.cu", reduction),
  TEXT("gemm.cu", gemm),
  TEXT("movement.cu", movement),
  TEXT("matrix.cuh", matrix),
  TEXT("gemm_int8.cu", gemm_int8),
  TEXT("skinny.cu", skinny),
  TEXT("weight_only.cu", weight_only),
  TEXT("conv.cu", conv),
  TEXT("image.cu", image),
  TEXT("attention.cu", attention),
  TEXT("selection.cu", selection),
  TEXT("scatter.cu", scatter),
  {NULL, NULL, 0},
};

const cc_text *cc_texts(void) { return texts; }

const cc_text *cc_text_named(const char *name) {
  for (const cc_text *text = texts; text->name; text++)
    if (strcmp(text->name, name) == 0) return text;
  return NULL;
}
