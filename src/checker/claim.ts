import { OpenclawError, quoted } from '../core/errors.ts';
import { formatLimit, LIMIT_FORMS, type LimitUnit, parseLimit } from './claim-limit.ts';
import { nearest } from './nearest.ts';

/** Broken, the first makes a run fail, the second leaves it unknown, the third has an exit code of its own. */
export type ClaimKind = 'correctness' | 'evidence' | 'performance';

interface MeasureFacts {
  readonly kind: ClaimKind;
  readonly operator: '<=' | '>=';
  readonly units: readonly LimitUnit[];
  /** Whether it can be asked of one phase. */
  readonly ofPhase: boolean;
  /** Completes "at most 5 ...". */
  readonly about: string;
}

const LATENCY = { kind: 'performance', operator: '<=', units: ['time'], ofPhase: true } as const;

/** Everything that can be claimed. */
export const MEASURES = {
  'total-excess': {
    kind: 'correctness',
    operator: '<=',
    units: ['tokens', 'bound'],
    ofPhase: true,
    about: 'admitted beyond an ideal bucket, for any one bucket',
  },
  'worst-window': {
    kind: 'correctness',
    operator: '<=',
    units: ['tokens', 'bound'],
    ofPhase: false,
    about: 'admitted in any one window beyond capacity + refill * its length',
  },
  'false-denials': {
    kind: 'correctness',
    operator: '<=',
    units: ['count'],
    ofPhase: true,
    about: 'denied although the bucket held the cost at every moment',
  },
  replay: {
    kind: 'correctness',
    operator: '<=',
    units: ['count'],
    ofPhase: true,
    about: 'decisions whose level the math does not give',
  },
  windows: {
    kind: 'correctness',
    operator: '<=',
    units: ['count'],
    ofPhase: false,
    about: 'windows in which more was admitted than was promised',
  },
  info: {
    kind: 'evidence',
    operator: '<=',
    units: ['share'],
    ofPhase: true,
    about: 'of the requests without a reply',
  },
  failed: {
    kind: 'evidence',
    operator: '<=',
    units: ['share'],
    ofPhase: true,
    about: 'of the requests not decided',
  },
  dropped: {
    kind: 'evidence',
    operator: '<=',
    units: ['share'],
    ofPhase: true,
    about: 'of the requests that were due never sent, since every connection was busy',
  },
  contested: {
    kind: 'evidence',
    operator: '>=',
    units: ['share', 'count'],
    ofPhase: false,
    about: 'drained and denying',
  },
  headroom: {
    kind: 'evidence',
    operator: '<=',
    units: ['share'],
    ofPhase: false,
    about: 'of its capacity could a contested bucket, the median, have admitted beside without being seen',
  },
  p50: { ...LATENCY, about: 'waited by half of the requests' },
  p99: { ...LATENCY, about: 'waited by 99 of 100 requests' },
  max: { ...LATENCY, about: 'waited by any request' },
  throughput: {
    kind: 'performance',
    operator: '>=',
    units: ['rate'],
    ofPhase: true,
    about: 'allowed or denied',
  },
} as const satisfies Record<string, MeasureFacts>;

export type Measure = keyof typeof MEASURES;

/** An open load that drops a larger share is not the load that was asked for, and its latencies are of a smaller one. */
export const DROPPED_AT_MOST = 0.01;

const CLAIMED_OUTCOMES = ['allowed', 'denied', 'failed'] as const;

/** Something a run promises, parsed. */
export interface Claim {
  /** Reads back as the same claim. */
  readonly text: string;
  readonly measure: Measure;
  /** Whose latency. */
  readonly outcome?: (typeof CLAIMED_OUTCOMES)[number];
  readonly unit: LimitUnit;
  /** Tokens, a count, a share from 0 to 1, microseconds, per second; of a bound Infinity. */
  readonly limit: number;
  /** A phase as the checker names them; the whole run without. */
  readonly phase?: string;
  /** It also holds where there is nothing to judge, as in logs that do not tell. */
  readonly ifAny?: true;
}

/** Parses a claim like `total-excess <= bound` or `p99(allowed) <= 250ms during partition`. Throws INVALID_CLAIM. */
export function parseClaim(text: string): Claim {
  const [, name, outcome, operator = '', limitText = '', phaseText] =
    /^\s*([A-Za-z0-9-]+)(?:\(\s*([a-z]*)\s*\))?\s*([<>=!]+)\s*([^\s]+)(?:\s+(\S.*?))?\s*$/.exec(text) ?? [];
  if (name === undefined) throw invalid(text, 'a claim is a measure, <= or >=, a limit, and perhaps a phase');
  const measure = measureOf(name, text);
  const facts: MeasureFacts = MEASURES[measure];
  if (operator !== facts.operator) throw invalid(text, `${measure} is claimed with ${facts.operator}`);
  const limit = parseLimit(limitText, facts.units);
  if (limit === undefined)
    throw invalid(
      text,
      `the limit of ${measure} is ${facts.units.map((unit) => LIMIT_FORMS[unit]).join(' or ')}`,
    );
  return makeClaim({
    measure,
    ...limit,
    ...(measure === 'headroom' && { ifAny: true as const }), // `contested` says whether there is any
    ...outcomeOf(measure, outcome, text),
    ...phaseOf(measure, phaseText, { unit: limit.unit, text }),
  });
}

/** A claim with its text. */
export function makeClaim(claim: Omit<Claim, 'text'>): Claim {
  const { measure, outcome, phase } = claim;
  const of = isLatency(measure) ? `(${outcome ?? 'any'})` : '';
  const during = phase === undefined ? '' : ` ${phase}`;
  return { text: `${measure}${of} ${MEASURES[measure].operator} ${formatLimit(claim)}${during}`, ...claim };
}

/** What a claim means, as a sentence to print before anything runs. */
export function explainClaim({ text, measure, outcome, unit, limit, phase }: Claim): string {
  const { kind, operator, about } = MEASURES[measure];
  const most = operator === '<=' ? 'at most' : 'at least';
  const amount = unit === 'bound' ? 'what the strategy declares for the shard' : formatLimit({ unit, limit });
  const unitText = { tokens: ' tokens', count: '', share: '', time: '', rate: '', bound: '' }[unit];
  const what =
    measure === 'contested'
      ? unit === 'share'
        ? `of the busiest planned buckets ${about}`
        : `buckets ${about}`
      : about;
  const whose = isLatency(measure) ? ` (${outcome ?? 'any outcome'})` : '';
  const when = phase === undefined ? 'over the whole run' : phase;
  const broken = {
    correctness: 'the run fails',
    evidence: 'the run is too little evidence',
    performance: 'the exit code is 3 if all else holds',
  }[kind];
  return `${text}: ${most} ${amount}${unitText} ${what}${whose}, ${when}; if not, ${broken}`;
}

export function isLatency(measure: Measure): measure is 'p50' | 'p99' | 'max' {
  return measure === 'p50' || measure === 'p99' || measure === 'max';
}

function measureOf(name: string, text: string): Measure {
  if (Object.hasOwn(MEASURES, name)) return name as Measure;
  const names = Object.keys(MEASURES);
  const near = nearest(name, names);
  throw invalid(
    text,
    `there is no measure ${quoted(name)}${near === undefined ? ';' : `, did you mean ${near}?`} it is one of ${names.join(', ')}`,
  );
}

function outcomeOf(measure: Measure, outcome: string | undefined, text: string): Pick<Claim, 'outcome'> {
  if (outcome === undefined || (isLatency(measure) && outcome === 'any')) return {};
  const known = CLAIMED_OUTCOMES.find((name) => name === outcome);
  if (!isLatency(measure)) throw invalid(text, `${measure} is not of one outcome`);
  if (known === undefined)
    throw invalid(text, `a latency is of ${CLAIMED_OUTCOMES.join(', ')} or any, like ${measure}(allowed)`);
  return { outcome: known };
}

function phaseOf(
  measure: Measure,
  phase: string | undefined,
  { unit, text }: { unit: LimitUnit; text: string },
): Pick<Claim, 'phase'> {
  if (phase === undefined) return {};
  const normal = phase.replace(/\s+/g, ' ');
  if (!/^(before|(during|after) \S.*)$/.test(normal))
    throw invalid(text, `a phase is before, during <fault> or after <fault>; found ${quoted(phase)}`);
  if (!MEASURES[measure].ofPhase || unit === 'bound')
    throw invalid(text, `${unit === 'bound' ? 'a bound' : measure} is of the whole run, not of a phase`);
  return { phase: normal };
}

function invalid(text: string, why: string): OpenclawError {
  return new OpenclawError('INVALID_CLAIM', `claim ${quoted(text)}: ${why}`);
}
