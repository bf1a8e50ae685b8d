/** Microseconds of the machine's monotonic clock (`CLOCK_MONOTONIC`), the same in all its processes; not rounded. */
export function monotonicUs(): number {
  const [seconds, nanoseconds] = process.hrtime();
  return seconds * 1_000_000 + nanoseconds / 1_000;
}
