#include "scalar.h"

// Panels for panels.c: what an unrolled convolution multiplies its weights with, or the values of a plane as they are.

CLONES void pb_pack_planes(const float *x, size_t channels, size_t plane, size_t pixel0, size_t pixels,
                           float *restrict panels) {
  for (size_t first = 0; first < pixels; first += PB_PANEL) {
    const size_t columns = pb_smaller(PB_PANEL, pixels - first), length = pb_panel_row(columns);
    float *panel = panels + pb_panel_offset(first, channels);
    const float *in = x + pixel0 + first;
    if (columns == PB_PANEL)
      for (size_t c = 0; c < channels; c++) memcpy(panel + c * PB_PANEL, in + c * plane, PB_PANEL * sizeof *panel);
    else
      for (size_t c = 0; c < channels; c++) {
        for (size_t p = 0; p < columns; p++) panel[c * length + p] = in[c * plane + p];
        for (size_t p = columns; p < length; p++) panel[c * length + p] = 0;
      }
  }
}

// A register's worth of a panel's row: where it comes from and where it goes.
typedef struct {
  size_t from, to;
} piece;

// The pieces of a panel's row, for output places from `place` on. A run along an output row is copied by whole
// registers; what is too much is overwritten by the next run, at last by the next row.
INLINE size_t pieces_of(const pb_window *w, size_t place, size_t row0, size_t columns, size_t stride, piece *pieces) {
  size_t oh = place / w->out_width - row0, ow = place % w->out_width, count = 0;
  for (size_t p = 0; p < columns; oh++, ow = 0) {
    const size_t run = pb_smaller(w->out_width - ow, columns - p);
    for (size_t i = 0; i < run; i += 16) pieces[count++] = (piece){oh * w->stride_h * stride + ow + i, p + i};
    p += run;
  }
  return count;
}

CLONES void pb_pack_windows(const float *x, size_t channels, const pb_window *w, size_t pixel0, size_t pixels,
                            float *restrict panels, float *restrict padded) {
  const size_t kernel = w->kernel_h * w->kernel_w, depth = channels * kernel;
  const size_t row0 = pixel0 / w->out_width, row1 = (pixel0 + pixels - 1) / w->out_width;
  const size_t rows = (row1 - row0) * w->stride_h + (w->kernel_h - 1) * w->dilation_h + 1;
  const size_t phase = pb_padded_phase(w), stride = phase * w->stride_w;
  piece pieces[PB_PANEL];
  for (size_t first = 0; first < pixels; first += PB_PANEL) {
    const size_t columns = pb_smaller(PB_PANEL, pixels - first), length = pb_panel_row(columns);
    const size_t count = pieces_of(w, pixel0 + first, row0, columns, stride, pieces);
    float *row = panels + pb_panel_offset(first, depth);
    for (size_t c = 0; c < channels; c++) {
      float *plane = padded + c * rows * stride;
      if (first == 0)
        pb_pad_rows(x + c * w->height * w->width, w, (long)(row0 * w->stride_h) - (long)w->pad_top, rows, phase, plane);
      for (size_t i = 0; i < w->kernel_h; i++)
        for (size_t j = 0; j < w->kernel_w; j++, row += length) {
          const size_t shift = j * w->dilation_w;
          const float *in = plane + i * w->dilation_h * stride + shift % w->stride_w * phase + shift / w->stride_w;
          for (size_t p = 0; p < count; p++) memcpy(row + pieces[p].to, in + pieces[p].from, 16 * sizeof *row);
        }
    }
  }
}

size_t pb_padded_phase(const pb_window *w) {
  const size_t extent = (w->out_width - 1) * w->stride_w + (w->kernel_w - 1) * w->dilation_w + 1;
  return (extent + w->stride_w - 1) / w->stride_w;
}

size_t pb_padded_count(const pb_window *w, size_t channels, size_t pixels) {
  const size_t steps = (pixels + w->out_width - 2) / w->out_width;
  const size_t rows = steps * w->stride_h + (w->kernel_h - 1) * w->dilation_h + 1;
  return channels * rows * pb_padded_phase(w) * w->stride_w + 16;
}

size_t pb_panels_count(size_t depth, size_t pixels) { return pb_panel_offset(pixels + PB_PANEL, depth); }
