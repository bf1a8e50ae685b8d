import type { ClockReading } from '../../../src/history/records/operation.ts';
import type { Dice } from '../../verdicts/soak/dice.ts';
import type { Clock } from './clocks.ts';
import type { Plan } from './plan.ts';

/** A reading with the moments at which it was sent, read and received, by true time. */
export interface Reading {
  readonly record: ClockReading;
  readonly sentUs: number;
  readonly readUs: number;
  readonly gotUs: number;
}

/** What a machine reads of the clock endpoint, and of each node, from before the load until after it. */
export function drawReadings(dice: Dice, plan: Plan, machine: number): Reading[] {
  const { machines, nodes, base, readingUs } = plan;
  const { clock, pingEveryUs, timeEveryUs } = machines[machine] as Plan['machines'][number];
  const endpoint = machines[base] as Plan['machines'][number];
  const ask = (other: Clock, us: number, name: string, source?: 'machine'): Reading => {
    const way = () => 2 + readingUs * dice.pick([0.1, 0.1, 1]) * dice.next() * (dice.chance(0.05) ? 20 : 1);
    const readUs = us + way();
    const gotUs = readUs + way();
    const [sent, got] = [clock.showsUs(us), clock.showsUpUs(gotUs)];
    const times = { atUs: (sent + got) / 2, serverUs: other.showsUs(readUs), errorUs: (got - sent) / 2 };
    const record: ClockReading = { type: 'clock', node: name, ...times, ...(source && { source }) };
    return { record, sentUs: us, readUs, gotUs };
  };
  const pings = moments(dice, plan, pingEveryUs).map((us) => ask(endpoint.clock, us, endpoint.id, 'machine'));
  const times = nodes.flatMap(({ clock: other, name }) =>
    moments(dice, plan, timeEveryUs).map((us) => ask(other, us, name)),
  );
  return [...pings, ...times].sort((a, b) => a.gotUs - b.gotUs);
}

/** About so often, from before the load until after it. */
function moments(dice: Dice, { lengthUs, fromUs, untilUs }: Plan, everyUs: number): number[] {
  if (!Number.isFinite(everyUs)) return [];
  const all = [fromUs * dice.next() * 0.5];
  for (let us = everyUs * dice.next(); us < lengthUs; us += everyUs * (0.5 + dice.next())) all.push(us);
  return [...all, untilUs + (lengthUs - untilUs) * dice.between(0.8, 1)].sort((a, b) => a - b);
}
