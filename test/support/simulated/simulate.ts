import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { StrategyName } from '../../../src/core/strategies.ts';
import type { RunResult } from '../../../src/experiment/run.ts';
import type { RecordedRequest } from '../../../src/history/foreign/arrivals.ts';
import { makePlan } from '../../../src/scenario/make-plan.ts';
import type { Plan, PlannedFault } from '../../../src/scenario/plan.ts';
import { simulatePlan } from '../../../src/simulation/run.ts';
import { DEFAULT_TOPOLOGY } from '../../../src/topology/topology.ts';

/** What is simulated, by the function behind `--simulate`. */
export interface Simulated {
  readonly seed: number;
  readonly strategy: StrategyName;
  /** The file of a plug-in, in place of the strategy. */
  readonly limiter?: string;
  readonly policy: string;
  /** Between all regions. Absent: the defaults. */
  readonly roundTripMs?: number;
  /** Each region has a Redis of its own. */
  readonly apart?: true;
  readonly requests: readonly RecordedRequest[];
  readonly durationMs: number;
  readonly faults: readonly PlannedFault[];
  readonly claims: readonly string[];
}

/** Sends these requests to simulated services, and judges the history as that of any run. */
export async function simulate(simulated: Simulated): Promise<RunResult> {
  const folder = await mkdtemp(join(tmpdir(), 'openclaw-simulated-'));
  try {
    return await simulatePlan({
      ...{ plan: planOf(simulated), folder, startedAt: new Date(0), shell: { cwd: folder, env: {} } },
      recorded: simulated.requests,
      signal: new AbortController().signal,
      onProgress: () => {},
      onExit: () => () => {},
      onLeftover: () => {},
    });
  } finally {
    await rm(folder, { recursive: true });
  }
}

/** Enough for all bursts at once. */
const CONNECTIONS = 450;

function planOf({
  seed,
  strategy,
  limiter,
  policy,
  roundTripMs: ms,
  durationMs,
  faults,
  claims,
  apart,
}: Simulated): Plan {
  const roundTripMs = ms && { 'us-east:eu-west': ms, 'eu-west:ap-south': ms, 'us-east:ap-south': ms };
  const plan = makePlan(
    {
      ...{ seed, strategy, policy, instances: 1, onFailure: 'closed', homes: false, faults: [] },
      ...(limiter !== undefined && { limiter }),
      topology: {
        ...DEFAULT_TOPOLOGY,
        ...(roundTripMs && { roundTripMs }),
        ...(apart && { apart, replicas: 0 }),
      },
      load: {
        ...{ mode: 'open', connections: CONNECTIONS, ratePerSecond: 1, users: 1, skew: 0, roaming: 1 },
        ...{ costs: [1], rampMs: 0, durationMs },
      },
      claims: [...claims],
    },
    { scenario: 'bursts', about: 'Bursts of a few users from several regions.' },
  );
  return { ...plan, faults };
}
