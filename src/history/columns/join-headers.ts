import { RecordError } from '../records/fields.ts';
import type { Header } from '../records/operation.ts';

/** The header of the first file, made true of another file as well. Throws RecordError for other policies. */
export function joinHeaders(first: Header, other: Header): Header {
  const policiesOf = ({ policy, policies }: Header) => JSON.stringify([policy, policies]);
  if (policiesOf(other) !== policiesOf(first))
    throw new RecordError('its policies differ from those of the first file; all files must be of one run');
  if (other.part?.kind === 'control') return first; // it has no operation: the rest is of its own clock
  if (first.part?.kind === 'control') return other;
  const { refunds, ...joined } = withLoosestClock(first, other);
  return {
    ...joined,
    ...(other.initial === 'unknown' && { initial: 'unknown' }),
    ...(other.simulated && { simulated: true }),
    ...(refunds !== undefined && other.refunds !== undefined && { refunds }),
  };
}

/** The first header, with the larger clock allowance of the two; a header without a slack has a millisecond. */
function withLoosestClock({ clocks, clockSlackUs, ...header }: Header, other: Header): Header {
  const isApart = clocks === 'apart' || other.clocks === 'apart';
  const isOne = clocks === 'one' && other.clocks === 'one';
  const saysSlack = clockSlackUs !== undefined || other.clockSlackUs !== undefined;
  return {
    ...header,
    ...(isApart ? { clocks: 'apart' } : isOne ? { clocks: 'one' } : {}),
    ...(saysSlack && { clockSlackUs: Math.max(clockSlackUs ?? 1_000, other.clockSlackUs ?? 1_000) }),
  };
}
