#include "scalar.h"

// Rows are taken four at a time so that a large matrix is read once for all of them. Each product is summed in the same
// lanes whatever the block, so a row's bytes do not depend on its neighbours.
#define BLOCK 4

INLINE void dot_block(const float *x, const float *w, float bias, float *y, size_t count, size_t inputs,
                      size_t outputs) {
  float lane[BLOCK][LANES] = {{0}};
  size_t k = 0;
  for (; k + LANES <= inputs; k += LANES)
    for (size_t r = 0; r < count; r++)
      for (size_t l = 0; l < LANES; l++) lane[r][l] += x[r * inputs + k + l] * w[k + l];
  for (size_t l = 0; k < inputs; k++, l++)
    for (size_t r = 0; r < count; r++) lane[r][l] += x[r * inputs + k] * w[k];
  for (size_t r = 0; r < count; r++) y[r * outputs] = pb_lane_sum(lane[r]) + bias;
}

CLONES void pb_rows_times_transposed(const float *x, const float *w, const float *bias, float *restrict y, size_t rows,
                                     size_t inputs, size_t outputs, size_t o0, size_t o1) {
  for (size_t o = o0; o < o1; o++) {
    const float b = bias ? bias[o] : 0;
    size_t r = 0;
    for (; r + BLOCK <= rows; r += BLOCK)
      dot_block(x + r * inputs, w + o * inputs, b, y + r * outputs + o, BLOCK, inputs, outputs);
    for (; r < rows; r++) dot_block(x + r * inputs, w + o * inputs, b, y + r * outputs + o, 1, inputs, outputs);
  }
}

// A zero cotangent skips its row of the matrix: pulling one logit back reads one row, not all of them.
CLONES void pb_rows_times(const float *v, const float *w, float *restrict dx, size_t rows, size_t inputs,
                          size_t outputs, size_t k0, size_t k1) {
  for (size_t r = 0; r < rows; r++)
    for (size_t k = k0; k < k1; k++) dx[r * inputs + k] = 0;
  for (size_t o = 0; o < outputs; o++)
    for (size_t r = 0; r < rows; r++) {
      const float cotangent = v[r * outputs + o];
      if (cotangent == 0) continue;
      for (size_t k = k0; k < k1; k++) dx[r * inputs + k] += cotangent * w[o * inputs + k];
    }
}
