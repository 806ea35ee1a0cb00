#include <math.h>
#include "scalar.h"

// Random numbers by their place in a stream: Philox4x32-10 and the quantile of the normal distribution, for many places
// at once. Sources: Salmon et al., Parallel random numbers: as easy as 1, 2, 3 (SC 2011); Wichura, Algorithm AS 241
// (Applied Statistics 37, 1988), PPND16.
//
// Goal: the same numbers on every processor, so nothing here is contracted to fused multiply-adds.
#pragma STDC FP_CONTRACT OFF

// Philox blocks that go through their ten rounds side by side.
#define SIDE 32

CLONES void pb_philox(uint64_t key, uint32_t image, uint32_t draw, uint64_t block, size_t blocks, uint32_t *words) {
  for (size_t first = 0; first < blocks; first += SIDE) {
    uint32_t w[4][SIDE];
    for (size_t s = 0; s < SIDE; s++) {
      const uint64_t index = block + first + s;
      w[0][s] = (uint32_t)index;
      w[1][s] = (uint32_t)(index >> 32);
      w[2][s] = draw;
      w[3][s] = image;
    }
    uint32_t low = (uint32_t)key, high = (uint32_t)(key >> 32);
    for (int round = 0; round < 10; round++) {
      for (size_t s = 0; s < SIDE; s++) {
        const uint64_t a = (uint64_t)w[0][s] * 0xD2511F53u, b = (uint64_t)w[2][s] * 0xCD9E8D57u;
        w[0][s] = (uint32_t)(b >> 32) ^ w[1][s] ^ low;
        w[2][s] = (uint32_t)(a >> 32) ^ w[3][s] ^ high;
        w[1][s] = (uint32_t)b;
        w[3][s] = (uint32_t)a;
      }
      low += 0x9E3779B9u;
      high += 0xBB67AE85u;
    }
    const size_t count = pb_smaller(SIDE, blocks - first);
    for (size_t s = 0; s < count; s++)
      for (size_t lane = 0; lane < 4; lane++) words[4 * (first + s) + lane] = w[lane][s];
  }
}

CLONES void pb_uniforms(const uint32_t *words, size_t n, float *restrict numbers) {
  for (size_t i = 0; i < n; i++) numbers[i] = (float)(words[i] >> 8) * 0x1p-24f;
}

INLINE double polynomial(double r, const double *c) {
  return ((((((c[7] * r + c[6]) * r + c[5]) * r + c[4]) * r + c[3]) * r + c[2]) * r + c[1]) * r + c[0];
}

// The middle 85 % of the quantile take a quotient of two polynomials of q = p - 1/2; only the tails take a logarithm.
INLINE double middle(double q) {
  static const double over[] = {3.3871328727963666080e0, 1.3314166789178437745e2, 1.9715909503065514427e3,
                                1.3731693765509461125e4, 4.5921953931549871457e4, 6.7265770927008700853e4,
                                3.3430575583588128105e4, 2.5090809287301226727e3};
  static const double under[] = {1,
                                 4.2313330701600911252e1, 6.8718700749205790830e2, 5.3941960214247511077e3,
                                 2.1213794301586595867e4, 3.9307895800092710610e4, 2.8729085735721942674e4,
                                 5.2264952788528545610e3};
  const double r = 0.180625 - q * q;
  return q * (polynomial(r, over) / polynomial(r, under));
}

static double tail(double p) {
  static const double over[] = {1.42343711074968357734e0,  4.63033784615654529590e0,  5.76949722146069140550e0,
                                3.64784832476320460504e0,  1.27045825245236838258e0,  2.41780725177450611770e-1,
                                2.27238449892691845833e-2, 7.74545014278341407640e-4};
  static const double under[] = {1,
                                 2.05319162663775882187e0,  1.67638483018380384940e0,  6.89767334985100004550e-1,
                                 1.48103976427480074590e-1, 1.51986665636164571966e-2, 5.47593808499534494600e-4,
                                 1.05075007164441684324e-9};
  static const double far_over[] = {6.65790464350110377720e0,  5.46378491116411436990e0,  1.78482653991729133580e0,
                                    2.96560571828504891230e-1, 2.65321895265761230930e-2, 1.24266094738807843860e-3,
                                    2.71155556874348757815e-5, 2.01033439929228813265e-7};
  static const double far_under[] = {1,
                                     5.99832206555887937690e-1, 1.36929880922735805310e-1, 1.48753612908506148525e-2,
                                     7.86869131145613259100e-4, 1.84631831751005468180e-5, 1.42151175831644588870e-7,
                                     2.04426310338993978564e-15};
  const double r = sqrt(-log(p < 0.5 ? p : 1 - p));
  const double value = r <= 5 ? polynomial(r - 1.6, over) / polynomial(r - 1.6, under)
                              : polynomial(r - 5, far_over) / polynomial(r - 5, far_under);
  return p < 0.5 ? -value : value;
}

double pb_normal_quantile(double p) { return fabs(p - 0.5) <= 0.425 ? middle(p - 0.5) : tail(p); }

CLONES void pb_normals(const uint32_t *words, size_t n, float *restrict numbers) {
  for (size_t i = 0; i < n; i++) numbers[i] = (float)middle(((double)words[i] + 0.5) * 0x1p-32 - 0.5);
  for (size_t i = 0; i < n; i++) {
    const double p = ((double)words[i] + 0.5) * 0x1p-32;
    if (fabs(p - 0.5) > 0.425) numbers[i] = (float)tail(p);
  }
}
