/*
 * A preload library whose time of day stands still: it is the native int64 in microseconds since 1970 that the file
 * $FROZEN_CLOCK_FILE holds, or the machine's while that is 0.
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/time.h>
#include <unistd.h>

static volatile int64_t *frozen_us;
static int (*real_gettimeofday)(struct timeval *, void *);

__attribute__((constructor)) static void setup(void) {
  real_gettimeofday = (int (*)(struct timeval *, void *))dlsym(RTLD_NEXT, "gettimeofday");
  const char *path = getenv("FROZEN_CLOCK_FILE");
  int file = path ? open(path, O_RDONLY) : -1;
  if (file < 0) return;
  void *mapped = mmap(NULL, sizeof(int64_t), PROT_READ, MAP_SHARED, file, 0);
  if (mapped != MAP_FAILED) frozen_us = mapped;
  close(file);
}

int gettimeofday(struct timeval *restrict time, void *restrict zone) {
  if (time == NULL || frozen_us == NULL || *frozen_us == 0) return real_gettimeofday(time, zone);
  time->tv_sec = *frozen_us / 1000000;
  time->tv_usec = *frozen_us % 1000000;
  return 0;
}
