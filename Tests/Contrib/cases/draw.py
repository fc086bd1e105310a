"""What generators draw from, and the list of them."""

import numpy as np

F32, F16, U8, I8, I32, I64 = np.float32, np.float16, np.uint8, np.int8, np.int32, np.int64
GENERATORS = {}


def generator(function):
    GENERATORS[function.__name__] = function
    return function


class Draw:
    def __init__(self, rng):
        self.rng = rng

    def __call__(self, low, high):
        return int(self.rng.integers(low, high + 1))

    def pick(self, *choices):
        return choices[int(self.rng.integers(len(choices)))]

    def chance(self, p=0.5):
        return bool(self.rng.random() < p)

    def numbers(self, *shape, dtype=F32, scale=1.0):
        return np.asarray(self.rng.normal(size=shape) * scale).astype(dtype)

    def codes(self, dtype, *shape):
        info = np.iinfo(dtype)
        return np.asarray(self.rng.integers(info.min, info.max + 1, shape)).astype(dtype)

    def scale(self, low=0.01, high=0.1, *shape):
        return np.asarray(self.rng.uniform(low, high, shape)).astype(F32)

    def zero(self, dtype, *shape):
        info = np.iinfo(dtype)
        middle = (int(info.max) + int(info.min) + 1) // 2
        return np.asarray(self.rng.integers(middle - 30, middle + 31, shape)).astype(dtype)

    def single(self, array):
        """A scalar, or a vector of one."""
        return array.reshape(()) if self.chance() else array.reshape((1,))

    def constants(self, *indices):
        return frozenset(index for index in indices if self.chance(0.6))

    def maybe(self, array, p=0.6):
        return array if self.chance(p) else None


def quantized(draw, dtype, *shape):
    """Codes, scale and zero point."""
    return draw.codes(dtype, *shape), draw.single(draw.scale()), draw.single(draw.zero(dtype))
