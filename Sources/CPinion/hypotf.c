#include <math.h>

// Swift's overlay of Glibc calls hypotf, whose newest version is of glibc 2.35 and would be all that asks for more than 2.34.
// Squares of floats are exact in a double and neither overflow nor vanish there; the sum and the root are each rounded once.
__attribute__((visibility("hidden"))) float hypotf(float x, float y) {
  if (isinf(x) || isinf(y)) return HUGE_VALF;
  return (float)sqrt((double)x * x + (double)y * y);
}
