#include "pk_quantize.h"

#include "pk_quantize_internal.h"
#include "pk_select.h"

bool pk_quantize_f32(pk_isa isa, pk_type to, const pk_quantization *q, const float *x, void *y, size_t n) {
  if ((unsigned)to >= PK_TYPE_LIMIT || !PK_SELECT(isa, pk_quantize_table).quantize[to]) return false;
  PK_SELECT(isa, pk_quantize_table).quantize[to](q, x, y, n);
  return true;
}

bool pk_requantize_i32(pk_isa isa, pk_type to, const pk_quantization *q, int32_t bias, const int32_t *x, void *y, size_t n) {
  if ((unsigned)to >= PK_TYPE_LIMIT || !PK_SELECT(isa, pk_quantize_table).requantize[to]) return false;
  PK_SELECT(isa, pk_quantize_table).requantize[to](q, bias, x, y, n);
  return true;
}

bool pk_dequantize_f32(pk_isa isa, pk_type from, const pk_quantization *q, const void *x, float *y, size_t n) {
  if ((unsigned)from >= PK_TYPE_LIMIT || !PK_SELECT(isa, pk_quantize_table).dequantize[from]) return false;
  PK_SELECT(isa, pk_quantize_table).dequantize[from](q, x, y, n);
  return true;
}

void pk_range_f32(pk_isa isa, const float *x, size_t n, float *least, float *greatest) {
  PK_SELECT(isa, pk_quantize_table).range(x, n, least, greatest);
}

void pk_depthwise_int8_plane(pk_isa isa, const pk_depthwise_int8 *s, const void *x, const void *w, int32_t *y) {
  PK_SELECT(isa, pk_quantize_table).depthwise(s, x, w, y);
}
