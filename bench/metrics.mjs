// Measures the cost that `withMetrics` adds to a take, in alternating rounds over a limiter that answers at once:
//   npm run bench:metrics [-- --rounds 9 --takes 100000]
import { loadavg } from 'node:os';
import { parseArgs } from 'node:util';
import { createNoopMeter } from '@opentelemetry/api';
import { MeterProvider } from '@opentelemetry/sdk-metrics';
import { prometheusMetrics } from '../dist/metrics/prometheus.js';
import { withMetrics } from '../dist/metrics/with-metrics.js';

const { values: flags } = parseArgs({
  options: { rounds: { type: 'string', default: '9' }, takes: { type: 'string', default: '100000' } },
});
const TAKES = Number(flags.takes);
const evidence = { strategy: 'central', node: 'n', source: 'redis' };
const decisions = [true, false].map((allowed) => ({
  allowed,
  remainingTokens: 1,
  retryAfterUs: 0,
  evidence,
}));
let turn = 0;
const bare = { take: async () => decisions[turn++ & 1] };
const subject = { user: 'ada', endpoint: 'search' };
const cases = [
  ['bare', bare],
  ['no SDK', withMetrics(bare, { meter: createNoopMeter() })],
  ['SDK, no reader', withMetrics(bare, { meter: new MeterProvider().getMeter('bench') })],
  ['SDK, Prometheus', withMetrics(bare, { meter: prometheusMetrics().meter })],
];

const samples = new Map(cases.map(([name]) => [name, []]));
for (let round = 0; round <= Number(flags.rounds); round++) {
  for (const [name, limiter] of cases) {
    const before = process.cpuUsage(); // and not time: other work on the machine is not ours
    for (let i = 0; i < TAKES; i++) await limiter.take(subject);
    const { user, system } = process.cpuUsage(before);
    const nanoseconds = ((user + system) * 1_000) / TAKES;
    if (round > 0) samples.get(name).push(nanoseconds); // the first warms up
  }
}
process.stdout.write(
  `nanoseconds of processor time a take, median of ${flags.rounds} rounds; load average ${loadavg()[0].toFixed(1)}\n`,
);
for (const [name, each] of samples) {
  const sorted = each.toSorted((a, b) => a - b);
  process.stdout.write(`${name.padEnd(18)} ${Math.round(sorted[sorted.length >> 1])}\n`);
}
