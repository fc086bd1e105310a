// Kernels alone, for their speed and for their instructions.
//
//   kernels                 times all: name, bound, operations, bytes and seconds of the fastest call, one JSON object a line
//   kernels NAME [TIMES]    runs one so often (default 1), and prints the level; what counts instructions starts and ends at `measured`
//   kernels --list          names
//
// The level of instructions is PINION_ISA's. `small` variants are for counting.
#define _GNU_SOURCE
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "ckernels.h"

static pk_isa isa;

static void *room(size_t bytes) {
  void *p = aligned_alloc(64, (bytes + 63) & ~(size_t)63);
  if (!p) exit(1);
  memset(p, 0, bytes);
  return p;
}

static float *floats(size_t count) {
  static unsigned state = 1;
  float *x = room(count * sizeof *x);
  for (size_t i = 0; i < count; i++) {
    state = state * 1664525u + 1013904223u;
    x[i] = (float)(int)(state >> 8) * (2.0f / 16777216) - 1;
  }
  return x;
}

static uint8_t *codes(size_t count) {
  uint8_t *x = room(count);
  for (size_t i = 0; i < count; i++) x[i] = (uint8_t)(i * 2654435761u >> 24);
  return x;
}

// What is made ready, what runs, and how much that is.
typedef struct kernel {
  const char *name;
  char bound; ///< 'f': arithmetic of float32, 'd': of float64, 'i': of bytes, 'm': memory.
  void (*make)(struct kernel *k);
  void (*run)(struct kernel *k);
  size_t n[8];
  double operations, bytes;
  void *p[8];
} kernel;

static void make_sgemm(kernel *k) {
  const size_t m = k->n[0], n = k->n[1], d = k->n[2];
  pk_sgemm *g = room(sizeof *g);
  float *b = floats(d * n), *packed = room(pk_sgemm_packed_b_bytes(isa, d, n));
  pk_sgemm_pack_b(isa, false, d, n, b, n, 0, n, packed);
  *g = (pk_sgemm){.m = m, .n = n, .k = d, .a = floats(m * d), .lda = d, .packed_b = packed, .c = floats(m * n), .ldc = n, .alpha = 1};
  free(b);
  k->p[0] = g;
  pk_sgemm_grid(isa, g, 1, &k->n[3], &k->n[4]);
  k->p[1] = room(pk_sgemm_scratch_bytes(isa, g, k->n[3], k->n[4]));
  k->operations = 2.0 * (double)m * (double)n * (double)d;
  k->bytes = 4.0 * (double)(m * d + d * n + m * n);
}

static size_t least(size_t a, size_t b) { return a < b ? a : b; }

static void run_sgemm(kernel *k) {
  const pk_sgemm *g = k->p[0];
  for (size_t n0 = 0; n0 < g->n; n0 += k->n[4])
    for (size_t m0 = 0; m0 < g->m; m0 += k->n[3]) pk_sgemm_block(isa, g, m0, least(m0 + k->n[3], g->m), n0, least(n0 + k->n[4], g->n), k->p[1]);
}

static void make_dgemm(kernel *k) {
  const size_t m = k->n[0], n = k->n[1], d = k->n[2];
  double *a = room(m * d * 8), *b = room(d * n * 8);
  for (size_t i = 0; i < m * d; i++) a[i] = (double)(i % 17) - 8;
  for (size_t i = 0; i < d * n; i++) b[i] = (double)(i % 13) - 6;
  pk_product *p = room(sizeof *p);
  *p = (pk_product){.k = d, .a = a, .lda = d, .b = b, .ldb = n, .c = room(m * n * 8), .ldc = n};
  k->p[0] = p, k->p[1] = room(PK_PRODUCT_SCRATCH_BYTES);
  k->operations = 2.0 * (double)m * (double)n * (double)d;
  k->bytes = 8.0 * (double)(m * d + d * n + m * n);
}

static void run_dgemm(kernel *k) { pk_product_kernel(isa, PK_F64)(k->p[0], 0, k->n[0], 0, k->n[1], k->p[1]); }

static void make_igemm(kernel *k) {
  const size_t m = k->n[0], n = k->n[1], d = k->n[2];
  pk_igemm *g = room(sizeof *g);
  uint8_t *b = codes(d * n), *packed = room(pk_igemm_packed_b_bytes(isa, d, n));
  pk_igemm_pack_b(isa, false, false, true, d, n, b, n, 0, n, packed);
  *g = (pk_igemm){.m = m, .n = n, .k = d, .a = codes(m * d), .lda = d, .b_signed = true, .packed_b = packed, .c = room(m * n * 4), .ldc = n};
  free(b);
  k->p[0] = g;
  pk_igemm_grid(isa, g, 1, &k->n[3], &k->n[4]);
  k->p[1] = room(pk_igemm_scratch_bytes(isa, g, k->n[3], k->n[4]));
  k->operations = 2.0 * (double)m * (double)n * (double)d;
  k->bytes = (double)(m * d + d * n + 4 * m * n);
}

static void run_igemm(kernel *k) {
  const pk_igemm *g = k->p[0];
  for (size_t n0 = 0; n0 < g->n; n0 += k->n[4])
    for (size_t m0 = 0; m0 < g->m; m0 += k->n[3]) pk_igemm_block(isa, g, m0, least(m0 + k->n[3], g->m), n0, least(n0 + k->n[4], g->n), k->p[1]);
}

// n: channels, outputs, side, kernel, stride, dilation, groups.
static pk_conv_shape shape_of(const kernel *k) {
  const size_t kernel = k->n[3], stride = k->n[4], dilation = k->n[5], pad = (kernel - 1) * dilation / 2;
  pk_conv_shape s = {.images = 1, .groups = k->n[6], .channels = k->n[0] / k->n[6], .outputs = k->n[1] / k->n[6]};
  for (int a = 0; a < 3; a++) s.in[a] = s.kernel[a] = s.stride[a] = s.dilation[a] = s.out[a] = 1;
  for (int a = 1; a < 3; a++) {
    s.in[a] = k->n[2], s.kernel[a] = kernel, s.stride[a] = stride, s.dilation[a] = dilation, s.pad[a] = pad;
    s.out[a] = (k->n[2] + 2 * pad - (kernel - 1) * dilation - 1) / stride + 1;
  }
  return s;
}

static void make_conv(kernel *k) {
  pk_conv *c = room(sizeof *c);
  const pk_conv_shape s = shape_of(k);
  const size_t taps = s.kernel[1] * s.kernel[2], places = s.out[1] * s.out[2];
  *c = (pk_conv){.shape = s, .x = floats(k->n[0] * s.in[1] * s.in[2]), .y = floats(k->n[1] * places)};
  c->weights = floats(k->n[1] * s.channels * taps);
  k->p[0] = c;
  k->operations = 2.0 * (double)(k->n[1] * s.channels * taps) * (double)places;
  k->bytes = 4.0 * (double)(k->n[0] * s.in[1] * s.in[2] + k->n[1] * places + k->n[1] * s.channels * taps);
}

static void make_product_conv(kernel *k) {
  make_conv(k);
  pk_conv *c = k->p[0];
  float *packed = room(pk_conv_packed_bytes(isa, &c->shape));
  pk_conv_pack(isa, &c->shape, c->weights, 0, c->shape.groups, packed);
  c->weights = packed;
  pk_conv_grid(isa, &c->shape, 1, &k->n[6], &k->n[7]);
  k->p[1] = room(pk_conv_scratch_bytes(isa, &c->shape));
}

static void run_product_conv(kernel *k) {
  const pk_conv *c = k->p[0];
  const size_t places = c->shape.out[1] * c->shape.out[2];
  for (size_t m0 = 0; m0 < c->shape.outputs; m0 += k->n[6])
    for (size_t n0 = 0; n0 < places; n0 += k->n[7])
      pk_conv_block(isa, c, 0, 0, m0, least(m0 + k->n[6], c->shape.outputs), n0, least(n0 + k->n[7], places), k->p[1]);
}

static void make_winograd(kernel *k) {
  make_conv(k);
  pk_conv *c = k->p[0];
  float *packed = room(pk_conv_winograd_packed_bytes(isa, &c->shape));
  pk_conv_winograd_pack(isa, &c->shape, c->weights, 0, 1, packed);
  c->weights = packed;
  pk_conv_winograd_grid(isa, &c->shape, 1, &k->n[7], &k->n[6]);
  k->p[1] = room(pk_conv_winograd_scratch_bytes(isa, &c->shape, k->n[7], k->n[6]));
}

static void run_winograd(kernel *k) {
  const pk_conv *c = k->p[0];
  const size_t bands = (c->shape.out[1] + 3) / 4;
  for (size_t b = 0; b < bands; b += k->n[6]) pk_conv_winograd_block(isa, c, &(pk_winograd_part){0, 0, 0, 1, b, least(b + k->n[6], bands)}, k->p[1]);
}

static void make_depthwise(kernel *k) {
  make_conv(k);
  k->p[1] = room(pk_conv_depthwise_scratch_bytes(isa, &((pk_conv *)k->p[0])->shape));
}

static void run_depthwise(kernel *k) { pk_conv_depthwise(isa, k->p[0], 0, k->n[1], 0, ((pk_conv *)k->p[0])->shape.out[1], k->p[1]); }

static void make_pool(kernel *k) {
  pk_pool_shape *s = room(sizeof *s);
  s->rank = 2;
  for (int a = 0; a < 2; a++) {
    s->in[a] = k->n[1], s->kernel[a] = k->n[2], s->stride[a] = k->n[3], s->dilation[a] = 1;
    s->pad[a] = s->pad_end[a] = k->n[2] / 2 * (k->n[3] < k->n[2]);
    s->out[a] = (s->in[a] + 2 * s->pad[a] - s->kernel[a]) / s->stride[a] + 1;
  }
  k->p[0] = s, k->p[1] = floats(k->n[0] * s->in[0] * s->in[1]), k->p[2] = floats(k->n[0] * s->out[0] * s->out[1]);
  k->p[3] = room(pk_pool_scratch_bytes(isa, PK_F32, s) + 64);
  k->operations = (double)(k->n[0] * s->out[0] * s->out[1] * k->n[2] * k->n[2]);
  k->bytes = 4.0 * (double)(k->n[0] * (s->in[0] * s->in[1] + s->out[0] * s->out[1]));
}

static void run_pool(kernel *k) { pk_pool_max(isa, PK_F32, k->p[0], k->p[1], k->p[2], NULL, false, 0, k->n[0], k->p[3]); }

static void make_unary(kernel *k) {
  k->p[0] = floats(k->n[1]), k->p[1] = floats(k->n[1]);
  k->operations = (double)k->n[1], k->bytes = 8.0 * (double)k->n[1];
}

static void run_unary(kernel *k) {
  const pk_params params = {.d = {1}};
  pk_unary_kernel(isa, (pk_unary_op)k->n[0], PK_F32)(k->p[0], k->p[1], k->n[1], &params);
}

static void make_add(kernel *k) {
  for (int i = 0; i < 3; i++) k->p[i] = floats(k->n[0]);
  k->operations = (double)k->n[0], k->bytes = 12.0 * (double)k->n[0];
}

static void run_add(kernel *k) { pk_binary_kernel(isa, PK_BINARY_ADD, PK_F32)(k->p[0], k->p[1], k->p[2], k->n[0], 0); }

static void make_rows(kernel *k) {
  k->p[0] = floats(k->n[0] * k->n[1]), k->p[1] = floats(k->n[0] * k->n[1]), k->p[2] = floats(k->n[1]);
  k->operations = (double)(k->n[0] * k->n[1]), k->bytes = 8.0 * k->operations;
}

static void run_softmax(kernel *k) { pk_softmax_kernel(isa, PK_F32)(k->p[0], k->p[1], k->n[0], k->n[1], 1, 1); }
static void run_layer_norm(kernel *k) { pk_layer_norm_kernel(isa, PK_F32)(k->p[0], k->p[2], k->p[2], k->p[1], NULL, NULL, k->n[0], k->n[1], 1e-5); }
static void run_sum(kernel *k) { pk_reduce_kernel(isa, PK_REDUCE_SUM, PK_F32)(k->p[0], k->p[1], k->n[0], k->n[1], 1, 1); }

static void run_transpose(kernel *k) {
  const int64_t rows = (int64_t)k->n[0], columns = (int64_t)k->n[1], dims[] = {columns, rows}, from[] = {1, columns}, to[] = {rows, 1};
  pk_strided_copy_kernel(isa)(k->p[0], from, k->p[1], to, dims, 2, 4);
}

static void run_quantize(kernel *k) {
  static const float scale = 1.0f / 128;
  static const int32_t zero = 128;
  const pk_quantization q = {.scale = &scale, .zero = &zero, .low = 0, .high = 255};
  pk_quantize_f32(isa, PK_U8, &q, k->p[0], k->p[1], k->n[0] * k->n[1]);
}

static void make_nbits(kernel *k) {
  const size_t n = k->n[0], d = k->n[1];
  pk_nbits *b = room(sizeof *b);
  *b = (pk_nbits){
      .k = d, .blocks = d / 32, .block = 32, .bits = 4, .codes = codes(n * d / 2), .scale = floats(n * d / 32), .zero = floats(n * d / 32)};
  float *row = floats(d);
  k->p[0] = b, k->p[1] = room(pk_nbits_row_floats(b) * 4), k->p[2] = room(n * 4);
  pk_nbits_prepare_row(b, row, k->p[1]);
  k->operations = 2.0 * (double)n * (double)d, k->bytes = (double)(n * d / 2 + n * d / 4);
}

static void run_nbits(kernel *k) { pk_nbits_gemv(isa, k->p[0], k->p[1], 1, 0, k->n[0], k->p[2], k->n[0]); }

static kernel kernels[] = {
    {"product f32 512x512x512", 'f', make_sgemm, run_sgemm, {512, 512, 512}, 0, 0, {0}},
    {"product f32 128x3072x768", 'f', make_sgemm, run_sgemm, {128, 3072, 768}, 0, 0, {0}},
    {"product f32 16x768x768", 'f', make_sgemm, run_sgemm, {16, 768, 768}, 0, 0, {0}},
    {"product f32 37x61x83 small", 'f', make_sgemm, run_sgemm, {37, 61, 83}, 0, 0, {0}},
    {"product f32 1x4096x4096", 'm', make_sgemm, run_sgemm, {1, 4096, 4096}, 0, 0, {0}},
    {"product f64 256x256x256", 'd', make_dgemm, run_dgemm, {256, 256, 256}, 0, 0, {0}},
    {"product f64 37x61x83 small", 'd', make_dgemm, run_dgemm, {37, 61, 83}, 0, 0, {0}},
    {"product int8 512x512x512", 'i', make_igemm, run_igemm, {512, 512, 512}, 0, 0, {0}},
    {"product int8 37x61x83 small", 'i', make_igemm, run_igemm, {37, 61, 83}, 0, 0, {0}},
    {"product 4-bit 1x2048x2048", 'm', make_nbits, run_nbits, {2048, 2048}, 0, 0, {0}},
    {"product 4-bit 1x64x256 small", 'm', make_nbits, run_nbits, {64, 256}, 0, 0, {0}},
    {"convolution 64 to 256, 1x1, 56", 'f', make_product_conv, run_product_conv, {64, 256, 56, 1, 1, 1, 1}, 0, 0, {0}},
    {"convolution 512 to 2048, 1x1, 7", 'f', make_product_conv, run_product_conv, {512, 2048, 7, 1, 1, 1, 1}, 0, 0, {0}},
    {"convolution 16 to 64, 1x1, 112", 'f', make_product_conv, run_product_conv, {16, 64, 112, 1, 1, 1, 1}, 0, 0, {0}},
    {"convolution 3 to 64, 7x7 stride 2, 224", 'f', make_product_conv, run_product_conv, {3, 64, 224, 7, 2, 1, 1}, 0, 0, {0}},
    {"convolution 128 to 128, 3x3 stride 2, 56", 'f', make_product_conv, run_product_conv, {128, 128, 56, 3, 2, 1, 1}, 0, 0, {0}},
    {"convolution 8 to 19, 3x3, 15 small", 'f', make_product_conv, run_product_conv, {8, 19, 15, 3, 1, 1, 1}, 0, 0, {0}},
    {"Winograd 64 to 64, 3x3, 56", 'f', make_winograd, run_winograd, {64, 64, 56, 3, 1, 1, 1}, 0, 0, {0}},
    {"Winograd 256 to 256, 3x3, 14", 'f', make_winograd, run_winograd, {256, 256, 14, 3, 1, 1, 1}, 0, 0, {0}},
    {"Winograd 16 to 16, 3x3, 15 small", 'f', make_winograd, run_winograd, {16, 16, 15, 3, 1, 1, 1}, 0, 0, {0}},
    {"depthwise 144, 3x3, 56", 'f', make_depthwise, run_depthwise, {144, 144, 56, 3, 1, 1, 144}, 0, 0, {0}},
    {"depthwise 96, 3x3 stride 2, 112", 'f', make_depthwise, run_depthwise, {96, 96, 112, 3, 2, 1, 96}, 0, 0, {0}},
    {"depthwise 32, 3x3, 56", 'f', make_depthwise, run_depthwise, {32, 32, 56, 3, 1, 1, 32}, 0, 0, {0}},
    {"depthwise 16, 3x3 stride 2, 112", 'f', make_depthwise, run_depthwise, {16, 16, 112, 3, 2, 1, 16}, 0, 0, {0}},
    {"depthwise 240, 5x5, 28", 'f', make_depthwise, run_depthwise, {240, 240, 28, 5, 1, 1, 240}, 0, 0, {0}},
    {"depthwise 96, 7x7, 56", 'f', make_depthwise, run_depthwise, {96, 96, 56, 7, 1, 1, 96}, 0, 0, {0}},
    {"depthwise 5, 3x3, 13 small", 'f', make_depthwise, run_depthwise, {5, 5, 13, 3, 1, 1, 5}, 0, 0, {0}},
    {"depthwise 3, 3x3 stride 2, 77 small", 'f', make_depthwise, run_depthwise, {3, 3, 77, 3, 2, 1, 3}, 0, 0, {0}},
    {"MaxPool 64, 3x3 stride 2, 112", 'm', make_pool, run_pool, {64, 112, 3, 2}, 0, 0, {0}},
    {"MaxPool 512, 2x2 stride 2, 14", 'm', make_pool, run_pool, {512, 14, 2, 2}, 0, 0, {0}},
    {"MaxPool 832, 3x3, 7", 'm', make_pool, run_pool, {832, 7, 3, 1}, 0, 0, {0}},
    {"MaxPool 5, 3x3, 11 small", 'm', make_pool, run_pool, {5, 11, 3, 1}, 0, 0, {0}},
    {"relu 1M", 'm', make_unary, run_unary, {PK_UNARY_RELU, 1 << 20}, 0, 0, {0}},
    {"exp 16k", 'm', make_unary, run_unary, {PK_UNARY_EXP, 1 << 14}, 0, 0, {0}},
    {"tanh 16k", 'm', make_unary, run_unary, {PK_UNARY_TANH, 1 << 14}, 0, 0, {0}},
    {"sigmoid 16k", 'm', make_unary, run_unary, {PK_UNARY_SIGMOID, 1 << 14}, 0, 0, {0}},
    {"swish 16k", 'm', make_unary, run_unary, {PK_UNARY_SWISH, 1 << 14}, 0, 0, {0}},
    {"erf 16k", 'm', make_unary, run_unary, {PK_UNARY_ERF, 1 << 14}, 0, 0, {0}},
    {"gelu 16k", 'm', make_unary, run_unary, {PK_UNARY_GELU_ERF, 1 << 14}, 0, 0, {0}},
    {"gelu 1003 small", 'm', make_unary, run_unary, {PK_UNARY_GELU_ERF, 1003}, 0, 0, {0}},
    {"exp 1003 small", 'm', make_unary, run_unary, {PK_UNARY_EXP, 1003}, 0, 0, {0}},
    {"add 1M", 'm', make_add, run_add, {1 << 20}, 0, 0, {0}},
    {"add 1003 small", 'm', make_add, run_add, {1003}, 0, 0, {0}},
    {"softmax 64x1000", 'm', make_rows, run_softmax, {64, 1000}, 0, 0, {0}},
    {"softmax 7x61 small", 'm', make_rows, run_softmax, {7, 61}, 0, 0, {0}},
    {"layer norm 128x768", 'm', make_rows, run_layer_norm, {128, 768}, 0, 0, {0}},
    {"layer norm 7x61 small", 'm', make_rows, run_layer_norm, {7, 61}, 0, 0, {0}},
    {"sum of rows 256x1024", 'm', make_rows, run_sum, {256, 1024}, 0, 0, {0}},
    {"sum of rows 7x61 small", 'm', make_rows, run_sum, {7, 61}, 0, 0, {0}},
    {"transpose 512x768", 'm', make_rows, run_transpose, {512, 768}, 0, 0, {0}},
    {"transpose 37x61 small", 'm', make_rows, run_transpose, {37, 61}, 0, 0, {0}},
    {"quantize 256x1024", 'm', make_rows, run_quantize, {256, 1024}, 0, 0, {0}},
    {"quantize 7x61 small", 'm', make_rows, run_quantize, {7, 61}, 0, 0, {0}},
};
enum { COUNT = sizeof kernels / sizeof *kernels };

static double seconds(void) {
  struct timespec t;
  clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
  return (double)t.tv_sec + (double)t.tv_nsec * 1e-9;
}

// Not inlined, since tools that count instructions find it by name.
__attribute__((noinline)) static void measured(kernel *k) {
  k->run(k);
  __asm__ volatile("" : : : "memory");
}

static double fastest(kernel *k) {
  double best = INFINITY, spent = 0;
  int calls = 1;
  for (int round = 0; round < 200 && (round < 5 || spent < 0.15); round++) {
    const double start = seconds();
    for (int c = 0; c < calls; c++) measured(k);
    const double time = seconds() - start;
    spent += time;
    if (time / calls < best) best = time / calls;
    if (time < 1e-3) calls *= 4, best = INFINITY;
  }
  return best;
}

int main(int argc, char **argv) {
  isa = pk_isa_best();
  for (size_t i = 0; i < COUNT; i++) {
    kernel *k = &kernels[i];
    if (argc > 1 && strcmp(argv[1], "--list") == 0) {
      puts(k->name);
    } else if (argc > 1) {
      if (strcmp(argv[1], k->name) != 0) continue;
      k->make(k);
      puts(pk_isa_name(isa));
      for (int times = argc > 2 ? atoi(argv[2]) : 1; times > 0; times--) measured(k);
      return 0;
    } else if (!strstr(k->name, " small")) {
      k->make(k);
      printf(
          "{\"kernel\":\"%s\",\"bound\":\"%c\",\"operations\":%.0f,\"bytes\":%.0f,\"seconds\":%.9f}\n", k->name, k->bound, k->operations, k->bytes,
          fastest(k));
      fflush(stdout);
    }
  }
  return argc > 1 && strcmp(argv[1], "--list") != 0 ? 64 : 0;
}
