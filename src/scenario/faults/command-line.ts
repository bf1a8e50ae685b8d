import { plain } from '../../core/units.ts';
import type { PlannedFault } from '../plan.ts';
import { formatDuration } from '../units.ts';
import type { FaultOption } from './definition.ts';
import { definitionOf, type FaultSpec, isMomentary } from './index.ts';

/** The arguments of `chaos` that inject this fault at its time; `quote` makes one word of a text. */
export function faultCommandLine(fault: PlannedFault, quote: (text: string) => string): string {
  const given: { readonly [key: string]: unknown } = { ...fault };
  const options = definitionOf(fault.fault).form.options.flatMap(({ flags, key, value }) =>
    given[key] === undefined ? [] : [flags.split(' ', 1), textOf(given[key], value, quote)],
  );
  const length = isMomentary(fault) ? [] : [`--for ${formatDuration(fault.forMs)}`];
  return [fault.fault, ...options, `--at ${formatDuration(fault.atMs)}`, ...length].join(' ');
}

/** A value as its option reads it: lists with blanks, groups with commas. */
function textOf(
  given: unknown,
  value: FaultOption<FaultSpec>['value'],
  quote: (text: string) => string,
): string {
  if (typeof value === 'object' && 'format' in value) return quote(value.format(given));
  if (Array.isArray(given)) return given.map(String).join(' ');
  if (typeof given !== 'number') return quote(String(given));
  const isTime = value === 'shift' || (typeof value === 'object' && 'leastMs' in value);
  return isTime ? formatDuration(given) : plain(given);
}
