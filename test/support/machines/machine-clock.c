/*
 * A preload library that gives the processes of a test one monotonic clock of their own:
 *
 *   clock = real + offset + (real - origin) * rate / 10^9
 *
 * The file $MACHINE_CLOCK_FILE holds origin (ns), rate (parts per 10^9) and offset (ns) as native int64. It is mapped,
 * so that a write takes effect at the next reading, in all processes at once. A test writes only the offset of a clock
 * that is read. The kernel's waits until a time still follow the real clock: large offsets belong to a time namespace.
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

struct machine_clock {
  int64_t origin_ns, rate_ppb, offset_ns;
};

static volatile struct machine_clock *machine;
static int (*real_clock_gettime)(clockid_t, struct timespec *);

__attribute__((constructor)) static void setup(void) {
  real_clock_gettime = (int (*)(clockid_t, struct timespec *))dlsym(RTLD_NEXT, "clock_gettime");
  const char *path = getenv("MACHINE_CLOCK_FILE");
  int file = path ? open(path, O_RDONLY | O_CLOEXEC) : -1;
  if (file < 0) return;
  void *mapped = mmap(NULL, sizeof(struct machine_clock), PROT_READ, MAP_SHARED, file, 0);
  if (mapped != MAP_FAILED) machine = mapped;
  close(file);
}

static int is_monotonic(clockid_t id) {
  return id == CLOCK_MONOTONIC || id == CLOCK_MONOTONIC_RAW || id == CLOCK_MONOTONIC_COARSE;
}

int clock_gettime(clockid_t id, struct timespec *time) {
  if (!real_clock_gettime) setup(); /* another library's constructor reads a clock before ours has run */
  int result = real_clock_gettime(id, time);
  if (result != 0 || machine == NULL || !is_monotonic(id)) return result;
  int64_t real = (int64_t)time->tv_sec * 1000000000 + time->tv_nsec;
  int64_t now = real + machine->offset_ns + (int64_t)((__int128)(real - machine->origin_ns) * machine->rate_ppb / 1000000000);
  time->tv_sec = now / 1000000000;
  time->tv_nsec = now % 1000000000;
  return 0;
}
