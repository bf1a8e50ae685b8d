import { type BucketResult, hasFindings } from '../../checker/bucket-result.ts';
import type { ProofCounts } from '../../checker/certificates/certificates.ts';
import type { Examination } from '../../checker/check.ts';
import { headroomText } from '../../checker/evidence/headroom-facts.ts';
import { listRemarks } from '../../checker/findings/notes.ts';
import { Drops } from '../../checker/proofs/drops.ts';
import { given } from '../../core/given.ts';
import { count } from '../../core/units.ts';
import type { History } from '../../history/history.ts';
import { RESET_EVENT } from '../../history/records/operation.ts';
import {
  isExcessJudged,
  isOnlySlow,
  limiterOf,
  limitOf,
  reasonsOf,
  simulatedText,
  titleOf,
} from '../check-report.ts';
import type { RunReport } from '../report.ts';
import { listTables } from '../rows.ts';
import { printable, tokensText } from '../text.ts';
import { PageBuckets } from './buckets.ts';
import { faultSpans, findMarks } from './moments.ts';
import type { Picture, RunPage, WrongMeasure } from './page-data.ts';
import { chooseBinUs, makeSeries } from './series.ts';
import { spanOf } from './window-span.ts';
import { bucketsInOrder, worstRows } from './worst.ts';

/** The most regions that are shown separately; the rest are one. */
const MOST_REGIONS = 12;

/** The history, and the checker's result for each row. */
export interface Evidence {
  readonly history: History;
  readonly examination: Examination;
}

/** The data of a run's page; without its history, only the data of its report. */
export function makeRunPage(untrusted: RunReport, evidence?: Evidence): RunPage {
  const report = printable(untrusted);
  const page: RunPage = {
    page: 'run',
    title: titleOf(report),
    verdict: report.verdict,
    isSlow: isOnlySlow(report),
    reasons: reasonsOf(report),
    subject: [['limiter', limiterOf(report)], limitOf(report)],
    ...remarksOf(report),
    seed: report.seed,
    command: report.command,
    facts: [
      ['scenario', report.plan.scenario],
      ['system', `${report.system}${simulatedText(report)}`],
      ['started', report.startedAt],
      ['folder', report.folder],
      ...(report.assumptions ?? []).map((sentence): [string, string] => ['assumes', sentence]),
    ],
    figures: makeFigures(report),
    ...declaredOf(report),
    tables: listTables(report),
    clock: report.clock,
    known: { initial: 'full', knownFromUs: null },
    worst: [],
    buckets: [],
    policies: [],
    ...makePicture(report, evidence),
  };
  return evidence === undefined
    ? page
    : printable({ ...page, ...makeBuckets(report, page.regions, evidence) });
}

function remarksOf(report: RunReport): Pick<RunPage, 'notJudged' | 'why' | 'remarks'> {
  const remarks = listRemarks(report);
  const labelled = (label: (typeof remarks)[number]['label']) =>
    remarks.filter((one) => one.label === label).map(({ sentence }) => sentence);
  return { notJudged: labelled('not judged'), why: labelled('why'), remarks: labelled('note') };
}

/** The buckets with a finding on what was judged: without those of a token bucket where windows are promised. */
function findingsToShow(report: RunReport, { examination }: Evidence): readonly BucketResult[] {
  if (isExcessJudged(report)) return examination.withFindings;
  const none = { totalExcessQuanta: 0, drops: new Drops(), headroomQuanta: 0 };
  return examination.withFindings.map((result) => ({ ...result, over: none })).filter(hasFindings);
}

/** What may be wrong over time. */
function judgedMeasures(report: RunReport): readonly WrongMeasure[] {
  const all = {
    excess: isExcessJudged(report),
    windows: report.promise !== 'token-bucket',
    falseDenials: report.notJudged === undefined,
  };
  return (['excess', 'windows', 'falseDenials'] as const).filter((measure) => all[measure]);
}

/** The charts of a run over time, in bins of `binUs` or of its own width. */
export function makePicture(report: RunReport, evidence?: Evidence, binUs?: number): Picture {
  const regions = regionsOf(report);
  return printable({
    regions,
    judged: judgedMeasures(report),
    spans: faultSpans(report.faults),
    marks: findMarks(report),
    ...(evidence === undefined
      ? { notes: ['The history of this run is missing, so the page has no charts and no buckets.'] }
      : { series: seriesOf(evidence, regions, binUs), notes: [] }),
  });
}

function seriesOf(
  { examination }: Evidence,
  regions: readonly string[],
  binUs = chooseBinUs(examination.judged),
) {
  return makeSeries(examination.judged, { regions, withFindings: examination.withFindings, binUs });
}

/** The regions in the order of the plan; of many, the busiest and one for all others. */
function regionsOf({ regions }: RunReport): string[] {
  const names = regions.map(({ name }) => name);
  if (names.length <= MOST_REGIONS) return names.length === 0 ? [''] : names;
  const busiest = regions.toSorted((a, b) => b.operations - a.operations).slice(0, MOST_REGIONS - 1);
  return [...busiest.map(({ name }) => name), 'others'];
}

function makeBuckets(
  report: RunReport,
  regions: readonly string[],
  evidence: Evidence,
): Pick<RunPage, 'worst' | 'buckets' | 'policies' | 'span' | 'known' | 'notes' | 'clock'> {
  const { history, examination } = evidence;
  const { report: check, judged } = examination;
  const { known, windows } = examination.context;
  const { operations: table } = judged;
  const withFindings = findingsToShow(report, evidence);
  const results = new Map(withFindings.map((result) => [result.bucket, result]));
  const order = bucketsInOrder(table, withFindings);
  const hasResets = history.events.some(({ event }) => event === RESET_EVENT);
  const chosen = new PageBuckets(table, { regions, hasResets, windows });
  for (const bucket of order) chosen.add(bucket, results.get(bucket));
  const { buckets, policies } = chosen;
  const worst = worstRows(table, { check: { ...check, claims: report.claims }, results, order });
  return {
    worst,
    buckets,
    policies,
    ...given({ span: windows && spanOf(windows) }),
    clock: check.clock,
    known: {
      initial: known.initial,
      knownFromUs: Number.isFinite(known.knownFromUs) ? known.knownFromUs : null,
    },
    notes: [
      ...wholeNotes(report, history),
      ...sizeNotes(report, { shown: buckets.length, rows: worst.length, of: table.bucketCount }),
    ].concat(
      buckets.some(({ of }) => of !== undefined)
        ? ['Of the longest buckets, the page has only the operations around the worst violation.']
        : [],
      chosen.areLiesCut
        ? ['The charts of the buckets have the first 5,000 wrong values only; the table counts all.']
        : [],
    ),
  };
}

/** The history may have lost its end after the report was written. */
function wholeNotes({ sent }: RunReport, { outcomes, end }: History): string[] {
  const { allowed, denied, failed, info } = outcomes;
  const here = allowed + denied + failed + info;
  if (here === sent) return [];
  const cut = end === undefined ? ' and has no end' : '';
  return [
    `The history has ${here} operations${cut}, but the report covers ${sent}: charts and buckets show only the ${here}.`,
  ];
}

function sizeNotes(
  report: RunReport,
  { shown, rows, of }: { shown: number; rows: number; of: number },
): string[] {
  return [
    ...(shown < of
      ? [
          `Down-sampled: this page has the operations of ${shown} of ${of} buckets (the worst, then the busiest). The history has all ${report.sent} operations.`,
        ]
      : []),
    ...(rows < of ? [`The table of buckets has the ${rows} worst and busiest of ${of}.`] : []),
  ];
}

function makeFigures(report: RunReport) {
  const { sent, outcomes, falseDenials, replay, dishonest, whole, contested, buckets, headroom, proofs } =
    report;
  return [
    ['requests', String(sent)],
    ['allowed', String(outcomes.allowed)],
    ['denied', String(outcomes.denied)],
    ['failed', String(outcomes.failed)],
    ['no reply', String(outcomes.info)],
    ...(isExcessJudged(report) ? excessFigures(report) : []),
    ...(report.promise === 'token-bucket' ? [] : [windowsFigure(report)]),
    [
      'false denials',
      report.notJudged === undefined ? `${falseDenials.total} of ${falseDenials.judged}` : 'not judged',
    ],
    ['replay', `${replay.total} mismatches of ${replay.replayed}`],
    ['dishonest', `${dishonest.total} values of ${whole.stated} decisions`],
    ['contested buckets', `${contested.buckets} of ${buckets}`],
    ...(proofs === undefined ? [] : [provedOf(proofs, buckets)]),
    ['headroom, median', headroom === undefined ? 'none' : headroomText(headroom.median)],
  ] as const;
}

function excessFigures({ overAdmission, shards }: RunReport): [string, string][] {
  const { largestExcess, worst } = overAdmission;
  return [
    [
      'largest excess of one bucket',
      `${tokensText(largestExcess)} tokens${declaredText(shards, 'largestExcess')}`,
    ],
    [
      'worst window',
      worst === undefined
        ? 'none'
        : `${tokensText(worst.worstWindow)} tokens${declaredText(shards, 'worstWindow')}`,
    ],
  ];
}

function windowsFigure({ windows }: RunReport): [string, string] {
  return [
    'broken windows',
    windows.total === 0 ? '0' : `${windows.total} in ${count(windows.buckets, 'bucket')}`,
  ];
}

/** How many buckets have a proof of all answers, or of all admissions. */
function provedOf({ proved, admissionsProved }: ProofCounts, buckets: number): [string, string] {
  return ['proved buckets', `${proved + admissionsProved} of ${buckets}`];
}

/** What the strategy declares for the shard with the most of it; nothing if it declares 0 or nothing. */
function declaredText(shards: RunReport['shards'], of: 'largestExcess' | 'worstWindow'): string {
  const [most] = shards.toSorted((a, b) => b[of].tokens - a[of].tokens);
  const declared = of === 'largestExcess' ? most?.bound?.totalExcess : most?.bound?.worstWindow;
  return declared ? ` of ${tokensText(declared)} declared` : '';
}

/** The most that a shard's bound allows one bucket, of a run that claims its bound and keeps it. */
function declaredOf({ claims, shards }: RunReport): Pick<RunPage, 'declared'> {
  const isKept = claims.some(
    ({ claim, unit, status }) => claim.startsWith('total-excess') && unit === 'bound' && status === 'holds',
  );
  const declared = shards.reduce((most, { bound }) => Math.max(most, bound?.totalExcess ?? 0), 0);
  return isKept && declared > 0 ? { declared } : {};
}
