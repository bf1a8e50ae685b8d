import { Dice } from '../../verdicts/soak/dice.ts';
import { Clock, drawPieces, type Jump } from './clocks.ts';

export type Strategy = 'central' | 'acked' | 'lease' | 'external';

/** A machine with one monotonic clock, and how it reads others. Times in microseconds. */
export interface Machine {
  readonly id: string;
  readonly clock: Clock;
  /** How often it pings the clock endpoint; infinite: never. */
  readonly pingEveryUs: number;
  /** How often it asks each node for `TIME`; infinite: never. */
  readonly timeEveryUs: number;
}

/** One file of a part; two with one name are two runs of it, of which both sent requests. */
export interface PlannedPart {
  readonly name: string;
  readonly region: string;
  readonly machine: number;
  /** What becomes of its file. */
  readonly fate: 'whole' | 'missing' | 'cut short' | 'copied' | 'altered';
}

/** The nodes that hold the buckets of one shard, one after the other. */
export interface Shard {
  readonly nodes: readonly number[];
  /** When the next of them takes over, in the order of time. */
  readonly failoversUs: readonly number[];
  /** How many of the last microseconds of its predecessor a node does not know. */
  readonly lostUs: number;
}

/** What one history is of; all of it drawn from the seed. */
export interface Plan {
  readonly seed: number;
  readonly strategy: Strategy;
  readonly capacity: number;
  readonly refill: { readonly tokens: number; readonly perUs: number };
  readonly tokenUs: number;
  /** When the first request is sent and the last; readings come before and after. */
  readonly fromUs: number;
  readonly untilUs: number;
  readonly lengthUs: number;
  readonly requests: number;
  /** On average between two requests. */
  readonly stepUs: number;
  /** Without requests, while clocks drift: `PAUSES` times. */
  readonly pauseUs: number;
  readonly buckets: number;
  readonly mostCost: number;
  readonly latencyUs: number;
  readonly readingUs: number;
  readonly machines: readonly Machine[];
  /** The place of the machine of the clock endpoint. */
  readonly base: number;
  readonly nodes: readonly { readonly name: string; readonly clock: Clock }[];
  readonly shards: readonly Shard[];
  readonly parts: readonly PlannedPart[];
  readonly hasLevels: boolean;
  readonly hasOtherRun: boolean;
  /** Shares of the requests. */
  readonly rates: Rates;
}

export interface Rates {
  readonly lost: number;
  readonly failed: number;
  readonly fallback: number;
  readonly local: number;
  readonly retry: number;
  readonly refund: number;
  readonly reset: number;
}

const RATES = [
  { tokens: 1, perUs: 1_000_000 },
  { tokens: 5, perUs: 1_000_000 },
  { tokens: 10, perUs: 1_000_000 },
  { tokens: 5, perUs: 3_000_000 },
  { tokens: 100, perUs: 1_000_000 },
  { tokens: 1, perUs: 7_000_000 },
  { tokens: 3, perUs: 1_000 },
  { tokens: 99_991, perUs: 1_000_000 },
];
const CAPACITIES = [1, 2, 3, 5, 10, 20, 50];
export const PAUSES = 2;
/** A reading takes less than so many times `readingUs`. */
const SLOWEST = 100;
const EPOCH_US = 1_795_000_000_000_000;

export function drawPlan(seed: number): Plan {
  const dice = new Dice(seed, 'parts');
  const strategy = dice.pick(['central', 'central', 'acked', 'acked', 'lease', 'external'] as const);
  const refill = dice.pick(RATES);
  const tokenUs = refill.perUs / refill.tokens;
  const mostCost = dice.pick([1, 1, 2, 3]);
  const buckets = dice.pick([1, 1, 2, 3]);
  const requests = 40 + dice.below(dice.pick([40, 160]));
  const stepUs = (tokenUs * (1 + mostCost)) / 2 / dice.pick([0.8, 1.5, 3, 6]) / buckets;
  const readingUs = Math.max(10, tokenUs * dice.pick([0.005, 0.05, 0.5, 3]));
  const pauseUs = tokenUs * dice.pick([0, 0, 0, 300, 3_000, 30_000]);
  const loadUs = requests * stepUs + PAUSES * pauseUs;
  const marginUs = Math.max(loadUs * dice.pick([0.05, 0.2]), SLOWEST * readingUs);
  const lengthUs = loadUs + 2 * marginUs;
  const parts = drawParts(dice);
  // A step that no later reading shows would be excess: of those who read, all files are there to the end.
  const isWhole = parts.all.every((part) => part.fate === 'whole' || part.fate === 'copied');
  const isDense = pauseUs === 0 && loadUs > 2 * SLOWEST * readingUs;
  const isTold = strategy === 'central' || strategy === 'acked';
  const steps = isWhole || isTold ? dice.pick([0, 0, 1, 1, isDense ? 2 : 1] as const) : 0;
  const isWatched = isWhole && new Set(parts.all.map(({ name }) => name)).size === parts.all.length;
  const times = { strategy, lengthUs, loadUs, marginUs, readingUs, tokenUs, steps, isTold, isWatched };
  const nodes = drawNodes(dice, times);
  const shards = drawShards(dice, nodes.length, times);
  return {
    ...{ seed, strategy, refill, tokenUs, mostCost, buckets, requests, stepUs, pauseUs, lengthUs, readingUs },
    capacity: Math.max(mostCost, dice.pick(CAPACITIES)),
    fromUs: marginUs,
    untilUs: marginUs + loadUs,
    latencyUs: Math.max(10, tokenUs * dice.pick([0.01, 0.1, 0.5, 2])),
    ...drawMachines(dice, parts.machines, times),
    nodes,
    shards,
    parts: parts.all,
    hasLevels: strategy !== 'external' && strategy !== 'lease' && dice.chance(0.6),
    hasOtherRun: dice.chance(0.05),
    rates: drawRates(
      dice,
      strategy,
      shards.some(({ lostUs }) => lostUs > 0),
    ),
  };
}

interface Times {
  readonly strategy: Strategy;
  readonly lengthUs: number;
  readonly loadUs: number;
  readonly marginUs: number;
  readonly readingUs: number;
  readonly tokenUs: number;
  /** Of each node's clock. */
  readonly steps: 0 | 1 | 2;
  /** Decisions say what their node's clock showed. */
  readonly isTold: boolean;
  /** All changes of roles are in the files: a return that lost state shows in nothing else. */
  readonly isWatched: boolean;
}

/** Of one to four regions, one of which may be divided. Most runs are whole; some lack a part, or have one twice. */
function drawParts(dice: Dice): { readonly all: readonly PlannedPart[]; readonly machines: number } {
  const regions = dice.pick([1, 2, 3, 3, 4]);
  const isDivided = regions < 4 && dice.chance(0.3);
  const names = Array.from({ length: regions }, (_, at) => `r${at}`).flatMap((name, at) =>
    isDivided && at === 0 ? [`${name}:1/2`, `${name}:2/2`] : [name],
  );
  const machines = 1 + dice.below(names.length);
  const troubled = dice.chance(0.25) ? dice.below(names.length) : -1;
  const fate = dice.pick(['missing', 'cut short', 'copied', 'altered', 'doubled', 'doubled'] as const);
  const all = names.flatMap((name, at): PlannedPart[] => {
    const machine = at < machines ? at : dice.below(machines);
    const part = { name, region: name.replace(/:.*/, ''), machine, fate: 'whole' } as const;
    if (at !== troubled || names.length === 1) return [part];
    if (fate !== 'doubled') return [{ ...part, fate }];
    const second = { ...part, machine: dice.below(machines) };
    return [dice.chance(0.5) ? { ...part, fate: 'cut short' } : part, second];
  });
  return { all, machines };
}

function drawMachines(
  dice: Dice,
  count: number,
  { lengthUs, steps, isTold }: Times,
): Pick<Plan, 'machines' | 'base'> {
  const isBaseApart = dice.chance(0.5);
  const every = (least: number) => (lengthUs / least) * (0.5 + dice.next());
  const machines = Array.from({ length: count + (isBaseApart ? 1 : 0) }, (_, at): Machine => {
    // Decisions alone may come too late to show a step.
    const readsTime = !isTold || steps > 1 || (steps === 1 && at < 2) || dice.chance(0.75);
    return {
      id: `m${at}`,
      clock: new Clock(Math.floor(dice.next() * dice.pick([1_000, 1e9, 1e13])), drawPieces(dice, lengthUs)),
      pingEveryUs: dice.chance(0.01)
        ? Number.POSITIVE_INFINITY
        : every(steps > 1 ? 25 : dice.pick([3, 10, 40])),
      timeEveryUs: readsTime ? every(steps > 1 ? 25 : dice.pick([3, 10, 40])) : Number.POSITIVE_INFINITY,
    };
  });
  return { machines, base: isBaseApart ? count : dice.below(count) };
}

function drawNodes(dice: Dice, times: Times): Plan['nodes'] {
  const { strategy, lengthUs, readingUs, tokenUs } = times;
  const count = strategy === 'external' ? 1 : dice.pick([1, 1, 2, 3]);
  const apartUs = dice.pick([0, readingUs, 10 * tokenUs, 5_000_000]);
  return Array.from({ length: count }, (_, at) => ({
    name: `n${at}`,
    clock: new Clock(
      EPOCH_US + Math.floor(dice.between(-1, 1) * apartUs),
      drawPieces(dice, lengthUs),
      dice.chance(0.6) ? drawSteps(dice, times) : [],
    ),
  }));
}

/** Tiny ones hide in the errors of readings. At most one does: of two, the second is seen. */
function drawSteps(dice: Dice, { loadUs, marginUs, readingUs, tokenUs, steps }: Times): Jump[] {
  const sizes = [2 * readingUs, 1_500, 3 * tokenUs, 30 * tokenUs, 5_000_000];
  const places = [
    [],
    [[0, 1]],
    [
      [0, 0.4],
      [0.6, 1],
    ],
  ][steps] as [number, number][];
  return places.map(([from, to], at) => {
    const byUs = Math.floor(dice.between(-1, 1) * dice.pick(sizes));
    const seenUs = at === 0 ? 0 : Math.ceil(SLOWEST * readingUs + 2_000) * (byUs < 0 ? -1 : 1);
    return { atUs: marginUs + dice.between(from, to) * loadUs, byUs: byUs + seenUs };
  });
}

function drawShards(dice: Dice, nodes: number, times: Times): Shard[] {
  const { strategy, loadUs, marginUs, isWatched } = times;
  const all = Array.from({ length: nodes }, (_, at) => at);
  const chains = nodes > 1 && dice.chance(0.3) ? all.map((node) => [node]) : [all];
  const loses = strategy === 'central' && dice.chance(0.5);
  return chains.map((chain) => ({
    nodes: chain,
    failoversUs:
      chain.length === 1
        ? []
        : Array.from(
            { length: chain.length - (dice.chance(0.5) || (loses && !isWatched) ? 1 : 0) },
            () => marginUs + dice.between(0.2, 1) * loadUs,
          ).sort((a, b) => a - b),
    lostUs: loses ? loadUs * 0.2 * dice.next() : 0,
  }));
}

/** A successor that lost a refund, a reset or a decision by its id denies falsely, and its limiter declares none of them. */
function drawRates(dice: Dice, strategy: Strategy, loses: boolean): Rates {
  const some = (share: number, ...rates: number[]) => (dice.chance(share) ? dice.pick(rates) : 0);
  const isBucket = strategy !== 'lease' && !loses;
  const isOurs = strategy === 'central' || strategy === 'acked';
  return {
    lost: some(0.25, 0.01, 0.05, 0.2),
    failed: some(0.15, 0.02, 0.1),
    fallback: isOurs ? some(0.1, 0.02, 0.1) : 0,
    local: isOurs ? some(0.2, 0.2, 0.5) : 0,
    retry: isOurs && !loses ? some(0.2, 0.2, 0.8) : 0,
    refund: isBucket ? some(0.12, 0.03, 0.1) : 0,
    reset: isBucket ? some(0.08, 0.02, 0.05) : 0,
  };
}
