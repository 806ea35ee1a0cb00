#include "scalar.h"

// Winograd's minimal filtering F(2 x 2, 3 x 3): 16 multiplications make four outputs of a 3 x 3 convolution instead of
// 36. Its transforms only add and halve, so that rounding errors stay those of the direct sum. Source: Lavin & Gray
// 2015 (arXiv 1509.09308).
//
// A tile is 2 x 2 outputs. Rows of tiles are transformed side by side, in 16 components each.

// u = G w G^T, one component of all kernels after another, each in strips.
CLONES void pb_winograd_weights(const float *w, size_t outputs, size_t inputs, float *restrict u) {
  const size_t size = (outputs + PB_STRIP - 1) / PB_STRIP * PB_STRIP * inputs;
  if (size > outputs * inputs) memset(u, 0, 16 * size * sizeof *u);
  for (size_t n = 0; n < outputs * inputs; n++) {
    const size_t output = n / inputs, input = n % inputs;
    float *out = u + output / PB_STRIP * PB_STRIP * inputs + input * PB_STRIP + output % PB_STRIP;
    const float *g = w + 9 * n;
    float half[4][3];
    for (int j = 0; j < 3; j++) {
      const float outer = 0.5f * (g[j] + g[6 + j]), middle = 0.5f * g[3 + j];
      half[0][j] = g[j];
      half[1][j] = outer + middle;
      half[2][j] = outer - middle;
      half[3][j] = g[6 + j];
    }
    for (size_t i = 0; i < 4; i++) {
      const float outer = 0.5f * (half[i][0] + half[i][2]), middle = 0.5f * half[i][1];
      out[(4 * i + 0) * size] = half[i][0];
      out[(4 * i + 1) * size] = outer + middle;
      out[(4 * i + 2) * size] = outer - middle;
      out[(4 * i + 3) * size] = half[i][2];
    }
  }
}

// The input of rows of tiles, sorted by the parity of rows and columns, so that what the tiles' places read lies side
// by side: four planes of `rows` + 1 rows of `phase` values. The last value of a row belongs to no tile.
INLINE void sort_by_parity(const float *plane, const pb_window *w, bool rectified, size_t row0, size_t rows,
                           size_t phase, float *restrict sorted) {
  const pb_window pairs = {w->height, w->width, 0, phase, 1, 1, 2, 2, 1, 1, w->pad_top, w->pad_left};
  for (size_t r = 0; r < 2 * rows + 2; r++) {
    float *even = sorted + (r % 2 * 2 * (rows + 1) + r / 2) * phase;
    pb_pad_row(plane, &pairs, rectified, (long)(2 * row0 + r) - (long)w->pad_top, phase, (rows + 1) * phase, even);
  }
}

// B^T d B of all tiles of sorted planes `plane` values apart; component xi of tile t goes to out + xi stride + t.
INLINE void transform_tiles(const float *sorted, size_t plane, size_t phase, size_t tiles, size_t stride,
                            float *restrict out) {
  IN_PLACE
  for (size_t t = 0; t < tiles; t++) {
    float a[4][4];
    for (int r = 0; r < 4; r++) {
      const float *even = sorted + (size_t)(r % 2 * 2) * plane + (size_t)(r / 2) * phase, *odd = even + plane;
      a[r][0] = even[t] - even[t + 1];
      a[r][1] = odd[t] + even[t + 1];
      a[r][2] = even[t + 1] - odd[t];
      a[r][3] = odd[t] - odd[t + 1];
    }
    for (int c = 0; c < 4; c++) {
      out[(size_t)(0 + c) * stride + t] = a[0][c] - a[2][c];
      out[(size_t)(4 + c) * stride + t] = a[1][c] + a[2][c];
      out[(size_t)(8 + c) * stride + t] = a[2][c] - a[1][c];
      out[(size_t)(12 + c) * stride + t] = a[1][c] - a[3][c];
    }
  }
}

CLONES void pb_winograd_input(const float *x, size_t channels, const pb_window *w, bool rectified, size_t row0,
                              size_t rows, float *restrict panels, float *restrict scratch) {
  const size_t across = (w->out_width + 1) / 2, tiles = rows * across, phase = across + 1;
  const size_t spacing = pb_panels_count(channels, tiles);
  const size_t plane = (rows + 1) * phase, stride = rows * phase;
  float *transformed = scratch + 4 * plane + 16;
  memset(scratch + 4 * plane, 0, 16 * sizeof *scratch);
  for (size_t c = 0; c < channels; c++) {
    sort_by_parity(x + c * w->height * w->width, w, rectified, row0, rows, phase, scratch);
    transform_tiles(scratch, plane, phase, stride, stride, transformed);
    for (size_t first = 0; first < tiles; first += PB_PANEL) {
      const size_t columns = pb_smaller(PB_PANEL, tiles - first), length = pb_panel_row(columns);
      float *row = panels + pb_panel_offset(first, channels) + c * length;
      for (size_t xi = 0; xi < 16; xi++, row += spacing) {
        // Runs along a row of tiles, by whole registers: what is too much is overwritten by the next run, at last by
        // the next row of the panel.
        size_t tile = first % across;
        const float *in = transformed + xi * stride + first / across * phase;
        for (size_t t = 0; t < columns; in += phase, tile = 0) {
          const size_t run = pb_smaller(across - tile, columns - t);
          for (size_t i = 0; i < run; i += 16) memcpy(row + t + i, in + tile + i, 16 * sizeof *row);
          t += run;
        }
      }
    }
  }
}

size_t pb_winograd_scratch(const pb_window *w, size_t rows) {
  const size_t phase = (w->out_width + 1) / 2 + 1;
  return 4 * (rows + 1) * phase + 16 * rows * phase + 32;
}

// A^T m A of the tile rows [row0, row0 + rows) of one plane.
CLONES void pb_winograd_output(const float *m, size_t spacing, const pb_window *w, size_t row0, size_t rows,
                               float *restrict y, float *restrict scratch) {
  const size_t across = (w->out_width + 1) / 2, tiles = rows * across;
  float *upper = scratch, *lower = scratch + 2 * tiles;
  IN_PLACE
  for (size_t t = 0; t < tiles; t++) {
    float a[2][4];
    for (size_t c = 0; c < 4; c++) {
      const float m0 = m[c * spacing + t], m1 = m[(4 + c) * spacing + t];
      const float m2 = m[(8 + c) * spacing + t], m3 = m[(12 + c) * spacing + t];
      a[0][c] = m0 + m1 + m2;
      a[1][c] = m1 - m2 - m3;
    }
    upper[2 * t] = a[0][0] + a[0][1] + a[0][2];
    upper[2 * t + 1] = a[0][1] - a[0][2] - a[0][3];
    lower[2 * t] = a[1][0] + a[1][1] + a[1][2];
    lower[2 * t + 1] = a[1][1] - a[1][2] - a[1][3];
  }
  for (size_t r = 0; r < rows; r++) {
    float *out = y + 2 * (row0 + r) * w->out_width;
    memcpy(out, upper + 2 * r * across, w->out_width * sizeof *out);
    if (2 * (row0 + r) + 1 < w->out_height)
      memcpy(out + w->out_width, lower + 2 * r * across, w->out_width * sizeof *out);
  }
}
