/*
 * A preload library that steps the clock of a server: it adds an offset to every reading of the time of day. The file
 * $CLOCK_OFFSET_FILE holds the offset as one native int64 in microseconds. The file is mapped, so a write takes effect
 * at the next reading. libfaketime is no alternative: it hangs both Redis and Valkey at start.
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/time.h>
#include <unistd.h>

static volatile int64_t *offset_us;
static int (*real_gettimeofday)(struct timeval *, void *);

__attribute__((constructor)) static void setup(void) {
  real_gettimeofday = (int (*)(struct timeval *, void *))dlsym(RTLD_NEXT, "gettimeofday");
  const char *path = getenv("CLOCK_OFFSET_FILE");
  int file = path ? open(path, O_RDONLY) : -1;
  if (file < 0) return;
  void *mapped = mmap(NULL, sizeof(int64_t), PROT_READ, MAP_SHARED, file, 0);
  if (mapped != MAP_FAILED) offset_us = mapped;
  close(file);
}

int gettimeofday(struct timeval *restrict time, void *restrict zone) {
  int result = real_gettimeofday(time, zone);
  if (result != 0 || time == NULL || offset_us == NULL) return result;
  int64_t now_us = (int64_t)time->tv_sec * 1000000 + time->tv_usec + *offset_us;
  time->tv_sec = now_us / 1000000;
  time->tv_usec = now_us % 1000000;
  return 0;
}
