#include "scalar.h"

// Matrix products whose right factor lies packed in panels and whose left factor lies in strips (pack.c). The part of a
// panel that one pass takes stays in the first-level cache, and strips stream by: along them for a convolution, across
// them for its adjoint, a block of PB_STRIP x PB_STRIP after another, so that one copy of a weight serves both.
//
// Each element of a product is one chain of fused multiply-adds in the order of k. Its bytes depend neither on the
// panel it falls into, nor on how work is cut, nor on the width of the processor's registers.

#if defined(__x86_64__)
// Left to itself, the compiler halves 512-bit registers.
#define SET avx512
#define TARGET __attribute__((target("arch=x86-64-v4"), min_vector_width(512)))
#define WIDTH 16
#define ROWS 8
#include "panel_tile.h"

#define SET avx2
#define TARGET __attribute__((target("arch=x86-64-v3")))
#define WIDTH 8
#define ROWS 4
#include "panel_tile.h"
#endif

#define SET baseline
#define TARGET
#define WIDTH 4
#define ROWS 4
#include "panel_tile.h"

void pb_panels_product(const float *a, const pb_walk *walk, const float *panels, float *y, size_t stride, size_t rows,
                       size_t columns, bool adding) {
#if defined(__x86_64__)
  if (__builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512vl") && __builtin_cpu_supports("avx512dq") &&
      __builtin_cpu_supports("avx512bw"))
    return product_avx512(a, walk, panels, y, stride, rows, columns, adding);
  if (__builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma"))
    return product_avx2(a, walk, panels, y, stride, rows, columns, adding);
#endif
  product_baseline(a, walk, panels, y, stride, rows, columns, adding);
}
