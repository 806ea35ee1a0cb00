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

// `rows` rows of `width` sums over the places of a kernel: y[o] = bias + sum_k kernel[k] in[o + from[k]], `step` from
// one row's inputs to the next. By whole registers: what is too much is overwritten by the next row, but for the last.
INLINE void sum_places(const float *in, size_t step, const float *kernel, const ptrdiff_t *from, size_t places,
                       float bias, size_t rows, size_t width, float *restrict y) {
  for (size_t r = 0; r < rows; r++)
    for (size_t o = 0; o < width; o += LANES) {
      float sum[LANES];
      for (size_t l = 0; l < LANES; l++) sum[l] = bias;
      for (size_t k = 0; k < places; k++) {
        const float *value = in + r * step + o + from[k];
        for (size_t l = 0; l < LANES; l++) sum[l] += kernel[k] * value[l];
      }
      const size_t place = r * width + o;
      if (place + LANES <= rows * width) memcpy(y + place, sum, sizeof sum);
      else memcpy(y + place, sum, (rows * width - place) * sizeof *sum);
    }
}

CLONES void pb_depthwise(const float *x, const float *kernel, float bias, const pb_window *w, float *restrict y,
                         float *restrict padded) {
  const size_t places = w->kernel_h * w->kernel_w;
  if (places <= PLACES) {
    const size_t phase = pb_padded_phase(w), stride = phase * w->stride_w;
    const size_t rows = (w->out_height - 1) * w->stride_h + (w->kernel_h - 1) * w->dilation_h + 1;
    pb_pad_rows(x, w, false, -(long)w->pad_top, rows, phase, padded);
    ptrdiff_t from[PLACES];
    for (size_t k = 0; k < places; k++) {
      const size_t down = k / w->kernel_w * w->dilation_h, right = k % w->kernel_w * w->dilation_w;
      from[k] = (ptrdiff_t)(down * stride + right % w->stride_w * phase + right / w->stride_w);
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

// The adjoint at stride 2: input columns of one parity take cotangents side by side.
typedef struct {
  size_t lead;    // zeros before a row of cotangents
  size_t length;  // input columns of one parity, in whole registers
  size_t row;     // values of a row of cotangents with its zeros
} halves;

INLINE halves halves_of(const pb_window *w) {
  const size_t lead = (w->kernel_w - 1) * w->dilation_w / 2;
  const size_t length = ((w->width + w->pad_left + 1) / 2 + LANES - 1) / LANES * LANES;
  return (halves){lead, length, lead + (length > w->out_width ? length : w->out_width)};
}

INLINE void depthwise_adjoint_by_two(const float *v, const float *kernel, const pb_window *w, float *restrict dx,
                                     float *restrict scratch) {
  const halves h = halves_of(w);
  float *half = scratch + w->out_height * h.row, *merged = half + 2 * h.length;
  memset(scratch, 0, w->out_height * h.row * sizeof *scratch);
  for (size_t r = 0; r < w->out_height; r++)
    memcpy(scratch + r * h.row + h.lead, v + r * w->out_width, w->out_width * sizeof *v);
  for (size_t ih = 0; ih < w->height; ih++) {
    // What each parity sums up: the kernel's places whose rows fall between cotangents give nothing.
    const float *from[2][PLACES];
    float weights[2][PLACES];
    size_t count[2] = {0, 0};
    for (size_t i = 0; i < w->kernel_h; i++) {
      const long above = (long)(ih + w->pad_top) - (long)(i * w->dilation_h);
      if (above < 0 || above % (long)w->stride_h != 0 || above / (long)w->stride_h >= (long)w->out_height) continue;
      const float *row = scratch + (size_t)above / w->stride_h * h.row + h.lead;
      for (size_t j = 0; j < w->kernel_w; j++) {
        const size_t shift = j * w->dilation_w, parity = shift % 2;
        from[parity][count[parity]] = row - shift / 2;
        weights[parity][count[parity]++] = kernel[i * w->kernel_w + j];
      }
    }
    for (size_t parity = 0; parity < 2; parity++)
      for (size_t o = 0; o < h.length; o += LANES) {
        float sum[LANES] = {0};
        for (size_t k = 0; k < count[parity]; k++)
          for (size_t l = 0; l < LANES; l++) sum[l] += weights[parity][k] * from[parity][k][o + l];
        memcpy(half + parity * h.length + o, sum, sizeof sum);
      }
    for (size_t o = 0; o < h.length; o++) {
      merged[2 * o] = half[o];
      merged[2 * o + 1] = half[h.length + o];
    }
    memcpy(dx + ih * w->width, merged + w->pad_left, w->width * sizeof *dx);
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
    for (size_t k = 0; k < places; k++) {
      const size_t above = k / w->kernel_w * w->dilation_h, left = k % w->kernel_w * w->dilation_w;
      from[k] = (ptrdiff_t)((down - above) * stride + across - left);
    }
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
  const size_t by_two = w->out_height * h.row + 4 * h.length, larger = forward > adjoint ? forward : adjoint;
  return (larger > by_two ? larger : by_two) + LANES;
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
