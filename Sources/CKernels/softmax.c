#include "scalar.h"

CLONES void pb_softmax_rows(const float *x, float scale, float *y, size_t rows, size_t n) {
  for (size_t r = 0; r < rows; r++) {
    const float *in = x + r * n;
    float *out = y + r * n;
    float largest = scale * in[0];
    for (size_t i = 1; i < n; i++) {
      const float s = scale * in[i];
      largest = s > largest ? s : largest;
    }
    IN_PLACE
    for (size_t i = 0; i < n; i++) out[i] = pb_exp(scale * in[i] - largest);
    const float normaliser = (float)(1.0 / pb_sum(out, n));
    for (size_t i = 0; i < n; i++) out[i] *= normaliser;
  }
}

// dx = scale y (v - <v, y>)
CLONES void pb_softmax_rows_gradient(const float *y, const float *v, float scale, float *dx, size_t rows, size_t n) {
  for (size_t r = 0; r < rows; r++) {
    const float mean = (float)pb_dot(y + r * n, v + r * n, n);
    IN_PLACE
    for (size_t i = r * n; i < (r + 1) * n; i++) dx[i] = scale * y[i] * (v[i] - mean);
  }
}
