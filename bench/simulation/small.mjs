// Measures what one small simulation costs, as a search for bad schedules runs thousands of them in one process: three
// regions, six nodes, a strategy, 8 s of virtual time, 320 requests, one node that is killed for 6 s.
import { makePlan } from '../../dist/scenario/make-plan.js';
import { simulateHeld } from '../../dist/simulation/held-run.js';
import { DEFAULT_TOPOLOGY } from '../../dist/topology/topology.js';

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
      plan: planOf(strategy, seed),
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

function planOf(strategy, seed) {
  const plan = makePlan(
    {
      ...{ seed, strategy, onFailure: 'closed', instances: 1, homes: false, topology: DEFAULT_TOPOLOGY },
      policy: '20:5/s',
      load: {
        ...{ mode: 'open', ratePerSecond: RATE, connections: 30, users: 3, skew: 0, roaming: 1, costs: [1] },
        ...{ rampMs: 0, durationMs: DURATION_MS },
      },
      ...{ faults: [], claims: ['total-excess <= 0'] },
    },
    { scenario: 'small', about: 'A small schedule.' },
  );
  const killed = { fault: 'kill', node: 'us-east-0', atMs: 1_000, forMs: DURATION_MS - 2_000 };
  return { ...plan, faults: [killed] };
}
