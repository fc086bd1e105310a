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

#define TEXT(name, text) {name, text, sizeof text - 1}
static const cc_text texts[] = {
  TEXT("prims.cuh", prims),
  TEXT("elementwise.cuh", elementwise),
  TEXT("reduction.cu", reduction),
  TEXT("gemm.cu", gemm),
  TEXT("movement.cu", movement),
  {NULL, NULL, 0},
};

const cc_text *cc_texts(void) { return texts; }

const cc_text *cc_text_named(const char *name) {
  for (const cc_text *text = texts; text->name; text++)
    if (strcmp(text->name, name) == 0) return text;
  return NULL;
}
