import { Dice } from '../../verdicts/soak/dice.ts';
import type { Lie } from './files.ts';
import type { Plan } from './plan.ts';
import type { Reading } from './readings.ts';

/** A plan of which the readings of one machine lie. */
export interface Lying {
  readonly kind: 'a machine that jumps' | 'a ping that lies' | 'pings that lie' | 'TIME that lies';
  readonly plan: Plan;
  readonly lie: Lie;
  /** Whether no honest clocks can have been read so. */
  isCertain(readings: readonly { readonly machine: number; readonly reading: Reading }[]): boolean;
}

/** Between two clocks. */
const RATE = 0.001;

/** Undefined where only one machine reads anything. */
export function drawLie(honest: Plan): Lying | undefined {
  const dice = new Dice(honest.seed, 'lies');
  const plan = honest;
  const used = [...new Set(plan.parts.map(({ machine }) => machine))];
  const others = used.filter((machine) => machine !== plan.base);
  if (others.length === 0) return undefined;
  const machine = dice.pick(others);
  const kind = dice.pick([
    'a machine that jumps',
    'a ping that lies',
    'pings that lie',
    'TIME that lies',
  ] as const);
  const sizeUs = plan.readingUs * dice.pick([1, 10, 100]) + plan.lengthUs * dice.pick([0, 0.002, 0.1]);
  const byUs = Math.ceil(sizeUs) * dice.pick([1, -1]);
  const atUs = dice.between(plan.fromUs, plan.untilUs);
  if (kind === 'TIME that lies') return lieOfTime(plan, { machine, used, byUs: byUs * 10 });
  const ofPings = {
    kind,
    isCertain: (readings: Parameters<Lying['isCertain']>[0]) => contradicts(pingsOf(readings, machine)),
  };
  if (kind === 'a machine that jumps') {
    const machines = plan.machines.map((one, at) =>
      at === machine ? { ...one, clock: one.clock.withJumps([{ atUs, byUs: Math.abs(byUs) }]) } : one,
    );
    return { ...ofPings, plan: { ...plan, machines }, lie: ({ record }) => record };
  }
  let hasLied = false;
  const lie: Lie = ({ record, readUs }, of) => {
    const lies = of === machine && record.node === plan.machines[plan.base]?.id && readUs >= atUs;
    if (!lies || (kind === 'a ping that lies' && hasLied)) return record;
    hasLied = true;
    return { ...record, serverUs: record.serverUs + byUs };
  };
  return { ...ofPings, plan, lie };
}

/** All of one machine's readings of the nodes. Others read them, too. */
function lieOfTime(
  plan: Plan,
  {
    machine,
    used,
    byUs,
  }: { readonly machine: number; readonly used: readonly number[]; readonly byUs: number },
): Lying | undefined {
  const readers = used.filter((one) => Number.isFinite(plan.machines[one]?.timeEveryUs));
  if (!readers.includes(machine) || readers.length < 2) return undefined;
  return {
    kind: 'TIME that lies',
    plan,
    lie: ({ record }, of) =>
      of === machine && record.source === undefined
        ? { ...record, serverUs: record.serverUs + byUs }
        : record,
    isCertain: (readings) => {
      const errors = readings.map(({ reading: { record } }) => record.errorUs);
      const errorUs = errors.reduce((most, us) => Math.max(most, us), 0);
      return Math.abs(byUs) > 1_000 + 8 * errorUs + 2 * RATE * plan.lengthUs;
    },
  };
}

function pingsOf(readings: Parameters<Lying['isCertain']>[0], machine: number): Reading['record'][] {
  const all = readings.filter((one) => one.machine === machine).map(({ reading }) => reading.record);
  return all.filter(({ source }) => source !== undefined);
}

/** Whether two readings leave no offset that drifts by the rate. */
function contradicts(pings: readonly Reading['record'][]): boolean {
  return pings.some((one) =>
    pings.some((other) => {
      const leastUs = one.serverUs - one.atUs - one.errorUs;
      const mostUs = other.serverUs + 1 - other.atUs + other.errorUs;
      const apartUs = Math.abs(one.atUs - other.atUs) + one.errorUs + other.errorUs;
      return leastUs - mostUs - RATE * apartUs > 3;
    }),
  );
}
