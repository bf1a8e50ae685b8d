import type { Baselines } from './baselines.ts';
import { limiterOf, limitOf, simulatedText } from './check-report.ts';
import type { RunReport } from './report.ts';
import { msText, printable, ratioText, tokensText } from './text.ts';
import type { TextTable } from './text-table.ts';

/** One figure of several runs. `ratios` are relative to the first run; null if a value is missing or the first is 0. */
export interface ComparedFigure {
  readonly name: string;
  readonly values: readonly (number | null)[];
  readonly ratios: readonly (number | null)[];
}

/** A comparison of several runs. */
export interface Comparison {
  readonly format: 'openclaw-comparison';
  readonly version: 1;
  readonly runs: readonly {
    readonly folder: string;
    readonly scenario: string;
    readonly seed: number;
    readonly strategy: string;
    /** The strategy or plug-in, or the addresses of the services. */
    readonly limiter: string;
    readonly policy: string;
    readonly promise: string;
    /** The promise of windows, else the policy. */
    readonly limit: string;
    readonly verdict: RunReport['verdict'];
    readonly simulated?: true;
  }[];
  /** Every claim of any run. */
  readonly claims: readonly { readonly claim: string; readonly statuses: readonly (string | null)[] }[];
  readonly figures: readonly ComparedFigure[];
  /** The last run, judged against those before it: with --claim. */
  readonly baselines?: Baselines;
}

interface Figure {
  readonly name: string;
  readonly of: (report: RunReport) => number | undefined;
  readonly show: (value: number) => string;
}

const latency = (outcome: 'allowed' | 'denied', key: 'p50Us' | 'p99Us'): Figure => ({
  name: `${key.slice(0, 3)} ${outcome}, ms`,
  of: ({ whole }) => whole.latency[outcome]?.[key],
  show: msText,
});

const FIGURES: readonly Figure[] = [
  { name: 'requests', of: ({ sent }) => sent, show: String },
  { name: 'requests/s', of: ({ requestsPerSecond }) => requestsPerSecond, show: String },
  { name: 'admitted tokens', of: ({ whole }) => whole.admitted, show: String },
  { name: 'total excess', of: ({ overAdmission }) => overAdmission.totalExcess, show: tokensText },
  { name: 'excess of one bucket', of: ({ overAdmission }) => overAdmission.largestExcess, show: tokensText },
  {
    name: 'worst window',
    of: ({ overAdmission }) => overAdmission.worst?.worstWindow ?? 0,
    show: tokensText,
  },
  { name: 'false denials', of: ({ falseDenials }) => falseDenials.total, show: String },
  { name: 'replay', of: ({ replay }) => replay.total, show: String },
  { name: 'dishonest', of: ({ dishonest }) => dishonest.total, show: String },
  { name: 'failed', of: ({ outcomes }) => outcomes.failed, show: String },
  { name: 'info', of: ({ outcomes }) => outcomes.info, show: String },
  { name: 'contested buckets', of: ({ contested }) => contested.buckets, show: String },
  {
    name: 'proved buckets',
    of: ({ proofs }) => proofs && proofs.proved + proofs.admissionsProved,
    show: String,
  },
  { name: 'open buckets', of: ({ proofs }) => proofs?.open, show: String },
  latency('allowed', 'p50Us'),
  latency('allowed', 'p99Us'),
  latency('denied', 'p50Us'),
  latency('denied', 'p99Us'),
];

/** Compares runs: each figure, and its ratio to that of the first run. */
export function compareReports(reports: readonly RunReport[]): Comparison {
  const claims = [...new Set(reports.flatMap((report) => report.claims.map(({ claim }) => claim)))];
  return {
    format: 'openclaw-comparison',
    version: 1,
    runs: reports.map(describeRun),
    claims: claims.map((claim) => ({
      claim,
      statuses: reports.map((report) => report.claims.find((one) => one.claim === claim)?.status ?? null),
    })),
    figures: FIGURES.map(({ name, of }) => {
      const values = reports.map((report) => of(report) ?? null);
      return { name, values, ratios: values.map((value) => ratioOf(value, values[0] ?? null)) };
    }),
  };
}

function describeRun(report: RunReport): Comparison['runs'][number] {
  const { folder, plan, seed, strategy, policy, promise, verdict, simulated } = report;
  const [, limit] = limitOf(report);
  return {
    folder,
    scenario: plan.scenario,
    seed,
    strategy,
    limiter: limiterOf(report),
    policy,
    promise,
    limit,
    verdict,
    ...(simulated && { simulated }),
  };
}

function ratioOf(value: number | null, first: number | null): number | null {
  return value === null || first === null || first === 0 ? null : value / first;
}

/** One line of a comparison as text, with its ratios if it has any. */
export interface ComparedLine {
  readonly name: string;
  readonly values: readonly string[];
  readonly ratios?: readonly (number | null)[];
}

/** Every line of a comparison, in the order in which they are shown. */
export function comparedLines({ runs, claims, figures }: Comparison): ComparedLine[] {
  return [
    { name: 'verdict', values: runs.map((run) => `${run.verdict}${simulatedText(run)}`) },
    { name: 'limiter', values: runs.map(({ limiter }) => limiter) },
    { name: 'limit', values: runs.map(({ limit }) => limit) },
    { name: 'seed', values: runs.map(({ seed }) => String(seed)) },
    ...claims.map(({ claim, statuses }) => ({
      name: claim,
      values: statuses.map((status) => status ?? 'not claimed'),
    })),
    ...figures.map(({ name, values, ratios }, at) => ({
      name,
      values: values.map((value) => (value === null ? '' : (FIGURES[at]?.show(value) ?? ''))),
      ratios,
    })),
  ];
}

/** A comparison as a table: a column for each run, and for each but the first its ratio. */
export function comparisonTable(untrusted: Comparison): TextTable {
  const comparison = printable(untrusted);
  const columns = (values: readonly string[], ratios?: readonly (number | null)[]) =>
    values.flatMap((value, at) => (at === 0 ? [value] : [value, ratioOrNothing(ratios?.[at])]));
  return {
    head: ['', ...columns(comparison.runs.map(nameOfRun)).map((head) => head || 'ratio')],
    rows: comparedLines(comparison).map(({ name, values, ratios }) => [name, ...columns(values, ratios)]),
  };
}

/** The name of a run: the last part of its folder. */
export function nameOfRun({ folder }: Pick<RunReport, 'folder'>): string {
  return folder.split('/').at(-1) ?? '';
}

function ratioOrNothing(ratio: number | null | undefined): string {
  return ratio === null || ratio === undefined ? '' : `x ${ratioText(ratio)}`;
}
