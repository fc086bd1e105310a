#include "ckernels_test.h"

/// y = conv(x, w) by the definition, in double; `size` gets the sum of magnitudes.
static void reference(const pk_conv_shape *s, const float *x, const float *w, double *y, double *size) {
  const size_t in = s->in[0] * s->in[1] * s->in[2], out = s->out[0] * s->out[1] * s->out[2],
               taps = s->kernel[0] * s->kernel[1] * s->kernel[2];
  for (size_t n = 0; n < s->images; n++)
    for (size_t m = 0; m < s->groups * s->outputs; m++)
      for (size_t p = 0; p < out; p++) {
        double sum = 0, all = 0;
        for (size_t c = 0; c < s->channels; c++)
          for (size_t t = 0; t < taps; t++) {
            const long long tap[3] = {(long long)(t / s->kernel[2] / s->kernel[1]), (long long)(t / s->kernel[2] % s->kernel[1]),
                                      (long long)(t % s->kernel[2])};
            const long long o[3] = {(long long)(p / s->out[2] / s->out[1]), (long long)(p / s->out[2] % s->out[1]),
                                    (long long)(p % s->out[2])};
            long long at[3];
            bool inside = true;
            for (int i = 0; i < 3; i++) {
              at[i] = o[i] * (long long)s->stride[i] + tap[i] * (long long)s->dilation[i] - (long long)s->pad[i];
              inside &= at[i] >= 0 && at[i] < (long long)s->in[i];
            }
            if (!inside) continue;
            const size_t plane = (n * s->groups + m / s->outputs) * s->channels + c;
            const double term = (double)x[plane * in + (size_t)((at[0] * (long long)s->in[1] + at[1]) * (long long)s->in[2] + at[2])] *
                                w[(m * s->channels + c) * taps + t];
            sum += term;
            all += fabs(term);
          }
        y[(n * s->groups * s->outputs + m) * out + p] = sum;
        size[(n * s->groups * s->outputs + m) * out + p] = all;
      }
}

/// y = transposed conv(x, w) by scattering, in double.
static void reference_transposed(const pk_conv_shape *s, const float *x, const float *w, double *y, double *size) {
  const size_t in = s->in[0] * s->in[1] * s->in[2], out = s->out[0] * s->out[1] * s->out[2],
               taps = s->kernel[0] * s->kernel[1] * s->kernel[2];
  for (size_t i = 0; i < s->images * s->groups * s->outputs * out; i++) y[i] = size[i] = 0;
  for (size_t n = 0; n < s->images; n++)
    for (size_t c = 0; c < s->groups * s->channels; c++)
      for (size_t m = 0; m < s->outputs; m++)
        for (size_t i = 0; i < in; i++)
          for (size_t t = 0; t < taps; t++) {
            const size_t tap[3] = {t / s->kernel[2] / s->kernel[1], t / s->kernel[2] % s->kernel[1], t % s->kernel[2]};
            const size_t at[3] = {i / s->in[2] / s->in[1], i / s->in[2] % s->in[1], i % s->in[2]};
            long long o[3];
            bool inside = true;
            for (int a = 0; a < 3; a++) {
              o[a] = (long long)(at[a] * s->stride[a] + tap[a] * s->dilation[a]) - (long long)s->pad[a];
              inside &= o[a] >= 0 && o[a] < (long long)s->out[a];
            }
            if (!inside) continue;
            const size_t plane = n * s->groups * s->outputs + c / s->channels * s->outputs + m;
            const size_t to = plane * out + (size_t)((o[0] * (long long)s->out[1] + o[1]) * (long long)s->out[2] + o[2]);
            const double term = (double)x[(n * s->groups * s->channels + c) * in + i] * w[(c * s->outputs + m) * taps + t];
            y[to] += term;
            size[to] += fabs(term);
          }
}

/// -1 where the kernel does not fit.
static bool finish_shape(pk_conv_shape *s, const size_t pad_end[3], bool transposed) {
  for (int i = 0; i < 3; i++) {
    const long long reach = (long long)((s->kernel[i] - 1) * s->dilation[i] + 1), pads = (long long)(s->pad[i] + pad_end[i]);
    const long long o = transposed
                            ? ((long long)s->in[i] - 1) * (long long)s->stride[i] + reach - pads
                            : ((long long)s->in[i] + pads < reach ? 0 : ((long long)s->in[i] + pads - reach) / (long long)s->stride[i] + 1);
    if (o <= 0) return false;
    s->out[i] = (size_t)o;
  }
  return true;
}

typedef enum way { GEMM, SKIPPING, TURNED, WINOGRAD, DEPTHWISE, DIRECT, TRANSPOSED, TRANSPOSED_DIRECT, PHASES } way;

static void describe(const pk_conv_shape *s) {
  printf("images %zu groups %zu channels %zu outputs %zu", s->images, s->groups, s->channels, s->outputs);
  for (int i = 0; i < 3; i++)
    printf("; in %zu kernel %zu stride %zu dilation %zu pad %zu out %zu", s->in[i], s->kernel[i], s->stride[i], s->dilation[i], s->pad[i],
           s->out[i]);
  printf("\n");
}

/// Output channels [m0, m1) as a driver computes them, in two calls.
static void transpose_steps(pk_isa isa, const pk_conv *c, size_t n, size_t g, size_t m0, size_t m1, void *room) {
  const pk_conv_shape *s = &c->shape;
  const size_t out = s->out[0] * s->out[1] * s->out[2], steps = pk_conv_transpose_steps(isa, s, m0, m1), half = random_in(0, steps);
  const bool tiling = pk_conv_transpose_is_tiling(s);
  for (size_t m = m0; m < m1 && !tiling; m++) memset(c->y + ((n * s->groups + g) * s->outputs + m) * out, 0, out * sizeof(float));
  pk_conv_transpose(isa, c, n, g, m0, m1, 0, half, room);
  pk_conv_transpose(isa, c, n, g, m0, m1, half, steps, room);
  for (size_t m = m0; m < m1 && !tiling; m++) {
    pk_conv_finish(isa, c, n, g * s->outputs + m, 0, out / 2);
    pk_conv_finish(isa, c, n, g * s->outputs + m, out / 2, out);
  }
}

static scratch patches_of(pk_isa isa, const pk_conv_shape *s, bool turned) { return scratch_of(pk_conv_patch_bytes(isa, s, turned)); }

/// The patches of one image and group, made in three calls.
static const float *make_patches(pk_isa isa, const pk_conv *c, bool turned, size_t image, size_t group, scratch to) {
  const size_t channels = c->shape.channels, a = random_in(0, channels), b = random_in(a, channels);
  memset(to.bytes, 0xff, to.size);
  pk_conv_patches(isa, c, turned, image, group, b, channels, (float *)to.bytes);
  pk_conv_patches(isa, c, turned, image, group, 0, a, (float *)to.bytes);
  pk_conv_patches(isa, c, turned, image, group, a, b, (float *)to.bytes);
  return (const float *)to.bytes;
}

static void test_shape(pk_isa isa, way how, const pk_conv_shape *s) {
  const size_t in = s->in[0] * s->in[1] * s->in[2], out = s->out[0] * s->out[1] * s->out[2],
               taps = s->kernel[0] * s->kernel[1] * s->kernel[2];
  const size_t planes = s->images * s->groups * s->outputs, channels = s->groups * s->outputs;
  float *x = random_floats(s->images * s->groups * s->channels * in), *w = random_floats(channels * s->channels * taps);
  float *y = buffer(planes * out * sizeof(float), 0xff), *bias = random_floats(channels), *residual = random_floats(planes * out);
  double *want = buffer(planes * out * sizeof(double), 0), *size = buffer(planes * out * sizeof(double), 0);
  if (how >= TRANSPOSED)
    reference_transposed(s, x, w, want, size);
  else
    reference(s, x, w, want, size);
  pk_conv c = {.shape = *s, .x = x, .weights = w, .y = y};
  const bool plain = how == DIRECT || how == TRANSPOSED_DIRECT;
  if (random_bits() & 1) c.epilogue.row_bias = bias;
  if (!plain && how != PHASES && random_bits() & 1) c.epilogue.residual = residual, c.epilogue.residual_last = random_bits() & 1;
  static const pk_activation activations[] = {PK_ACT_NONE, PK_ACT_LEAKY_RELU, PK_ACT_RELU, PK_ACT_CLIP};
  if (!plain) c.epilogue.activation = activations[random_bits() % 4], c.epilogue.p0 = 0.25f, c.epilogue.p1 = 2;
  float *packed = NULL;
  if (how == GEMM) {
    c.weights = packed = buffer(pk_conv_packed_bytes(isa, s), 0xff);
    pk_conv_pack(isa, s, w, 0, s->groups, packed);
    size_t rows, cols;
    const bool shares = random_bits() & 1;
    (shares ? pk_conv_grid_over_patches : pk_conv_grid)(isa, s, random_in(1, 4), &rows, &cols);
    if (!shares && random_bits() & 1) cols = random_in(1, out);
    scratch t = scratch_of(pk_conv_scratch_bytes(isa, s)), patches = patches_of(isa, s, false);
    for (size_t n = 0; n < s->images; n++)
      for (size_t g = 0; g < s->groups; g++) {
        if (shares) c.patches = make_patches(isa, &c, false, n, g, patches);
        for (size_t i = 0; i < s->outputs; i += rows)
          for (size_t j = 0; j < out; j += cols)
            pk_conv_block(isa, &c, n, g, i, i + rows < s->outputs ? i + rows : s->outputs, j, j + cols < out ? j + cols : out, t.bytes);
      }
    CHECK(scratch_end(t) & scratch_end(patches), "%s: conv wrote behind its scratch", pk_isa_name(isa));
  } else if (how == SKIPPING) {
    const size_t none[3] = {0};
    c.weights = packed = buffer(pk_conv_packed_bytes(isa, s), 0xff);
    pk_conv_pack_rows(isa, s, s->kernel, none, true, w, 0, s->groups * s->outputs / 3, packed);
    pk_conv_pack_rows(isa, s, s->kernel, none, true, w, s->groups * s->outputs / 3, s->groups * s->outputs, packed);
    size_t rows, cols;
    pk_conv_grid(isa, s, random_in(1, 4), &rows, &cols);
    if (random_bits() & 1) cols = random_in(1, out);
    scratch t = scratch_of(pk_conv_scratch_bytes(isa, s));
    for (size_t n = 0; n < s->images; n++)
      for (size_t g = 0; g < s->groups; g++)
        for (size_t i = 0; i < s->outputs; i += rows)
          for (size_t j = 0; j < out; j += cols)
            pk_conv_skipping_block(isa, &c, n, g, i, i + rows < s->outputs ? i + rows : s->outputs, j, j + cols < out ? j + cols : out,
                                   t.bytes);
    CHECK(scratch_end(t), "%s: conv without dead taps wrote behind its scratch", pk_isa_name(isa));
  } else if (how == TURNED) {
    c.weights = packed = buffer(pk_conv_turned_packed_bytes(isa, s), 0xff);
    const size_t panels = s->groups * ((s->outputs + pk_sgemm_panel_cols(isa) - 1) / pk_sgemm_panel_cols(isa));
    pk_conv_turned_pack_panels(isa, s, w, 0, panels / 2, packed);
    pk_conv_turned_pack_panels(isa, s, w, panels / 2, panels, packed);
    const size_t panel = pk_sgemm_panel_cols(isa);
    size_t rows, cols;
    pk_conv_turned_grid(isa, s, random_in(1, 4), &rows, &cols);
    CHECK(rows > 0 && rows % panel == 0 && cols > 0, "%s: %zu channels are no whole panels", pk_isa_name(isa), rows);
    if (random_bits() & 1) rows = panel;
    const bool shares = random_bits() & 1;
    if (!shares && random_bits() & 1) cols = random_in(1, out);
    scratch t = scratch_of(pk_conv_turned_scratch_bytes(isa, s, rows)), patches = patches_of(isa, s, true);
    for (size_t n = 0; n < s->images; n++)
      for (size_t g = 0; g < s->groups; g++) {
        if (shares) c.patches = make_patches(isa, &c, true, n, g, patches);
        for (size_t i = 0; i < s->outputs; i += rows)
          for (size_t j = 0; j < out; j += cols)
            pk_conv_turned_block(isa, &c, n, g, i, i + rows < s->outputs ? i + rows : s->outputs, j, j + cols < out ? j + cols : out, t.bytes);
      }
    CHECK(scratch_end(t) & scratch_end(patches), "%s: turned conv wrote behind its scratch", pk_isa_name(isa));
  } else if (how == WINOGRAD) {
    CHECK(pk_conv_winograd_fits(s), "Winograd should take this");
    c.weights = packed = buffer(pk_conv_winograd_packed_bytes(isa, s), 0xff);
    pk_conv_winograd_pack_rows(isa, s, w, 0, s->groups * s->outputs / 3, packed);
    pk_conv_winograd_pack_rows(isa, s, w, s->groups * s->outputs / 3, s->groups * s->outputs, packed);
    const size_t bands = (s->out[1] + 3) / 4;
    size_t deep, step;
    pk_conv_winograd_grid(isa, s, random_in(1, 4), &deep, &step);
    if (random_bits() & 1) deep = random_in(1, s->out[0]), step = random_in(1, bands);
    scratch t = scratch_of(pk_conv_winograd_scratch_bytes(isa, s, deep, step));
    for (size_t n = 0; n < s->images; n++)
      for (size_t g = 0; g < s->groups; g++)
        for (size_t d = 0; d < s->out[0]; d += deep)
          for (size_t i = 0; i < bands; i += step)
            pk_conv_winograd_block(isa, &c, &(pk_winograd_part){n, g, d, d + deep < s->out[0] ? d + deep : s->out[0], i, i + step < bands ? i + step : bands}, t.bytes);
    CHECK(scratch_end(t), "%s: Winograd wrote behind its scratch", pk_isa_name(isa));
  } else if (how == DEPTHWISE) {
    scratch t = scratch_of(pk_conv_depthwise_scratch_bytes(isa, s));
    const size_t half = planes / 2, rows = random_bits() & 1 ? s->out[1] : random_in(1, s->out[1]);
    for (size_t r = 0; r < s->out[1]; r += rows) {
      const size_t end = r + rows < s->out[1] ? r + rows : s->out[1];
      pk_conv_depthwise(isa, &c, 0, half, r, end, t.bytes);
      pk_conv_depthwise(isa, &c, half, planes, r, end, t.bytes);
    }
    CHECK(scratch_end(t), "%s: depthwise wrote behind its scratch", pk_isa_name(isa));
  } else if (how == TRANSPOSED) {
    c.weights = packed = buffer(pk_conv_transpose_packed_bytes(isa, s), 0xff);
    const size_t packing = pk_conv_transpose_pack_parts(isa, s), middle = random_in(0, packing);
    pk_conv_transpose_pack(isa, s, w, middle, packing, packed);
    pk_conv_transpose_pack(isa, s, w, 0, middle, packed);
    const size_t rows = random_in(1, s->outputs);
    scratch t = scratch_of(pk_conv_transpose_scratch_bytes(isa, s, rows));
    for (size_t n = 0; n < s->images; n++)
      for (size_t g = 0; g < s->groups; g++)
        for (size_t i = 0; i < s->outputs; i += rows)
          transpose_steps(isa, &c, n, g, i, i + rows < s->outputs ? i + rows : s->outputs, t.bytes);
    CHECK(scratch_end(t), "%s: transposed conv wrote behind its scratch", pk_isa_name(isa));
  } else if (how == PHASES) {
    CHECK(pk_conv_phases_fit(s), "phases should take this");
    c.weights = packed = buffer(pk_conv_phases_packed_bytes(isa, s), 0xff);
    pk_conv_phases_pack(isa, s, w, s->groups / 2, s->groups, packed);
    pk_conv_phases_pack(isa, s, w, 0, s->groups / 2, packed);
    size_t rows, cols;
    const size_t positions = pk_conv_phases_grid(isa, s, random_in(1, 4), &rows, &cols);
    CHECK(rows > 0 && cols > 0 && cols <= positions, "%s: blocks of %zu by %zu", pk_isa_name(isa), rows, cols);
    if (random_bits() & 1) cols = random_in(1, positions);
    scratch t = scratch_of(pk_conv_phases_scratch_bytes(isa, s, rows, cols));
    for (size_t n = 0; n < s->images; n++)
      for (size_t g = 0; g < s->groups; g++)
        for (size_t i = 0; i < s->outputs; i += rows)
          for (size_t j = 0; j < positions; j += cols)
            pk_conv_phases_block(isa, &c, n, g, i, i + rows < s->outputs ? i + rows : s->outputs, j, j + cols < positions ? j + cols : positions, t.bytes);
    CHECK(scratch_end(t), "%s: phases wrote behind their scratch", pk_isa_name(isa));
  } else {
    pk_conv_nd_shape d = {.rank = 3, .images = s->images, .groups = s->groups, .channels = s->channels, .outputs = s->outputs};
    memcpy(d.in, s->in, sizeof s->in), memcpy(d.kernel, s->kernel, sizeof s->in), memcpy(d.stride, s->stride, sizeof s->in);
    memcpy(d.dilation, s->dilation, sizeof s->in), memcpy(d.pad, s->pad, sizeof s->in), memcpy(d.out, s->out, sizeof s->in);
    if (how == DIRECT)
      pk_conv_direct_f32(&d, x, w, c.epilogue.row_bias, y, 0, planes, 0, out);
    else
      pk_conv_transpose_direct_f32(&d, x, w, c.epilogue.row_bias, y, 0, planes, 0, out);
  }
  bool bad = false;
  for (size_t i = 0; i < planes * out && !bad; i++) {
    double v = want[i] + (c.epilogue.row_bias ? bias[i / out % channels] : 0);
    const double r = c.epilogue.residual ? residual[i] : 0;
    if (!c.epilogue.residual_last) v += r;
    if (c.epilogue.activation == PK_ACT_LEAKY_RELU) v = v < 0 ? v * 0.25 : v;
    if (c.epilogue.activation == PK_ACT_RELU) v = fmax(v, 0);
    if (c.epilogue.activation == PK_ACT_CLIP) v = fmin(fmax(v, 0.25), 2);
    if (c.epilogue.residual_last) v += r;
    bad = !(fabs(v - y[i]) <= (how == WINOGRAD ? 8e-6 : 1e-6) * (size[i] + 4));
    CHECK(!bad, "%s way %d: y[%zu] = %g, not %g", pk_isa_name(isa), how, i, y[i], v);
  }
  if (bad && failures < 20) describe(s);
  free(x), free(w), free(y), free(bias), free(residual), free(want), free(size), free(packed);
}

static void test_random(pk_isa isa, way how, bool small) {
  pk_conv_shape s = {.images = random_in(1, 2),
                     .groups = random_in(1, 3),
                     .channels = random_in(1, small ? 4 : 70),
                     .outputs = random_in(1, small ? 6 : 40)};
  if (how == DEPTHWISE) s.channels = 1, s.groups = random_in(1, 5), s.outputs = random_in(1, 2);
  size_t pad_end[3];
  const int rank = how == WINOGRAD ? (int)random_in(2, 3) : how == DEPTHWISE ? (int)random_in(1, 2) : (int)random_in(1, 3);
  const size_t square = random_in(1, 4);
  for (int i = 0; i < 3; i++) {
    const bool used = i >= 3 - rank;
    s.in[i] = used ? random_in(1, rank == 3 ? 9 : rank == 2 ? 24 : 150) : 1;
    s.kernel[i] = used ? (square == 1 ? 3 : square == 2 ? 5 : random_in(1, 7)) : 1;
    if (square == 3 && how <= SKIPPING) s.kernel[i] = 1;
    if (how == WINOGRAD && i > 0) s.kernel[i] = 3;
    s.stride[i] = how != WINOGRAD && used && random_bits() & 1 ? random_in(1, 4) : 1;
    s.dilation[i] = how != WINOGRAD && used && random_bits() % 4 == 0 ? random_in(1, 3) : 1;
    s.pad[i] = used && random_bits() & 1 ? random_in(0, 4) : 0;
    pad_end[i] = used && random_bits() & 1 ? random_in(0, 4) : 0;
    // Taps that reach past the input everywhere, or over a part of it.
    if (how == SKIPPING && used && random_bits() & 1)
      s.dilation[i] = random_in(1, 12), s.pad[i] = random_in(0, (s.kernel[i] - 1) * s.dilation[i]), pad_end[i] = random_in(0, 40);
  }
  // Errors spread to windows of the same tile: the bound is for sums as long as those of one plane.
  if (how == WINOGRAD) s.channels = (s.channels - 1) / s.kernel[0] + 1;
  if (random_bits() % 8 == 0 && how != DEPTHWISE && how != WINOGRAD) s.in[2] = s.kernel[2] = s.stride[2] = 1, s.pad[2] = pad_end[2] = 0;
  if (finish_shape(&s, pad_end, how >= TRANSPOSED)) test_shape(isa, how, &s);
}

/// Depthwise planes of which a vector's lanes hold a channel each. The bits do not depend on how many planes are done together.
static void test_lanes(pk_isa isa) {
  pk_conv_shape s = {.images = random_in(1, 2), .groups = random_in(1, 40), .channels = 1, .outputs = random_in(1, 8) == 1 ? 2 : 1,
                     .in = {1, 1, 1}, .kernel = {1, 1, 1}, .stride = {1, 1, 1}, .dilation = {1, 1, 1}};
  size_t pad_end[3] = {0};
  const size_t step = random_in(1, 2);
  for (int i = 1; i < 3; i++) {
    s.in[i] = random_in(1, random_bits() % 8 == 0 ? 70 : 24), s.kernel[i] = i == 1 ? random_in(1, 7) : random_in(1, 3) * 2 + 1;
    s.stride[i] = random_bits() % 4 == 0 ? random_in(1, 2) : step;
    if (random_bits() % 3 == 0) s.dilation[i] = random_in(1, 4);
    s.pad[i] = random_in(0, (s.kernel[i] - 1) * s.dilation[i]), pad_end[i] = random_in(0, 5);
  }
  if (!finish_shape(&s, pad_end, false)) return;
  test_shape(isa, DEPTHWISE, &s);
  const size_t planes = s.images * s.groups * s.outputs, out = s.out[1] * s.out[2];
  float *x = random_floats(s.images * s.groups * s.in[1] * s.in[2]), *w = random_floats(s.groups * s.outputs * s.kernel[1] * s.kernel[2]);
  float *bias = random_floats(s.groups * s.outputs), *one = buffer(planes * out * sizeof(float), 0), *all = buffer(planes * out * sizeof(float), 0);
  pk_conv c = {.shape = s, .x = x, .weights = w, .y = all, .epilogue = {.row_bias = bias, .activation = PK_ACT_GELU_ERF}};
  void *room = buffer(pk_conv_depthwise_scratch_bytes(isa, &s), 0xff);
  pk_conv_depthwise(isa, &c, 0, planes, 0, s.out[1], room);
  c.y = one;
  const size_t cut = random_in(0, s.out[1]);
  for (size_t p = 0; p < planes; p++) {
    pk_conv_depthwise(isa, &c, p, p + 1, cut, s.out[1], room);
    pk_conv_depthwise(isa, &c, p, p + 1, 0, cut, room);
  }
  CHECK(memcmp(one, all, planes * out * sizeof(float)) == 0, "%s: planes one by one in two parts give other bits", pk_isa_name(isa));
  free(x), free(w), free(bias), free(one), free(all), free(room);
}

/// Depthwise 3x3 over rows of several vectors, whose edges are read where they lie.
static void test_wide_rows(pk_isa isa) {
  pk_conv_shape s = {.images = random_in(1, 2), .groups = random_in(1, 3), .channels = 1, .outputs = random_in(1, 2),
                     .in = {1, random_in(1, 12), random_in(1, 150)}, .kernel = {1, 3, 3}, .stride = {1, 1, 1}, .dilation = {1, 1, 1}};
  const size_t pad_end[3] = {0, random_in(0, 4), random_in(0, 4)}, step = random_in(1, 2);
  for (int i = 1; i < 3; i++) s.stride[i] = step, s.pad[i] = random_in(0, 4);
  if (finish_shape(&s, pad_end, false)) test_shape(isa, DEPTHWISE, &s);
}

/// Short sums over wide rows, of which blocks begin and end anywhere. The bits do not depend on the blocks.
static void test_short_sums(pk_isa isa) {
  pk_conv_shape s = {.images = random_in(1, 2), .groups = random_in(1, 2), .channels = random_in(1, 16), .outputs = random_in(1, 36),
                     .in = {1, 1, 1}, .kernel = {1, 1, 1}, .stride = {1, 1, 1}, .dilation = {1, 1, 1}};
  size_t pad_end[3] = {0};
  for (int i = 1; i < 3; i++) {
    s.kernel[i] = random_in(1, 7), s.stride[i] = random_in(1, 4), s.pad[i] = random_in(0, 7), pad_end[i] = random_in(0, 7);
    if (random_bits() % 4 == 0) s.dilation[i] = random_in(1, 3);
    s.in[i] = random_in(1, i == 1 ? 12 : 40) * (i == 1 ? 1 : s.stride[i]) + (i == 1 ? 0 : 20);
  }
  if (!finish_shape(&s, pad_end, false)) return;
  test_shape(isa, GEMM, &s);
  const size_t out = s.out[1] * s.out[2], all = s.outputs * out, depth = s.channels * s.kernel[1] * s.kernel[2];
  s.images = s.groups = 1;
  float *x = random_floats(s.channels * s.in[1] * s.in[2]), *w = random_floats(s.outputs * depth), *packed = buffer(pk_conv_packed_bytes(isa, &s), 0xff);
  float *one = buffer(all * sizeof(float), 0), *other = buffer(all * sizeof(float), 0xff);
  pk_conv_pack(isa, &s, w, 0, 1, packed);
  scratch t = scratch_of(pk_conv_scratch_bytes(isa, &s));
  pk_conv c = {.shape = s, .x = x, .weights = packed, .y = one, .epilogue = {.activation = PK_ACT_SILU, .p0 = 1}};
  pk_conv_block(isa, &c, 0, 0, 0, s.outputs, 0, out, t.bytes);
  c.y = other;
  for (size_t n = 0, next; n < out; n = next) {
    next = n + random_in(1, out - n);
    pk_conv_block(isa, &c, 0, 0, 0, s.outputs, n, next, t.bytes);
  }
  CHECK(scratch_end(t), "%s: conv wrote behind its scratch", pk_isa_name(isa));
  CHECK(memcmp(one, other, all * sizeof(float)) == 0, "%s: other blocks give other bits", pk_isa_name(isa));
  free(x), free(w), free(packed), free(one), free(other);
}

/// Transposed convolutions whose kernels lie side by side.
static void test_tiles(pk_isa isa) {
  pk_conv_shape s = {.images = random_in(1, 2), .groups = random_in(1, 2), .channels = random_in(1, 8), .outputs = random_in(1, 9),
                     .dilation = {1, 1, 1}};
  const size_t pad_end[3] = {0};
  const bool flat = random_bits() & 1;
  for (int i = 0; i < 3; i++) {
    const bool used = i > 0 || !flat;
    s.in[i] = used ? random_in(1, flat ? 40 : 6) : 1, s.kernel[i] = s.stride[i] = used ? random_in(1, 5) : 1;
  }
  if (finish_shape(&s, pad_end, true)) test_shape(isa, TRANSPOSED, &s);
}

/// Transposed convolutions by the places of a stride, which other ways take as well.
static void test_phases(pk_isa isa) {
  pk_conv_shape s = {.images = random_in(1, 2), .groups = random_in(1, 2), .channels = random_in(1, 40), .outputs = random_in(1, 70),
                     .in = {1, 1, 1}, .kernel = {1, 1, 1}, .stride = {1, 1, 1}, .dilation = {1, 1, 1}};
  const bool flat = random_bits() & 1;
  for (int i = flat ? 2 : 1; i < 3; i++) {
    s.in[i] = random_in(1, flat ? 700 : 20), s.stride[i] = random_in(1, flat ? 9 : 3), s.kernel[i] = s.stride[i] + random_in(0, 5);
    s.pad[i] = random_in(0, s.kernel[i] - s.stride[i]);
  }
  const size_t pad_end[3] = {0, flat ? 0 : random_in(0, s.kernel[1] - 1), random_in(0, s.kernel[2] - 1)};
  if (!finish_shape(&s, pad_end, true)) return;
  // Outputs that no input reaches.
  if (random_bits() % 4 == 0) s.out[2] += random_in(1, 3);
  test_shape(isa, PHASES, &s);
}

/// Transposed convolutions of which a step does a part of the taps, or of one long row.
static void test_pieces(pk_isa isa) {
  const bool is_long = random_bits() & 1;
  pk_conv_shape s = {.images = 1, .groups = random_in(1, 2), .channels = is_long ? random_in(1, 2) : random_in(5000, 6000), .outputs = random_in(1, 3),
                     .in = {1, random_in(1, 2), is_long ? random_in(4097, 5000) : random_in(1, 16)},
                     .kernel = {1, random_in(1, 2), random_in(1, 3)}, .stride = {1, random_in(1, 2), random_in(1, 3)}, .dilation = {1, 1, random_in(1, 2)}};
  if (!is_long) s.in[1] = s.kernel[1] = s.groups = s.outputs = 1, s.kernel[2] = random_in(60, 120);
  s.pad[2] = random_in(0, 2);
  const size_t pad_end[3] = {0, 0, random_in(0, 2)};
  if (finish_shape(&s, pad_end, true)) test_shape(isa, TRANSPOSED, &s);
}

/// Turned products. The bits do not depend on the blocks.
static void test_turned(pk_isa isa) {
  pk_conv_shape s = {.images = random_in(1, 2), .groups = random_in(1, 2), .channels = random_in(1, 40), .outputs = random_in(1, 100),
                     .in = {1, 1, 1}, .kernel = {1, 1, 1}, .stride = {1, 1, 1}, .dilation = {1, 1, 1}};
  size_t pad_end[3] = {0};
  const size_t square = random_in(1, 3);
  // Either more positions than are done together, or a sum that is cut.
  const bool wide = random_bits() % 4 == 0;
  if (!wide && random_bits() % 8 == 0) s.channels = random_in(200, 600), s.outputs = random_in(1, 40);
  for (int i = 1; i < 3; i++) {
    s.in[i] = random_in(1, wide ? 24 : 12), s.kernel[i] = square == 1 ? 1 : square == 2 ? 3 : random_in(1, 5), s.stride[i] = random_in(1, 2);
    s.pad[i] = random_in(0, s.kernel[i] - 1), pad_end[i] = random_in(0, s.kernel[i] - 1);
    if (random_bits() % 4 == 0) s.dilation[i] = random_in(1, 2);
  }
  if (!finish_shape(&s, pad_end, false)) return;
  test_shape(isa, TURNED, &s);
  const size_t rows = s.groups * s.outputs, k = s.channels * s.kernel[1] * s.kernel[2], out = s.out[1] * s.out[2], panel = pk_sgemm_panel_cols(isa);
  float *x = random_floats(s.images * s.groups * s.channels * s.in[1] * s.in[2]), *w = random_floats(rows * k), *bias = random_floats(rows);
  float *one = buffer(s.images * rows * out * sizeof(float), 0), *all = buffer(s.images * rows * out * sizeof(float), 0);
  float *packed = buffer(pk_conv_turned_packed_bytes(isa, &s), 0);
  pk_conv_turned_pack(isa, &s, w, 0, s.groups, packed);
  void *room = buffer(pk_conv_turned_scratch_bytes(isa, &s, s.outputs), 0xff);
  pk_conv c = {.shape = s, .x = x, .weights = packed, .y = all, .epilogue = {.row_bias = bias, .activation = PK_ACT_SILU, .p0 = 1}};
  for (size_t n = 0; n < s.images * s.groups; n++) pk_conv_turned_block(isa, &c, n / s.groups, n % s.groups, 0, s.outputs, 0, out, room);
  c.y = one;
  for (size_t n = s.images * s.groups; n-- > 0;)
    for (size_t i = 0; i < s.outputs; i += panel)
      for (size_t j = 0, step = random_in(1, out); j < out; j += step)
        pk_conv_turned_block(isa, &c, n / s.groups, n % s.groups, i, i + panel < s.outputs ? i + panel : s.outputs, j, j + step < out ? j + step : out,
                             room);
  CHECK(memcmp(one, all, s.images * rows * out * sizeof(float)) == 0, "%s: turned products in other blocks give other bits", pk_isa_name(isa));
  memset(one, 0, s.images * rows * out * sizeof(float));
  scratch patches = patches_of(isa, &s, true);
  for (size_t n = 0; n < s.images * s.groups; n++) {
    c.patches = make_patches(isa, &c, true, n / s.groups, n % s.groups, patches);
    for (size_t i = 0; i < s.outputs; i += panel)
      pk_conv_turned_block(isa, &c, n / s.groups, n % s.groups, i, i + panel < s.outputs ? i + panel : s.outputs, 0, out, room);
  }
  CHECK(scratch_end(patches), "%s: patches were written behind their memory", pk_isa_name(isa));
  CHECK(memcmp(one, all, s.images * rows * out * sizeof(float)) == 0, "%s: turned products over shared patches give other bits", pk_isa_name(isa));
  free(x), free(w), free(bias), free(one), free(all), free(packed), free(room);
}

/// Long kernel rows with wide strides, as in the front ends of audio models and where pictures are cut into patches.
static void test_long_rows(pk_isa isa) {
  const bool flat = random_bits() % 4 != 0, upright = random_bits() % 4 == 0;
  pk_conv_shape s = {.images = random_in(1, 2), .groups = random_in(1, 2), .channels = random_in(1, 3), .outputs = random_in(1, 40),
                     .in = {1, 1, 1}, .kernel = {1, 1, 1}, .stride = {1, 1, 1}, .dilation = {1, 1, 1}};
  const int along = upright && flat ? 1 : 2;
  size_t pad_end[3] = {0};
  s.in[along] = random_in(1, 900), s.kernel[along] = random_in(8, 200), s.stride[along] = random_in(3, 60);
  s.pad[along] = random_bits() & 1 ? random_in(0, 50) : 0, pad_end[along] = random_bits() & 1 ? random_in(0, 50) : 0;
  if (!flat) {
    s.in[1] = random_in(1, 12), s.kernel[1] = random_in(1, 4), s.stride[1] = random_in(1, 4), s.pad[1] = pad_end[1] = random_in(0, 2);
    if (random_bits() & 1) s.in[0] = random_in(1, 4), s.kernel[0] = random_in(1, 2), s.pad[0] = pad_end[0] = random_in(0, 1);
    s.in[2] = random_in(1, 60), s.kernel[2] = random_in(8, 17), s.stride[2] = random_in(3, 17);
  }
  if (finish_shape(&s, pad_end, false)) test_shape(isa, GEMM, &s);
}

/// Packing a part of the weights is packing a copy of it; with the taps outermost, one whose channels and taps are exchanged.
static void test_pack_part(pk_isa isa) {
  pk_conv_shape s = {.images = 1, .groups = random_in(1, 3), .channels = random_in(1, 5), .outputs = random_in(1, 40)};
  size_t whole[3], first[3];
  for (int i = 0; i < 3; i++) {
    whole[i] = random_in(1, 4), first[i] = random_in(0, whole[i] - 1), s.kernel[i] = random_in(1, whole[i] - first[i]);
    s.in[i] = s.out[i] = s.stride[i] = s.dilation[i] = 1;
  }
  const bool outermost = random_bits() & 1;
  const size_t rows = s.groups * s.outputs, taps = s.kernel[0] * s.kernel[1] * s.kernel[2], bytes = pk_conv_packed_bytes(isa, &s);
  float *w = random_floats(rows * s.channels * whole[0] * whole[1] * whole[2]), *part = buffer(rows * s.channels * taps * sizeof(float), 0);
  float *one = buffer(bytes, 0), *other = buffer(bytes, 0);
  for (size_t r = 0; r < rows; r++)
    for (size_t ch = 0; ch < s.channels; ch++)
      for (size_t t = 0; t < taps; t++) {
        const size_t d = first[0] + t / s.kernel[2] / s.kernel[1], h = first[1] + t / s.kernel[2] % s.kernel[1], c = first[2] + t % s.kernel[2];
        part[r * s.channels * taps + (outermost ? t * s.channels + ch : ch * taps + t)] =
            w[(((r * s.channels + ch) * whole[0] + d) * whole[1] + h) * whole[2] + c];
      }
  pk_conv_pack(isa, &s, part, 0, s.groups, one);
  pk_conv_pack_part(isa, &s, whole, first, outermost, w, 0, s.groups / 2, other);
  pk_conv_pack_part(isa, &s, whole, first, outermost, w, s.groups / 2, s.groups, other);
  CHECK(memcmp(one, other, bytes) == 0, "%s: a part of the weights is packed otherwise", pk_isa_name(isa));
  free(w), free(part), free(one), free(other);
}

/// Whether a tap of an axis reads the input for any output.
static bool is_live(const pk_conv_shape *s, int axis, size_t tap) {
  for (size_t o = 0; o < s->out[axis]; o++) {
    const size_t at = o * s->stride[axis] + tap * s->dilation[axis];
    if (at >= s->pad[axis] && at < s->pad[axis] + s->in[axis]) return true;
  }
  return false;
}

/// Every tap that is taken away is dead, what is left gives the same places, and with stride 1 no outer tap is dead but one
/// whose successor reads from behind the start, which no padding can say.
static void test_trim(void) {
  pk_conv_shape s = {.images = 1, .groups = 1, .channels = 1, .outputs = 1};
  size_t pad_end[3], first[3];
  for (int i = 0; i < 3; i++) {
    s.in[i] = random_in(1, 20), s.kernel[i] = random_in(1, 7), s.stride[i] = random_bits() & 1 ? 1 : random_in(1, 5);
    s.dilation[i] = random_in(1, 30), s.pad[i] = random_in(0, 60), pad_end[i] = random_in(0, 60);
  }
  if (!finish_shape(&s, pad_end, false)) return;
  pk_conv_shape t = s;
  pk_conv_trim(&t, first);
  for (int i = 0; i < 3; i++) {
    CHECK(t.kernel[i] >= 1 && first[i] + t.kernel[i] <= s.kernel[i], "the taps that stay are some of those there were");
    CHECK(s.pad[i] - t.pad[i] == first[i] * s.dilation[i], "the first tap that stays reads what it did");
    size_t live = 0;
    for (size_t k = 0; k < s.kernel[i]; k++) {
      live += is_live(&s, i, k);
      CHECK((k >= first[i] && k < first[i] + t.kernel[i]) || !is_live(&s, i, k), "tap %zu of axis %d is needed", k, i);
    }
    if (s.stride[i] == 1 && live > 0)
      CHECK((is_live(&t, i, 0) || t.pad[i] < t.dilation[i]) && is_live(&t, i, t.kernel[i] - 1), "axis %d keeps a dead tap at an end", i);
  }
}

int main(void) {
  FOR_EACH_ISA(isa) {
    for (int i = 0; i < 1500; i++) {
      test_random(isa, GEMM, i % 5 != 0);
      test_random(isa, DEPTHWISE, true);
      test_random(isa, SKIPPING, i % 5 != 0);
      if (i % 4 == 0) test_turned(isa), test_short_sums(isa);
      test_trim();
      if (i % 3 == 0) test_long_rows(isa), test_pack_part(isa), test_lanes(isa), test_tiles(isa);
      if (i % 3 == 0) test_long_rows(isa), test_pack_part(isa), test_wide_rows(isa), test_phases(isa);
      if (i % 3 == 0) test_random(isa, WINOGRAD, i % 5 != 0);
      if (i % 3 == 0) test_random(isa, TRANSPOSED, true);
      if (i % 50 == 0) test_random(isa, TRANSPOSED, false);
      if (i % 100 == 0) test_pieces(isa);
      if (i % 10 == 0 && isa == PK_ISA_SCALAR) test_random(isa, DIRECT, true), test_random(isa, TRANSPOSED_DIRECT, true);
    }
    const pk_conv_shape wide = {.images = 1,
                                .groups = 2,
                                .channels = 1,
                                .outputs = 1,
                                .in = {1, 40, 2000},
                                .kernel = {1, 3, 3},
                                .stride = {1, 1, 2},
                                .dilation = {1, 1, 1},
                                .pad = {0, 1, 1},
                                .out = {1, 40, 1000}};
    test_shape(isa, DEPTHWISE, &wide);
    const pk_conv_shape stem = {.images = 1,
                                .groups = 1,
                                .channels = 3,
                                .outputs = 64,
                                .in = {1, 60, 60},
                                .kernel = {1, 7, 7},
                                .stride = {1, 2, 2},
                                .dilation = {1, 1, 1},
                                .pad = {0, 3, 3},
                                .out = {1, 30, 30}};
    test_shape(isa, GEMM, &stem);
    pk_conv_shape up = {.images = 1,
                              .groups = 1,
                              .channels = 20,
                              .outputs = 9,
                              .in = {1, 40, 60},
                              .kernel = {1, 4, 4},
                              .stride = {1, 2, 2},
                              .dilation = {1, 1, 1},
                              .pad = {0, 1, 1},
                              .out = {1, 80, 120}};
    test_shape(isa, TRANSPOSED, &up);
    test_shape(isa, PHASES, &up);
    up.pad[1] = 3;
    CHECK(!pk_conv_phases_fit(&up), "the first outputs have no tap at the first input");
    pk_conv_shape atrous = {.images = 1,
                            .groups = 1,
                            .channels = 96,
                            .outputs = 30,
                            .in = {1, 20, 20},
                            .kernel = {1, 3, 3},
                            .stride = {1, 1, 1},
                            .dilation = {1, 12, 12},
                            .pad = {0, 12, 12},
                            .out = {1, 20, 20}};
    CHECK(pk_conv_skipping_pays(&atrous), "five ninths and more of the taps are dead");
    test_shape(isa, SKIPPING, &atrous);
    atrous.dilation[1] = atrous.dilation[2] = atrous.pad[1] = atrous.pad[2] = 1;
    CHECK(!pk_conv_skipping_pays(&atrous), "nearly no taps are dead");
    // One tap, and padding around an input of one row.
    pk_conv_shape around = stem;
    around.in[1] = 1, around.in[2] = around.out[2] = 40, around.kernel[1] = around.kernel[2] = around.stride[1] = around.stride[2] = 1;
    around.pad[1] = 2, around.pad[2] = 0, around.out[1] = 5;
    test_shape(isa, GEMM, &around);
    around.channels = 70;
    test_shape(isa, TURNED, &around);
    pk_conv_shape even = stem;
    even.channels = 64, even.outputs = 256, even.kernel[1] = even.kernel[2] = 1;
    size_t rows, cols;
    pk_conv_grid(isa, &even, 1, &rows, &cols);
    const size_t last = 256 - (256 - 1) / rows * rows;
    CHECK(last >= rows / 2, "a last block of %zu rows packs the patches for itself", last);
    pk_conv_shape small = stem;
    small.channels = 64, small.in[1] = small.in[2] = 14, small.kernel[1] = small.kernel[2] = 3, small.pad[1] = small.pad[2] = 1;
    small.out[1] = small.out[2] = 7;
    CHECK(pk_conv_turned_pays(isa, &small) == (isa != PK_ISA_SCALAR), "49 positions leave vectors in part empty");
    small.outputs = pk_sgemm_panel_cols(isa) + 1;
    CHECK(!pk_conv_turned_pays(isa, &small), "channels leave more lanes empty than positions do");
    pk_conv_shape huge = stem;
    huge.channels = SIZE_MAX / 100;
    CHECK(pk_conv_packed_bytes(isa, &huge) == SIZE_MAX, "packed conv weights overflow");
    CHECK(pk_conv_turned_packed_bytes(isa, &huge) == SIZE_MAX, "packed weights of small planes overflow");
    huge.channels = 1, huge.out[2] = SIZE_MAX / 4;
    CHECK(pk_conv_depthwise_scratch_bytes(isa, &huge) == SIZE_MAX, "depthwise scratch overflow");
  }
  return test_end("conv_test");
}
