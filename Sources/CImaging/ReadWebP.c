#include "CImaging.h"

#include <stdio.h>
#include <webp/decode.h>

int imaging_webp_version(void) { return WebPGetDecoderVersion(); }

static bool fail(ImagingMessage *message, const char *text) {
  snprintf(message->text, sizeof message->text, "%s", text);
  return false;
}

static const char *words(VP8StatusCode status) {
  switch (status) {
  case VP8_STATUS_OUT_OF_MEMORY: return "out of memory";
  case VP8_STATUS_NOT_ENOUGH_DATA: return "the file ends too early";
  case VP8_STATUS_UNSUPPORTED_FEATURE: return "it has an unknown feature";
  default: return "its bit stream is malformed";
  }
}

bool imaging_read_webp(
    const uint8_t *bytes, size_t count, ImagingHeader *header, uint8_t *pixels, size_t capacity,
    ImagingMessage *message) {
  WebPBitstreamFeatures features;
  VP8StatusCode status = WebPGetFeatures(bytes, count, &features);
  if (status != VP8_STATUS_OK) return fail(message, words(status));
  if (features.has_animation) return fail(message, "it is animated");
  header->width = features.width;
  header->height = features.height;
  header->channels = features.has_alpha ? 4 : 3;
  // Arithmetic coding and copies of runs have no bound from below; the library's own is 16,383 pixels a side.
  header->leastBytes = 0;
  if (!pixels) return true;
  size_t stride = (size_t)header->width * header->channels;
  if (capacity / stride < header->height) return fail(message, "the pixels do not fit their memory");
  uint8_t *decoded = features.has_alpha ? WebPDecodeRGBAInto(bytes, count, pixels, capacity, (int)stride)
                                        : WebPDecodeRGBInto(bytes, count, pixels, capacity, (int)stride);
  return decoded ? true : fail(message, "its picture is damaged or ends too early");
}
