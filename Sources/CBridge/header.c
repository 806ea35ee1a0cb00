// The functions are written in Swift (Sources/Bridge). Compiled here is the header alone, as a C compiler reads it.
#include "semantic_pullbacks.h"
