#include <math.h>
#include "scalar.h"

// The part of window (oh, ow) that lies inside the plane, as half-open ranges of rows and columns.
INLINE void window_bounds(const pb_window *w, size_t oh, size_t ow, long *top, long *bottom, long *left, long *right) {
  *top = (long)(oh * w->stride_h) - (long)w->pad_top;
  *left = (long)(ow * w->stride_w) - (long)w->pad_left;
  *bottom = *top + (long)w->kernel_h;
  *right = *left + (long)w->kernel_w;
  if (*top < 0) *top = 0;
  if (*left < 0) *left = 0;
  if (*bottom > (long)w->height) *bottom = (long)w->height;
  if (*right > (long)w->width) *right = (long)w->width;
}

// The flat index of the first largest value of a window; a NaN counts as largest, so that it stays visible.
INLINE size_t first_largest(const float *x, const pb_window *w, long top, long bottom, long left, long right) {
  size_t best = (size_t)top * w->width + (size_t)left;
  for (long i = top; i < bottom; i++)
    for (long j = left; j < right; j++) {
      const size_t place = (size_t)i * w->width + (size_t)j;
      if (x[place] > x[best] || isnan(x[place])) best = place;
    }
  return best;
}

// Whether windows are 2x2, side by side, and cover whole rows: the pool of VGG, and the only one worth vector code.
INLINE bool is_pairwise(const pb_window *w) {
  return w->kernel_h == 2 && w->kernel_w == 2 && w->stride_h == 2 && w->stride_w == 2 && w->pad_top == 0 &&
         w->pad_left == 0 && w->height == 2 * w->out_height && w->width == 2 * w->out_width;
}

// The same choice as first_largest: `candidate` and its number replace the best so far.
#define CHOOSE(candidate, number)                                \
  {                                                              \
    const float c = (candidate);                                 \
    const bool better = c > best || c != c;                      \
    best = better ? c : best;                                    \
    choice = better ? (number) : choice;                         \
  }

CLONES void pb_max_pool(const float *x, const pb_window *w, float *restrict y) {
  if (is_pairwise(w)) {
    for (size_t oh = 0; oh < w->out_height; oh++) {
      const float *above = x + 2 * oh * w->width, *below = above + w->width;
      for (size_t ow = 0; ow < w->out_width; ow++) {
        float best = above[2 * ow];
        int choice = 0;
        CHOOSE(above[2 * ow + 1], 1)
        CHOOSE(below[2 * ow], 2)
        CHOOSE(below[2 * ow + 1], 3)
        (void)choice;
        y[oh * w->out_width + ow] = best;
      }
    }
    return;
  }
  for (size_t oh = 0; oh < w->out_height; oh++)
    for (size_t ow = 0; ow < w->out_width; ow++) {
      long top, bottom, left, right;
      window_bounds(w, oh, ow, &top, &bottom, &left, &right);
      y[oh * w->out_width + ow] = x[first_largest(x, w, top, bottom, left, right)];
    }
}

CLONES void pb_max_pool_gradient(const float *v, const float *x, const pb_window *w, float *restrict dx) {
  if (is_pairwise(w)) {
    for (size_t oh = 0; oh < w->out_height; oh++) {
      const float *above = x + 2 * oh * w->width, *below = above + w->width;
      float *out = dx + 2 * oh * w->width, *out_below = out + w->width;
      for (size_t ow = 0; ow < w->out_width; ow++) {
        const float share = v[oh * w->out_width + ow];
        float best = above[2 * ow];
        int choice = 0;
        CHOOSE(above[2 * ow + 1], 1)
        CHOOSE(below[2 * ow], 2)
        CHOOSE(below[2 * ow + 1], 3)
        out[2 * ow] = choice == 0 ? share : 0;
        out[2 * ow + 1] = choice == 1 ? share : 0;
        out_below[2 * ow] = choice == 2 ? share : 0;
        out_below[2 * ow + 1] = choice == 3 ? share : 0;
      }
    }
    return;
  }
  memset(dx, 0, w->height * w->width * sizeof *dx);
  for (size_t oh = 0; oh < w->out_height; oh++)
    for (size_t ow = 0; ow < w->out_width; ow++) {
      long top, bottom, left, right;
      window_bounds(w, oh, ow, &top, &bottom, &left, &right);
      dx[first_largest(x, w, top, bottom, left, right)] += v[oh * w->out_width + ow];
    }
}

CLONES void pb_max_pool_soft(const float *v, const float *x, const pb_window *w, float inverse_tau, bool zero_padding,
                             float *restrict dx) {
  memset(dx, 0, w->height * w->width * sizeof *dx);
  for (size_t oh = 0; oh < w->out_height; oh++)
    for (size_t ow = 0; ow < w->out_width; ow++) {
      long top, bottom, left, right;
      window_bounds(w, oh, ow, &top, &bottom, &left, &right);
      const size_t outside = w->kernel_h * w->kernel_w - (size_t)((bottom - top) * (right - left));
      float largest = x[first_largest(x, w, top, bottom, left, right)];
      if (zero_padding && outside > 0 && largest < 0) largest = 0;
      float total = zero_padding ? (float)outside * pb_exp(-largest * inverse_tau) : 0;
      for (long i = top; i < bottom; i++)
        for (long j = left; j < right; j++)
          total += pb_exp((x[(size_t)i * w->width + (size_t)j] - largest) * inverse_tau);
      const float share = v[oh * w->out_width + ow] / total;
      for (long i = top; i < bottom; i++)
        for (long j = left; j < right; j++) {
          const size_t place = (size_t)i * w->width + (size_t)j;
          dx[place] += share * pb_exp((x[place] - largest) * inverse_tau);
        }
    }
}
