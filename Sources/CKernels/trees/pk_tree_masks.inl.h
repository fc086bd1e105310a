// All branches of a tree for some rows at once: no row waits for where it goes next.

#include "pk_tree_internal.h"

void PK_FN(pk_tree_leaves)(const pk_tree_mask *masks, size_t count, const float *columns, uint8_t *leaves) {
  uint64_t left[PK_TREE_ROWS] __attribute__((aligned(64)));
#if PK_LEVEL == 2
  __m512i low = _mm512_set1_epi64(-1), high = low;
  for (const pk_tree_mask *m = masks; m < masks + count; m++) {
    const __m512 x = _mm512_load_ps(columns + (size_t)m->feature * PK_TREE_ROWS);
    __mmask16 fails = _mm512_cmp_ps_mask(x, _mm512_set1_ps(m->value), _CMP_NLE_UQ);
    if (!m->nan_fails) fails &= _mm512_cmp_ps_mask(x, x, _CMP_ORD_Q);
    const __m512i keeps = _mm512_set1_epi64((long long)m->keeps);
    low = _mm512_mask_and_epi64(low, (__mmask8)fails, low, keeps);
    high = _mm512_mask_and_epi64(high, (__mmask8)(fails >> 8), high, keeps);
  }
  _mm512_store_si512(left, low);
  _mm512_store_si512(left + 8, high);
#else
  for (size_t i = 0; i < PK_TREE_ROWS; i++) left[i] = UINT64_MAX;
  for (const pk_tree_mask *m = masks; m < masks + count; m++) {
    const float *x = columns + (size_t)m->feature * PK_TREE_ROWS, value = m->value;
    const uint64_t keeps = m->keeps;
    if (m->nan_fails) {
      PK_VECTORISE for (size_t i = 0; i < PK_TREE_ROWS; i++) left[i] &= x[i] <= value ? UINT64_MAX : keeps;
    } else {
      PK_VECTORISE for (size_t i = 0; i < PK_TREE_ROWS; i++) left[i] &= x[i] > value || (value != value && x[i] == x[i]) ? keeps : UINT64_MAX;
    }
  }
#endif
  for (size_t i = 0; i < PK_TREE_ROWS; i++) leaves[i] = (uint8_t)__builtin_ctzll(left[i]);
}
