import { given } from '../../core/given.ts';
import { quoted } from '../../core/printable.ts';
import { RecordError } from '../records/fields.ts';
import type { Header } from '../records/operation.ts';

/** The header of the first file, made true of another file as well. Throws RecordError for a file of another run. */
export function joinHeaders(first: Header, other: Header): Header {
  const policiesOf = ({ policy, policies }: Header) => JSON.stringify([policy, policies]);
  if (policiesOf(other) !== policiesOf(first))
    throw new RecordError('its policies differ from those of the first file; all files must be of one run');
  if (other.part?.kind === 'control') return first; // it has no operation: the rest is of its own clock
  if (first.part?.kind === 'control') return other;
  const differing = differences(first, other);
  if (differing.length > 0)
    throw new RecordError(
      `it is of another run than the first file: ${differing.join('; ')}; check them one by one`,
    );
  if (first.simulated)
    throw new RecordError(
      'it is of another run than the first file: a simulation writes one file; check them one by one',
    );
  const { refunds, ...joined } = withLoosestClock({ ...first, ...said(other), ...said(first) }, other);
  return {
    ...joined,
    ...(other.initial === 'unknown' && { initial: 'unknown' }),
    ...(refunds !== undefined && other.refunds !== undefined && { refunds }),
  };
}

/** What names a run, as far as a header says it: files of other programs may lack it. */
function said({ strategy, promise, scenario, seed, startedAt }: Header) {
  return {
    ...(strategy !== '' && { strategy }),
    ...given({ promise }),
    ...(scenario !== '' && { scenario }),
    ...(seed !== 0 && { seed }),
    ...(startedAt !== '' && { startedAt }),
  };
}

/** What the headers of two runs say differently. Parts have a run and a plan, which are compared before. */
function differences(first: Header, other: Header): string[] {
  const theirs: Readonly<Record<string, unknown>> = said(first);
  const differing = Object.entries(said(other))
    .filter(([name, value]) => Object.hasOwn(theirs, name) && theirs[name] !== value)
    .map(([name, value]) => `its ${name} is ${quoted(value)}, not ${quoted(theirs[name])}`);
  if (first.simulated === other.simulated) return differing;
  return [`it ${other.simulated ? 'was' : 'was not'} simulated`, ...differing];
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
