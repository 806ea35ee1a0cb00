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

CLONES void pb_columns_adjoint(const float *columns, size_t channels, const pb_window *w, float *restrict dx) {
  const size_t pixels = w->out_height * w->out_width;
  for (size_t c = 0; c < channels; c++)
    for (size_t i = 0; i < w->kernel_h; i++)
      for (size_t j = 0; j < w->kernel_w; j++) {
        const float *row = columns + ((c * w->kernel_h + i) * w->kernel_w + j) * pixels;
        const long shift = (long)(j * w->dilation_w) - (long)w->pad_left;
        size_t low, high;
        pb_valid_range(shift, w->stride_w, w->width, w->out_width, &low, &high);
        for (size_t oh = 0; oh < w->out_height; oh++, row += w->out_width) {
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

CLONES void pb_depthwise(const float *x, const float *kernel, float bias, const pb_window *w, float *restrict y) {
  for (size_t p = 0; p < w->out_height * w->out_width; p++) y[p] = bias;
  FOR_EACH_ROW_PAIR(w, {
    const float weight = kernel[k];
    if (w->stride_w == 1)
      for (size_t o = low; o < high; o++) y[out + o] += weight * x[(long)(in + o) + shift];
    else
      for (size_t o = low; o < high; o++) y[out + o] += weight * x[(long)(in + o * w->stride_w) + shift];
  })
}

CLONES void pb_depthwise_adjoint(const float *v, const float *kernel, const pb_window *w, float *restrict dx) {
  for (size_t p = 0; p < w->height * w->width; p++) dx[p] = 0;
  FOR_EACH_ROW_PAIR(w, {
    const float weight = kernel[k];
    if (w->stride_w == 1)
      for (size_t o = low; o < high; o++) dx[(long)(in + o) + shift] += weight * v[out + o];
    else
      for (size_t o = low; o < high; o++) dx[(long)(in + o * w->stride_w) + shift] += weight * v[out + o];
  })
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
