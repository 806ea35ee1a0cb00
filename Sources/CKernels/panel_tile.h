// The product of rows and one panel for one instruction set. Included once per set by panels.c, which defines SET (a
// suffix), TARGET (attributes), WIDTH (floats in a register) and ROWS (rows in a tile, a power of two).

#define PASTE(a, b) a##b
#define NAME(a, b) PASTE(a, b)
#define VECTOR NAME(vector_, SET)
#define UNROLL _Pragma("clang loop unroll(full)")

typedef float VECTOR __attribute__((vector_size(4 * WIDTH)));

// One tile, whose sums stay in registers.
#define TILE(rows, vectors)                                                                                      \
  TARGET static void NAME(tile_##rows##_##vectors##_, SET)(                                                      \
      const float *a, const pb_walk *walk, const float *panel, size_t panel_row, float *y, size_t stride,        \
      size_t columns, bool adding) {                                                                             \
    VECTOR sum[rows][vectors];                                                                                   \
    UNROLL for (int r = 0; r < rows; r++) UNROLL for (int v = 0; v < vectors; v++) sum[r][v] = (VECTOR){0};      \
    for (size_t o = 0; o < walk->outer_count; o++) {                                                             \
      const float *place = a + (ptrdiff_t)o * walk->outer;                                                       \
      for (size_t i = 0; i < walk->inner_count; i++, place += walk->inner, panel += panel_row) {                 \
        VECTOR x[vectors];                                                                                       \
        UNROLL for (int v = 0; v < vectors; v++) memcpy(&x[v], panel + v * WIDTH, sizeof x[v]);                  \
        /* The rows that come next: their regular places are too far apart for the processor to foresee. */     \
        __builtin_prefetch(place + (rows + (ptrdiff_t)(i % rows)) * walk->row);                                  \
        UNROLL for (int r = 0; r < rows; r++) {                                                                  \
          const float factor = place[r * walk->row];                                                             \
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

#define RUN(rows, vectors) \
  NAME(tile_##rows##_##vectors##_, SET)(a, walk, panel + first, panel_row, y + first, stride, valid, adding)

// `rows` rows of one panel of `columns` columns, stored `panel_row` floats apart.
#define STRIP(rows)                                                                                               \
  TARGET static void NAME(strip_##rows##_, SET)(const float *a, const pb_walk *walk, const float *panel,          \
                                                size_t panel_row, float *y, size_t stride, size_t columns,        \
                                                bool adding) {                                                    \
    const size_t registers = panel_row / WIDTH;                                                                   \
    const size_t vectors = registers % 3 == 0 ? 3 : registers % 2 == 0 ? 2 : 1;                                   \
    for (size_t first = 0; first < columns; first += vectors * WIDTH) {                                           \
      const size_t rest = columns - first, valid = rest < vectors * WIDTH ? rest : vectors * WIDTH;               \
      if (vectors == 3) RUN(rows, 3);                                                                             \
      else if (vectors == 2) RUN(rows, 2);                                                                        \
      else RUN(rows, 1);                                                                                          \
    }                                                                                                             \
  }

#if ROWS == 8
STRIP(8)
#endif
STRIP(4)
STRIP(2)
STRIP(1)

TARGET static void NAME(product_, SET)(const float *a, const pb_walk *walk, const float *panels, float *y,
                                       size_t stride, size_t rows, size_t columns, bool adding) {
  const size_t depth = walk->outer_count * walk->inner_count;
#define ROWS_OF(rows, count)                                                                             \
  for (size_t first = 0; first < columns; first += PB_PANEL) {                                           \
    const size_t rest = columns - first, valid = rest < PB_PANEL ? rest : PB_PANEL;                      \
    NAME(strip_##rows##_, SET)(a + (ptrdiff_t)r * walk->row, walk, panels + pb_panel_offset(first, depth),\
                               pb_panel_row(valid), y + r * stride + first, stride, valid, adding);      \
  }                                                                                                      \
  r += count;
  size_t r = 0;
#if ROWS == 8
  while (r + 8 <= rows) { ROWS_OF(8, 8) }
#endif
  while (r + 4 <= rows) { ROWS_OF(4, 4) }
  while (r + 2 <= rows) { ROWS_OF(2, 2) }
  while (r < rows) { ROWS_OF(1, 1) }
#undef ROWS_OF
}

#undef STRIP
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
