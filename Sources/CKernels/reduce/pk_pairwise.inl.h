// The loops over two operands either of which may be one element. The expression sees `a` and `b`, read by READ; LOOP is a
// pragma or nothing. An operand's single element is read before the first result is written over it.
#define PK_PAIRWISE(LOOP, T, R, READ, first, second, result, n, flags, ...)               \
  do {                                                                                    \
    const T *const as = (first), *const bs = (second);                                    \
    R *const ys = (result);                                                               \
    if ((n) == 0) break;                                                                  \
    if (((flags) & PK_A_SCALAR) && ((flags) & PK_B_SCALAR)) {                             \
      const __auto_type a = READ(*as), b = READ(*bs);                                     \
      const R value = (R)(__VA_ARGS__);                                                   \
      PK_VECTORISE for (size_t i = 0; i < (n); i++) ys[i] = value;                        \
    } else if ((flags) & PK_A_SCALAR) {                                                   \
      const __auto_type a = READ(*as);                                                    \
      LOOP for (size_t i = 0; i < (n); i++) {                                             \
        const __auto_type b = READ(bs[i]);                                                \
        ys[i] = (R)(__VA_ARGS__);                                                         \
      }                                                                                   \
    } else if ((flags) & PK_B_SCALAR) {                                                   \
      const __auto_type b = READ(*bs);                                                    \
      LOOP for (size_t i = 0; i < (n); i++) {                                             \
        const __auto_type a = READ(as[i]);                                                \
        ys[i] = (R)(__VA_ARGS__);                                                         \
      }                                                                                   \
    } else {                                                                              \
      LOOP for (size_t i = 0; i < (n); i++) {                                             \
        const __auto_type a = READ(as[i]), b = READ(bs[i]);                               \
        ys[i] = (R)(__VA_ARGS__);                                                         \
      }                                                                                   \
    }                                                                                     \
  } while (0)

#define PK_AS_IT_IS(v) (v)
