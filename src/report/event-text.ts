import { PROOF } from '../checker/evidence/unproved-faults.ts';
import { secondsText } from '../core/units.ts';
import { SLOTS_EVENT } from '../history/records/operation.ts';
import { ALL_SLOTS } from '../topology/topology.ts';

/** The arguments of an event as text. */
export function eventText(event: string, args: Readonly<Record<string, unknown>> | undefined): string {
  if (event === 'role') return roleText(args);
  if (event === PROOF) return sightText(args);
  if (event !== SLOTS_EVENT) return argsText(args);
  const { from, to, slots, untilUs } = args ?? {};
  const end = typeof untilUs === 'number' ? `until ${secondsText(untilUs)} s` : 'without a certain end';
  return `slots ${shortened(slots)} from ${text(from)} to ${text(to)}, ${end}`;
}

/** What a run saw of a fault. */
function sightText(args: Readonly<Record<string, unknown>> | undefined): string {
  const noKey = args?.noKey === undefined ? '' : `, but ${text(args.noKey)}`;
  return `${args?.bit === true ? '' : 'not seen: '}${text(args?.saw)}${noKey}`;
}

/**
 * A change of role as text. `down` means only that a node did not answer: it may have run on. All slots are left out:
 * a server without cluster mode has none.
 */
function roleText(args: Readonly<Record<string, unknown>> | undefined): string {
  const { from, to, slots = '' } = args ?? {};
  const served = slots === '' || slots === ALL_SLOTS ? '' : `, slots ${shortened(slots)}`;
  if (from === to) return `slots ${shortened(slots)} now`;
  if (to === 'down') return `does not answer, was ${text(from)}`;
  return `${from === 'down' ? 'answers again, as' : `${text(from)} to`} ${text(to)}${served}`;
}

/** Arguments of a fault or an event as text. */
export function argsText(args: Readonly<Record<string, unknown>> | undefined): string {
  return Object.entries(args ?? {})
    .map(([name, value]) => `${name} ${text(value)}`)
    .join(', ');
}

const MOST_SHOWN = 60;

/** Slots that moved one by one have many ranges. */
function shortened(slots: unknown): string {
  const all = text(slots);
  return all.length > MOST_SHOWN ? `${all.slice(0, MOST_SHOWN - 20)}...` : all;
}

export function text(value: unknown): string {
  return typeof value === 'string' ? value : (JSON.stringify(value) ?? '');
}
