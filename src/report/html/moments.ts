import type { CheckReport } from '../../checker/check.ts';
import { PROOF } from '../../checker/evidence/unproved-faults.ts';
import { secondsText } from '../../core/units.ts';
import type { FaultRecord } from '../../history/records/operation.ts';
import { argsText, eventText } from '../event-text.ts';
import type { Mark, Span } from './page-data.ts';

/** Each fault from its injection to its healing, in the order of time. */
export function faultSpans(faults: readonly FaultRecord[]): Span[] {
  const spans: { name: string; how: string; fromUs: number; untilUs: number | null }[] = [];
  for (const { fault, phase, atUs, args } of faults.toSorted((a, b) => a.atUs - b.atUs)) {
    if (phase === 'inject') spans.push({ name: fault, how: argsText(args), fromUs: atUs, untilUs: null });
    if (phase !== 'heal') continue;
    const open = spans.filter(({ name, untilUs }) => name === fault && untilUs === null);
    // Several faults of one kind may be in force.
    const healed = open.find(({ how }) => how === argsText(args)) ?? open[0];
    if (healed !== undefined) healed.untilUs = atUs;
  }
  return spans;
}

/** Events, settling and clock steps, in the order of time. */
export function findMarks({
  faults,
  events,
  clock,
}: Pick<CheckReport, 'faults' | 'events' | 'clock'>): Mark[] {
  const settled = faults.filter(({ phase }) => phase === 'settled');
  return [
    ...events.map(({ event, node, atUs, args }): Mark => {
      const who = node ?? '';
      if (event === PROOF)
        return { kind: 'other', name: `proof of ${String(args?.fault)}`, how: eventText(event, args), atUs };
      if (event !== 'role')
        return { kind: 'other', name: `${event} ${who}`.trim(), how: eventText(event, args), atUs };
      const isTakeover = args?.from === 'replica' && args.to === 'primary';
      return {
        kind: isTakeover ? 'failover' : 'other',
        name: isTakeover
          ? `${who} takes over`
          : `${who} ${args?.to === 'down' ? 'does not answer' : `is ${String(args?.to)}`}`,
        how: eventText(event, args),
        atUs,
      };
    }),
    ...settled.map(
      ({ fault, atUs }): Mark => ({ kind: 'settled', name: `settled after ${fault}`, how: '', atUs }),
    ),
    ...clock.steps.map(
      ({ node, atUs, byUs }): Mark => ({
        kind: 'clock',
        name: `clock of ${node} steps`,
        how: `by ${secondsText(byUs)} s`,
        atUs,
      }),
    ),
  ].sort((a, b) => a.atUs - b.atUs);
}
