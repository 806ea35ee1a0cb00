/// PNG, JPEG and WebP without the jumps: libpng and libjpeg report an error by calling back and never expect to be
/// returned to. These functions keep the `longjmp` on the C side and answer with `false` and a message.
#ifndef CIMAGING_H
#define CIMAGING_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/// Room for one message of a library, with its terminating zero.
#define IMAGING_MESSAGE_SIZE 256

/// The library's own words on what went wrong.
typedef struct {
  char text[IMAGING_MESSAGE_SIZE];
} ImagingMessage;

/// What the header of an image file declares, before any pixel is decoded.
typedef struct {
  uint32_t width, height;
  /// 3 for red, green, blue; 4 with alpha last.
  uint32_t channels;
  /// No complete file of this size and kind has fewer bytes: the bound that unmasks a header that promises too much.
  double leastBytes;
} ImagingHeader;

/// Bytes allocated with `malloc`; the caller frees them.
typedef struct {
  uint8_t *bytes;
  size_t count, capacity;
} ImagingBytes;

/// Reads a PNG of any colour type, depth and interlacing held in memory.
///
/// `pixels` receives `height * width * channels` bytes, rows from the top, and `capacity` is its size; with `pixels`
/// NULL only the header is read.
bool imaging_read_png(
    const uint8_t *bytes, size_t count, ImagingHeader *header, uint8_t *pixels, size_t capacity,
    ImagingMessage *message);

/// Reads a baseline or progressive JPEG held in memory; as `imaging_read_png`, always with three channels.
bool imaging_read_jpeg(
    const uint8_t *bytes, size_t count, ImagingHeader *header, uint8_t *pixels, size_t capacity,
    ImagingMessage *message);

/// Reads a still WebP held in memory, lossy or lossless; as `imaging_read_png`.
bool imaging_read_webp(
    const uint8_t *bytes, size_t count, ImagingHeader *header, uint8_t *pixels, size_t capacity,
    ImagingMessage *message);

/// The version of libwebp as it is loaded, `major << 16 | minor << 8 | revision`.
int imaging_webp_version(void);

/// The version of libjpeg's headers, for people.
const char *imaging_jpeg_version(void);

/// Writes `height` rows of `width` pixels of 1 (grey), 3 (RGB) or 4 (RGBA) channels as an 8-bit PNG to `output`, which
/// must come zeroed and must be freed also after a failure.
bool imaging_write_png(
    const uint8_t *pixels, uint32_t width, uint32_t height, uint32_t channels, ImagingBytes *output,
    ImagingMessage *message);

#endif
