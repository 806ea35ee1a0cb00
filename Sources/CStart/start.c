#include "CStart.h"

#include <fcntl.h>
#include <stddef.h>
#include <string.h>
#include <sys/auxv.h>
#include <sys/resource.h>
#include <sysexits.h>
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
/// threads of its own (Kernels/MatrixProduct.swift): where memory is bounded, a variable tells OpenBLAS so. A larger
/// number that the user set changes no result and would hang alike, so that it gives way too. The C library's
/// allocator is told to reserve no 64 MB for every thread.
static int spare_bounded_memory(const char **environment, size_t *count) {
  if (!is_bounded(RLIMIT_AS) && !is_bounded(RLIMIT_DATA)) return 0;
  const int threads = set(environment, count, "OPENBLAS_NUM_THREADS=", "OPENBLAS_NUM_THREADS=1");
  return set(environment, count, "MALLOC_ARENA_MAX=", "MALLOC_ARENA_MAX=1") || threads;
}

/// The least stack that calls are known to fit into, several times what was seen, and the usual one.
enum { LEAST_STACK = 1 << 20, USUAL_STACK = 8 << 20 };

/// A stack that overflows ends a program without a word. The bound is raised as far as the user may.
///
/// @return Whether it was raised to enough; 0 also where it was enough.
static int raise_small_stack(void) {
  struct rlimit limit;
  if (getrlimit(RLIMIT_STACK, &limit) != 0 || limit.rlim_cur >= LEAST_STACK) return 0;
  limit.rlim_cur = limit.rlim_max < USUAL_STACK ? limit.rlim_max : USUAL_STACK;
  return limit.rlim_cur >= LEAST_STACK && setrlimit(RLIMIT_STACK, &limit) == 0;
}

/// Ends the program where calls have too little room, or threads, which got theirs by the bound at the start.
static void refuse_small_stack(const char *program, int was_raised) {
  struct rlimit limit;
  if (!was_raised && (getrlimit(RLIMIT_STACK, &limit) != 0 || limit.rlim_cur >= LEAST_STACK)) return;
  const char *slash = strrchr(program, '/');
  const char *const texts[] = {
      slash ? slash + 1 : program,
      ": stack: this process may have less than 1 MB, and no more by itself; allow it more, as by ulimit -s 8192\n"};
  for (int place = 0; place < 2; ++place) {
    if (write(STDERR_FILENO, texts[place], strlen(texts[place])) < 0) break;
  }
  _exit(EX_OSERR);
}

/// Starts the program once more where bounds of the system are such that only a new start gives OpenBLAS its variable
/// and threads their stacks. If that fails, it goes on as it is.
static void start_again_within_bounds(char **argv, char **environment) {
  size_t count = 0;
  while (environment[count]) ++count;
  const char *changed[count + 3];
  for (size_t place = 0; place < count; ++place) changed[place] = environment[place];
  const int stack = raise_small_stack();
  const int memory = spare_bounded_memory(changed, &count);
  changed[count] = NULL;
  // By its own path: under /proc/self/exe it would be called "exe" in lists of processes. Where the loader was called
  // as a program, with this one as its argument, the path would be the loader's.
  char path[4096];
  const ssize_t length = getauxval(AT_BASE) == 0 ? -1 : readlink("/proc/self/exe", path, sizeof path - 1);
  if ((stack || memory) && length > 0) {
    path[length] = 0;
    (void)execve(path, argv, (char **)changed);
  }
  refuse_small_stack(argv[0] ? argv[0] : "pullbacks", stack);
}

static void start(int argc, char **argv, char **environment) {
  (void)argc;
  open_standard_streams();
  start_again_within_bounds(argv, environment);
}

__attribute__((section(".preinit_array"), used, retain)) static void (*const entry)(int, char **, char **) = start;
