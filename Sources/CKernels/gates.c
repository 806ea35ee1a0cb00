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

// A NaN goes through `x < 0 ? 0 : x` unharmed, so that bad input stays visible.
GATE_FORWARD(pb_relu, x < 0.0f ? 0.0f : x)
GATE_FORWARD(pb_relu6, x < 0.0f ? 0.0f : (x > 6.0f ? 6.0f : x))
GATE_FORWARD(pb_gelu, x * pb_phi(x))
GATE_FORWARD(pb_silu, x * pb_logistic(x))
GATE_FORWARD(pb_sigmoid, pb_logistic(x))

GATE_BACKWARD(pb_gate_step, x > 0.0f ? 1.0f : 0.0f)
GATE_BACKWARD(pb_gate_step6, ((x > 0.0f) & (x < 6.0f)) ? 1.0f : 0.0f)
// d/dz z Phi(z) = Phi(z) + z phi(z)
GATE_BACKWARD(pb_gelu_derivative, pb_phi(x) + x * 0.398942280f * pb_exp(-0.5f * x * x))
// d/dz z s(z) = s (1 + z (1 - s)), with 1 - s(z) = s(-z)
GATE_BACKWARD(pb_silu_derivative, pb_logistic(x) * (1.0f + x * pb_logistic(-x)))
GATE_BACKWARD(pb_sigmoid_derivative, pb_logistic(x) * pb_logistic(-x))

GATE_SOFT(pb_gate_normal, pb_phi(x * inverse_tau))
GATE_SOFT(pb_gate_normal6, pb_phi(x * inverse_tau) - pb_phi((x - 6.0f) * inverse_tau))
GATE_SOFT(pb_gate_logistic, pb_logistic(x * inverse_tau))
