#include "scalar.h"

// Winograd's minimal filtering F(2 x 2, 3 x 3): 16 multiplications make four outputs of a 3 x 3 convolution instead of
// 36. Its transforms only add and halve, so that rounding errors stay those of the direct sum. Source: Lavin & Gray
// 2015 (arXiv 1509.09308).
//
// A tile is 2 x 2 outputs. Rows of tiles are transformed side by side, in 16 components each.

// u = G w G^T of `count` kernels; component xi of all kernels lies at u + xi count.
CLONES void pb_winograd_weights(const float *w, size_t count, float *restrict u) {
  for (size_t n = 0; n < count; n++) {
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
      u[(4 * i + 0) * count + n] = half[i][0];
      u[(4 * i + 1) * count + n] = outer + middle;
      u[(4 * i + 2) * count + n] = outer - middle;
      u[(4 * i + 3) * count + n] = half[i][2];
    }
  }
}

// B^T d B of one row of tiles. Row r of the input has its even columns at d + r row and its odd ones `phase` further.
INLINE void transform_row(const float *d, size_t row, size_t phase, size_t tiles, size_t stride, float *restrict out) {
  IN_PLACE
  for (size_t t = 0; t < tiles; t++) {
    float a[4][4];
    for (int r = 0; r < 4; r++) {
      const float *even = d + (size_t)r * row, *odd = even + phase;
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

CLONES void pb_winograd_input(const float *x, size_t channels, const pb_window *w, size_t row0, size_t rows,
                              float *restrict panels, float *restrict scratch) {
  const size_t across = (w->out_width + 1) / 2, tiles = rows * across, stride = (tiles + 15) / 16 * 16;
  const size_t spacing = pb_panels_count(channels, tiles);
  // Tiles are windows of 4 x 4 at stride 2.
  const pb_window tile = {w->height, w->width, 0, across, 4, 4, 2, 2, 1, 1, w->pad_top, w->pad_left};
  const size_t phase = pb_padded_phase(&tile);
  float *transformed = scratch + (2 * rows + 2) * 2 * phase;
  memset(transformed, 0, 16 * stride * sizeof *transformed);
  for (size_t c = 0; c < channels; c++) {
    pb_pad_rows(x + c * w->height * w->width, &tile, (long)(2 * row0) - (long)w->pad_top, 2 * rows + 2, phase, scratch);
    for (size_t r = 0; r < rows; r++)
      transform_row(scratch + 4 * r * phase, 2 * phase, phase, across, stride, transformed + r * across);
    for (size_t xi = 0; xi < 16; xi++)
      for (size_t first = 0; first < tiles; first += PB_PANEL) {
        const size_t rest = tiles - first, length = pb_panel_row(rest < PB_PANEL ? rest : PB_PANEL);
        float *row = panels + xi * spacing + pb_panel_offset(first, channels) + c * length;
        const float *in = transformed + xi * stride + first;
        for (size_t t = 0; t < length; t += 16) memcpy(row + t, in + t, 16 * sizeof *row);
      }
  }
}

size_t pb_winograd_scratch(const pb_window *w, size_t rows) {
  const size_t across = (w->out_width + 1) / 2;
  return (2 * rows + 2) * 2 * (across + 1) + 16 * ((rows * across + 15) / 16 * 16);
}

// A^T m A of the tile rows [row0, row0 + rows) of one plane.
CLONES void pb_winograd_output(const float *m, size_t spacing, const pb_window *w, size_t row0, size_t rows,
                               float *restrict y, float *restrict scratch) {
  const size_t across = (w->out_width + 1) / 2;
  for (size_t r = 0; r < rows; r++) {
    const float *tile = m + r * across;
    float *upper = scratch, *lower = scratch + 2 * across;
    IN_PLACE
    for (size_t t = 0; t < across; t++) {
      float a[2][4];
      for (size_t c = 0; c < 4; c++) {
        const float m0 = tile[c * spacing + t], m1 = tile[(4 + c) * spacing + t];
        const float m2 = tile[(8 + c) * spacing + t], m3 = tile[(12 + c) * spacing + t];
        a[0][c] = m0 + m1 + m2;
        a[1][c] = m1 - m2 - m3;
      }
      upper[2 * t] = a[0][0] + a[0][1] + a[0][2];
      upper[2 * t + 1] = a[0][1] - a[0][2] - a[0][3];
      lower[2 * t] = a[1][0] + a[1][1] + a[1][2];
      lower[2 * t + 1] = a[1][1] - a[1][2] - a[1][3];
    }
    float *out = y + 2 * (row0 + r) * w->out_width;
    memcpy(out, upper, w->out_width * sizeof *out);
    if (2 * (row0 + r) + 1 < w->out_height) memcpy(out + w->out_width, lower, w->out_width * sizeof *out);
  }
}
