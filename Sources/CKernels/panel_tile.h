// The product of rows and one panel for one instruction set. Included once per set by panels.c, which defines SET (a
// suffix), TARGET (attributes), WIDTH (floats in a register) and ROWS (rows in a tile, a power of two).

#define PASTE(a, b) a##b
#define NAME(a, b) PASTE(a, b)
#define VECTOR NAME(vector_, SET)
#define UNROLL _Pragma("clang loop unroll(full)")

typedef float VECTOR __attribute__((vector_size(4 * WIDTH)));

// One tile, whose sums stay in registers. Known strides make addresses constant.
#define TILE(rows, vectors)                                                                                      \
  TARGET INLINE void NAME(tile_##rows##_##vectors##_, SET)(                                                      \
      const float *a, const pb_walk *walk, ptrdiff_t row, ptrdiff_t inner, const float *panel, size_t panel_row, \
      float *y, size_t stride, size_t columns, bool adding) {                                                    \
    VECTOR sum[rows][vectors];                                                                                   \
    UNROLL for (int r = 0; r < rows; r++) UNROLL for (int v = 0; v < vectors; v++) sum[r][v] = (VECTOR){0};      \
    for (const pb_run *run = walk->runs; run < walk->runs + walk->run_count; run++) {                            \
      const float *place = a + run->offset;                                                                      \
      for (size_t i = 0; i < run->count; i++, place += inner, panel += panel_row) {                              \
        VECTOR x[vectors];                                                                                       \
        UNROLL for (int v = 0; v < vectors; v++) memcpy(&x[v], panel + v * WIDTH, sizeof x[v]);                  \
        /* The next strip: across strips, its places are too far apart for the processor to foresee. */          \
        __builtin_prefetch(place + walk->strip + (ptrdiff_t)(i % PB_STRIP) * row);                               \
        UNROLL for (int r = 0; r < rows; r++) {                                                                  \
          const float factor = place[r * row];                                                                   \
          UNROLL for (int v = 0; v < vectors; v++) sum[r][v] += factor * x[v];                                   \
        }                                                                                                        \
      }                                                                                                          \
    }                                                                                                            \
    if (columns == vectors * WIDTH) {                                                                            \
      UNROLL for (int r = 0; r < rows; r++) UNROLL for (int v = 0; v < vectors; v++) {                           \
        float *out = y + (size_t)r * stride + v * WIDTH;                                                         \
        VECTOR total = {0};                                                                                      \
        if (adding) memcpy(&total, out, sizeof total);                                                           \
        total += sum[r][v];                                                                                      \
        memcpy(out, &total, sizeof total);                                                                       \
      }                                                                                                          \
    } else {                                                                                                     \
      float tile[rows][vectors * WIDTH];                                                                         \
      memcpy(tile, sum, sizeof tile);                                                                            \
      for (size_t r = 0; r < rows; r++)                                                                          \
        for (size_t c = 0; c < columns; c++)                                                                     \
          y[r * stride + c] = (adding ? y[r * stride + c] : 0.0f) + tile[r][c];                                  \
    }                                                                                                            \
  }

#define TILES(rows) TILE(rows, 3) TILE(rows, 2) TILE(rows, 1)
#if ROWS == 8
TILES(8)
#endif
TILES(4)
TILES(2)
TILES(1)

// All rows times `vectors` registers of a panel, whose part of the panel stays in the first-level cache.
#define COLUMNS(vectors)                                                                                         \
  TARGET INLINE void NAME(columns_##vectors##_, SET)(                                                            \
      const float *a, const pb_walk *walk, ptrdiff_t row, ptrdiff_t inner, const float *panel, size_t panel_row, \
      float *y, size_t stride, size_t rows, size_t columns, bool adding) {                                       \
    size_t r = 0;                                                                                                \
    WIDE_ROWS(vectors)                                                                                           \
    for (; r + 4 <= rows; r += 4) RUN(4, vectors);                                                               \
    for (; r + 2 <= rows; r += 2) RUN(2, vectors);                                                               \
    for (; r < rows; r++) RUN(1, vectors);                                                                       \
  }
#define RUN(count, vectors)                                                                                      \
  NAME(tile_##count##_##vectors##_, SET)(                                                                        \
      a + (ptrdiff_t)(r / PB_STRIP) * walk->strip + (ptrdiff_t)(r % PB_STRIP) * row, walk, row, inner, panel,    \
      panel_row, y + r * stride, stride, columns, adding)
#if ROWS == 8
#define WIDE_ROWS(vectors) for (; r + 8 <= rows; r += 8) RUN(8, vectors);
#else
#define WIDE_ROWS(vectors)
#endif
COLUMNS(3)
COLUMNS(2)
COLUMNS(1)

TARGET INLINE void NAME(panels_, SET)(const float *a, const pb_walk *walk, ptrdiff_t row, ptrdiff_t inner,
                                      const float *panels, float *y, size_t stride, size_t rows, size_t columns,
                                      bool adding) {
  for (size_t start = 0; start < columns; start += PB_PANEL) {
    const size_t width = pb_smaller(PB_PANEL, columns - start), panel_row = pb_panel_row(width);
    const size_t registers = panel_row / WIDTH;
    const size_t vectors = registers % 3 == 0 ? 3 : registers % 2 == 0 ? 2 : 1;
    for (size_t first = 0; first < width; first += vectors * WIDTH) {
      const size_t valid = pb_smaller(vectors * WIDTH, width - first);
      const float *panel = panels + pb_panel_offset(start, walk->depth) + first;
      float *out = y + start + first;
      if (vectors == 3)
        NAME(columns_3_, SET)(a, walk, row, inner, panel, panel_row, out, stride, rows, valid, adding);
      else if (vectors == 2)
        NAME(columns_2_, SET)(a, walk, row, inner, panel, panel_row, out, stride, rows, valid, adding);
      else NAME(columns_1_, SET)(a, walk, row, inner, panel, panel_row, out, stride, rows, valid, adding);
    }
  }
}

TARGET static void NAME(product_, SET)(const float *a, const pb_walk *walk, const float *panels, float *y,
                                       size_t stride, size_t rows, size_t columns, bool adding) {
  if (walk->row == 1 && walk->inner == PB_STRIP)
    NAME(panels_, SET)(a, walk, 1, PB_STRIP, panels, y, stride, rows, columns, adding);
  else if (walk->row == PB_STRIP && walk->inner == 1)
    NAME(panels_, SET)(a, walk, PB_STRIP, 1, panels, y, stride, rows, columns, adding);
  else NAME(panels_, SET)(a, walk, walk->row, walk->inner, panels, y, stride, rows, columns, adding);
}

#undef COLUMNS
#undef WIDE_ROWS
#undef RUN
#undef TILES
#undef TILE
#undef UNROLL
#undef VECTOR
#undef NAME
#undef PASTE
#undef SET
#undef TARGET
#undef WIDTH
#undef ROWS
