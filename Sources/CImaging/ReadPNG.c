#include "PNGFailure.h"

#include <string.h>

typedef struct {
  PNGFailure failure;
  png_structp png;
  png_infop info;
  const uint8_t *next;
  size_t left;
} Reader;

static void onRead(png_structp png, png_bytep target, size_t count) {
  Reader *reader = png_get_io_ptr(png);
  if (count > reader->left) png_error(png, "the file ends too early");
  memcpy(target, reader->next, count);
  reader->next += count;
  reader->left -= count;
}

static bool decode(Reader *reader, ImagingHeader *header, uint8_t *pixels, size_t capacity) {
  if (setjmp(reader->failure.jump)) return false;
  size_t fileSize = reader->left;
  reader->png = png_create_read_struct(PNG_LIBPNG_VER_STRING, reader, onError, onWarning);
  if (reader->png) reader->info = png_create_info_struct(reader->png);
  if (!reader->info) {
    setMessage(&reader->failure, "out of memory");
    return false;
  }
  png_structp png = reader->png;
  png_infop info = reader->info;
  png_set_read_fn(png, reader, onRead);
  // The caller judges the dimensions. A chunk may be as long as the file and no longer, and the ancillary chunks
  // (colour profile, text, gamma), compressed ones among them, are never unpacked.
  png_set_user_limits(png, PNG_UINT_31_MAX, PNG_UINT_31_MAX);
  png_set_chunk_malloc_max(png, fileSize);
  // Some encoders declare a smaller window than their data reach back; zlib's largest is right for all.
#ifdef PNG_MAXIMUM_INFLATE_WINDOW
  png_set_option(png, PNG_MAXIMUM_INFLATE_WINDOW, PNG_OPTION_ON);
#endif
  png_set_keep_unknown_chunks(png, PNG_HANDLE_CHUNK_NEVER, NULL, -1);
  png_read_info(png, info);

  header->width = png_get_image_width(png, info);
  header->height = png_get_image_height(png, info);
  bool hasAlpha = (png_get_color_type(png, info) & PNG_COLOR_MASK_ALPHA) || png_get_valid(png, info, PNG_INFO_tRNS);
  header->channels = hasAlpha ? 4 : 3;
  // Deflate expands by 1032 at most.
  header->leastBytes = (double)png_get_rowbytes(png, info) * header->height / 1032;
  if (!pixels) return true;

  png_set_expand(png);
  png_set_scale_16(png);
  png_set_gray_to_rgb(png);
  int passes = png_set_interlace_handling(png);
  png_read_update_info(png, info);
  size_t stride = png_get_rowbytes(png, info);
  if (stride != (size_t)header->width * header->channels || capacity / stride < header->height) {
    png_error(png, "the pixels do not fit their memory");
  }
  for (int pass = 0; pass < passes; pass++) {
    for (size_t row = 0; row < header->height; row++) png_read_row(png, pixels + row * stride, NULL);
  }
  png_read_end(png, NULL);
  return true;
}

bool imaging_read_png(
    const uint8_t *bytes, size_t count, ImagingHeader *header, uint8_t *pixels, size_t capacity,
    ImagingMessage *message) {
  Reader reader = {.failure = {.message = message}, .next = bytes, .left = count};
  bool done = decode(&reader, header, pixels, capacity);
  png_destroy_read_struct(&reader.png, &reader.info, NULL);
  return done;
}
