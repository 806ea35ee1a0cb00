#include "CStart.h"

#include <stddef.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

// When OpenBLAS is loaded, before `main`, it starts a thread for each core, and each thread asks for a stack and for a
// buffer of many megabytes. Where the process may not have that much, the threads ask again for ever, and the program
// hangs. This package calls OpenBLAS on one thread at a time (Kernels/MatrixProduct.swift) and needs none of them: where
// memory is bounded, the program starts itself once more, with a variable that tells OpenBLAS so. A larger number that
// the user set changes no result and would hang alike, so that it gives way too.
//
// The first code that runs in an executable is in this section, before the libraries' own: they are mapped and not yet
// initialised, so that system calls are all that may be used.

static const char variable[] = "OPENBLAS_NUM_THREADS=";
static char one[] = "OPENBLAS_NUM_THREADS=1";

static int is_bounded(int resource) {
  struct rlimit limit;
  return getrlimit(resource, &limit) == 0 && limit.rlim_cur != RLIM_INFINITY;
}

static void use_one_thread(int argc, char **argv, char **environment) {
  (void)argc;
  if (!is_bounded(RLIMIT_AS) && !is_bounded(RLIMIT_DATA)) return;
  size_t count = 0, place = (size_t)-1;
  for (; environment[count]; ++count) {
    if (strcmp(environment[count], one) == 0) return;
    if (strncmp(environment[count], variable, sizeof variable - 1) == 0) place = count;
  }
  // By its own path: under /proc/self/exe it would be called "exe" in lists of processes.
  char path[4096];
  const ssize_t length = readlink("/proc/self/exe", path, sizeof path - 1);
  if (length <= 0) return;
  path[length] = 0;
  char *changed[count + 2];
  for (size_t index = 0; index < count; ++index) changed[index] = environment[index];
  if (place == (size_t)-1) place = count++;
  changed[place] = one;
  changed[count] = NULL;
  // If it fails, the program goes on as it is.
  execve(path, argv, changed);
}

__attribute__((section(".preinit_array"), used, retain)) static void (*const entry)(int, char **, char **) =
    use_one_thread;
