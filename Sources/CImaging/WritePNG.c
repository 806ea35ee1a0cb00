#include "PNGFailure.h"

#include <stdlib.h>
#include <string.h>

typedef struct {
  PNGFailure failure;
  png_structp png;
  png_infop info;
  ImagingBytes *output;
} Writer;

static void onWrite(png_structp png, png_bytep source, size_t count) {
  ImagingBytes *output = ((Writer *)png_get_io_ptr(png))->output;
  if (count > output->capacity - output->count) {
    size_t capacity = 2 * output->capacity + count;
    uint8_t *grown = realloc(output->bytes, capacity);
    if (!grown) png_error(png, "out of memory");
    output->bytes = grown;
    output->capacity = capacity;
  }
  memcpy(output->bytes + output->count, source, count);
  output->count += count;
}

static void onFlush(png_structp png) { (void)png; }

static bool encode(Writer *writer, const uint8_t *pixels, uint32_t width, uint32_t height, uint32_t channels) {
  if (setjmp(writer->failure.jump)) return false;
  writer->png = png_create_write_struct(PNG_LIBPNG_VER_STRING, writer, onError, onWarning);
  if (writer->png) writer->info = png_create_info_struct(writer->png);
  if (!writer->info) {
    setMessage(&writer->failure, "out of memory");
    return false;
  }
  png_structp png = writer->png;
  png_infop info = writer->info;
  png_set_write_fn(png, writer, onWrite, onFlush);
  int type = channels == 1 ? PNG_COLOR_TYPE_GRAY : channels == 3 ? PNG_COLOR_TYPE_RGB : PNG_COLOR_TYPE_RGBA;
  png_set_IHDR(
      png, info, width, height, 8, type, PNG_INTERLACE_NONE, PNG_COMPRESSION_TYPE_DEFAULT,
      PNG_FILTER_TYPE_DEFAULT);
  // Fixed here, not left to the library's defaults, so that equal pixels give equal bytes. Filters chosen row by row
  // and level 6 take 3 to 5 times as long for figures 12 % smaller at best and photographs 4 % smaller. Without a
  // filter figures shrink a little more, and photographs grow by a fifth.
  png_set_compression_level(png, 2);
  png_set_filter(png, PNG_FILTER_TYPE_BASE, PNG_FILTER_UP);
  png_write_info(png, info);
  for (size_t row = 0; row < height; row++) png_write_row(png, pixels + row * width * channels);
  png_write_end(png, NULL);
  return true;
}

bool imaging_write_png(
    const uint8_t *pixels, uint32_t width, uint32_t height, uint32_t channels, ImagingBytes *output,
    ImagingMessage *message) {
  Writer writer = {.failure = {.message = message}, .output = output};
  bool done = encode(&writer, pixels, width, height, channels);
  png_destroy_write_struct(&writer.png, &writer.info);
  return done;
}
