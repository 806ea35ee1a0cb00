#ifndef C_PROCESSES_H
#define C_PROCESSES_H

#include <sys/types.h>

/// Starts a program that has three descriptors, none of them more, and usual signals.
///
/// - identifier: where the number of the new process is written.
/// - program: its path, or its name if it is to be found on the path.
/// - arguments, environment: lists of texts that end with NULL.
/// - folder: where it runs; NULL is the folder of this process.
/// - streams: its standard input, output and errors, descriptors of this process; -1 is /dev/null.
///
/// Returns 0, or the number of an error (errno.h).
int start_process(
    pid_t *identifier, const char *program, char *const arguments[], char *const environment[], const char *folder,
    const int streams[3]);

#endif
