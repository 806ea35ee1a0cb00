#include "CKernels.h"

static _Thread_local bool taken;

bool pb_thread_is_taken(void) { return taken; }
void pb_take_thread(bool value) { taken = value; }
