#include <math.h>
#include "scalar.h"

// Windows of one output row are treated side by side, up to SPAN at a time, one window place after another.
#define SPAN 64

typedef struct {
  size_t first, count;  // the columns of this stretch of an output row
  long top;             // the first row of its windows, which may lie above the plane
} stretch;

// Calls STEP for every window place (i, j) of a stretch whose row lies in the plane, with the row's values `in`, the
// valid columns [low, high) of the stretch and, for column o of it, the place `o * stride_w + shift` within the row.
#define FOR_EACH_PLACE(w, s, STEP)                                                                                  \
  for (size_t i = 0; i < (w)->kernel_h; i++) {                                                                      \
    const long ih = (s).top + (long)i;                                                                              \
    if (ih < 0 || ih >= (long)(w)->height) continue;                                                                \
    const size_t in = (size_t)ih * (w)->width;                                                                      \
    for (size_t j = 0; j < (w)->kernel_w; j++) {                                                                    \
      const long shift = (long)((s).first * (w)->stride_w + j) - (long)(w)->pad_left;                               \
      size_t low, high;                                                                                             \
      pb_valid_range(shift, (w)->stride_w, (w)->width, (s).count, &low, &high);                                     \
      STEP                                                                                                          \
    }                                                                                                               \
  }

#define FOR_EACH_STRETCH(w, STEP)                                                                                   \
  for (size_t oh = 0; oh < (w)->out_height; oh++)                                                                   \
    for (size_t first = 0; first < (w)->out_width; first += SPAN) {                                                 \
      const size_t rest = (w)->out_width - first;                                                                   \
      const stretch s = {first, rest < SPAN ? rest : SPAN, (long)(oh * (w)->stride_h) - (long)(w)->pad_top};        \
      const size_t out = oh * (w)->out_width + first;                                                               \
      STEP                                                                                                          \
    }

// The values that window place (i, j) reads, side by side.
INLINE void read_places(const float *row, long shift, size_t stride, size_t low, size_t high, float *values) {
  if (stride == 1) for (size_t o = low; o < high; o++) values[o] = row[(long)o + shift];
  else if (stride == 2) for (size_t o = low; o < high; o++) values[o] = row[(long)(2 * o) + shift];
  else for (size_t o = low; o < high; o++) values[o] = row[(long)(o * stride) + shift];
}

// A NaN counts as largest, so that it stays visible.
INLINE void largest_of(const float *x, const pb_window *w, stretch s, float *restrict best) {
  float values[SPAN];
  for (size_t o = 0; o < s.count; o++) best[o] = -INFINITY;
  FOR_EACH_PLACE(w, s, {
    read_places(x + in, shift, w->stride_w, low, high, values);
    for (size_t o = low; o < high; o++) {
      const bool wins = (values[o] > best[o]) | (values[o] != values[o]);
      best[o] = wins ? values[o] : best[o];
    }
  })
}

// Whether windows are 2x2, side by side, and cover whole rows, as in VGG: nothing then has to be gathered or scattered.
INLINE bool is_pairwise(const pb_window *w) {
  return w->kernel_h == 2 && w->kernel_w == 2 && w->stride_h == 2 && w->stride_w == 2 && w->pad_top == 0 &&
         w->pad_left == 0 && w->height == 2 * w->out_height && w->width == 2 * w->out_width;
}

// The larger of the two; a NaN counts as largest, the later one of two.
INLINE float larger(float best, float value) { return ((value > best) | (value != value)) ? value : best; }

CLONES void pb_max_pool(const float *x, const pb_window *w, float *restrict y) {
  if (is_pairwise(w)) {
    for (size_t oh = 0; oh < w->out_height; oh++) {
      const float *above = x + 2 * oh * w->width, *below = above + w->width;
      float *out = y + oh * w->out_width;
      for (size_t o = 0; o < w->out_width; o++)
        out[o] = larger(larger(larger(above[2 * o], above[2 * o + 1]), below[2 * o]), below[2 * o + 1]);
    }
    return;
  }
  FOR_EACH_STRETCH(w, { largest_of(x, w, s, y + out); })
}

// The first largest: `candidate` and its number replace the best so far.
#define CHOOSE(candidate, number)                                \
  {                                                              \
    const float c = (candidate);                                 \
    const bool better = c > best || c != c;                      \
    best = better ? c : best;                                    \
    choice = better ? (number) : choice;                         \
  }

// The first of several largest values wins.
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
  float best[SPAN], values[SPAN];
  int place[SPAN];
  FOR_EACH_STRETCH(w, {
    for (size_t o = 0; o < s.count; o++) place[o] = -1;
    for (size_t o = 0; o < s.count; o++) best[o] = -INFINITY;
    FOR_EACH_PLACE(w, s, {
      read_places(x + in, shift, w->stride_w, low, high, values);
      for (size_t o = low; o < high; o++) {
        const bool wins = (values[o] > best[o]) | (values[o] != values[o]) | (place[o] < 0);
        best[o] = wins ? values[o] : best[o];
        place[o] = wins ? (int)((long)(in + o * w->stride_w) + shift) : place[o];
      }
    })
    for (size_t o = 0; o < s.count; o++) dx[place[o]] += v[out + o];
  })
}

CLONES void pb_max_pool_soft(const float *v, const float *x, const pb_window *w, float inverse_tau, bool zero_padding,
                             float *restrict dx) {
  if (is_pairwise(w)) {
    for (size_t oh = 0; oh < w->out_height; oh++) {
      const float *above = x + 2 * oh * w->width, *below = above + w->width;
      float *out = dx + 2 * oh * w->width, *out_below = out + w->width;
      for (size_t o = 0; o < w->out_width; o++) {
        const float a = above[2 * o], b = above[2 * o + 1], c = below[2 * o], d = below[2 * o + 1];
        const float best = larger(larger(larger(a, b), c), d);
        const float of_a = pb_exp((a - best) * inverse_tau), of_b = pb_exp((b - best) * inverse_tau);
        const float of_c = pb_exp((c - best) * inverse_tau), of_d = pb_exp((d - best) * inverse_tau);
        const float share = v[oh * w->out_width + o] / (of_a + of_b + of_c + of_d);
        out[2 * o] = share * of_a;
        out[2 * o + 1] = share * of_b;
        out_below[2 * o] = share * of_c;
        out_below[2 * o + 1] = share * of_d;
      }
    }
    return;
  }
  memset(dx, 0, w->height * w->width * sizeof *dx);
  float best[SPAN], values[SPAN], total[SPAN], inside[SPAN];
  FOR_EACH_STRETCH(w, {
    largest_of(x, w, s, best);
    for (size_t o = 0; o < s.count; o++) total[o] = inside[o] = 0;
    FOR_EACH_PLACE(w, s, {
      for (size_t o = low; o < high; o++) inside[o] += 1;
    })
    if (zero_padding)
      for (size_t o = 0; o < s.count; o++) {
        const float outside = (float)(w->kernel_h * w->kernel_w) - inside[o];
        best[o] = ((outside > 0) & (best[o] < 0)) ? 0 : best[o];
        total[o] = outside * pb_exp(-best[o] * inverse_tau);
      }
    FOR_EACH_PLACE(w, s, {
      read_places(x + in, shift, w->stride_w, low, high, values);
      for (size_t o = low; o < high; o++) total[o] += pb_exp((values[o] - best[o]) * inverse_tau);
    })
    for (size_t o = 0; o < s.count; o++) total[o] = v[out + o] / total[o];
    FOR_EACH_PLACE(w, s, {
      read_places(x + in, shift, w->stride_w, low, high, values);
      for (size_t o = low; o < high; o++) values[o] = total[o] * pb_exp((values[o] - best[o]) * inverse_tau);
      for (size_t o = low; o < high; o++) dx[(long)(in + o * w->stride_w) + shift] += values[o];
    })
  })
}
