#include "scalar.h"
#include "transpose.h"

// The factors of panels.c: weights in strips, and panels of what an unrolled convolution multiplies them with, or of
// the values of a plane as they are.

CLONES void pb_pack_strips(const float *weights, size_t rows, size_t depth, float *restrict strips) {
  for (size_t first = 0; first < rows; first += PB_STRIP, strips += PB_STRIP * depth) {
    const float *row = weights + first * depth;
    const size_t count = pb_smaller(PB_STRIP, rows - first);
    if (count == PB_STRIP)
      pb_transpose(row, strips, depth, PB_STRIP, depth);
    else
      for (size_t k = 0; k < depth; k++)
        for (size_t r = 0; r < PB_STRIP; r++) strips[k * PB_STRIP + r] = r < count ? row[r * depth + k] : 0.0f;
  }
}

CLONES void pb_pack_planes(const float *x, size_t image, size_t channels, size_t plane, bool rectified, size_t place,
                           size_t places, float *restrict panels) {
  for (size_t first = 0; first < places; first += PB_PANEL) {
    const size_t columns = pb_smaller(PB_PANEL, places - first), length = pb_panel_row(columns);
    float *panel = panels + pb_panel_offset(first, channels);
    const float *in = x + (place + first) / plane * image;
    const size_t start = (place + first) % plane;
    if (columns == PB_PANEL && start + PB_PANEL <= plane)
      for (size_t c = 0; c < channels; c++) {
        memcpy(panel + c * PB_PANEL, in + c * plane + start, PB_PANEL * sizeof *panel);
        if (rectified) pb_rectify(panel + c * PB_PANEL, PB_PANEL);
      }
    else
      for (size_t c = 0; c < channels; c++) {
        float *row = panel + c * length;
        const float *run = in + c * plane;
        size_t p = 0;
        for (size_t at = start; p < columns; at = 0, run += image) {
          const size_t count = pb_smaller(plane - at, columns - p);
          memcpy(row + p, run + at, count * sizeof *row);
          p += count;
        }
        for (; p < length; p++) row[p] = 0;
        if (rectified) pb_rectify(row, length);
      }
  }
}

// A register's worth of a panel's row: where it comes from and where it goes.
typedef struct {
  size_t from, to;
} piece;

// The pieces of a panel's row, for output places from `place` on: `row` and `image` apart lie the padded input rows of
// two output rows, and those of two images. A run along an output row is copied by whole registers; what is too much
// is overwritten by the next run, at last by the next row.
INLINE size_t pieces_of(const pb_window *w, size_t place, size_t columns, size_t row, size_t image, piece *pieces) {
  const size_t plane = w->out_height * w->out_width;
  size_t n = place / plane, oh = place % plane / w->out_width, ow = place % w->out_width, count = 0;
  for (size_t p = 0; p < columns; ow = 0) {
    const size_t run = pb_smaller(w->out_width - ow, columns - p);
    for (size_t i = 0; i < run; i += 16) pieces[count++] = (piece){n * image + oh * row + ow + i, p + i};
    p += run;
    if (++oh == w->out_height) {
      oh = 0;
      n++;
    }
  }
  return count;
}

CLONES void pb_pack_windows(const float *x, size_t image, size_t channels, const pb_window *w, bool rectified,
                            size_t place, size_t places, float *restrict panels, float *restrict padded) {
  const size_t kernel = w->kernel_h * w->kernel_w, depth = channels * kernel, plane = w->out_height * w->out_width;
  const size_t images = (place + places + plane - 1) / plane;
  const size_t row0 = place / w->out_width, row1 = images > 1 ? w->out_height - 1 : (place + places - 1) / w->out_width;
  const size_t rows = (row1 - row0) * w->stride_h + (w->kernel_h - 1) * w->dilation_h + 1;
  const size_t phase = pb_padded_phase(w), stride = phase * w->stride_w, size = rows * stride;
  const long top = (long)(row0 * w->stride_h) - (long)w->pad_top;
  piece pieces[PB_PANEL];
  for (size_t first = 0; first < places; first += PB_PANEL) {
    const size_t columns = pb_smaller(PB_PANEL, places - first), length = pb_panel_row(columns);
    const size_t count =
        pieces_of(w, place - row0 * w->out_width + first, columns, w->stride_h * stride, size, pieces);
    float *row = panels + pb_panel_offset(first, depth);
    for (size_t c = 0; c < channels; c++) {
      float *rows_of_c = padded + c * images * size;
      for (size_t n = 0; n < images && first == 0; n++)
        pb_pad_rows(x + n * image + c * w->height * w->width, w, rectified, top, rows, phase, rows_of_c + n * size);
      for (size_t i = 0; i < w->kernel_h; i++)
        for (size_t j = 0; j < w->kernel_w; j++, row += length) {
          const size_t shift = j * w->dilation_w;
          const float *in = rows_of_c + i * w->dilation_h * stride + shift % w->stride_w * phase + shift / w->stride_w;
          for (size_t p = 0; p < count; p++) memcpy(row + pieces[p].to, in + pieces[p].from, 16 * sizeof *row);
        }
    }
  }
}

size_t pb_padded_phase(const pb_window *w) {
  const size_t extent = (w->out_width - 1) * w->stride_w + (w->kernel_w - 1) * w->dilation_w + 1;
  return (extent + w->stride_w - 1) / w->stride_w;
}

size_t pb_padded_count(const pb_window *w, size_t channels, size_t places) {
  const size_t plane = w->out_height * w->out_width, images = (places + plane - 1) / plane;
  const size_t steps = images > 1 ? w->out_height - 1 : (places + w->out_width - 2) / w->out_width;
  const size_t rows = steps * w->stride_h + (w->kernel_h - 1) * w->dilation_h + 1;
  return channels * images * rows * pb_padded_phase(w) * w->stride_w + 16;
}

size_t pb_panels_count(size_t depth, size_t places) { return pb_panel_offset(places + PB_PANEL, depth); }
