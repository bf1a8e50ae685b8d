import type { Finding } from '../../checker/findings/finding.ts';
import { findExcess, whyUnknown } from '../matrix.ts';
import type { RunReport } from '../report.ts';
import { meanDecidedShare, slowestAdmissions } from '../run-figures.ts';
import { isPromised } from './is-promised.ts';
import type {
  CellExcess,
  CellFigures,
  CellHistory,
  CellStatus,
  CellWitness,
  ScoreboardCell,
  ScoreboardLimiter,
} from './scoreboard.ts';

/** The limiter of a cell: what decides between `broken` and `exceeded`. */
export type JudgedLimiter = Pick<ScoreboardLimiter, 'id' | 'isOurs' | 'covers' | 'topology'>;

/**
 * The cell of a run. A strategy of ours is judged by the bound that it declares and by its claims, any other limiter by
 * the verdict of the run, whose claims are those of its promise.
 */
export function makeScoreboardCell(
  report: RunReport,
  { limiter, history }: { readonly limiter: JudgedLimiter; readonly history: CellHistory },
): ScoreboardCell {
  const { plan, command, seed, startedAt, system } = report;
  const excess = limiter.isOurs ? excessOfOurs(report) : excessOf(report);
  const status = limiter.isOurs ? statusOfOurs(report, excess) : statusOf(report, limiter);
  return {
    ...{ limiter: limiter.id, scenario: plan.scenario, status },
    reason: status === 'unknown' ? (whyUnknown(report) ?? noClaimBroken(report)) : '',
    figures: figuresOf(report, excess),
    witness: status === 'broken' || status === 'exceeded' ? witnessOf(report) : null,
    ...{ command, seed, startedAt, system, history },
  };
}

/** The cell of a limiter that cannot be run in a scenario. */
export function notRunCell(limiter: string, scenario: string, reason: string): ScoreboardCell {
  return {
    ...{ limiter, scenario, status: 'not-run', reason, figures: null, witness: null },
    ...{ command: '', seed: 0, startedAt: '', system: '', history: null },
  };
}

function statusOf(report: RunReport, limiter: JudgedLimiter): CellStatus {
  if (report.verdict === 'pass') return 'kept';
  if (!isDisproved(report)) return 'unknown';
  return isPromised(limiter, report.plan.scenario) ? 'broken' : 'exceeded';
}

function statusOfOurs(report: RunReport, { tokens, declared }: CellExcess): CellStatus {
  if ((declared !== null && tokens > declared) || isDisproved(report)) return 'broken';
  if (declared === null && tokens > 0) return 'exceeded';
  return report.verdict === 'unknown' ? 'unknown' : 'kept';
}

function isDisproved({ claims }: RunReport): boolean {
  return claims.some(({ kind, status }) => kind === 'correctness' && status === 'broken');
}

function noClaimBroken({ verdict }: RunReport): string {
  return `the verdict is ${verdict}, and no claim on correctness is broken`;
}

/** By the bound of the shard that went furthest beyond it. */
function excessOfOurs(report: RunReport): CellExcess {
  const { of, measured, declared } = findExcess(report);
  return { of, tokens: measured, declared };
}

/** By its promise: of windows what the worst of them admitted above the limit, else what the worst bucket did. */
function excessOf({ promise, windows, overAdmission }: RunReport): CellExcess {
  if (promise === 'token-bucket') return { of: 'total', tokens: overAdmission.largestExcess, declared: null };
  const tokens = Math.max(0, ...windows.findings.map(({ worst }) => worst.tokens));
  return { of: 'windows', tokens, declared: null, windows: windows.total };
}

function figuresOf(report: RunReport, excess: CellExcess): CellFigures {
  const { falseDenials, dishonest, whole, sent, errors } = report;
  return {
    excess,
    falseDenials:
      falseDenials.whyNot === '' ? { total: falseDenials.total, judged: falseDenials.judged } : null,
    decided: meanDecidedShare(report),
    undecided: sumsByCode([errors.failed, errors.info]),
    dropped: whole.dropped,
    dishonest: { total: dishonest.total, judged: whole.stated },
    p50Us: slowestAdmissions(report, 'p50Us'),
    p99Us: slowestAdmissions(report, 'p99Us'),
    requests: sent,
  };
}

function sumsByCode(all: readonly Readonly<Record<string, number>>[]): Record<string, number> {
  const sums = new Map<string, number>();
  for (const [code, count] of all.flatMap((counts) => Object.entries(counts)))
    sums.set(code, (sums.get(code) ?? 0) + count);
  return Object.fromEntries([...sums].toSorted(([, one], [, other]) => other - one));
}

/** As a token bucket, a limiter that promises windows breaks no promise. */
function witnessOf({ promise, windows, overAdmission, falseDenials }: RunReport): CellWitness | null {
  const over = promise === 'token-bucket' ? overAdmission : windows;
  const [worst] = [...over.findings, ...falseDenials.findings];
  return worst === undefined ? null : shortened(worst);
}

/** Keeps a cell below 20 kB. */
const MOST_OPERATIONS = 40;

function shortened({ inequality, bucket, witness, witnessCount = witness.length }: Finding): CellWitness {
  const shown =
    witness.length <= MOST_OPERATIONS
      ? witness
      : [...witness.slice(0, MOST_OPERATIONS - 1), ...witness.slice(-1)];
  return {
    ...{ text: inequality, bucket },
    operations: shown.map(({ operation, region, outcome, invokedUs, lastUs }) => ({
      ...{ operation: operation.index, region, outcome, fromS: inSeconds(invokedUs) },
      toS: lastUs === null ? null : inSeconds(lastUs),
    })),
    more: witnessCount - shown.length,
  };
}

function inSeconds(us: number): number {
  return us / 1_000_000;
}
