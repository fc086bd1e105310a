// Pools that go row by row of the output: first over the rows of the input that a window sees, vector by vector, then
// along the row. The including file sets T, U (unsigned, as wide), U2 (twice as wide), LOWEST, HAS_NAN and NAME(function).

enum { NAME(LANES) = 4 * PK_LANES / sizeof(T) };
#define LANES NAME(LANES)
typedef T NAME(vec) __attribute__((ext_vector_type(4 * PK_LANES / sizeof(T))));
typedef T NAME(vec_any) __attribute__((ext_vector_type(4 * PK_LANES / sizeof(T)), aligned(1), may_alias));
typedef U2 NAME(pairs) __attribute__((ext_vector_type(2 * PK_LANES / sizeof(T)), aligned(1), may_alias));
typedef U NAME(half) __attribute__((ext_vector_type(2 * PK_LANES / sizeof(T)), aligned(1), may_alias));
#define vec NAME(vec)

POOL_INLINE vec NAME(load)(const T *p) { return *(const NAME(vec_any) *)p; }
POOL_INLINE void NAME(store)(T *p, vec v) { *(NAME(vec_any) *)p = v; }

/// The maximum, or the sum. A NaN is kept where the caller says that there is one: it costs as much again.
POOL_INLINE vec NAME(join)(vec a, vec b, int op) {
#if HAS_NAN
  if (op == OP_SUM) return a + b;
  if (op == OP_MAX_NAN) return ((b > a) | (b != b)) ? b : a;
#else
  (void)op;
#endif
  return b > a ? b : a;
}

/// Remembers whether OP_MAX, which loses them, has met a NaN.
POOL_INLINE vec NAME(note)(vec found, vec a, vec b, int op) {
#if HAS_NAN
  if (op == OP_MAX) return ((a != a) | (b != b)) ? (vec)NAN : found;
#else
  (void)a, (void)b, (void)op;
#endif
  return found;
}

POOL_INLINE bool NAME(noted)(vec found) {
#if HAS_NAN
  return __builtin_reduce_or(found != found) != 0;
#else
  (void)found;
  return false;
#endif
}

/// The first tap inside the input on an axis, and the one behind the last.
POOL_INLINE void NAME(seen)(const pk_pool_axes *s, int axis, size_t out, size_t *first, size_t *last) {
  const size_t start = out * s->stride[axis], pad = s->pad[axis], step = s->dilation[axis], end = pad + s->in[axis];
  *first = pk_min(start < pad ? (pad - start + step - 1) / step : 0, s->kernel[axis]);
  *last = pk_min(start < end ? (end - start - 1) / step + 1 : 0, s->kernel[axis]);
  if (*last < *first) *last = *first;
}

/// to[i] = from[i], joined with what is there unless `fresh`; i < n, which is a multiple of the lanes or as many as there are.
/// `found` becomes NaN in some lane where OP_MAX meets one.
POOL_INLINE void NAME(join_row)(T *to, const T *from, size_t n, bool fresh, int op, vec *found) {
  size_t i = 0;
  for (; i + LANES <= n; i += LANES) {
    const vec v = NAME(load)(from + i);
    *found = NAME(note)(*found, v, v, op);
    NAME(store)(to + i, fresh ? v : NAME(join)(NAME(load)(to + i), v, op));
  }
  if (i < n) {
    T rest[LANES] = {0};
    memcpy(rest, from + i, (n - i) * sizeof(T));
    const vec v = NAME(load)(rest);
    *found = NAME(note)(*found, v, v, op);
    NAME(store)(to + i, fresh ? v : NAME(join)(NAME(load)(to + i), v, op));
  }
}

/// The same for two or three rows at once, of whole vectors: most windows have no more.
POOL_INLINE void NAME(join_several)(T *to, const T *from, size_t step, bool three, size_t n, bool fresh, int op, vec *found) {
  for (size_t i = 0; i < n; i += LANES) {
    const vec a = NAME(load)(from + i), b = NAME(load)(from + i + step);
    vec v = NAME(join)(a, b, op);
    *found = NAME(note)(*found, a, b, op);
    if (three) {
      const vec c = NAME(load)(from + i + 2 * step);
      *found = NAME(note)(*found, c, c, op);
      v = NAME(join)(v, c, op);
    }
    NAME(store)(to + i, fresh ? v : NAME(join)(NAME(load)(to + i), v, op));
  }
}

/// The rows that window (od, oh) sees, joined into to[0 ..< in[2]]; elements behind them, up to a vector, are overwritten.
/// False where it sees none.
POOL_INLINE bool NAME(join_rows)(const pk_pool_axes *s, const T *plane, const T *end, size_t od, size_t oh, T *to, int op, vec *found) {
  size_t d0, d1, h0, h1;
  NAME(seen)(s, 0, od, &d0, &d1);
  NAME(seen)(s, 1, oh, &h0, &h1);
  const size_t width = s->in[2], whole = pk_pool_lanes(width, sizeof(T)), step = s->dilation[1] * width;
  bool fresh = true;
  for (size_t d = d0; d < d1; d++) {
    const size_t depth = od * s->stride[0] + d * s->dilation[0] - s->pad[0];
    const T *row = plane + (depth * s->in[1] + oh * s->stride[1] + h0 * s->dilation[1] - s->pad[1]) * width;
    for (size_t h = h0; h < h1;) {
      size_t count = pk_min(h1 - h, 3);
      if ((size_t)(end - row) < (count - 1) * step + whole) count = 1;
      if (count == 3)
        NAME(join_several)(to, row, step, true, whole, fresh, op, found);
      else if (count == 2)
        NAME(join_several)(to, row, step, false, whole, fresh, op, found);
      else
        NAME(join_row)(to, row, (size_t)(end - row) >= whole ? whole : width, fresh, op, found);
      fresh = false;
      h += count;
      if (h < h1) row += count * step;
    }
  }
  return !fresh;
}

/// The phases of a padded row: to[phase * length + i] = line[i * stride + phase].
POOL_INLINE void NAME(split)(const T *line, size_t stride, size_t length, T *to) {
  if (stride == 2) {
    for (size_t i = 0; i < length; i += LANES / 2) {
      const NAME(pairs) both = *(const NAME(pairs) *)(line + 2 * i);
      *(NAME(half) *)(to + i) = __builtin_convertvector(both, NAME(half));
      *(NAME(half) *)(to + length + i) = __builtin_convertvector(both >> (8 * sizeof(T)), NAME(half));
    }
    return;
  }
  for (size_t phase = 0; phase < stride; phase++)
    for (size_t i = 0; i < length; i++) to[phase * length + i] = line[i * stride + phase];
}

/// Rows [row0, row1) of the output, one at a time. `divisors`: of a mean, for each column.
POOL_INLINE void NAME(each_row)(const pk_pool_axes *s, const T *x, T *y, size_t row0, size_t row1, T *line, const float *divisors,
                                bool count_pad, int op) {
  const T fill = op == OP_SUM ? 0 : LOWEST;
  const size_t stride = s->stride[2], pad = s->pad[2], width = s->in[2], room = pk_pool_line(s, sizeof(T));
  const size_t step = s->dilation[2], out = s->out[2];
  T *phases = stride == 1 ? line : line + room;
  const size_t length = pk_pool_phase(s, sizeof(T));
  const size_t plane_size = s->in[0] * s->in[1] * width;
  const T *end = x + s->planes * plane_size;
  for (size_t i = 0; i < room; i++) line[i] = fill;
  for (size_t row = row0; row < row1; row++) {
    const size_t oh = row % s->out[1], od = row / s->out[1] % s->out[0], plane = row / s->out[1] / s->out[0];
    T *to = y + row * out;
    int how = op;
    vec found = 0;
    const bool any = NAME(join_rows)(s, x + plane * plane_size, end, od, oh, line + pad, op, &found);
    if (NAME(noted)(found)) {
      how = OP_MAX_NAN;
      NAME(join_rows)(s, x + plane * plane_size, end, od, oh, line + pad, OP_MAX_NAN, &found);
    }
    const size_t dirty = any ? pad + width : pad, clean = pad + pk_pool_lanes(width, sizeof(T));
    for (size_t i = dirty; i < clean; i++) line[i] = fill;
    if (stride > 1) NAME(split)(line, stride, length, phases);
#if HAS_NAN
    const float rows = op == OP_SUM ? counted(s, 0, od, count_pad) * counted(s, 1, oh, count_pad) : 1;
#else
    (void)divisors, (void)count_pad;
#endif
    for (size_t j = 0; j < out; j += LANES) {
      vec v = fill;
      if (how == OP_MAX_NAN)
        for (size_t q = 0; q < s->kernel[2]; q++)
          v = NAME(join)(v, NAME(load)(phases + (stride == 1 ? q * step : q * step % stride * length + q * step / stride) + j), OP_MAX_NAN);
      else if (stride == 1)
        for (size_t q = 0; q < s->kernel[2]; q++) v = NAME(join)(v, NAME(load)(phases + q * step + j), op);
      else if (stride == 2)
        for (size_t q = 0, at = 0; q < s->kernel[2]; q++, at += step)
          v = NAME(join)(v, NAME(load)(phases + (at & 1 ? length : 0) + at / 2 + j), op);
      else
        for (size_t q = 0, at = 0; q < s->kernel[2]; q++, at += step)
          v = NAME(join)(v, NAME(load)(phases + at % stride * length + at / stride + j), op);
#if HAS_NAN
      if (op == OP_SUM) {
        const vec divisor = rows * *(const vec *)(divisors + j);
        v = v / (divisor > 0 ? divisor : (vec)1.0f);
      }
#endif
      if (j + LANES <= out)
        NAME(store)(to + j, v);
      else
        memcpy(to + j, &v, (out - j) * sizeof(T));
    }
  }
}

/// The maxima of `k` elements that lie `step` apart: to[i] for i < n, by doubling; `spare` is another such buffer. Both and
/// `from` have room for whole vectors behind what they need.
POOL_INLINE T *NAME(windows)(const T *from, size_t n, size_t k, size_t step, T *to, T *spare, int op) {
  if (k <= 3) {
    for (size_t i = 0; i < n; i += LANES) {
      vec v = NAME(load)(from + i);
      if (k > 1) v = NAME(join)(v, NAME(load)(from + i + step), op);
      if (k > 2) v = NAME(join)(v, NAME(load)(from + i + 2 * step), op);
      NAME(store)(to + i, v);
    }
    return to;
  }
  for (size_t width = 1; width < k;) {
    const size_t next = pk_min(2 * width, k), shift = (next - width) * step, count = n + (k - next) * step;
    for (size_t i = 0; i < count; i += LANES) NAME(store)(to + i, NAME(join)(NAME(load)(from + i), NAME(load)(from + i + shift), op));
    width = next;
    from = to;
    T *t = to;
    to = spare, spare = t;
  }
  return spare;
}

/// Rows of one plane and depth from a padded copy, as one run of elements. False where OP_MAX has met a NaN.
POOL_INLINE bool NAME(flat)(const pk_pool_axes *s, const T *plane, const T *end, size_t od, size_t o0, size_t o1, T *y, T *copy, size_t room,
                            int op) {
  const size_t ld = pk_pool_flat_line(s), reach = pk_pool_reach(s, 1), width = s->in[2], pad = s->pad[2], rows = o1 - o0;
  size_t d0, d1;
  NAME(seen)(s, 0, od, &d0, &d1);
  const size_t lines = rows + reach - 1, whole = pk_pool_lanes(width, sizeof(T));
  for (size_t i = 0; i < lines * ld; i += LANES) NAME(store)(copy + i, (vec)LOWEST);
  vec found = 0;
  // Downwards, so that what a vector writes behind its row is put right by the next one; the padding is restored behind it.
  for (size_t i = 0; i < lines; i++) {
    const size_t at = o0 + i - s->pad[1];
    if (o0 + i < s->pad[1] || at >= s->in[1]) continue;
    T *to = copy + i * ld + pad;
    bool fresh = true;
    for (size_t d = d0; d < d1; d++, fresh = false) {
      const T *from = plane + ((od * s->stride[0] + d * s->dilation[0] - s->pad[0]) * s->in[1] + at) * width;
      NAME(join_row)(to, from, (size_t)(end - from) >= whole ? whole : width, fresh, op, &found);
    }
    if (!fresh)
      for (size_t j = width; j < whole; j++) to[j] = LOWEST;
  }
  if (NAME(noted)(found)) return false;
  T *a = copy + room, *b = a + room;
  // A window of one row needs no pass of its own.
  const T *high = s->kernel[1] == 1 ? copy : NAME(windows)(copy, rows * ld, s->kernel[1], s->dilation[1] * ld, a, b, op);
  if (s->kernel[2] > 1) {
    T *to = high == a ? b : a, *spare = high == copy ? b : copy;
    high = NAME(windows)(high, (rows - 1) * ld + s->out[2], s->kernel[2], s->dilation[2], to, spare, op);
  }
  for (size_t i = 0; i < rows; i++) memcpy(y + i * s->out[2], high + i * ld, s->out[2] * sizeof(T));
  return true;
}

static void NAME(max_rows)(const pk_pool_axes *s, const void *source, void *target, size_t row0, size_t row1, void *scratch) {
  const T *x = source;
  T *y = target;
  if (!pk_pool_is_flat(s)) return NAME(each_row)(s, x, y, row0, row1, scratch, NULL, false, OP_MAX);
  const size_t band = pk_pool_flat_rows(s, sizeof(T)), plane_size = s->in[0] * s->in[1] * s->in[2];
  const size_t room = pk_pool_lanes((band + pk_pool_reach(s, 1) - 1) * pk_pool_flat_line(s), sizeof(T)) + 128 / sizeof(T);
  const T *end = x + s->planes * plane_size;
  for (size_t row = row0; row < row1;) {
    const size_t oh = row % s->out[1], od = row / s->out[1] % s->out[0];
    const T *plane = x + row / s->out[1] / s->out[0] * plane_size;
    const size_t last = pk_min(pk_min(oh + band, s->out[1]), oh + (row1 - row));
    if (!NAME(flat)(s, plane, end, od, oh, last, y + row * s->out[2], scratch, room, OP_MAX))
      NAME(flat)(s, plane, end, od, oh, last, y + row * s->out[2], scratch, room, OP_MAX_NAN);
    row += last - oh;
  }
}

#undef vec
#undef LANES
