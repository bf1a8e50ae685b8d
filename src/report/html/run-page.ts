import type { Examination } from '../../checker/check.ts';
import { headroomText } from '../../checker/headroom-facts.ts';
import { remarksOf } from '../../checker/notes.ts';
import type { History } from '../../history/history.ts';
import { isOnlySlow, titleOf } from '../check-report.ts';
import type { RunReport } from '../report.ts';
import { tablesOf } from '../rows.ts';
import { printable, tokensText } from '../text.ts';
import { PageBuckets } from './buckets.ts';
import { marksOf, spansOf } from './moments.ts';
import type { Picture, RunPage } from './page-data.ts';
import { binUsOf, makeSeries } from './series.ts';
import { bucketsInOrder, worstRows } from './worst.ts';

/** Regions that are told apart; the rest are one. */
const MOST_REGIONS = 12;

/** What was recorded, and what the checker says of each row of it. */
export interface Evidence {
  readonly history: History;
  readonly examination: Examination;
}

/** What the page of a run shows; without its history, only what its report has. */
export function makeRunPage(untrusted: RunReport, evidence?: Evidence): RunPage {
  const report = printable(untrusted);
  const page: RunPage = {
    page: 'run',
    title: titleOf(report),
    verdict: report.verdict,
    isSlow: isOnlySlow(report),
    reasons: [
      ...report.claims.map(({ status, reason }) => ({ status, reason })),
      ...report.accounts.map(({ verdict, reason }) => ({
        status: verdict === 'pass' ? ('holds' as const) : ('unknown' as const),
        reason,
      })),
    ],
    why: remarksOf(report).map(({ sentence }) => sentence),
    seed: report.seed,
    command: report.command,
    facts: [
      ['scenario', report.plan.scenario],
      ['strategy', report.strategy],
      ['policy', report.policy],
      ['seed', String(report.seed)],
      ['system', report.system],
      ['started', report.startedAt],
      ['folder', report.folder],
      ...(report.assumptions ?? []).map((sentence): [string, string] => ['assumes', sentence]),
    ],
    figures: figuresOf(report),
    tables: tablesOf(report),
    clock: report.clock,
    known: { initial: 'full', knownFromUs: null },
    worst: [],
    buckets: [],
    policies: [],
    ...pictureOf(report, evidence),
  };
  return evidence === undefined ? page : printable({ ...page, ...bucketsOf(report, page.regions, evidence) });
}

/** What a run looks like over time, in bins of its own width or of another one. */
export function pictureOf(report: RunReport, evidence?: Evidence, binUs?: number): Picture {
  const regions = regionsOf(report);
  return printable({
    regions,
    spans: spansOf(report.faults),
    marks: marksOf(report),
    ...(evidence === undefined
      ? { notes: ['The history of this run is not at hand: there is nothing over time, and no bucket.'] }
      : { series: seriesOf(evidence, regions, binUs), notes: [] }),
  });
}

function seriesOf({ history, examination }: Evidence, regions: readonly string[], binUs = binUsOf(history)) {
  return makeSeries(history, { regions, guilty: examination.guilty, binUs });
}

/** In the order of the plan; of very many the busiest, and one for all others. */
function regionsOf({ regions }: RunReport): string[] {
  const names = regions.map(({ name }) => name);
  if (names.length <= MOST_REGIONS) return names.length === 0 ? [''] : names;
  const busiest = regions.toSorted((a, b) => b.operations - a.operations).slice(0, MOST_REGIONS - 1);
  return [...busiest.map(({ name }) => name), 'others'];
}

function bucketsOf(
  report: RunReport,
  regions: readonly string[],
  { history, examination }: Evidence,
): Pick<RunPage, 'worst' | 'buckets' | 'policies' | 'known' | 'notes' | 'clock'> {
  const { operations: table } = history;
  const { report: check, guilty, known } = examination;
  const results = new Map(guilty.map((result) => [result.bucket, result]));
  const order = bucketsInOrder(table, guilty);
  const hasResets = history.events.some(({ event }) => event === 'reset');
  const chosen = new PageBuckets(table, { regions, hasResets });
  for (const bucket of order) chosen.add(bucket, results.get(bucket));
  const { buckets, policies } = chosen;
  const worst = worstRows(table, { check, guilty: results, order });
  return {
    worst,
    buckets,
    policies,
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
        ? ['Of the longest buckets, only the stretch around what is worst is here.']
        : [],
    ),
  };
}

/** A report is of a whole run; the history beside it may have lost its end since. */
function wholeNotes({ sent }: RunReport, { outcomes, end }: History): string[] {
  const { allowed, denied, failed, info } = outcomes;
  const here = allowed + denied + failed + info;
  if (here === sent) return [];
  const cut = end === undefined ? ' and has no end' : '';
  return [
    `The history that is at hand has ${here} operations${cut}, and the report is of ${sent}: charts and buckets show only these.`,
  ];
}

function sizeNotes(
  report: RunReport,
  { shown, rows, of }: { shown: number; rows: number; of: number },
): string[] {
  return [
    ...(shown < of
      ? [
          `Down-sampled: this page holds the operations of ${shown} of ${of} buckets, the worst and then the busiest, out of ${report.sent} operations in all. history.ndjson has every one.`,
        ]
      : []),
    ...(rows < of ? [`The table of buckets has the ${rows} worst and busiest of ${of}.`] : []),
  ];
}

function figuresOf({
  sent,
  outcomes,
  overAdmission,
  falseDenials,
  replay,
  contested,
  buckets,
  headroom,
}: RunReport) {
  const { worst } = overAdmission;
  return [
    ['requests', String(sent)],
    ['allowed', String(outcomes.allowed)],
    ['denied', String(outcomes.denied)],
    ['failed', String(outcomes.failed)],
    ['no reply', String(outcomes.info)],
    ['most excess of one bucket', `${tokensText(overAdmission.largestExcess)} tokens`],
    ['worst window', worst === undefined ? 'none' : `${tokensText(worst.worstWindow)} tokens`],
    ['false denials', `${falseDenials.total} of ${falseDenials.judged}`],
    ['replay', `${replay.total} of ${replay.replayed} off`],
    ['contested buckets', `${contested.buckets} of ${buckets}`],
    ['headroom, median', headroom === undefined ? 'none' : headroomText(headroom.median)],
  ] as const;
}
