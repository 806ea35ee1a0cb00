#include <math.h>
#include "scalar.h"

// Windows of one output row are treated side by side, up to SPAN at a time, one window place after another.
#define SPAN 64
// Places of a window whose masses are kept between two looks at them.
#define KEPT 9

typedef struct {
  size_t first, count;  // the columns of this stretch of an output row
  long top;             // the first row of its windows, which may lie above the plane
} stretch;

// Calls STEP for every window place (i, j) of a stretch whose row lies in the plane, with the row's values `in`, the
// valid columns [low, high) of the stretch and, for column o of it, the place `o * stride_w + shift` within the row.
#define FOR_EACH_PLACE(w, s, STEP)                                                                                  \
  for (size_t i = 0; i < (w)->kernel_h; i++) {                                                                      \
    const long ih = (s).top + (long)(i * (w)->dilation_h);                                                          \
    if (ih < 0 || ih >= (long)(w)->height) continue;                                                                \
    const size_t in = (size_t)ih * (w)->width;                                                                      \
    for (size_t j = 0; j < (w)->kernel_w; j++) {                                                                    \
      const long shift = (long)((s).first * (w)->stride_w + j * (w)->dilation_w) - (long)(w)->pad_left;             \
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

// The values that window place (i, j) reads, side by side, rectified or as they are.
INLINE void read_places(const float *row, bool rectified, long shift, size_t stride, size_t low, size_t high,
                        float *values) {
  if (stride == 1) for (size_t o = low; o < high; o++) values[o] = row[(long)o + shift];
  else if (stride == 2) for (size_t o = low; o < high; o++) values[o] = row[(long)(2 * o) + shift];
  else for (size_t o = low; o < high; o++) values[o] = row[(long)(o * stride) + shift];
  if (rectified && high > low) pb_rectify(values + low, high - low);
}

// Adds values, side by side, to what window place (i, j) reads. At stride 2 zeros are added between them, so that
// memory is touched as it lies.
INLINE void add_places(float *row, long shift, size_t stride, size_t low, size_t high, const float *values) {
  if (stride == 2 && high > low) {
    float spread[2 * SPAN];
    for (size_t o = low; o < high; o++) {
      spread[2 * o] = values[o];
      spread[2 * o + 1] = 0;
    }
    for (size_t k = 2 * low; k + 1 < 2 * high; k++) row[(long)k + shift] += spread[k];
  } else {
    for (size_t o = low; o < high; o++) row[(long)(o * stride) + shift] += values[o];
  }
}

// A NaN counts as largest, so that it stays visible.
INLINE void largest_of(const float *x, const pb_window *w, bool rectified, stretch s, float *restrict best) {
  float values[SPAN];
  for (size_t o = 0; o < s.count; o++) best[o] = -INFINITY;
  FOR_EACH_PLACE(w, s, {
    read_places(x + in, rectified, shift, w->stride_w, low, high, values);
    for (size_t o = low; o < high; o++) {
      const bool wins = (values[o] > best[o]) | (values[o] != values[o]);
      best[o] = wins ? values[o] : best[o];
    }
  })
}

// Whether windows are 2x2, side by side, and cover whole rows, as in VGG. What is above in each window and what is
// below then comes in runs of whole rows, which are treated several at a time: short ones would not fill a register.
INLINE bool is_pairwise(const pb_window *w) {
  return w->kernel_h == 2 && w->kernel_w == 2 && w->stride_h == 2 && w->stride_w == 2 && w->dilation_h == 1 &&
         w->dilation_w == 1 && w->pad_top == 0 && w->pad_left == 0 && w->height == 2 * w->out_height &&
         w->width == 2 * w->out_width && w->out_width <= 4 * SPAN;
}

// The windows of some rows of the output: what they read above and below, and what they write there.
typedef struct {
  float above[8 * SPAN], below[8 * SPAN];
} pairs;

// The number of rows of the output that are treated together.
INLINE size_t rows_at_once(const pb_window *w, size_t row) {
  return pb_smaller(w->out_height - row, pb_smaller(4 * SPAN / w->out_width, 8));
}

INLINE void read_pairs(const float *x, const pb_window *w, bool rectified, size_t row, size_t rows, pairs *p) {
  for (size_t r = 0; r < rows; r++) {
    const float *in = x + 2 * (row + r) * w->width;
    memcpy(p->above + r * w->width, in, w->width * sizeof *in);
    memcpy(p->below + r * w->width, in + w->width, w->width * sizeof *in);
  }
  if (rectified) {
    pb_rectify(p->above, rows * w->width);
    pb_rectify(p->below, rows * w->width);
  }
}

INLINE void write_pairs(const pairs *p, const pb_window *w, size_t row, size_t rows, float *dx) {
  for (size_t r = 0; r < rows; r++) {
    float *out = dx + 2 * (row + r) * w->width;
    memcpy(out, p->above + r * w->width, w->width * sizeof *out);
    memcpy(out + w->width, p->below + r * w->width, w->width * sizeof *out);
  }
}

// The larger of the two; a NaN counts as largest, the later one of two.
INLINE float larger(float best, float value) { return ((value > best) | (value != value)) ? value : best; }

CLONES void pb_max_pool(const float *x, const pb_window *w, bool rectified, float *restrict y) {
  if (is_pairwise(w)) {
    pairs in;
    for (size_t row = 0, rows; row < w->out_height; row += rows) {
      rows = rows_at_once(w, row);
      read_pairs(x, w, rectified, row, rows, &in);
      float *out = y + row * w->out_width;
      for (size_t o = 0; o < rows * w->out_width; o++)
        out[o] = larger(larger(larger(in.above[2 * o], in.above[2 * o + 1]), in.below[2 * o]), in.below[2 * o + 1]);
    }
    return;
  }
  FOR_EACH_STRETCH(w, { largest_of(x, w, rectified, s, y + out); })
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
CLONES void pb_max_pool_gradient(const float *v, const float *x, const pb_window *w, bool rectified,
                                 float *restrict dx) {
  if (is_pairwise(w)) {
    pairs in, out;
    for (size_t row = 0, rows; row < w->out_height; row += rows) {
      rows = rows_at_once(w, row);
      read_pairs(x, w, rectified, row, rows, &in);
      const float *cotangent = v + row * w->out_width;
      for (size_t o = 0; o < rows * w->out_width; o++) {
        const float share = cotangent[o];
        float best = in.above[2 * o];
        int choice = 0;
        CHOOSE(in.above[2 * o + 1], 1)
        CHOOSE(in.below[2 * o], 2)
        CHOOSE(in.below[2 * o + 1], 3)
        out.above[2 * o] = choice == 0 ? share : 0;
        out.above[2 * o + 1] = choice == 1 ? share : 0;
        out.below[2 * o] = choice == 2 ? share : 0;
        out.below[2 * o + 1] = choice == 3 ? share : 0;
      }
      write_pairs(&out, w, row, rows, dx);
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
      read_places(x + in, rectified, shift, w->stride_w, low, high, values);
      for (size_t o = low; o < high; o++) {
        const bool wins = (values[o] > best[o]) | (values[o] != values[o]) | (place[o] < 0);
        best[o] = wins ? values[o] : best[o];
        place[o] = wins ? (int)((long)(in + o * w->stride_w) + shift) : place[o];
      }
    })
    for (size_t o = 0; o < s.count; o++) dx[place[o]] += v[out + o];
  })
}

CLONES void pb_max_pool_soft(const float *v, const float *x, const pb_window *w, bool rectified, float inverse_tau,
                             bool zero_padding, float *restrict dx) {
  if (is_pairwise(w)) {
    pairs in, out;
    for (size_t row = 0, rows; row < w->out_height; row += rows) {
      rows = rows_at_once(w, row);
      read_pairs(x, w, rectified, row, rows, &in);
      const float *cotangent = v + row * w->out_width;
      for (size_t o = 0; o < rows * w->out_width; o++) {
        const float a = in.above[2 * o], b = in.above[2 * o + 1], c = in.below[2 * o], d = in.below[2 * o + 1];
        const float best = larger(larger(larger(a, b), c), d);
        const float of_a = pb_exp((a - best) * inverse_tau), of_b = pb_exp((b - best) * inverse_tau);
        const float of_c = pb_exp((c - best) * inverse_tau), of_d = pb_exp((d - best) * inverse_tau);
        const float share = cotangent[o] / (of_a + of_b + of_c + of_d);
        out.above[2 * o] = share * of_a;
        out.above[2 * o + 1] = share * of_b;
        out.below[2 * o] = share * of_c;
        out.below[2 * o + 1] = share * of_d;
      }
      write_pairs(&out, w, row, rows, dx);
    }
    return;
  }
  memset(dx, 0, w->height * w->width * sizeof *dx);
  float best[SPAN], total[SPAN], inside[SPAN], masses[KEPT][SPAN];
  FOR_EACH_STRETCH(w, {
    largest_of(x, w, rectified, s, best);
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
    size_t place = 0;
    FOR_EACH_PLACE(w, s, {
      float *mass = masses[place++ % KEPT];
      read_places(x + in, rectified, shift, w->stride_w, low, high, mass);
      for (size_t o = low; o < high; o++) mass[o] = pb_exp((mass[o] - best[o]) * inverse_tau);
      for (size_t o = low; o < high; o++) total[o] += mass[o];
    })
    const bool are_kept = place <= KEPT;
    for (size_t o = 0; o < s.count; o++) total[o] = v[out + o] / total[o];
    place = 0;
    FOR_EACH_PLACE(w, s, {
      float *mass = masses[place++ % KEPT];
      if (!are_kept) {
        read_places(x + in, rectified, shift, w->stride_w, low, high, mass);
        for (size_t o = low; o < high; o++) mass[o] = pb_exp((mass[o] - best[o]) * inverse_tau);
      }
      for (size_t o = low; o < high; o++) mass[o] *= total[o];
      add_places(dx + in, shift, w->stride_w, low, high, mass);
    })
  })
}

CLONES void pb_average_pairs(const float *x, const pb_window *w, float *restrict y) {
  pairs in;
  for (size_t row = 0, rows; row < w->out_height; row += rows) {
    rows = rows_at_once(w, row);
    read_pairs(x, w, false, row, rows, &in);
    float *out = y + row * w->out_width;
    for (size_t o = 0; o < rows * w->out_width; o++) {
      const double above = (double)in.above[2 * o] + (double)in.above[2 * o + 1];
      const double below = (double)in.below[2 * o] + (double)in.below[2 * o + 1];
      out[o] = (float)((above + below) / 4);
    }
  }
}

CLONES void pb_average_pairs_adjoint(const float *v, const pb_window *w, float *restrict dx) {
  pairs out;
  for (size_t row = 0, rows; row < w->out_height; row += rows) {
    rows = rows_at_once(w, row);
    const float *cotangent = v + row * w->out_width;
    for (size_t o = 0; o < rows * w->out_width; o++) {
      const float share = cotangent[o] / 4;
      out.above[2 * o] = out.above[2 * o + 1] = out.below[2 * o] = out.below[2 * o + 1] = share;
    }
    write_pairs(&out, w, row, rows, dx);
  }
}

bool pb_is_pairwise(const pb_window *w) { return is_pairwise(w); }
