import { nearest } from '../../core/did-you-mean.ts';
import { OpenclawError } from '../../core/errors.ts';
import { quoted } from '../../core/printable.ts';
import { formatLimit, LIMIT_FORMS, type LimitUnit, parseLimit } from './claim-limit.ts';
import { MEASURES, type Measure, type MeasureFacts } from './claim-list.ts';

/** If an open load drops a larger share, it is not the requested load, and its latencies are those of a smaller one. */
export const DROPPED_AT_MOST = 0.01;

const CLAIMED_OUTCOMES = ['allowed', 'denied', 'failed'] as const;

/** A parsed claim of a run. */
export interface Claim {
  /** `parseClaim` of this text gives the same claim. */
  readonly text: string;
  readonly measure: Measure;
  /** The outcome whose latency is claimed. */
  readonly outcome?: (typeof CLAIMED_OUTCOMES)[number];
  readonly unit: LimitUnit;
  /** Tokens, a count, a share from 0 to 1, microseconds, per second; of a bound Infinity. */
  readonly limit: number;
  /** The phase, by the name that the checker gives it. Absent: the whole run. */
  readonly phase?: string;
  /** The claim also holds if there is nothing to judge, for example in a log without levels. */
  readonly ifAny?: true;
}

/** Parses a claim like `total-excess <= bound` or `p99(allowed) <= 250ms during partition`. Throws INVALID_CLAIM. */
export function parseClaim(text: string): Claim {
  const { measure, facts, outcome, limitText, phaseText } = splitClaim(text);
  const limit = parseLimit(limitText, facts.units);
  if (limit === undefined)
    throw invalidClaim(
      text,
      `the limit of ${measure} must be ${facts.units.map((unit) => LIMIT_FORMS[unit]).join(' or ')}`,
    );
  return makeClaim({
    measure,
    ...limit,
    ...(measure === 'headroom' && { ifAny: true as const }), // `contested` shows whether there is a contested bucket
    ...parseOutcome(measure, outcome, text),
    ...parsePhase(measure, phaseText, { unit: limit.unit, text }),
  });
}

interface ClaimParts {
  readonly measure: Measure;
  readonly facts: MeasureFacts;
  readonly outcome: string | undefined;
  readonly limitText: string;
  readonly phaseText: string | undefined;
}

/** The parts of a claim whose measure and operator are valid. Throws INVALID_CLAIM. */
export function splitClaim(text: string): ClaimParts {
  const [, name, outcome, operator = '', limitText = '', phaseText] =
    /^\s*([A-Za-z0-9-]+)(?:\(\s*([a-z]*)\s*\))?\s*([<>=!]+)\s*([^\s]+)(?:\s+(\S.*?))?\s*$/.exec(text) ?? [];
  if (name === undefined)
    throw invalidClaim(text, 'expected a measure, <= or >=, a limit and perhaps a phase');
  const measure = parseMeasure(name, text);
  const facts: MeasureFacts = MEASURES[measure];
  if (operator !== facts.operator)
    throw invalidClaim(text, `${measure} needs the operator ${facts.operator}`);
  const isOf = facts.of !== undefined && phaseText?.replace(/\s+/g, ' ') === `of ${facts.of}`;
  return { measure, facts, outcome, limitText, phaseText: isOf ? undefined : phaseText };
}

/** A claim with its text. */
export function makeClaim(claim: Omit<Claim, 'text'>): Claim {
  return { text: claimText(claim, formatLimit(claim)), ...claim };
}

/** The text of a claim with this limit. */
export function claimText({ measure, outcome, phase }: Omit<Claim, 'text' | 'limit'>, limit: string): string {
  const of = isLatency(measure) ? `(${outcome ?? 'any'})` : '';
  const during = phase === undefined ? '' : ` ${phase}`;
  const { operator, of: whole }: MeasureFacts = MEASURES[measure];
  return `${measure}${of} ${operator} ${limit}${whole === undefined ? '' : ` of ${whole}`}${during}`;
}

/** What a claim means, as a sentence to print before anything runs. */
export function explainClaim({ text, measure, outcome, unit, limit, phase }: Claim): string {
  const { kind, operator, about, aboutShare }: MeasureFacts = MEASURES[measure];
  const most = operator === '<=' ? 'at most' : 'at least';
  const amount = unit === 'bound' ? 'the declared bound of the shard' : formatLimit({ unit, limit });
  const unitText = { tokens: ' tokens', count: '', share: '', time: '', rate: '', bound: '' }[unit];
  const what =
    measure === 'contested'
      ? unit === 'share'
        ? `of the busiest planned buckets ${about}`
        : `buckets ${about}`
      : unit === 'share'
        ? (aboutShare ?? about)
        : about;
  const whose = isLatency(measure) ? ` (${outcome ?? 'any outcome'})` : '';
  const when = phase === undefined ? 'over the whole run' : phase;
  const broken = {
    correctness: 'the run fails',
    evidence: 'the run has too little evidence',
    performance: 'the exit code is 3 if all other claims hold',
  }[kind];
  return `${text}: ${most} ${amount}${unitText} ${what}${whose}, ${when}; if not, ${broken}`;
}

export function isLatency(measure: Measure): measure is 'p50' | 'p99' | 'max' {
  return measure === 'p50' || measure === 'p99' || measure === 'max';
}

function parseMeasure(name: string, text: string): Measure {
  if (Object.hasOwn(MEASURES, name)) return name as Measure;
  const names = Object.keys(MEASURES);
  const near = nearest(name, names);
  throw invalidClaim(
    text,
    `unknown measure ${quoted(name)}; ${near === undefined ? '' : `did you mean ${near}? `}expected one of ${names.join(', ')}`,
  );
}

export function parseOutcome(
  measure: Measure,
  outcome: string | undefined,
  text: string,
): Pick<Claim, 'outcome'> {
  if (outcome === undefined || (isLatency(measure) && outcome === 'any')) return {};
  const known = CLAIMED_OUTCOMES.find((name) => name === outcome);
  if (!isLatency(measure)) throw invalidClaim(text, `${measure} takes no outcome; remove it`);
  if (known === undefined)
    throw invalidClaim(
      text,
      `the outcome must be ${CLAIMED_OUTCOMES.join(', ')} or any, like ${measure}(allowed)`,
    );
  return { outcome: known };
}

export function parsePhase(
  measure: Measure,
  phase: string | undefined,
  { unit, text }: { unit: LimitUnit; text: string },
): Pick<Claim, 'phase'> {
  if (phase === undefined) return {};
  const normal = phase.replace(/\s+/g, ' ');
  if (!/^(before|(during|after) \S.*)$/.test(normal))
    throw invalidClaim(
      text,
      `the phase must be before, during <fault> or after <fault>; found ${quoted(phase)}`,
    );
  if (!MEASURES[measure].ofPhase || unit === 'bound')
    throw invalidClaim(
      text,
      `${unit === 'bound' ? 'a bound' : measure} applies to the whole run, not a phase`,
    );
  return { phase: normal };
}

/** INVALID_CLAIM of this text. */
export function invalidClaim(text: string, why: string): OpenclawError {
  return new OpenclawError('INVALID_CLAIM', `claim ${quoted(text)}: ${why}`);
}
