import type { ClockReading } from '../../history/records/operation.ts';
import { timeText } from '../clocks/grant.ts';
import type { ClockContradiction } from './contradictions.ts';
import type { MachineClocks } from './machine-clocks.ts';

/** The most contradictions of a run, as sentences. The first says what to do. */
const MOST = 5;

/** Why nothing can be judged: the readings that no clocks explain, the worst first; none if all agree. */
export function contradictionTexts(clocks: MachineClocks): string[] {
  const { contradictions, rate } = clocks;
  const sorted = contradictions.toSorted((a, b) => b.apartUs - a.apartUs).slice(0, MOST);
  return sorted.map(
    (one) =>
      `${whatOf(one, clocks)}: ${seconds(one.apartUs)} s remain unexplained if clocks drift apart by at most ${percentText(rate)}, so nothing is judged; ${HINT}`,
  );
}

const HINT =
  'if a clock was slewed faster, judge with --clock-drift; if a machine was suspended or a clock jumped, run all parts again';

function whatOf(contradiction: ClockContradiction, clocks: MachineClocks): string {
  const { least, most } = contradiction;
  if (contradiction.type === 'node') {
    const [one, other] = contradiction.machines;
    return `two machines read the clock of ${contradiction.node} so that one of their own clocks is wrong, or that it stepped forth and back between two readings of one of them: ${ofParts(one, clocks)} ${readingText(least)}, ${ofParts(other, clocks)} ${readingText(most)}`;
  }
  const who = `the clock of ${ofParts(contradiction.machine, clocks)}`;
  if (least === most)
    return `${who} is that of the clock endpoint, which showed another time: it ${readingText(least)}`;
  const [first, second] = least.atUs < most.atUs ? [least, most] : [most, least];
  return `${who} contradicts the clock endpoint: it ${readingText(first)}, and ${readingText(second)}`;
}

function ofParts(machine: string, { machines }: MachineClocks): string {
  const parts = machines.get(machine)?.parts ?? [];
  return `machine ${machine} (${parts.join(', ')})`;
}

/** In the numbers of the file, so that they can be found in it. */
function readingText({ atUs, errorUs, serverUs }: ClockReading): string {
  return `read ${seconds(serverUs)} s at ${seconds(atUs)} s within ${timeText(errorUs)}`;
}

function seconds(us: number): string {
  return (us / 1_000_000).toFixed(6);
}

/** Of a ratio. */
export function percentText(rate: number): string {
  return `${Number((100 * rate).toFixed(4))}%`;
}
