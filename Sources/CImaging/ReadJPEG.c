#include "CImaging.h"

#include <setjmp.h>
#include <stdio.h>

// In this order: the numbers of the messages depend on the version that jpeglib.h declares.
#include <jpeglib.h>
#include <jerror.h>

#define TEXT_OF(tokens) #tokens
#define TEXT(macro) TEXT_OF(macro)

const char *imaging_jpeg_version(void) {
#ifdef LIBJPEG_TURBO_VERSION
  return TEXT(LIBJPEG_TURBO_VERSION) " (turbo)";
#else
  return TEXT(JPEG_LIB_VERSION);
#endif
}

/// A progressive file may spend a few bytes on a scan that costs a pass over the whole picture. Encoders write about
/// ten scans; a script that sends every coefficient bit by bit stays under a hundred.
enum { maximumScans = 100 };

/// As in PNGFailure.h: it outlives the function that calls `setjmp`.
typedef struct {
  struct jpeg_decompress_struct jpeg;
  struct jpeg_error_mgr errors;
  struct jpeg_progress_mgr progress;
  jmp_buf failed;
  ImagingMessage *message;
} Reader;

static void fail(j_common_ptr jpeg) {
  Reader *reader = jpeg->client_data;
  char text[JMSG_LENGTH_MAX];
  jpeg->err->format_message(jpeg, text);
  snprintf(reader->message->text, sizeof reader->message->text, "%s", text);
  longjmp(reader->failed, 1);
}

/// libjpeg goes on after any damage, filling up with grey. Damage to the picture is an error here; oddities that leave
/// it whole (stray bytes between markers, an unknown JFIF revision) are not.
static void onMessage(j_common_ptr jpeg, int level) {
  if (level >= 0) return;
  switch (jpeg->err->msg_code) {
  case JWRN_JPEG_EOF:
  case JWRN_HIT_MARKER:
  case JWRN_HUFF_BAD_CODE:
  case JWRN_ARITH_BAD_CODE:
  case JWRN_MUST_RESYNC:
  case JWRN_BOGUS_PROGRESSION:
    fail(jpeg);
  }
}

static void onProgress(j_common_ptr jpeg) {
  Reader *reader = jpeg->client_data;
  if (reader->jpeg.input_scan_number <= maximumScans) return;
  snprintf(reader->message->text, sizeof reader->message->text, "more than %d scans", maximumScans);
  longjmp(reader->failed, 1);
}

/// One row of Adobe's inverted CMYK, where 255 is no ink, to RGB: `red = round(cyan * black / 255)`, as Pillow has it.
/// Every four-component file is taken to be inverted, for hardly any is not.
static void convertRow(const uint8_t *cmyk, uint8_t *rgb, size_t width) {
  for (size_t x = 0; x < width; x++) {
    for (size_t channel = 0; channel < 3; channel++) {
      rgb[3 * x + channel] = (2u * cmyk[4 * x + channel] * cmyk[4 * x + 3] + 255) / 510;
    }
  }
}

/// The fewest bytes that can hold the picture: Huffman coding spends at least one bit on each 8 x 8 block of the
/// component that is sampled at full rate. Arithmetic coding has no such bound.
static double leastBytes(const struct jpeg_decompress_struct *jpeg) {
  return jpeg->arith_code ? 0 : (double)jpeg->image_width * jpeg->image_height / 64 / 8;
}

static bool decode(
    Reader *reader, const uint8_t *bytes, size_t count, ImagingHeader *header, uint8_t *pixels, size_t capacity) {
  if (setjmp(reader->failed)) return false;
  struct jpeg_decompress_struct *jpeg = &reader->jpeg;
  jpeg->err = jpeg_std_error(&reader->errors);
  reader->errors.error_exit = fail;
  reader->errors.emit_message = onMessage;
  jpeg->client_data = reader;
  jpeg_create_decompress(jpeg);
  reader->progress.progress_monitor = onProgress;
  jpeg->progress = &reader->progress;
  jpeg_mem_src(jpeg, bytes, count);
  jpeg_read_header(jpeg, TRUE);

  header->width = jpeg->image_width;
  header->height = jpeg->image_height;
  header->channels = 3;
  header->leastBytes = leastBytes(jpeg);
  if (!pixels) return true;

  size_t stride = (size_t)header->width * 3;
  if (capacity / stride < header->height) {
    snprintf(reader->message->text, sizeof reader->message->text, "the pixels do not fit their memory");
    return false;
  }
  bool isCMYK = jpeg->num_components == 4;
  jpeg->out_color_space = isCMYK ? JCS_CMYK : JCS_RGB;
  jpeg->dct_method = JDCT_ISLOW;
  jpeg->do_fancy_upsampling = TRUE;
  jpeg_start_decompress(jpeg);
  JSAMPROW scratch = NULL;
  if (isCMYK) {
    scratch = jpeg->mem->alloc_large((j_common_ptr)jpeg, JPOOL_IMAGE, (size_t)header->width * 4);
  }
  while (jpeg->output_scanline < jpeg->output_height) {
    uint8_t *target = pixels + jpeg->output_scanline * stride;
    JSAMPROW row = isCMYK ? scratch : target;
    jpeg_read_scanlines(jpeg, &row, 1);
    if (isCMYK) convertRow(scratch, target, header->width);
  }
  jpeg_finish_decompress(jpeg);
  return true;
}

bool imaging_read_jpeg(
    const uint8_t *bytes, size_t count, ImagingHeader *header, uint8_t *pixels, size_t capacity,
    ImagingMessage *message) {
  Reader reader = {.message = message};
  bool done = decode(&reader, bytes, count, header, pixels, capacity);
  jpeg_destroy_decompress(&reader.jpeg);
  return done;
}
