import { quantaOf } from './limiter.ts';
import type { Plan } from './plan.ts';
import type { Run } from './run.ts';

/** A plan in which nothing but its clocks and delays can hide an excess, or explain it. */
export function calmPlan(plan: Plan): Plan {
  const { parts, shards, nodes, rates } = plan;
  const machines = plan.machines.map((machine) => ({
    ...machine,
    pingEveryUs: Math.min(machine.pingEveryUs, plan.lengthUs / 10),
  }));
  return {
    ...plan,
    machines,
    parts: parts
      .filter(({ name }, at) => parts.findIndex((part) => part.name === name) === at)
      .map((part) => ({ ...part, fate: 'whole' })),
    shards: shards.map((shard) => ({ ...shard, failoversUs: [], lostUs: 0 })),
    nodes: nodes.map(({ name, clock }) => ({ name, clock: clock.withJumps([]) })),
    hasOtherRun: false,
    rates: { ...rates, lost: 0, fallback: 0, local: 0, retry: 0, refund: 0, reset: 0 },
  };
}

/** The largest excess of one window of a bucket in truth, by the clock of its node or of the base, and how long it was. */
export function trueExcess(
  { plan, outcomes }: Run,
  bucket: number,
  by: 'node' | 'base' = 'node',
): { readonly tokens: number; readonly lengthUs: number } {
  const { shards, nodes, machines, base } = plan;
  const node = shards[bucket % shards.length]?.nodes[0] ?? 0;
  const clock = (by === 'base' ? machines[base] : nodes[node])?.clock;
  const { perUs, perToken, most } = quantaOf(plan);
  let [worst, worstUs, sum, lastUs, fromUs] = [0, 0, 0, 0, 0];
  for (const { request, outcome } of outcomes) {
    if (request.bucket !== bucket || outcome !== 'allowed' || clock === undefined) continue;
    const us = clock.showsUs(request.decidedUs);
    const left = sum - (us - lastUs) * perUs;
    if (left <= 0) fromUs = us;
    sum = Math.max(0, left) + request.cost * perToken;
    lastUs = us;
    if (sum - most > worst) [worst, worstUs] = [sum - most, us - fromUs];
  }
  return { tokens: worst / perToken, lengthUs: worstUs };
}
