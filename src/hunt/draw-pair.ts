import type { PlannedFault } from '../scenario/plan.ts';
import type { Dice } from './dice.ts';
import { type Around, drawWhen } from './draw-when.ts';
import type { Space } from './space.ts';

/**
 * A primary loses its link to a replica, and is lost itself before the link is back: what it decided between is known to it
 * alone. Undefined if no such faults are wanted, or no replica is in another region.
 */
export function drawPair(
  dice: Dice,
  { ground: { topology }, places, faults, times }: Space,
  load: Around['load'],
): PlannedFault[] | undefined {
  const losses = LOSSES.filter((loss) => faults.includes(loss));
  const shards = places.nodes.flatMap((replica) => {
    const primary = places.nodes.find(({ name }) => name === replica.replicaOf);
    return primary === undefined || primary.region === replica.region ? [] : [{ primary, replica }];
  });
  if (!faults.includes('partition') || losses.length === 0 || shards.length === 0) return undefined;
  const { primary, replica } = dice.one(shards);
  const loss = dice.one(losses);
  const { atMs: anyMs, forMs } = drawWhen(dice, { load, faults: [], times });
  const atMs = Math.min(anyMs, Math.max(0, load.durationMs - TAKEOVERS * topology.nodeTimeoutMs));
  const leftMs = load.durationMs - atMs;
  const cutAtMs = Math.max(0, atMs - dice.whole(50, MOST_BEFORE_MS));
  const cutUntilMs = atMs + (dice.chance(0.5) ? leftMs : Math.min(leftMs, dice.wide(1, MOST_BEFORE_MS)));
  return [
    {
      ...{
        fault: 'partition',
        mode: dice.one(['blackhole', 'refuse']),
        bridge: [primary.region, replica.region],
      },
      ...{ atMs: cutAtMs, forMs: cutUntilMs - cutAtMs },
    },
    {
      ...{ fault: loss, node: loss === 'failover' ? replica.name : primary.name },
      ...{ atMs, forMs: dice.chance(0.6) ? leftMs : forMs }, // a node that is back soon is not replaced
    },
  ];
}

/** After so many node timeouts a replica has taken over. */
const TAKEOVERS = 2;
/** How long the link is away before the primary is. */
const MOST_BEFORE_MS = 4_000;

/** A kill is what loses most. */
const LOSSES = ['kill', 'kill', 'pause', 'failover', 'restart'] as const;
