#define _GNU_SOURCE
#include "CProcesses.h"

#include <fcntl.h>
#include <signal.h>
#include <spawn.h>

int start_process(
    pid_t *identifier, const char *program, char *const arguments[], char *const environment[], const char *folder,
    const int streams[3]) {
  posix_spawn_file_actions_t actions;
  posix_spawnattr_t attributes;
  int problem = posix_spawn_file_actions_init(&actions);
  if (problem) return problem;
  problem = posix_spawnattr_init(&attributes);
  if (problem) {
    posix_spawn_file_actions_destroy(&actions);
    return problem;
  }

  for (int target = 0; target < 3 && !problem; target++)
    problem = streams[target] < 0 ? posix_spawn_file_actions_addopen(&actions, target, "/dev/null", O_RDWR, 0)
                                  : posix_spawn_file_actions_adddup2(&actions, streams[target], target);
  // Closed in the child itself: descriptors that other threads open meanwhile are closed too.
  if (!problem) problem = posix_spawn_file_actions_addclosefrom_np(&actions, 3);
  if (!problem && folder) problem = posix_spawn_file_actions_addchdir_np(&actions, folder);

  // This process, or whoever started it, may have signals ignored or blocked.
  sigset_t signals;
  sigemptyset(&signals);
  if (!problem) problem = posix_spawnattr_setsigmask(&attributes, &signals);
  sigaddset(&signals, SIGINT);
  sigaddset(&signals, SIGTERM);
  sigaddset(&signals, SIGPIPE);
  if (!problem) problem = posix_spawnattr_setsigdefault(&attributes, &signals);
  if (!problem) problem = posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF);

  if (!problem) problem = posix_spawnp(identifier, program, &actions, &attributes, arguments, environment);
  posix_spawnattr_destroy(&attributes);
  posix_spawn_file_actions_destroy(&actions);
  return problem;
}
