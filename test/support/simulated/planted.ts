import { join } from 'node:path';
import type { StrategyName } from '../../../src/core/strategies.ts';
import type { PlannedFault } from '../../../src/scenario/plan.ts';
import type { Rule } from './lease-rules.ts';
import { type Change, type ScriptBug, scriptBug, type Undo } from './patches.ts';

interface Named {
  /** Its name in docs/results/planted-bugs.md. */
  readonly name: string;
}

/** A plug-in that is broken, and its twin that is not: files. */
interface PlantedPlugin {
  readonly broken: string;
  readonly whole: string;
}

interface PlantedStrategy {
  readonly strategy: StrategyName;
  /** Absent: the strategy itself is what is broken. */
  readonly plant?: (() => Undo) | ScriptBug;
}

/** A limiter that is broken in one known way, under a load that drains every bucket. */
export type Steady = Named & (PlantedStrategy | { readonly plugin: PlantedPlugin }) & Circumstances;

interface Circumstances {
  readonly faults?: readonly PlannedFault[];
  readonly costTokens?: number;
  /** Absent: 20:5/s. */
  readonly policy?: string;
  /** Default: no excess at all. */
  readonly claim?: 'total-excess <= 0' | 'total-excess <= bound';
  /** Each region has a Redis of its own. */
  readonly apart?: true;
}

/** The same, or the leases without one of their rules, under the load and faults of that rule. */
export type Planted = Steady | (Named & { readonly withoutRule: Rule });

/** Whether there is a limiter without the bug. */
export function hasTwin(planted: Planted): boolean {
  return !('strategy' in planted) || planted.plant !== undefined;
}

const COMPARE = 'if level < cost then\n';
const REFILL =
  'level = refilled(level < capacity and level or capacity, now - updatedAt, capacity, refill)\n';
const LIFE = 'lifeMs = lifeMs < 2 ^ 53 and lifeMs or 2 ^ 53\n';
const CHARGE = 'allowed, level = 1, level - cost\n';

/** A bug of the script that decides a take. */
const inTake = (...changes: readonly Change[]) => scriptBug(['take', 'take-each'], changes);

const kill: PlannedFault = { fault: 'kill', node: 'us-east-0', atMs: 10_700, forMs: 8_000 };
const apart: PlannedFault = {
  ...{ fault: 'partition', mode: 'blackhole', bridge: ['us-east', 'eu-west'], atMs: 9_500, forMs: 8_000 },
};
const back: PlannedFault = {
  fault: 'node-clock',
  node: 'us-east-0',
  stepMs: -3_000,
  atMs: 4_000,
  forMs: 3_000,
};
const ahead: PlannedFault = {
  fault: 'gateway-clock',
  region: 'eu-west',
  offsetMs: 3_000,
  atMs: 0,
  forMs: 16_000,
};

const lost: PlannedFault = { fault: 'drop-reply', regions: ['eu-west'], atMs: 10_000, forMs: 600 };
const ofFolder = (broken: string, whole: string): PlantedPlugin => ({
  ...{ broken: join(SCRIPTED, `${broken}.mjs`), whole: join(SCRIPTED, `${whole}.mjs`) },
});
const SCRIPTED = join(import.meta.dirname, '../../fixtures/limiters/scripted');

export const PLANTED: readonly Planted[] = [
  {
    name: 'off by one at the limit',
    strategy: 'central',
    plant: inTake(
      [COMPARE, 'if level < cost - unit then\n'],
      [CHARGE, 'allowed, level = 1, math.max(0, level - cost)\n'],
    ),
  },
  {
    name: 'denial charges',
    strategy: 'central',
    plant: inTake([
      COMPARE,
      `${COMPARE}  packed, lifeMs = struct.pack('<ddddB', now, math.max(0, level - cost), unit, most, 1), 60000\n`,
    ]),
  },
  {
    name: 'float drift',
    strategy: 'central',
    plant: inTake([
      REFILL,
      'level = math.floor(refilled(level < capacity and level or capacity, now - updatedAt, capacity, refill) * 0.99)\n',
    ]),
  },
  {
    name: 'whole-second clock',
    strategy: 'central',
    plant: inTake([
      REFILL,
      REFILL.replace('now - updatedAt', 'now - now % 1000000 - updatedAt + updatedAt % 1000000'),
    ]),
  },
  {
    name: 'floor that drops fractions',
    strategy: 'central',
    plant: inTake([REFILL, `${REFILL}  level = math.floor(level / unit) * unit\n`]),
  },
  {
    name: 'TTL too early',
    strategy: 'central',
    plant: inTake([LIFE, 'lifeMs = 700\n']),
  },
  {
    name: 'a new bucket starts empty',
    strategy: 'central',
    plant: inTake([
      'now, level, unitThen, most = clock, capacity, unit',
      'now, level, unitThen, most = clock, 0, unit',
    ]),
  },
  { name: 'non-atomic get-then-set', plugin: ofFolder('racy', 'atomic') },
  { name: 'client clock skew between regions', strategy: 'article', faults: [ahead] },
  {
    name: 'clock going back refills',
    strategy: 'central',
    faults: [back],
    claim: 'total-excess <= bound',
    plant: inTake(
      ['now = updatedAt > clock and updatedAt or clock --', 'now = clock --'],
      [REFILL, REFILL.replace('now - updatedAt', 'math.abs(now - updatedAt)')],
    ),
  },
  {
    name: 'retry charges twice',
    plugin: ofFolder('retries-charged-twice', 'retries-charged-once'),
    faults: [lost],
  },
  { name: 'failover loses the last writes', strategy: 'central', policy: '20:1/s', faults: [apart, kill] },
  { name: 'reads from a lagging replica', strategy: 'replica-reads' },
  { name: 'two regions each with a full bucket', strategy: 'central', apart: true },
  {
    name: 'fixed window instead of bucket',
    strategy: 'central',
    plant: inTake([
      REFILL,
      'level = math.floor(now * refill / capacity) > math.floor(updatedAt * refill / capacity) and capacity or level\n',
    ]),
  },
  {
    name: 'refill beyond capacity',
    strategy: 'central',
    plant: inTake([REFILL, 'level = level + (now - updatedAt) * refill\n'], [LIFE, 'lifeMs = 60000\n']),
  },
  {
    name: 'cost ignored',
    strategy: 'central',
    costTokens: 3,
    plant: inTake([CHARGE, 'allowed, level = 1, level - unit\n']),
  },
  { name: 'level below zero', strategy: 'central', plant: inTake([COMPARE, 'if level < 0 then\n']) },
  {
    name: 'deny cache that outlives the refill',
    plugin: ofFolder('denials-kept-too-long', 'denials-kept-in-time'),
  },
  {
    name: 'lease not subtracted',
    strategy: 'lease',
    plant: scriptBug(['lease'], [['  level = level - tokens * unit\n', '']]),
  },
  { name: 'lease spent after expiry', withoutRule: 'termIsReadAtEveryDecision' },
  { name: 'counters merged by last write', strategy: 'active-active-lww' },
];
