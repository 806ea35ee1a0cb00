/// How libpng fails, for reading and writing alike.
#ifndef PNG_FAILURE_H
#define PNG_FAILURE_H

#include "CImaging.h"

#include <png.h>
#include <setjmp.h>
#include <stdio.h>

/// The first member of what libpng is given to pass back. It lives in the caller of the function that calls `setjmp`,
/// so that what lies beside it has defined values after the jump.
typedef struct {
  jmp_buf jump;
  ImagingMessage *message;
} PNGFailure;

static inline void setMessage(PNGFailure *failure, const char *text) {
  snprintf(failure->message->text, sizeof failure->message->text, "%s", text);
}

static inline void onError(png_structp png, png_const_charp text) {
  PNGFailure *failure = png_get_error_ptr(png);
  setMessage(failure, text);
  longjmp(failure->jump, 1);
}

/// libpng warns of what it can mend (a damaged ancillary chunk, say), which changes no pixel.
static inline void onWarning(png_structp png, png_const_charp text) {
  (void)png;
  (void)text;
}

#endif
