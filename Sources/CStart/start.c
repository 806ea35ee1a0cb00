#include "CStart.h"

#include <fcntl.h>
#include <stddef.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

// What must be so before a library's code runs. The first code of an executable is in the section below: libraries are
// mapped by then and not yet initialised, so that system calls are all that may be used.

/// Where a standard stream is closed, the next file that is opened would take its number, and messages would be written
/// into it. A closed standard output is then one that cannot be written, and a closed standard error swallows all.
static void open_standard_streams(void) {
  const int modes[] = {O_RDONLY, O_RDONLY, O_WRONLY};
  for (int number = 0; number < 3; ++number) {
    // The lowest free number is taken, which is this one.
    if (fcntl(number, F_GETFD) == -1) (void)open("/dev/null", modes[number]);
  }
}

static int is_bounded(int resource) {
  struct rlimit limit;
  return getrlimit(resource, &limit) == 0 && limit.rlim_cur != RLIM_INFINITY;
}

/// Puts a variable into an environment that has room for it.
///
/// @return Whether it was not there already.
static int set(const char **environment, size_t *count, const char *name, const char *setting) {
  for (size_t place = 0; place < *count; ++place) {
    if (strncmp(environment[place], name, strlen(name)) != 0) continue;
    const int changes = strcmp(environment[place], setting) != 0;
    environment[place] = setting;
    return changes;
  }
  environment[(*count)++] = setting;
  return 1;
}

/// When OpenBLAS is loaded, before `main`, it starts a thread for each core, and each thread asks for 128 MB. Where the
/// process may not have that much, they ask again for ever, and the program hangs. This package calls OpenBLAS without
/// threads of its own (Kernels/MatrixProduct.swift): where memory is bounded, the program starts itself once more, with
/// a variable that tells OpenBLAS so. A larger number that the user set changes no result and would hang alike, so that
/// it gives way too. The C library's allocator is told to reserve no 64 MB for every thread.
static void spare_bounded_memory(char **argv, char **environment) {
  if (!is_bounded(RLIMIT_AS) && !is_bounded(RLIMIT_DATA)) return;
  size_t count = 0;
  while (environment[count]) ++count;
  const char *changed[count + 3];
  for (size_t place = 0; place < count; ++place) changed[place] = environment[place];
  int changes = set(changed, &count, "OPENBLAS_NUM_THREADS=", "OPENBLAS_NUM_THREADS=1");
  changes |= set(changed, &count, "MALLOC_ARENA_MAX=", "MALLOC_ARENA_MAX=1");
  changed[count] = NULL;
  // By its own path: under /proc/self/exe it would be called "exe" in lists of processes.
  char path[4096];
  const ssize_t length = readlink("/proc/self/exe", path, sizeof path - 1);
  if (!changes || length <= 0) return;
  path[length] = 0;
  // If it fails, the program goes on as it is.
  (void)execve(path, argv, (char **)changed);
}

static void start(int argc, char **argv, char **environment) {
  (void)argc;
  open_standard_streams();
  spare_bounded_memory(argv, environment);
}

__attribute__((section(".preinit_array"), used, retain)) static void (*const entry)(int, char **, char **) = start;
