#include "scalar.h"

CLONES void pb_add(const float *a, const float *b, float *y, size_t n) {
  for (size_t i = 0; i < n; i++) y[i] = a[i] + b[i];
}

CLONES void pb_accumulate(const float *a, float *restrict y, size_t n) {
  for (size_t i = 0; i < n; i++) y[i] += a[i];
}

CLONES void pb_multiply(const float *a, const float *b, float *y, size_t n) {
  for (size_t i = 0; i < n; i++) y[i] = a[i] * b[i];
}

CLONES void pb_scale(const float *x, float factor, float *y, size_t n) {
  for (size_t i = 0; i < n; i++) y[i] = factor * x[i];
}

CLONES void pb_clamp(const float *x, float low, float high, float *y, size_t n) {
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
  for (size_t i = 0; i < n; i++) y[i] = scale * x[i] + shift;
}

CLONES void pb_affine_pair(const float *v, float a, const float *x, float b, float c, float *y, size_t n) {
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

// y[i][j] = x[j][i], four by four in registers.
static void transpose(const float *x, float *restrict y, size_t rows, size_t columns, size_t stride) {
  typedef float Four __attribute__((vector_size(16), aligned(4)));
  const size_t whole_rows = rows / 4 * 4, whole_columns = columns / 4 * 4;
  for (size_t j = 0; j < whole_columns; j += 4)
    for (size_t i = 0; i < whole_rows; i += 4) {
      const float *in = x + j * stride + i;
      float *out = y + i * columns + j;
      const Four a = *(const Four *)in, b = *(const Four *)(in + stride);
      const Four c = *(const Four *)(in + 2 * stride), d = *(const Four *)(in + 3 * stride);
      const Four ab = __builtin_shufflevector(a, b, 0, 4, 1, 5), AB = __builtin_shufflevector(a, b, 2, 6, 3, 7);
      const Four cd = __builtin_shufflevector(c, d, 0, 4, 1, 5), CD = __builtin_shufflevector(c, d, 2, 6, 3, 7);
      *(Four *)out = __builtin_shufflevector(ab, cd, 0, 1, 4, 5);
      *(Four *)(out + columns) = __builtin_shufflevector(ab, cd, 2, 3, 6, 7);
      *(Four *)(out + 2 * columns) = __builtin_shufflevector(AB, CD, 0, 1, 4, 5);
      *(Four *)(out + 3 * columns) = __builtin_shufflevector(AB, CD, 2, 3, 6, 7);
    }
  for (size_t i = 0; i < rows; i++)
    for (size_t j = i < whole_rows ? whole_columns : 0; j < columns; j++) y[i * columns + j] = x[j * stride + i];
}

void pb_permute(const float *x, float *y, const size_t *extent, const size_t *stride, size_t rank) {
  if (rank == 0) {
    *y = *x;
  } else if (rank == 1) {
    if (stride[0] == 1) memcpy(y, x, extent[0] * sizeof *y);
    else for (size_t i = 0; i < extent[0]; i++) y[i] = x[i * stride[0]];
  } else if (rank == 2 && stride[0] == 1 && stride[1] > 1) {
    transpose(x, y, extent[0], extent[1], stride[1]);
  } else {
    size_t inner = 1;
    for (size_t axis = 1; axis < rank; axis++) inner *= extent[axis];
    for (size_t i = 0; i < extent[0]; i++) pb_permute(x + i * stride[0], y + i * inner, extent + 1, stride + 1, rank - 1);
  }
}
