#include <math.h>
#include "scalar.h"

CLONES void pb_layer_norm_rows(const float *x, const float *gamma, const float *beta, float eps, float *y, float *mean,
                               float *rstd, size_t rows, size_t n) {
  for (size_t r = 0; r < rows; r++) {
    const float *in = x + r * n;
    float *out = y + r * n;
    const double m = pb_sum(in, n) / (double)n;
    const float s = (float)(1.0 / sqrt(pb_squared_deviations(in, m, n) / (double)n + (double)eps));
    const float mf = (float)m;
    for (size_t i = 0; i < n; i++) out[i] = (in[i] - mf) * s * gamma[i] + beta[i];
    mean[r] = mf;
    rstd[r] = s;
  }
}

// dx = v gamma rstd
CLONES void pb_layer_norm_rows_frozen(const float *v, const float *gamma, const float *rstd, float *dx, size_t rows,
                                      size_t n) {
  for (size_t r = 0; r < rows; r++)
    for (size_t i = 0; i < n; i++) dx[r * n + i] = v[r * n + i] * gamma[i] * rstd[r];
}

// dx = rstd (g - mean(g) - h mean(g h)), g = v gamma, h = (x - mean) rstd
CLONES void pb_layer_norm_rows_gradient(const float *v, const float *x, const float *gamma, const float *mean,
                                        const float *rstd, float *dx, size_t rows, size_t n) {
  for (size_t r = 0; r < rows; r++) {
    const float *in = x + r * n, *cotangent = v + r * n;
    const float m = mean[r], s = rstd[r];
    double g_lane[LANES] = {0}, gh_lane[LANES] = {0};
    size_t i = 0;
    for (; i + LANES <= n; i += LANES)
      for (size_t l = 0; l < LANES; l++) {
        const double g = (double)cotangent[i + l] * (double)gamma[i + l];
        g_lane[l] += g;
        gh_lane[l] += g * (double)((in[i + l] - m) * s);
      }
    for (size_t l = 0; i < n; i++, l++) {
      const double g = (double)cotangent[i] * (double)gamma[i];
      g_lane[l] += g;
      gh_lane[l] += g * (double)((in[i] - m) * s);
    }
    const float g_mean = (float)(pb_lane_sum_double(g_lane) / (double)n);
    const float gh_mean = (float)(pb_lane_sum_double(gh_lane) / (double)n);
    for (i = 0; i < n; i++)
      dx[r * n + i] = s * (cotangent[i] * gamma[i] - g_mean - (in[i] - m) * s * gh_mean);
  }
}

CLONES void pb_layer_norm_rows_parameters(const float *v, const float *x, const float *mean, const float *rstd,
                                          float *restrict dgamma, float *restrict dbeta, size_t rows, size_t n) {
  for (size_t r = 0; r < rows; r++)
    for (size_t i = 0; i < n; i++) {
      const float cotangent = v[r * n + i];
      dgamma[i] += cotangent * (x[r * n + i] - mean[r]) * rstd[r];
      dbeta[i] += cotangent;
    }
}
