// Measures what a schedule of a hunt costs, which simulates thousands of them in one process: three
// regions, six nodes, a strategy, 8 s of virtual time, 320 requests, one node that is killed for 6 s.
import { groundOf } from '../../dist/hunt/ground.js';
import { planOf } from '../../dist/hunt/schedule.js';
import { simulateHeld } from '../../dist/simulation/held-run.js';

const DURATION_MS = 8_000;
const RATE = 40;

/**
 * `{ strategy, simulations, firstMs, medianMs, leastMs, requests }`: processor time of a simulation, all threads, with its
 * judgement: of the first one, and of the second half of them, when V8 has compiled what is called often.
 */
export async function measureSmall({ strategy, simulations }) {
  const runs = [];
  for (let seed = 1; seed <= simulations; seed++) {
    const before = process.cpuUsage();
    const { examination } = await simulateHeld({
      plan: planOfSeed(strategy, seed),
      signal: new AbortController().signal,
    });
    const { user, system } = process.cpuUsage(before);
    runs.push({ ms: (user + system) / 1e3, requests: examination.report.sent });
  }
  const warm = runs.slice(Math.floor(simulations / 2));
  const [ms, requests] = ['ms', 'requests'].map((of) => warm.map((run) => run[of]).sort((a, b) => a - b));
  return {
    ...{ strategy, simulations, firstMs: runs[0].ms },
    ...{ medianMs: ms[ms.length >> 1], leastMs: ms[0], requests: requests[requests.length >> 1] },
  };
}

function planOfSeed(strategy, seed) {
  const load = { ratePerSecond: RATE, users: 3, skew: 0, roaming: 1, costs: [1], durationMs: DURATION_MS };
  const killed = { fault: 'kill', node: 'us-east-0', atMs: 1_000, forMs: DURATION_MS - 2_000 };
  return planOf(groundOf(strategy), { seed, load, faults: [killed] });
}
