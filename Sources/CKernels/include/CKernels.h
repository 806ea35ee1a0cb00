// Array loops over float32, each compiled for AVX-512, AVX2 and the x86-64 baseline and chosen at load time.
//
// Goals: one pass over memory per call; the same input gives the same bytes on one machine, whatever the number of
// threads or images (every sum has an order fixed by the shape alone). Non-goal: the same bytes on another processor
// family, where fused multiply-adds round differently.
#ifndef CKERNELS_H
#define CKERNELS_H
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
#error "C only"
#endif

// Whether the calling thread has work of its own, which is not to be cut into pieces for other threads (threads.c).
bool pb_thread_is_taken(void);
void pb_take_thread(bool taken);

// The number of processors that this process may use.
size_t pb_processors(void);
// Calls `body` with 0 ..< count, on the calling thread and up to `threads` - 1 others that are free, and returns when
// all calls have. False, and nothing done, while another thread's call is under way.
bool pb_share(size_t count, size_t threads, void (*body)(void *context, size_t index), void *context);

// Random numbers (random.c): four words for each of `blocks` places of the stream (key, image, draw) from `block` on,
// and what they stand for: uniforms in [0, 1), multiples of 2^-24; normals by their quantile.
void pb_philox(uint64_t key, uint32_t image, uint32_t draw, uint64_t block, size_t blocks, uint32_t *words);
void pb_uniforms(const uint32_t *words, size_t n, float *numbers);
void pb_normals(const uint32_t *words, size_t n, float *numbers);
// Phi^-1(p) for p in (0, 1), to about 16 digits.
double pb_normal_quantile(double p);

// Asks for n values to be in cache soon; any address will do (elementwise.c).
void pb_prefetch(const float *x, size_t n);

// Elementwise (elementwise.c).
void pb_add(const float *a, const float *b, float *y, size_t n);
void pb_add_rectified(const float *a, const float *b, float *y, size_t n);  // y = relu(a) + b
void pb_accumulate(const float *a, float *y, size_t n);              // y += a
void pb_multiply(const float *a, const float *b, float *y, size_t n);
void pb_scale(const float *x, float factor, float *y, size_t n);
void pb_clamp(const float *x, float low, float high, float *y, size_t n);
void pb_axpy(float factor, const float *x, float *y, size_t n);      // y += factor x
double pb_dot(const float *a, const float *b, size_t n);
double pb_sum(const float *a, size_t n);
double pb_squared_deviations(const float *a, double mean, size_t n);  // sum (a - mean)^2
// One channel: y = scale x + shift over a plane.
void pb_affine(const float *x, float scale, float shift, float *y, size_t n);
// y = a v + b x + c
void pb_affine_pair(const float *v, float a, const float *x, float b, float c, float *y, size_t n);
void pb_add_row(const float *row, float *y, size_t rows, size_t columns);  // y[r] += row
void pb_accumulate_rows(const float *x, float *y, size_t rows, size_t columns);  // y += sum over rows of x
// Axes permuted: y is contiguous with extents `extent`, x is read with `stride` (in elements), outermost first.
void pb_permute(const float *x, float *y, const size_t *extent, const size_t *stride, size_t rank);

// Gates (gates.c): forward, then what multiplies the cotangent v at the pre-activation z.
void pb_relu(const float *z, float *y, size_t n);
void pb_gelu(const float *z, float *y, size_t n);
void pb_silu(const float *z, float *y, size_t n);
void pb_sigmoid(const float *z, float *y, size_t n);
void pb_hardswish(const float *z, float *y, size_t n);
void pb_gate_step(const float *v, const float *z, float *y, size_t n);                       // v [z > 0]
void pb_gate_normal(const float *v, const float *z, float inverse_tau, float *y, size_t n);  // v Phi(z / tau)
void pb_gate_logistic(const float *v, const float *z, float inverse_tau, float *y, size_t n);
void pb_gelu_derivative(const float *v, const float *z, float *y, size_t n);
void pb_silu_derivative(const float *v, const float *z, float *y, size_t n);
void pb_sigmoid_derivative(const float *v, const float *z, float *y, size_t n);
void pb_hardswish_derivative(const float *v, const float *z, float *y, size_t n);
void pb_gate_hardswish(const float *v, const float *z, float *y, size_t n);                  // v relu6(z + 3) / 6
// v times the mean of that over normal noise on z, of which this is the reciprocal deviation.
void pb_gate_hardswish_averaged(const float *v, const float *z, float inverse_deviation, float *y, size_t n);
// Between two limits: min(max(z, low), high), v [low < z < high] and v (Phi((z - low) / tau) - Phi((z - high) / tau)).
void pb_clip(const float *z, float low, float high, float *y, size_t n);
void pb_gate_step_between(const float *v, const float *z, float low, float high, float *y, size_t n);
void pb_gate_normal_between(const float *v, const float *z, float low, float high, float inverse_tau, float *y,
                            size_t n);

// Softmax over rows (softmax.c): y = softmax(scale x); its gradient with respect to x, from y.
void pb_softmax_rows(const float *x, float scale, float *y, size_t rows, size_t n);
void pb_softmax_rows_gradient(const float *y, const float *v, float scale, float *dx, size_t rows, size_t n);

// Layer norm (normalisation.c): rows of n values; the statistics (biased variance) are kept for the backward passes.
void pb_layer_norm_rows(const float *x, const float *gamma, const float *beta, float eps, float *y, float *mean,
                        float *rstd, size_t rows, size_t n);
void pb_layer_norm_rows_frozen(const float *v, const float *gamma, const float *rstd, float *dx, size_t rows, size_t n);
void pb_layer_norm_rows_gradient(const float *v, const float *x, const float *gamma, const float *mean,
                                 const float *rstd, float *dx, size_t rows, size_t n);
// dgamma += sum v (x - mean) rstd, dbeta += sum v.
void pb_layer_norm_rows_parameters(const float *v, const float *x, const float *mean, const float *rstd, float *dgamma,
                                   float *dbeta, size_t rows, size_t n);

// A sliding window over a plane: geometry shared by convolution and pooling.
typedef struct {
  size_t height, width, out_height, out_width;
  size_t kernel_h, kernel_w, stride_h, stride_w, dilation_h, dilation_w;
  size_t pad_top, pad_left;
} pb_window;

// Columns (columns.c): output rows [row0, row1) of `channels` planes unrolled to (channels kh kw) x pixels, and back
// (dx +=) from columns whose rows lie `spacing` apart.
void pb_columns(const float *x, size_t channels, const pb_window *w, size_t row0, size_t row1, float *columns);
void pb_columns_adjoint(const float *columns, size_t spacing, size_t channels, const pb_window *w, size_t row0,
                        size_t row1, float *dx);

// Panels (pack.c): `places` output places from `place` on, cut into panels of PB_PANEL columns, the last rounded up to
// a multiple of 16. They are those of one image's plane, or of whole planes of several images, which lie `image` floats
// apart in x, one after another. A panel holds one row after another: of the planes as they are, or of every window
// place (c, i, j). Of rectified planes the negative values count as 0. Panels of rows that many take pb_panels_count
// floats; `padded` is scratch for pb_padded_count floats.
#define PB_PANEL 48
void pb_pack_planes(const float *x, size_t image, size_t channels, size_t plane, bool rectified, size_t place,
                    size_t places, float *panels);
void pb_pack_windows(const float *x, size_t image, size_t channels, const pb_window *w, bool rectified, size_t place,
                     size_t places, float *panels, float *padded);
size_t pb_padded_phase(const pb_window *w);
size_t pb_padded_count(const pb_window *w, size_t channels, size_t places);
size_t pb_panels_count(size_t depth, size_t places);

// Weights in strips (pack.c): PB_STRIP rows side by side, element (r, k) of `rows` x `depth` at r / PB_STRIP of a strip
// of PB_STRIP depth floats, k PB_STRIP + r % PB_STRIP within it. Rows that fill up the last strip are 0.
#define PB_STRIP 8
void pb_pack_strips(const float *weights, size_t rows, size_t depth, float *strips);

// How a product reads its left factor, which lies in strips: row r begins at r / PB_STRIP strip + r % PB_STRIP row, and
// its values are those of the runs, one after another, `inner` apart in each.
typedef struct {
  ptrdiff_t offset;
  size_t count;
} pb_run;
typedef struct {
  ptrdiff_t row, strip, inner;
  const pb_run *runs;
  size_t run_count;
  size_t depth;  // of all runs together
} pb_walk;

// y (+)= a panels (panels.c): `rows` rows `stride` floats apart, `columns` columns.
void pb_panels_product(const float *a, const pb_walk *walk, const float *panels, float *y, size_t stride, size_t rows,
                       size_t columns, bool adding);

// Winograd's F(2 x 2, 3 x 3) (winograd.c): the transform of weights, each component in strips; of `rows` rows of tiles
// of the input, which may be rectified, into 16 sets of panels; and of one output plane's products, component xi of
// which lies at m + xi spacing. Scratch takes pb_winograd_scratch floats.
void pb_winograd_weights(const float *w, size_t outputs, size_t inputs, float *u);
void pb_winograd_input(const float *x, size_t channels, const pb_window *w, bool rectified, size_t row0, size_t rows,
                       float *panels, float *scratch);
size_t pb_winograd_scratch(const pb_window *w, size_t rows);
void pb_winograd_output(const float *m, size_t spacing, const pb_window *w, size_t row0, size_t rows, float *y,
                        float *scratch);

// One plane of a depthwise convolution (columns.c).
void pb_depthwise(const float *x, const float *kernel, float bias, const pb_window *w, float *y,
                  float *scratch);
void pb_depthwise_adjoint(const float *v, const float *kernel, const pb_window *w, float *dx, float *scratch);
size_t pb_depthwise_scratch(const pb_window *w);
void pb_depthwise_weight(const float *v, const float *x, const pb_window *w, float *dkernel);  // dkernel +=

// Few rows times a matrix (rows.c): y[r][o] = x[r] . w[o] + bias[o] for o in [o0, o1), and its adjoint for k in
// [k0, k1). A row's result does not depend on the other rows.
void pb_rows_times_transposed(const float *x, const float *w, const float *bias, float *y, size_t rows, size_t inputs,
                              size_t outputs, size_t o0, size_t o1);
void pb_rows_times(const float *v, const float *w, float *dx, size_t rows, size_t inputs, size_t outputs, size_t k0,
                   size_t k1);

// One plane of pooling (pooling.c). Of a rectified plane the negative values count as 0.
void pb_max_pool(const float *x, const pb_window *w, bool rectified, float *y);
void pb_max_pool_gradient(const float *v, const float *x, const pb_window *w, bool rectified, float *dx);
// Each window's v shared out by softmax(window / tau). With `zero_padding` the places outside the plane count as zeros
// and take their share, which is lost; otherwise they take none.
void pb_max_pool_soft(const float *v, const float *x, const pb_window *w, bool rectified, float inverse_tau,
                      bool zero_padding, float *dx);
// Means over windows for which pb_is_pairwise: 2x2, side by side, covering whole rows.
bool pb_is_pairwise(const pb_window *w);
void pb_average_pairs(const float *x, const pb_window *w, float *y);
void pb_average_pairs_adjoint(const float *v, const pb_window *w, float *dx);
#endif
