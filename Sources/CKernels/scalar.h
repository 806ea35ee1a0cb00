// Scalar functions written so that a loop over them vectorises: no calls, no branches that cannot become selects.
// Coefficients: Tests/Oracles/polynomials.py.
#ifndef SCALAR_H
#define SCALAR_H
#include <string.h>

// The loader chooses among clones (below) amid the relocations of a shared library: what it chooses from is hidden, so
// that the addresses need no relocation themselves.
#pragma GCC visibility push(hidden)
#include "CKernels.h"
#pragma GCC visibility pop

// The loader chooses a clone before a sanitizer has set itself up, so that a sanitized program would crash there.
#if defined(__x86_64__) && defined(__linux__) && !__has_feature(thread_sanitizer) && !__has_feature(address_sanitizer)
#define CLONES __attribute__((target_clones("arch=x86-64-v4", "arch=x86-64-v3", "default")))
#else
#define CLONES
#endif
// A loop whose result may overwrite its operands: each element depends on its own place only, which the compiler
// cannot see.
#define IN_PLACE _Pragma("clang loop vectorize(assume_safety)")
#define INLINE static inline __attribute__((always_inline))

// The output positions o in [0, count) whose input position o * stride + offset lies in [0, extent).
INLINE void pb_valid_range(long offset, size_t stride, size_t extent, size_t count, size_t *low, size_t *high) {
  const long s = (long)stride;
  long first = offset >= 0 ? 0 : (-offset + s - 1) / s;
  long last = (long)extent - offset <= 0 ? 0 : ((long)extent - offset + s - 1) / s;
  if (last > (long)count) last = (long)count;
  if (first > last) first = last;
  *low = (size_t)first;
  *high = (size_t)last;
}

// The layout of packed panels: how long the rows of a panel of so many columns are, and where the panel of column
// `first` starts. Between panels there is room for what the last row's copying runs over.
INLINE size_t pb_panel_row(size_t columns) { return (columns + 15) / 16 * 16; }
INLINE size_t pb_panel_offset(size_t first, size_t depth) { return first * depth + first / PB_PANEL * 16; }

// e^x by 2^n e^r with |r| <= ln(2) / 2. Relative error below 1.2e-7; 0 below -87.3, e^88.3 above 88.3.
INLINE float pb_exp(float x) {
  x = x > 88.3f ? 88.3f : x;
  const float clamped = x < -87.3f ? -87.3f : x;
  const float shifted = clamped * 1.44269504f + 12582912.0f;  // the sum rounds to an integer in its low bits
  const float n = shifted - 12582912.0f;
  float r = clamped - n * 0.693145752f;
  r = r - n * 1.42860677e-6f;
  float p = 1.394110843e-03f;
  p = p * r + 8.375126398e-03f;
  p = p * r + 4.166635290e-02f;
  p = p * r + 1.666641551e-01f;
  p = p * r + 5.000000047e-01f;
  p = p * r + 1.000000038e+00f;
  p = p * r + 1.0f;
  int bits;
  memcpy(&bits, &shifted, sizeof bits);
  bits = (int)((unsigned)(bits - 0x4B400000 + 127) << 23);
  float power;
  memcpy(&power, &bits, sizeof power);
  return x < -87.3f ? 0.0f : p * power;
}

// The error function: an odd polynomial for |x| < 1, 1 - exp(-g(|x|)) beyond. Absolute error below 1.5e-7.
INLINE float pb_erf(float x) {
  const float a = __builtin_fabsf(x);
  const float s = x * x;
  float near = 7.875875063e-05f;
  near = near * s - 8.016864287e-04f;
  near = near * s + 5.189087423e-03f;
  near = near * s - 2.685421201e-02f;
  near = near * s + 1.128359472e-01f;
  near = near * s - 3.761262667e-01f;
  near = near * s + 1.128379166e+00f;
  const float c = a > 4.0f ? 4.0f : a;
  float g = -1.637151415e-06f;
  g = g * c + 4.605804269e-05f;
  g = g * c - 5.968056257e-04f;
  g = g * c + 4.759596293e-03f;
  g = g * c - 2.642113601e-02f;
  g = g * c + 1.100800829e-01f;
  g = g * c + 6.318260516e-01f;
  g = g * c + 1.130233435e+00f;
  g = g * c - 3.201380497e-04f;
  const float far = __builtin_copysignf(1.0f - pb_exp(-g), x);
  return a < 1.0f ? near * x : far;
}

// The standard normal distribution function, exactly 1 far out and exactly 0 below this.
#define PB_PHI_ZERO (-5.6f)
INLINE float pb_phi(float z) {
  const float value = 0.5f + 0.5f * pb_erf(z * 0.707106781f);
  return z < PB_PHI_ZERO ? 0.0f : value;
}

INLINE float pb_logistic(float z) { return 1.0f / (1.0f + pb_exp(-z)); }

// Sums run in sixteen lanes that are then added pairwise: vectorisable, and the same order on every processor.
#define LANES 16
INLINE float pb_lane_sum(const float *lane) {
  float s[LANES];
  memcpy(s, lane, sizeof s);
  for (int half = LANES / 2; half > 0; half /= 2)
    for (int i = 0; i < half; i++) s[i] += s[i + half];
  return s[0];
}
INLINE double pb_lane_sum_double(const double *lane) {
  double s[LANES];
  memcpy(s, lane, sizeof s);
  for (int half = LANES / 2; half > 0; half /= 2)
    for (int i = 0; i < half; i++) s[i] += s[i + half];
  return s[0];
}
INLINE size_t pb_smaller(size_t a, size_t b) { return a < b ? a : b; }

// relu, in place. A NaN goes through unharmed, so that bad input stays visible.
INLINE void pb_rectify(float *x, size_t n) {
  for (size_t i = 0; i < n; i++) x[i] = x[i] < 0.0f ? 0.0f : x[i];
}

// Row `ih` of a plane with its padding, rectified or as it is; 0 where there is none. Columns are sorted by their
// remainder modulo the stride, so that what a window's place reads along an output row lies side by side: `phase` of
// each, `spacing` apart.
INLINE void pb_pad_row(const float *plane, const pb_window *w, bool rectified, long ih, size_t phase, size_t spacing,
                       float *padded) {
  const size_t s = w->stride_w;
  for (size_t p = 0; p < s; p++) memset(padded + p * spacing, 0, phase * sizeof *padded);
  if (ih < 0 || ih >= (long)w->height) return;
  const float *in = plane + (size_t)ih * w->width;
  const size_t count = s * phase > w->pad_left ? pb_smaller(w->width, s * phase - w->pad_left) : 0;
  if (s == 1) memcpy(padded + w->pad_left, in, count * sizeof *in);
  else
    for (size_t p = 0; p < s; p++) {
      // The first column whose padded place leaves the remainder p.
      const size_t start = (p + s - w->pad_left % s) % s;
      float *out = padded + p * spacing + (start + w->pad_left) / s;
      if (s == 2) for (size_t i = start, o = 0; i < count; i += 2, o++) out[o] = in[i];
      else for (size_t i = start, o = 0; i < count; i += s, o++) out[o] = in[i];
    }
  if (rectified) for (size_t p = 0; p < s; p++) pb_rectify(padded + p * spacing, phase);
}

// Rows [top, top + rows) of a plane with its padding, each of its columns' remainders one behind the other.
INLINE void pb_pad_rows(const float *plane, const pb_window *w, bool rectified, long top, size_t rows, size_t phase,
                        float *padded) {
  for (size_t r = 0; r < rows; r++)
    pb_pad_row(plane, w, rectified, top + (long)r, phase, phase, padded + r * w->stride_w * phase);
}

#endif
