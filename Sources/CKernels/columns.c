#include "scalar.h"

CLONES void pb_columns(const float *x, size_t channels, const pb_window *w, size_t row0, size_t row1,
                       float *restrict columns) {
  const size_t pixels = (row1 - row0) * w->out_width;
  for (size_t c = 0; c < channels; c++)
    for (size_t i = 0; i < w->kernel_h; i++)
      for (size_t j = 0; j < w->kernel_w; j++) {
        float *row = columns + ((c * w->kernel_h + i) * w->kernel_w + j) * pixels;
        const long shift = (long)(j * w->dilation_w) - (long)w->pad_left;
        size_t low, high;
        pb_valid_range(shift, w->stride_w, w->width, w->out_width, &low, &high);
        for (size_t oh = row0; oh < row1; oh++, row += w->out_width) {
          const long ih = (long)(oh * w->stride_h + i * w->dilation_h) - (long)w->pad_top;
          if (ih < 0 || ih >= (long)w->height) {
            memset(row, 0, w->out_width * sizeof *row);
            continue;
          }
          const float *in = x + (c * w->height + (size_t)ih) * w->width;
          for (size_t ow = 0; ow < low; ow++) row[ow] = 0;
          if (w->stride_w == 1) memcpy(row + low, in + (long)low + shift, (high - low) * sizeof *row);
          else for (size_t ow = low; ow < high; ow++) row[ow] = in[(long)(ow * w->stride_w) + shift];
          for (size_t ow = high; ow < w->out_width; ow++) row[ow] = 0;
        }
      }
}

CLONES void pb_columns_adjoint(const float *columns, size_t spacing, size_t channels, const pb_window *w, size_t row0,
                               size_t row1, float *restrict dx) {
  for (size_t c = 0; c < channels; c++)
    for (size_t i = 0; i < w->kernel_h; i++)
      for (size_t j = 0; j < w->kernel_w; j++) {
        const float *row = columns + ((c * w->kernel_h + i) * w->kernel_w + j) * spacing;
        const long shift = (long)(j * w->dilation_w) - (long)w->pad_left;
        size_t low, high;
        pb_valid_range(shift, w->stride_w, w->width, w->out_width, &low, &high);
        for (size_t oh = row0; oh < row1; oh++, row += w->out_width) {
          const long ih = (long)(oh * w->stride_h + i * w->dilation_h) - (long)w->pad_top;
          if (ih < 0 || ih >= (long)w->height) continue;
          float *out = dx + (c * w->height + (size_t)ih) * w->width;
          if (w->stride_w == 1)
            for (size_t ow = low; ow < high; ow++) out[(long)ow + shift] += row[ow];
          else
            for (size_t ow = low; ow < high; ow++) out[(long)(ow * w->stride_w) + shift] += row[ow];
        }
      }
}

// Calls STEP for every pair of input row `in` and output row `out` that kernel place (i, j) joins, with the valid
// output columns [low, high) and the shift from output to input columns.
#define FOR_EACH_ROW_PAIR(w, STEP)                                                                \
  for (size_t i = 0; i < (w)->kernel_h; i++)                                                      \
    for (size_t j = 0; j < (w)->kernel_w; j++) {                                                  \
      const long shift = (long)(j * (w)->dilation_w) - (long)(w)->pad_left;                       \
      size_t low, high;                                                                           \
      pb_valid_range(shift, (w)->stride_w, (w)->width, (w)->out_width, &low, &high);                 \
      for (size_t oh = 0; oh < (w)->out_height; oh++) {                                           \
        const long ih = (long)(oh * (w)->stride_h + i * (w)->dilation_h) - (long)(w)->pad_top;    \
        if (ih < 0 || ih >= (long)(w)->height) continue;                                          \
        const size_t in = (size_t)ih * (w)->width, out = oh * (w)->out_width;                     \
        const size_t k = i * (w)->kernel_w + j;                                                   \
        STEP                                                                                      \
      }                                                                                           \
    }

// Most places that a kernel of the fast path may have.
#define PLACES 64
// Rows that are summed up at once: so many sums hide how long one takes.
#define ROWS 4

// Values side by side, wherever they lie.
typedef float lanes __attribute__((vector_size(LANES * sizeof(float)), aligned(sizeof(float)), may_alias));

// `rows` rows of LANES sums over the places of a kernel: sum[r][l] = bias + sum_k kernel[k] in[r * step + l + from[k]].
INLINE void sum_lanes(const float *in, size_t step, const float *kernel, const ptrdiff_t *from, size_t places,
                      float bias, size_t rows, lanes *sum) {
  for (size_t r = 0; r < rows; r++) sum[r] = bias - (lanes){0};
  for (size_t k = 0; k < places; k++)
    for (size_t r = 0; r < rows; r++) sum[r] += kernel[k] * *(const lanes *)(in + r * step + from[k]);
}

// The same for `rows` rows of `width` sums each, which lie in y without a gap before `end`. What a whole register has
// too much is overwritten: the last registers of rows go first.
INLINE void sum_rows(const float *in, size_t step, const float *kernel, const ptrdiff_t *from, size_t places,
                     float bias, size_t rows, size_t width, float *y, const float *end) {
  for (size_t blocks = (width + LANES - 1) / LANES; blocks > 0; blocks--) {
    const size_t o = (blocks - 1) * LANES;
    lanes sum[ROWS];
    sum_lanes(in + o, step, kernel, from, places, bias, rows, sum);
    for (size_t r = 0; r < rows; r++) {
      float *to = y + r * width + o;
      if (to + LANES <= end) memcpy(to, sum + r, sizeof *sum);
      else memcpy(to, sum + r, (size_t)(end - to) * sizeof *to);
    }
  }
}

// The same for any number of rows.
INLINE void sum_places(const float *in, size_t step, const float *kernel, const ptrdiff_t *from, size_t places,
                       float bias, size_t rows, size_t width, float *restrict y) {
  const float *end = y + rows * width;
  size_t r = 0;
  for (; r + ROWS <= rows; r += ROWS)
    sum_rows(in + r * step, step, kernel, from, places, bias, ROWS, width, y + r * width, end);
  for (; r < rows; r++) sum_rows(in + r * step, step, kernel, from, places, bias, 1, width, y + r * width, end);
}

CLONES void pb_depthwise(const float *x, const float *kernel, float bias, const pb_window *w, float *restrict y,
                         float *restrict padded) {
  const size_t places = w->kernel_h * w->kernel_w;
  if (places <= PLACES) {
    const size_t phase = pb_padded_phase(w), stride = phase * w->stride_w;
    const size_t rows = (w->out_height - 1) * w->stride_h + (w->kernel_h - 1) * w->dilation_h + 1;
    pb_pad_rows(x, w, false, -(long)w->pad_top, rows, phase, padded);
    ptrdiff_t from[PLACES];
    for (size_t i = 0, k = 0; i < w->kernel_h; i++)
      for (size_t j = 0; j < w->kernel_w; j++, k++) {
        const size_t right = j * w->dilation_w;
        from[k] = (ptrdiff_t)(i * w->dilation_h * stride + right % w->stride_w * phase + right / w->stride_w);
      }
    return sum_places(padded, w->stride_h * stride, kernel, from, places, bias, w->out_height, w->out_width, y);
  }
  for (size_t p = 0; p < w->out_height * w->out_width; p++) y[p] = bias;
  FOR_EACH_ROW_PAIR(w, {
    const float weight = kernel[k];
    if (w->stride_w == 1)
      for (size_t o = low; o < high; o++) y[out + o] += weight * x[(long)(in + o) + shift];
    else
      for (size_t o = low; o < high; o++) y[out + o] += weight * x[(long)(in + o * w->stride_w) + shift];
  })
}

// The adjoint at a horizontal stride of 2: input columns of one parity take cotangents side by side, and so do input rows
// of one remainder by the vertical stride.
typedef struct {
  size_t above, left;   // zeros before the cotangents
  size_t length;        // input columns of one parity, in whole registers
  size_t rows, columns; // of the cotangents with their zeros
} halves;

INLINE size_t divided_up(size_t a, size_t b) { return (a + b - 1) / b; }
INLINE size_t larger(size_t a, size_t b) { return a > b ? a : b; }

INLINE halves halves_of(const pb_window *w) {
  const size_t above = divided_up((w->kernel_h - 1) * w->dilation_h, w->stride_h);
  const size_t left = divided_up((w->kernel_w - 1) * w->dilation_w, 2);
  const size_t length = divided_up(divided_up(w->width, 2), LANES) * LANES;
  return (halves){above, left, length, above + larger(w->out_height, (w->height - 1 + w->pad_top) / w->stride_h + 1),
                  left + larger(w->out_width, length + divided_up(w->pad_left + 1, 2))};
}

INLINE void depthwise_adjoint_by_two(const float *v, const float *kernel, const pb_window *w, float *restrict dx,
                                     float *restrict scratch) {
  const halves h = halves_of(w);
  const float *origin = scratch + h.above * h.columns + h.left;
  float *half = scratch + h.rows * h.columns;
  memset(scratch, 0, h.rows * h.columns * sizeof *scratch);
  for (size_t r = 0; r < w->out_height; r++)
    memcpy(scratch + (h.above + r) * h.columns + h.left, v + r * w->out_width, w->out_width * sizeof *v);
  for (size_t first = 0; first < pb_smaller(w->stride_h, w->height); first++) {
    // What the columns of each parity sum up, in the first of these rows.
    ptrdiff_t from[2][PLACES];
    float weights[2][PLACES];
    size_t places[2] = {0, 0};
    for (size_t i = 0; i < w->kernel_h; i++) {
      const long down = (long)(first + w->pad_top) - (long)(i * w->dilation_h);
      if (down % (long)w->stride_h != 0) continue;
      for (size_t j = 0; j < w->kernel_w; j++) {
        const size_t parity = (w->pad_left + j * w->dilation_w) % 2;
        const long right = (long)(parity + w->pad_left) - (long)(j * w->dilation_w);
        from[parity][places[parity]] = down / (long)w->stride_h * (long)h.columns + right / 2;
        weights[parity][places[parity]++] = kernel[i * w->kernel_w + j];
      }
    }
    const float *in = origin;
    for (size_t row = first; row < w->height; row += ROWS * w->stride_h, in += ROWS * h.columns) {
      const size_t rows = pb_smaller(ROWS, divided_up(w->height - row, w->stride_h));
      for (size_t parity = 0; parity < 2; parity++)
        for (size_t o = 0; o < h.length; o += LANES) {
          lanes sum[ROWS];
          if (rows == ROWS) sum_lanes(in + o, h.columns, weights[parity], from[parity], places[parity], 0, ROWS, sum);
          else for (size_t r = 0; r < rows; r++)
            sum_lanes(in + r * h.columns + o, 0, weights[parity], from[parity], places[parity], 0, 1, sum + r);
          for (size_t r = 0; r < rows; r++) memcpy(half + (2 * r + parity) * h.length + o, sum + r, sizeof *sum);
        }
      for (size_t r = 0; r < rows; r++) {
        float *to = dx + (row + r * w->stride_h) * w->width;
        const float *even = half + 2 * r * h.length, *odd = even + h.length;
        for (size_t o = 0; o < w->width / 2; o++) {
          to[2 * o] = even[o];
          to[2 * o + 1] = odd[o];
        }
        if (w->width % 2 == 1) to[w->width - 1] = even[w->width / 2];
      }
    }
  }
}

CLONES void pb_depthwise_adjoint(const float *v, const float *kernel, const pb_window *w, float *restrict dx,
                                 float *restrict scratch) {
  const size_t places = w->kernel_h * w->kernel_w;
  const size_t down = (w->kernel_h - 1) * w->dilation_h, across = (w->kernel_w - 1) * w->dilation_w;
  if (places <= PLACES && w->stride_h == 1 && w->stride_w == 1 && w->pad_top <= down && w->pad_left <= across) {
    // The cotangents lie padded so that place (i, j) of the kernel reads them i rows above and j columns to the left.
    const pb_window cotangents = {w->out_height, w->out_width, w->height, w->width, w->kernel_h, w->kernel_w, 1, 1,
                                  w->dilation_h, w->dilation_w, down - w->pad_top, across - w->pad_left};
    const size_t stride = pb_padded_phase(&cotangents);
    pb_pad_rows(v, &cotangents, false, -(long)cotangents.pad_top, w->height + down, stride, scratch);
    ptrdiff_t from[PLACES];
    for (size_t i = 0, k = 0; i < w->kernel_h; i++)
      for (size_t j = 0; j < w->kernel_w; j++, k++)
        from[k] = (ptrdiff_t)((down - i * w->dilation_h) * stride + across - j * w->dilation_w);
    return sum_places(scratch, stride, kernel, from, places, 0, w->height, w->width, dx);
  }
  if (places <= PLACES && w->stride_w == 2) return depthwise_adjoint_by_two(v, kernel, w, dx, scratch);
  for (size_t p = 0; p < w->height * w->width; p++) dx[p] = 0;
  FOR_EACH_ROW_PAIR(w, {
    const float weight = kernel[k];
    if (w->stride_w == 1)
      for (size_t o = low; o < high; o++) dx[(long)(in + o) + shift] += weight * v[out + o];
    else
      for (size_t o = low; o < high; o++) dx[(long)(in + o * w->stride_w) + shift] += weight * v[out + o];
  })
}

size_t pb_depthwise_scratch(const pb_window *w) {
  const size_t forward = ((w->out_height - 1) * w->stride_h + (w->kernel_h - 1) * w->dilation_h + 1) *
                         pb_padded_phase(w) * w->stride_w;
  const size_t adjoint =
      (w->height + (w->kernel_h - 1) * w->dilation_h) * (w->width + (w->kernel_w - 1) * w->dilation_w);
  const halves h = halves_of(w);
  return larger(larger(forward, adjoint), h.rows * h.columns + 2 * ROWS * h.length) + LANES;
}

CLONES void pb_depthwise_weight(const float *v, const float *x, const pb_window *w, float *restrict dkernel) {
  for (size_t i = 0; i < w->kernel_h; i++)
    for (size_t j = 0; j < w->kernel_w; j++) {
      const long shift = (long)(j * w->dilation_w) - (long)w->pad_left;
      size_t low, high;
      pb_valid_range(shift, w->stride_w, w->width, w->out_width, &low, &high);
      float lane[LANES] = {0}, rest[LANES] = {0};
      for (size_t oh = 0; oh < w->out_height; oh++) {
        const long ih = (long)(oh * w->stride_h + i * w->dilation_h) - (long)w->pad_top;
        if (ih < 0 || ih >= (long)w->height) continue;
        const float *in = x + ih * (long)w->width + shift, *out = v + oh * w->out_width;
        size_t o = low;
        if (w->stride_w == 1)
          for (; o + LANES <= high; o += LANES)
            for (size_t l = 0; l < LANES; l++) lane[l] += out[o + l] * in[o + l];
        for (size_t l = 0; o < high; o++, l = (l + 1) % LANES) rest[l] += out[o] * in[o * w->stride_w];
      }
      dkernel[i * w->kernel_w + j] += pb_lane_sum(lane) + pb_lane_sum(rest);
    }
}
