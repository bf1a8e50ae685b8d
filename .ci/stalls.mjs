// Says at its end, on SIGTERM, how long a process that does nothing had to wait: times that tests measure hold such waits.
import { readFileSync } from 'node:fs';

const TICK_MS = 20;
const LONG_MS = [100, 200, 500, 1_000, 2_000];
const LONGEST = 5;

const parent = process.ppid;
const stalls = [];
let lookedMs = performance.now();
setInterval(() => {
  if (process.ppid !== parent) process.exit(1); // what it measures for was killed
  const nowMs = performance.now();
  const lateMs = nowMs - lookedMs - TICK_MS;
  lookedMs = nowMs;
  if (lateMs >= LONG_MS[0]) stalls.push({ lateMs, endedAt: new Date() });
}, TICK_MS);

/** Ticks of all processors: user, nice, system, idle, iowait, irq, softirq, steal. */
const ticks = () => readFileSync('/proc/stat', 'utf8').split('\n')[0].split(/\s+/).slice(1, 9).map(Number);
const before = ticks();

process.on('SIGTERM', () => {
  const spent = ticks().map((now, at) => now - before[at]);
  const all = spent.reduce((sum, each) => sum + each, 0);
  const percent = (part) => `${((100 * part) / all).toFixed(1)}%`;
  const counts = LONG_MS.map((ms) => `${stalls.filter(({ lateMs }) => lateMs >= ms).length} over ${ms} ms`);
  const longest = stalls.toSorted((a, b) => b.lateMs - a.lateMs).slice(0, LONGEST);
  const lines = [
    `processors: ${percent(spent[3] + spent[4])} idle, ${percent(spent[7])} stolen by the host`,
    `waits of a process that does nothing: ${counts.join(', ')}`,
    ...longest.map(
      ({ lateMs, endedAt }) => `  ${(lateMs / 1_000).toFixed(1)} s, until ${endedAt.toISOString()}`,
    ),
  ];
  process.stdout.write(`${lines.join('\n')}\n`, () => process.exit(0));
});
