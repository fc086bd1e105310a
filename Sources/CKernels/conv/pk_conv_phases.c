#include <string.h>

#include "pk_conv_internal.h"

// Transposed convolutions by the place of an output within its stride: y[a * stride + t] is the sum over j of x[a + j - pad] * w[last - j * stride],
// an ordinary convolution for each t, which sums in registers.

/// The outputs that lie at the places t of a stride, as a convolution of its own.
typedef struct phase {
  pk_conv_shape shape;
  size_t last[2]; ///< The tap that its first one is, in height and width; the others follow `stride` before each other.
} phase;

/// One axis of the phase t; false where it has no taps or would need padding that is less than none.
static bool phase_axis(const pk_conv_shape *s, int axis, size_t t, phase *p) {
  const size_t stride = s->stride[axis], place = (t + s->pad[axis]) % stride, start = (t + s->pad[axis]) / stride;
  if (s->kernel[axis] <= place) return false;
  const size_t taps = (s->kernel[axis] - 1 - place) / stride + 1;
  if (taps - 1 < start) return false;
  p->shape.kernel[axis] = taps;
  p->shape.pad[axis] = taps - 1 - start;
  p->shape.stride[axis] = p->shape.dilation[axis] = 1;
  p->shape.out[axis] = pk_ceil_div(s->out[axis], stride);
  p->last[axis - 1] = place + (taps - 1) * stride;
  return true;
}

static phase phase_of(const pk_conv_shape *s, size_t th, size_t tw) {
  phase p = {.shape = *s};
  p.shape.stride[0] = 1;
  phase_axis(s, 1, th, &p);
  phase_axis(s, 2, tw, &p);
  return p;
}

/// More places than these are as well added up.
enum { PLACES = 64 };

bool pk_conv_phases_fit(const pk_conv_shape *s) {
  if (s->in[0] != 1 || s->out[0] != 1 || s->kernel[0] != 1 || s->pad[0] != 0) return false;
  phase p = {.shape = *s};
  for (int axis = 1; axis < 3; axis++) {
    if (s->dilation[axis] != 1 || s->stride[axis] > PLACES || s->pad[axis] > SIZE_MAX / 4) return false;
    for (size_t t = 0; t < s->stride[axis]; t++)
      if (!phase_axis(s, axis, t, &p)) return false;
  }
  return s->stride[1] * s->stride[2] <= PLACES;
}

bool pk_conv_phases_are_turned(pk_isa isa, const pk_conv_shape *s) {
  const phase p = phase_of(s, 0, 0);
  return pk_conv_turned_pays(isa, &p.shape);
}

bool pk_conv_phases_pay(const pk_conv_shape *s) {
  if (!pk_conv_phases_fit(s)) return false;
  // Measured: patches are made once for each place, which few outputs do not earn. Where there are more places than inputs, most taps meet padding.
  const double positions = (double)pk_ceil_div(s->out[1], s->stride[1]) * (double)pk_ceil_div(s->out[2], s->stride[2]);
  return s->outputs >= 16 && s->stride[1] * s->stride[2] <= 4 && positions <= 2 * (double)s->in[1] * (double)s->in[2];
}

/// Of one phase of one group, in floats; SIZE_MAX if it does not fit.
static size_t phase_floats(pk_isa isa, const pk_conv_shape *s, bool turned) {
  if (!turned) return pk_conv_group_stride(isa, s);
  const size_t bytes = pk_sgemm_packed_b_bytes(isa, pk_mul(s->channels, pk_product3_checked(s->kernel)), s->outputs);
  return bytes == SIZE_MAX ? SIZE_MAX : bytes / sizeof(float);
}

/// Of all phases of all groups, one phase after the other.
static size_t all_floats(pk_isa isa, const pk_conv_shape *s, bool turned) {
  size_t all = 0;
  for (size_t t = 0; t < s->stride[1] * s->stride[2]; t++) {
    const phase p = phase_of(s, t / s->stride[2], t % s->stride[2]);
    all = pk_add(all, pk_mul(s->groups, phase_floats(isa, &p.shape, turned)));
  }
  return all;
}

size_t pk_conv_phases_packed_bytes(pk_isa isa, const pk_conv_shape *s) {
  return pk_mul(all_floats(isa, s, pk_conv_phases_are_turned(isa, s)), sizeof(float));
}

/// One phase of one group in panels of outputs, of which the last one may be lower, or `padded` with zeros.
static void pack_phase(const pk_conv_shape *s, const phase *p, const float *w, size_t panel, bool padded, float *to) {
  const size_t taps = s->kernel[1] * s->kernel[2], step = s->stride[1] * s->kernel[2];
  const size_t kh = p->shape.kernel[1], kw = p->shape.kernel[2], k = s->channels * kh * kw;
  for (size_t m0 = 0; m0 < s->outputs; m0 += panel) {
    const size_t count = pk_min(panel, s->outputs - m0), height = padded ? panel : count;
    float *row = to + m0 * k;
    for (size_t c = 0; c < s->channels; c++)
      for (size_t h = 0; h < kh; h++)
        for (size_t q = 0; q < kw; q++, row += height) {
          const float *from = w + (c * s->outputs + m0) * taps + p->last[0] * s->kernel[2] + p->last[1] - h * step - q * s->stride[2];
          for (size_t m = 0; m < count; m++) row[m] = from[m * taps];
          for (size_t m = count; m < height; m++) row[m] = 0;
        }
  }
}

void pk_conv_phases_pack(pk_isa isa, const pk_conv_shape *s, const float *w, size_t group0, size_t group1, float *packed) {
  const bool turned = pk_conv_phases_are_turned(isa, s);
  const size_t panel = turned ? pk_sgemm_panel_cols(isa) : pk_sgemm_panel_rows(isa, s->outputs), taps = s->kernel[1] * s->kernel[2];
  for (size_t t = 0; t < s->stride[1] * s->stride[2]; t++) {
    const phase p = phase_of(s, t / s->stride[2], t % s->stride[2]);
    const size_t one = phase_floats(isa, &p.shape, turned);
    for (size_t g = group0; g < group1; g++)
      pack_phase(s, &p, w + g * s->channels * s->outputs * taps, panel, turned, packed + g * one);
    packed += s->groups * one;
  }
}

size_t pk_conv_phases_grid(pk_isa isa, const pk_conv_shape *s, size_t threads, size_t *block_rows, size_t *block_cols) {
  const phase p = phase_of(s, 0, 0);
  const size_t positions = pk_product3(p.shape.out), products = pk_max(s->images * s->groups, 1);
  const size_t panel = pk_conv_phases_are_turned(isa, s) ? pk_sgemm_panel_cols(isa) : pk_sgemm_panel_rows(isa, s->outputs);
  // As in pk_sgemm_grid: half a millisecond to two for a call, and some calls for each of several threads; and the sums of a call
  // stay in the L2 cache.
  const size_t work = isa == PK_ISA_AVX512 ? (size_t)96 << 20 : isa == PK_ISA_AVX2 ? (size_t)48 << 20 : (size_t)12 << 20;
  const size_t each = pk_max(pk_mul(s->channels, s->kernel[1] * s->kernel[2]), 1), sums = ((size_t)128 << 10) / s->stride[2];
  size_t cols = pk_min(positions, 512), rows = pk_ceil_div(s->outputs, panel);
  rows = pk_min(rows, pk_max(pk_min(sums / cols, work / pk_max(pk_mul(each, cols), 1)) / panel, 1));
  if (pk_mul(pk_mul(each, cols), rows * panel) > work) cols = pk_max(work / pk_mul(each, rows * panel) / 8, 1) * 8;
  cols = pk_min(cols, positions);
  const size_t wanted = threads <= 1 ? 1 : pk_ceil_div(threads * 3, products), column_blocks = pk_ceil_div(positions, cols);
  // Channels are dealt out as far as the positions' patches are not made too often.
  if (column_blocks < wanted) rows = pk_max(pk_min(rows, pk_ceil_div(s->outputs, panel) / pk_ceil_div(wanted, column_blocks)), 1);
  *block_rows = rows * panel;
  *block_cols = cols;
  return positions;
}

/// Floats from one output channel's sums to the next.
static size_t line_of(size_t columns) { return columns > SIZE_MAX - 15 ? SIZE_MAX : (columns + 15) / 16 * 16; }

size_t pk_conv_phases_scratch_bytes(pk_isa isa, const pk_conv_shape *s, size_t rows, size_t columns) {
  const bool turned = pk_conv_phases_are_turned(isa, s);
  size_t most = 0;
  for (size_t t = 0; t < s->stride[1] * s->stride[2]; t++) {
    const phase p = phase_of(s, t / s->stride[2], t % s->stride[2]);
    most = pk_max(most, turned ? pk_conv_turned_scratch_bytes(isa, &p.shape, rows) : pk_conv_scratch_bytes(isa, &p.shape));
  }
  return pk_add(pk_round64(pk_mul(pk_mul(pk_mul(rows, line_of(columns)), s->stride[2]), sizeof(float))), most);
}

/// One output channel's sums [n0, n1) of the phases of one place of the height, `ld` floats from one phase to the next, to its plane y.
static void spread(const pk_conv_table *table, const pk_conv_shape *s, size_t th, size_t n0, size_t n1, const float *sums, size_t ld, float *y) {
  const size_t step = s->stride[2], across = pk_ceil_div(s->out[2], step);
  for (size_t n = n0; n < n1;) {
    const size_t a = n / across, b = n % across, end = pk_min(n1 - n, across - b), oh = a * s->stride[1] + th;
    const float *from = sums + (n - n0);
    n += end;
    if (oh >= s->out[1]) return;
    float *row = y + oh * s->out[2] + b * step;
    // The last position of a row may have outputs at some places alone.
    const size_t whole = pk_min(end, s->out[2] / step - b), rest = whole < end ? s->out[2] % step : 0;
    if (step == 1) memcpy(row, from, whole * sizeof *row);
    else table->interleave(step, whole, from, ld, row);
    for (size_t t = 0; t < rest; t++) row[whole * step + t] = from[whole + t * ld];
  }
}

void pk_conv_phases_block(pk_isa isa, const pk_conv *c, size_t image, size_t group, size_t m0, size_t m1, size_t n0, size_t n1, void *scratch) {
  const pk_conv_shape *s = &c->shape;
  if (m0 >= m1 || n0 >= n1) return;
  const pk_conv_table *table = pk_conv_table_of(isa);
  const bool turned = pk_conv_phases_are_turned(isa, s);
  const size_t line = line_of(n1 - n0), ld = (m1 - m0) * line, out = s->out[1] * s->out[2];
  float *sums = scratch;
  void *rest = (char *)scratch + pk_round64(ld * s->stride[2] * sizeof(float));
  pk_conv one = *c;
  for (size_t th = 0; th < s->stride[1]; th++) {
    for (size_t tw = 0; tw < s->stride[2]; tw++) {
      const phase p = phase_of(s, th, tw);
      one.shape = p.shape;
      // The block is written at the start of its place in scratch, not where its row and column would be.
      float *to = (float *)((uintptr_t)(sums + tw * ld) - (m0 * line + n0) * sizeof(float));
      (turned ? table->turned_to : table->block_to)(&one, image, group, m0, m1, n0, n1, to, line, rest);
      one.weights += s->groups * phase_floats(isa, &p.shape, turned);
    }
    for (size_t m = m0; m < m1; m++)
      spread(table, s, th, n0, n1, sums + (m - m0) * line, ld, c->y + ((image * s->groups + group) * s->outputs + m) * out);
  }
}
