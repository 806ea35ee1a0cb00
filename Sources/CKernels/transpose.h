// Transposition by registers, for matrices and for weights in strips.
#ifndef TRANSPOSE_H
#define TRANSPOSE_H
#include "scalar.h"

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
INLINE void pb_transpose(const float *x, float *restrict y, size_t rows, size_t columns, size_t stride) {
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

#endif
