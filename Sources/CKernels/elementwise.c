#include "scalar.h"

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

typedef float eight __attribute__((vector_size(32)));
#define SHUFFLE __builtin_shufflevector

// Eight by eight, in registers: pairs of values, pairs of pairs, and halves change places.
INLINE void transpose_square(const float *x, size_t stride, float *restrict y, size_t columns) {
  eight a[8], b[8];
  for (size_t i = 0; i < 8; i++) memcpy(&a[i], x + i * stride, sizeof a[i]);
  for (size_t i = 0; i < 8; i += 2) {
    b[i] = SHUFFLE(a[i], a[i + 1], 0, 8, 1, 9, 4, 12, 5, 13);
    b[i + 1] = SHUFFLE(a[i], a[i + 1], 2, 10, 3, 11, 6, 14, 7, 15);
  }
  for (size_t half = 0; half < 8; half += 4)
    for (size_t i = 0; i < 2; i++) {
      const eight low = b[half + i], high = b[half + 2 + i];
      a[half + 2 * i] = SHUFFLE(low, high, 0, 1, 8, 9, 4, 5, 12, 13);
      a[half + 2 * i + 1] = SHUFFLE(low, high, 2, 3, 10, 11, 6, 7, 14, 15);
    }
  for (size_t i = 0; i < 4; i++) {
    const eight left = SHUFFLE(a[i], a[i + 4], 0, 1, 2, 3, 8, 9, 10, 11);
    const eight right = SHUFFLE(a[i], a[i + 4], 4, 5, 6, 7, 12, 13, 14, 15);
    memcpy(y + i * columns, &left, sizeof left);
    memcpy(y + (i + 4) * columns, &right, sizeof right);
  }
}

// y (rows x columns) is the transpose of x, whose columns lie `stride` apart: by squares, two of them below each other
// for a cache line of x, in bands that touch few pages. The last squares overlap those before them.
INLINE void transpose(const float *x, float *restrict y, size_t rows, size_t columns, size_t stride) {
  if (rows < 8 || columns < 8) {
    for (size_t r = 0; r < rows; r++)
      for (size_t c = 0; c < columns; c++) y[r * columns + c] = x[c * stride + r];
    return;
  }
  for (size_t band = 0; band < columns; band += 64)
    for (size_t r0 = 0; r0 < rows; r0 += 16)
      for (size_t c0 = band; c0 < pb_smaller(columns, band + 64); c0 += 8) {
        const size_t c = pb_smaller(c0, columns - 8);
        for (size_t r1 = r0; r1 < pb_smaller(rows, r0 + 16); r1 += 8) {
          const size_t r = pb_smaller(r1, rows - 8);
          transpose_square(x + c * stride + r, stride, y + r * columns + c, columns);
        }
      }
}

CLONES static void transpose_rows(const float *x, float *y, size_t rows, size_t columns, size_t stride) {
  transpose(x, y, rows, columns, stride);
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
