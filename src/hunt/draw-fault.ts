import type { FaultName, FaultSpec } from '../scenario/faults/index.ts';
import type { CutMode, PartitionShape } from '../topology/pairs.ts';
import type { PlannedNode } from '../topology/topology.ts';
import type { Dice } from './dice.ts';

/** What a draw of a fault can name. */
export interface Places {
  readonly regions: readonly string[];
  readonly nodes: readonly PlannedNode[];
  /** Rating services of each region. */
  readonly instances: number;
}

/** The faults that have a model. */
export type HuntedFault = Exclude<FaultName, 'command'>;

type Draw<Name extends FaultName> = (dice: Dice, places: Places) => Extract<FaultSpec, { fault: Name }>;

const isReplica = ({ replicaOf }: PlannedNode) => replicaOf !== undefined;

/** Of a topology without such nodes it is any node, which the checks of a scenario refuse. */
function nodeOf(dice: Dice, { nodes }: Places, wanted: (node: PlannedNode) => boolean = () => true): string {
  const fitting = nodes.filter(wanted);
  return dice.one(fitting.length > 0 ? fitting : nodes).name;
}

/** Primaries decide, so half of the faults of nodes are theirs. */
const someNode = (dice: Dice, places: Places) =>
  nodeOf(dice, places, dice.chance(0.5) ? (node) => !isReplica(node) : undefined);

const mode = (dice: Dice): CutMode => dice.one(['blackhole', 'refuse']);
const twoOf = (dice: Dice, { regions }: Places): [string, string] => {
  const [a = '', b = a] = dice.some(regions, 2);
  return dice.chance(0.5) ? [a, b] : [b, a];
};
const someRegions = (dice: Dice, { regions }: Places) =>
  dice.some(regions, dice.chance(0.7) ? 1 : dice.whole(1, regions.length));
const step = (dice: Dice) => dice.wide(50, 30_000) * (dice.chance(0.5) ? 1 : -1);

function shape(dice: Dice, places: Places): PartitionShape {
  const [a, b] = twoOf(dice, places);
  return dice.one<() => PartitionShape>([
    () => ({ isolate: [a] }),
    () => ({ bridge: [a, b] }),
    () => ({ from: [a], to: dice.chance(0.5) ? [b] : places.regions.filter((region) => region !== a) }),
    () => ({ split: [[a], [b]] }),
  ])();
}

/** Parameters of each fault, without its times. */
const DRAWS: { readonly [Name in HuntedFault]: Draw<Name> } = {
  partition: (dice, places) => ({ fault: 'partition', mode: mode(dice), ...shape(dice, places) }),
  latency: (dice, places) => ({
    ...{ fault: 'latency', between: twoOf(dice, places), addMs: dice.wide(20, 5_000) },
    ...{ jitterMs: dice.chance(0.3) ? dice.wide(1, 500) : 0, rampMs: 0 },
  }),
  bandwidth: (dice, places) => ({
    ...{ fault: 'bandwidth', between: twoOf(dice, places), rateKBps: dice.wide(1, 200) },
  }),
  'drop-reply': (dice, places) => ({ fault: 'drop-reply', regions: someRegions(dice, places) }),
  flap: (dice, places) => ({
    ...{ fault: 'flap', mode: mode(dice), ...shape(dice, places) },
    ...{ downMs: dice.wide(50, 2_000), upMs: dice.wide(50, 2_000) },
  }),
  kill: (dice, places) => ({ fault: 'kill', node: someNode(dice, places) }),
  restart: (dice, places) => ({ fault: 'restart', node: nodeOf(dice, places, (node) => !isReplica(node)) }),
  'restart-empty': (dice, places) => ({ fault: 'restart-empty', node: someNode(dice, places) }),
  'restart-service': (dice, places) => ({
    ...{ fault: 'restart-service', region: dice.one(places.regions) },
    ...(places.instances > 1 && { instance: dice.whole(1, places.instances) }),
  }),
  pause: (dice, places) => ({ fault: 'pause', node: someNode(dice, places) }),
  failover: (dice, places) => ({ fault: 'failover', node: nodeOf(dice, places, isReplica) }),
  // Those with the most keys move first, so a few are all that a small load has.
  'move-slots': (dice, places) => {
    const [from, to] = twoOf(dice, places);
    return { fault: 'move-slots', from, to, slots: dice.whole(1, 20) };
  },
  'gateway-clock': (dice, { regions }) => ({
    ...{ fault: 'gateway-clock', region: dice.one(regions), offsetMs: step(dice) },
  }),
  'node-clock': (dice, places) => ({ fault: 'node-clock', node: someNode(dice, places), stepMs: step(dice) }),
  'store-outage': (dice, places) => ({
    ...{ fault: 'store-outage', mode: mode(dice), regions: someRegions(dice, places) },
  }),
  'slow-store': (dice, places) => ({
    ...{ fault: 'slow-store', latencyMs: dice.wide(20, 3_000), regions: someRegions(dice, places) },
  }),
};

export const HUNTED_FAULTS = Object.keys(DRAWS) as HuntedFault[];

export function drawFault(fault: HuntedFault, dice: Dice, places: Places): FaultSpec {
  return DRAWS[fault](dice, places);
}
