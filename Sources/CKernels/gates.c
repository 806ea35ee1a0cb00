#include "scalar.h"

#define GATE_FORWARD(name, expression)                        \
  CLONES void name(const float *z, float *y, size_t n) {      \
    IN_PLACE                                                  \
    for (size_t i = 0; i < n; i++) {                          \
      const float x = z[i];                                   \
      y[i] = (expression);                                    \
    }                                                         \
  }

#define GATE_BACKWARD(name, expression)                                      \
  CLONES void name(const float *v, const float *z, float *y, size_t n) {     \
    IN_PLACE                                                                 \
    for (size_t i = 0; i < n; i++) {                                         \
      const float x = z[i];                                                  \
      y[i] = v[i] * (expression);                                            \
    }                                                                        \
  }

#define GATE_SOFT(name, expression)                                                             \
  CLONES void name(const float *v, const float *z, float inverse_tau, float *y, size_t n) {     \
    IN_PLACE                                                                                    \
    for (size_t i = 0; i < n; i++) {                                                            \
      const float x = z[i];                                                                     \
      y[i] = v[i] * (expression);                                                               \
    }                                                                                           \
  }

// A NaN goes through unharmed, so that bad input stays visible.
INLINE float clip(float x, float low, float high) { return x < low ? low : (x > high ? high : x); }

// relu6(x + 3) / 6
INLINE float hardswish_gate(float x) {
  return clip(x + 3.0f, 0.0f, 6.0f) / 6.0f;
}

// The mean of that over normal noise of deviation s = 1 / inverse: with a = (x + 3) / s and b = (x - 3) / s,
// ((x + 3) (Phi(a) - Phi(b)) + s (phi(a) - phi(b))) / 6 + Phi(b). Far out x is cut, so that infinity times 0 is 0.
INLINE float averaged_hardswish_gate(float x, float inverse) {
  const float z = clip(x, -1e15f, 1e15f);
  const float a = (z + 3.0f) * inverse, b = (z - 3.0f) * inverse;
  const float densities = 0.398942280f * (pb_exp(-0.5f * a * a) - pb_exp(-0.5f * b * b));
  return ((z + 3.0f) * (pb_phi(a) - pb_phi(b)) + densities / inverse) / 6.0f + pb_phi(b);
}

// A NaN goes through `x < 0 ? 0 : x` too.
GATE_FORWARD(pb_relu, x < 0.0f ? 0.0f : x)
GATE_FORWARD(pb_gelu, x * pb_phi(x))
GATE_FORWARD(pb_silu, x * pb_logistic(x))
GATE_FORWARD(pb_sigmoid, pb_logistic(x))
GATE_FORWARD(pb_hardswish, x * hardswish_gate(x))

GATE_BACKWARD(pb_gate_step, x > 0.0f ? 1.0f : 0.0f)
// d/dz z Phi(z) = Phi(z) + z phi(z)
GATE_BACKWARD(pb_gelu_derivative, pb_phi(x) + x * 0.398942280f * pb_exp(-0.5f * x * x))
// d/dz z s(z) = s (1 + z (1 - s)), with 1 - s(z) = s(-z)
GATE_BACKWARD(pb_silu_derivative, pb_logistic(x) * (1.0f + x * pb_logistic(-x)))
GATE_BACKWARD(pb_sigmoid_derivative, pb_logistic(x) * pb_logistic(-x))
GATE_BACKWARD(pb_hardswish_derivative, x <= -3.0f ? 0.0f : (x >= 3.0f ? 1.0f : x / 3.0f + 0.5f))
GATE_BACKWARD(pb_gate_hardswish, hardswish_gate(x))

GATE_SOFT(pb_gate_normal, pb_phi(x * inverse_tau))
GATE_SOFT(pb_gate_logistic, pb_logistic(x * inverse_tau))
GATE_SOFT(pb_gate_hardswish_averaged, averaged_hardswish_gate(x, inverse_tau))

// Between two limits.

#define BLOCK 32

CLONES void pb_clip(const float *z, float low, float high, float *y, size_t n) {
  IN_PLACE
  for (size_t i = 0; i < n; i++) y[i] = clip(z[i], low, high);
}

CLONES void pb_gate_step_between(const float *v, const float *z, float low, float high, float *y, size_t n) {
  IN_PLACE
  for (size_t i = 0; i < n; i++) y[i] = v[i] * (((z[i] > low) & (z[i] < high)) ? 1.0f : 0.0f);
}

// Where a whole block lies so far below the upper limit that its term is 0, the term is not computed.
CLONES void pb_gate_normal_between(const float *v, const float *z, float low, float high, float inverse_tau, float *y,
                                   size_t n) {
  for (size_t start = 0; start < n; start += BLOCK) {
    const size_t end = pb_smaller(start + BLOCK, n);
    int reaches = 0;
    for (size_t i = start; i < end; i++) reaches |= !((z[i] - high) * inverse_tau < PB_PHI_ZERO);
    if (reaches) {
      IN_PLACE
      for (size_t i = start; i < end; i++)
        y[i] = v[i] * (pb_phi((z[i] - low) * inverse_tau) - pb_phi((z[i] - high) * inverse_tau));
    } else {
      IN_PLACE
      for (size_t i = start; i < end; i++) y[i] = v[i] * pb_phi((z[i] - low) * inverse_tau);
    }
  }
}
