#include "conv_test.h"

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
  for (int i = 0; i < 4500; i++) test_trim();
  return test_end("conv_trim_test");
}
