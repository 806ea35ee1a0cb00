#define _GNU_SOURCE
#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <time.h>
#include "CKernels.h"

// Threads that share one call's work at a time. A layer's work takes tens of microseconds, as long as it takes to wake
// a sleeping thread: helpers therefore wait for the next call awake for a moment before they go to sleep.

static _Thread_local bool taken;

bool pb_thread_is_taken(void) { return taken; }
void pb_take_thread(bool value) { taken = value; }

size_t pb_processors(void) {
  cpu_set_t set;
  if (sched_getaffinity(0, sizeof set, &set) != 0) return 1;
  const int count = CPU_COUNT(&set);
  return count > 0 ? (size_t)count : 1;
}

// The shared state. Written by the caller alone, while no helper is inside.
static struct {
  void (*body)(void *context, size_t index);
  void *context;
  size_t count, seats;
  atomic_size_t next;
} work;

// Whether a call is under way.
static atomic_flag busy = ATOMIC_FLAG_INIT;

// The door to the work: OPEN while helpers may enter, how many are inside, and the number of the call, so that what a
// helper saw of one call does not let it into the next.
#define OPEN ((uint64_t)1 << 31)
#define INSIDE (OPEN - 1)
#define CALL ((uint64_t)1 << 32)
static _Alignas(64) _Atomic(uint64_t) door;

static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t opened = PTHREAD_COND_INITIALIZER;
static atomic_size_t sleepers;
static size_t helpers;  // changed by the caller alone

// The time for which helpers stay awake.
#define AWAKE_NANOSECONDS 200000

static void relax(void) {
#if defined(__x86_64__)
  __builtin_ia32_pause();
#endif
}

static uint64_t nanoseconds(void) {
  struct timespec now;
  clock_gettime(CLOCK_MONOTONIC, &now);
  return (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec;
}

// Returns as soon as the door is open for a call that is not `last`.
static void wait_for_call(uint64_t last) {
  const uint64_t start = nanoseconds();
  for (size_t turn = 1;; turn++) {
    const uint64_t now = atomic_load_explicit(&door, memory_order_acquire);
    if (now & OPEN && now / CALL != last) return;
    relax();
    if (turn % 64 == 0 && nanoseconds() - start > AWAKE_NANOSECONDS) break;
  }
  pthread_mutex_lock(&mutex);
  atomic_fetch_add(&sleepers, 1);
  for (;;) {
    const uint64_t now = atomic_load(&door);
    if (now & OPEN && now / CALL != last) break;
    pthread_cond_wait(&opened, &mutex);
  }
  atomic_fetch_sub(&sleepers, 1);
  pthread_mutex_unlock(&mutex);
}

static void take_pieces(void) {
  size_t index;
  while ((index = atomic_fetch_add_explicit(&work.next, 1, memory_order_relaxed)) < work.count)
    work.body(work.context, index);
}

static void *help(void *unused) {
  uint64_t last = 0;
  for (;;) {
    wait_for_call(last);
    uint64_t now = atomic_load_explicit(&door, memory_order_acquire);
    while (now & OPEN && !atomic_compare_exchange_weak(&door, &now, now + 1)) continue;
    last = now / CALL;
    if (!(now & OPEN)) continue;
    if ((now & INSIDE) < work.seats) take_pieces();
    atomic_fetch_sub_explicit(&door, 1, memory_order_release);
  }
  return unused;
}

static void hire(size_t wanted) {
  while (helpers < wanted) {
    pthread_t thread;
    if (pthread_create(&thread, NULL, help, NULL) != 0) return;
    pthread_detach(thread);
    helpers++;
  }
}

bool pb_share(size_t count, size_t threads, void (*body)(void *context, size_t index), void *context) {
  if (atomic_flag_test_and_set_explicit(&busy, memory_order_acquire)) return false;
  hire(threads - 1);
  work.body = body;
  work.context = context;
  work.count = count;
  work.seats = threads - 1;
  atomic_store_explicit(&work.next, 0, memory_order_relaxed);
  // The door is closed and nobody inside: it holds the last call's number alone.
  const uint64_t call = atomic_load_explicit(&door, memory_order_relaxed) + CALL;
  atomic_store(&door, call | OPEN);
  if (atomic_load(&sleepers) > 0) {
    pthread_mutex_lock(&mutex);
    pthread_cond_broadcast(&opened);
    pthread_mutex_unlock(&mutex);
  }
  take_pieces();
  // Helpers still outside stay there; those inside have a piece each to finish.
  atomic_fetch_and(&door, ~OPEN);
  for (size_t turn = 1; atomic_load_explicit(&door, memory_order_acquire) != call; turn++) {
    if (turn % 4096 == 0) sched_yield();
    else relax();
  }
  atomic_flag_clear_explicit(&busy, memory_order_release);
  return true;
}
