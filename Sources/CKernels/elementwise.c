#include "scalar.h"
#include "transpose.h"

CLONES void pb_add(const float *a, const float *b, float *y, size_t n) {
  IN_PLACE
  for (size_t i = 0; i < n; i++) y[i] = a[i] + b[i];
}

CLONES void pb_accumulate(const float *a, float *restrict y, size_t n) {
  for (size_t i = 0; i < n; i++) y[i] += a[i];
}

CLONES void pb_multiply(const float *a, const float *b, float *y, size_t n) {
  IN_PLACE
  for (size_t i = 0; i < n; i++) y[i] = a[i] * b[i];
}

CLONES void pb_scale(const float *x, float factor, float *y, size_t n) {
  IN_PLACE
  for (size_t i = 0; i < n; i++) y[i] = factor * x[i];
}

CLONES void pb_clamp(const float *x, float low, float high, float *y, size_t n) {
  IN_PLACE
  for (size_t i = 0; i < n; i++) y[i] = x[i] < low ? low : (x[i] > high ? high : x[i]);
}

CLONES void pb_axpy(float factor, const float *x, float *restrict y, size_t n) {
  for (size_t i = 0; i < n; i++) y[i] += factor * x[i];
}

CLONES double pb_dot(const float *a, const float *b, size_t n) {
  double lane[LANES] = {0};
  size_t i = 0;
  for (; i + LANES <= n; i += LANES)
    for (size_t l = 0; l < LANES; l++) lane[l] += (double)a[i + l] * (double)b[i + l];
  for (size_t l = 0; i < n; i++, l++) lane[l] += (double)a[i] * (double)b[i];
  return pb_lane_sum_double(lane);
}

CLONES double pb_sum(const float *a, size_t n) {
  double lane[LANES] = {0};
  size_t i = 0;
  for (; i + LANES <= n; i += LANES)
    for (size_t l = 0; l < LANES; l++) lane[l] += (double)a[i + l];
  for (size_t l = 0; i < n; i++, l++) lane[l] += (double)a[i];
  return pb_lane_sum_double(lane);
}

CLONES double pb_squared_deviations(const float *a, double mean, size_t n) {
  double lane[LANES] = {0};
  size_t i = 0;
  for (; i + LANES <= n; i += LANES)
    for (size_t l = 0; l < LANES; l++) lane[l] += ((double)a[i + l] - mean) * ((double)a[i + l] - mean);
  for (size_t l = 0; i < n; i++, l++) lane[l] += ((double)a[i] - mean) * ((double)a[i] - mean);
  return pb_lane_sum_double(lane);
}

CLONES void pb_affine(const float *x, float scale, float shift, float *y, size_t n) {
  IN_PLACE
  for (size_t i = 0; i < n; i++) y[i] = scale * x[i] + shift;
}

CLONES void pb_affine_pair(const float *v, float a, const float *x, float b, float c, float *y, size_t n) {
  IN_PLACE
  for (size_t i = 0; i < n; i++) y[i] = a * v[i] + b * x[i] + c;
}

CLONES void pb_add_row(const float *row, float *restrict y, size_t rows, size_t columns) {
  for (size_t r = 0; r < rows; r++)
    for (size_t c = 0; c < columns; c++) y[r * columns + c] += row[c];
}

CLONES void pb_accumulate_rows(const float *x, float *restrict y, size_t rows, size_t columns) {
  for (size_t r = 0; r < rows; r++)
    for (size_t c = 0; c < columns; c++) y[c] += x[r * columns + c];
}

CLONES static void transpose_rows(const float *x, float *y, size_t rows, size_t columns, size_t stride) {
  pb_transpose(x, y, rows, columns, stride);
}

void pb_permute(const float *x, float *y, const size_t *extent, const size_t *stride, size_t rank) {
  if (rank == 0) {
    *y = *x;
  } else if (rank == 1) {
    if (stride[0] == 1) memcpy(y, x, extent[0] * sizeof *y);
    else for (size_t i = 0; i < extent[0]; i++) y[i] = x[i * stride[0]];
  } else if (rank == 2 && stride[0] == 1 && stride[1] > 1) {
    transpose_rows(x, y, extent[0], extent[1], stride[1]);
  } else {
    size_t inner = 1;
    for (size_t axis = 1; axis < rank; axis++) inner *= extent[axis];
    for (size_t i = 0; i < extent[0]; i++)
      pb_permute(x + i * stride[0], y + i * inner, extent + 1, stride + 1, rank - 1);
  }
}

void pb_prefetch(const float *x, size_t n) {
  for (size_t i = 0; i < n; i += 16) __builtin_prefetch(x + i);
}

CLONES void pb_add_rectified(const float *a, const float *b, float *y, size_t n) {
  IN_PLACE
  for (size_t i = 0; i < n; i++) y[i] = (a[i] < 0.0f ? 0.0f : a[i]) + b[i];
}
