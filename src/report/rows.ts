import { dishonestText } from '../checker/claims/dishonest-sample.ts';
import { replayText } from '../checker/claims/measure-claim.ts';
import { headroomText } from '../checker/evidence/headroom-facts.ts';
import type { EvidenceRow } from '../checker/evidence/tally.ts';
import { PROOF } from '../checker/evidence/unproved-faults.ts';
import { count, secondsText } from '../core/units.ts';
import { bucketName } from '../history/columns/table.ts';
import { OUTCOMES } from '../history/records/operation.ts';
import { books } from './books.ts';
import { type Document, isExcessJudged } from './check-report.ts';
import { argsText, eventText, text } from './event-text.ts';
import { machineClocks } from './machine-table.ts';
import { msText, tokensText } from './text.ts';
import type { TextTable } from './text-table.ts';

/** Every table of a report, in the order in which they are shown; none is empty. */
export function listTables(document: Document): TextTable[] {
  const tables = [
    amounts(document),
    books(document),
    machineClocks(document),
    bounds(document),
    formulas(document),
    evidence('phase', document.phases, document),
    document.regions.length > 1 ? evidence('region', document.regions, document) : NOTHING,
    document.phases.length > 1 && document.regions.length > 1
      ? evidence('phase, region', document.cells, document)
      : NOTHING,
    latencies(document),
    lost(document),
    timeline(document),
  ];
  return tables.filter(({ rows }) => rows.length > 0);
}

const NOTHING: TextTable = { head: [], rows: [] };

function amounts(document: Document): TextTable {
  const { falseDenials, replay, dishonest, windows, promise, contested, headroom } = document;
  const rows = [
    [
      'sent',
      `${document.sent} = ${OUTCOMES.map((outcome) => `${document.outcomes[outcome]} ${outcome}`).join(' + ')}`,
    ],
    ...warmUpRows(document),
    ...(document.whole.arrivals === 0 ? [] : [['dropped', droppedText(document.whole)]]),
    ...(isExcessJudged(document) ? excessRows(document) : []),
    ...(promise === 'token-bucket'
      ? []
      : [[`windows above ${promise}`, `${windows.total} in ${windows.buckets} buckets`]]),
    [
      'false denials',
      `${falseDenials.total} of ${falseDenials.judged} judged${falseDenials.whyNot === '' ? '' : ` (${falseDenials.whyNot})`}${falseDenials.declaresAny ? '; declared: any number, while tokens are lent elsewhere' : ''}`,
    ],
    ['replay', replayText(replay)],
    ...(document.whole.stated === 0 ? [] : [['dishonest', dishonestText(dishonest, document.whole.stated)]]),
    ...proofRows(document),
    ...fallbackRows(document),
    [
      'contested',
      `${contested.buckets} of ${document.buckets} buckets${contested.ofBusiest === 0 ? '' : `; ${contested.busiest} of the ${contested.ofBusiest} busiest planned`}`,
    ],
    ...(headroom === undefined
      ? []
      : [
          [
            'headroom',
            `${headroomText(headroom.median)} (median); ${headroomText(headroom.largest)} at most (${headroom.largest.bucket})${clocksCost(headroom)}`,
          ],
        ]),
  ];
  return { head: ['correctness', 'value'], rows };
}

function excessRows({ overAdmission, promise }: Document): string[][] {
  const { totalExcess, buckets, largestExcess, worst } = overAdmission;
  return [
    [
      promise === 'token-bucket' ? 'total excess' : 'total excess read as a token bucket',
      `${tokensText(totalExcess)} tokens in ${buckets} buckets; at most ${tokensText(largestExcess)} in one`,
    ],
    [
      'worst window',
      worst === undefined
        ? 'none'
        : `${tokensText(worst.worstWindow)} tokens more than an ideal bucket admits in it (${worst.bucket})`,
    ],
  ];
}

function clocksCost({ ofClocks }: NonNullable<Document['headroom']>): string {
  return ofClocks === undefined ? '' : `; clocks cost ${Number(ofClocks.toPrecision(2))} tokens (median)`;
}

/** The buckets by what is proved of them, without the kinds that none has. */
function proofRows({ proofs, buckets }: Document): string[][] {
  if (proofs === undefined || buckets === 0) return [];
  const { proved, admissionsProved, withinBound, convicted, open, whyNone } = proofs;
  const kinds: [number, string][] = [
    [proved, 'proved'],
    [admissionsProved, 'admissions proved'],
    [withinBound, 'above an ideal bucket, within the declared bound'],
    [convicted, 'convicted'],
    [open, whyNone === undefined ? 'open' : `open (${whyNone})`],
  ];
  const some = kinds.filter(([buckets]) => buckets > 0).map(([buckets, kind]) => `${buckets} ${kind}`);
  return [['proofs', `of ${count(buckets, 'bucket')}: ${some.join(', ')}`]];
}

function warmUpRows(document: Document): string[][] {
  if (document.format === 'openclaw-check' || document.warmUp === undefined) return [];
  const { requests, user } = document.warmUp;
  return [['warm-up requests', `${requests} of these, as ${user}`]];
}

/** Admissions by the failure policy, while a region could not reach Redis. An operation has a bucket of each policy. */
function fallbackRows({ shards }: Document): string[][] {
  const fallbacks = shards.flatMap((shard) => shard.fallbacks ?? []);
  if (fallbacks.length === 0) return [];
  const byPolicy = new Map<string, number>();
  for (const { policy, fallbacks = [] } of shards)
    for (const { admissions } of fallbacks) byPolicy.set(policy, (byPolicy.get(policy) ?? 0) + admissions);
  const admissions = Math.max(...byPolicy.values());
  const regions = [...new Set(fallbacks.map(({ region }) => region))].sort();
  return [['admitted by failure policy', `${admissions} operations, in ${regions.join(', ')}`]];
}

function droppedText({ dropped, arrivals }: EvidenceRow): string {
  const percent = ((100 * dropped) / arrivals).toFixed(1);
  return `${dropped} of the ${arrivals} that were due (${percent}%): all connections of their region were busy`;
}

/** Measured excess and declared bound, by shard. */
function bounds({ shards }: Document): TextTable {
  const rows = shards
    .filter(({ shard, bound }) => shard !== '' || bound !== undefined)
    .map(({ shard, policy, buckets, largestExcess, worstWindow, bound }) => [
      shardText(shard, policy),
      String(buckets),
      tokensText(largestExcess.tokens),
      declared(bound?.totalExcess),
      tokensText(worstWindow.tokens),
      declared(bound?.worstWindow),
    ]);
  return { head: ['shard', 'buckets', 'excess of one', 'declared', 'worst window', 'declared'], rows };
}

/** The formulas of the bounds; shards with the same formula share a line. */
function formulas({ shards }: Document): TextTable {
  const byFormula = new Map<string, string[]>();
  for (const { shard, policy, bound } of shards)
    if (bound !== undefined)
      byFormula.set(bound.formula, [...(byFormula.get(bound.formula) ?? []), shardText(shard, policy)]);
  return {
    head: ['bound of', 'formula'],
    rows: [...byFormula].map(([formula, names]) => [names.join(', '), formula]),
  };
}

/** A shard, with the name of the policy of its buckets if that has one. */
function shardText(shard: string, policy: string): string {
  const name = shard === '' ? 'failure policy only' : shard;
  return policy.includes('=') ? bucketName(name, policy.slice(0, policy.indexOf('='))) : name;
}

function declared(bound: number | null | undefined): string {
  return bound === null || bound === undefined ? 'nothing' : tokensText(bound);
}

/** Figures of a part of the run; the last: a fact without which there is none. */
type EvidenceColumn = readonly [
  head: string,
  of: (row: EvidenceRow) => string,
  need?: 'excess' | 'stated' | 'arrivals',
];

const EVIDENCE_COLUMNS: readonly EvidenceColumn[] = [
  ['operations', ({ operations }) => String(operations)],
  ['admitted tokens', ({ admitted }) => String(admitted)],
  ['exact', ({ exactAdmitted }) => String(exactAdmitted), 'excess'],
  ['excess', ({ excess }) => tokensText(excess), 'excess'],
  ['denied', ({ outcomes }) => String(outcomes.denied)],
  ['false', ({ falseDenials }) => String(falseDenials)],
  ['dishonest', ({ dishonest }) => String(dishonest), 'stated'],
  ['failed', ({ outcomes }) => String(outcomes.failed)],
  ['info', ({ outcomes }) => String(outcomes.info)],
  ['dropped', ({ dropped }) => String(dropped), 'arrivals'],
  ['contested', ({ contested }) => String(contested)],
  ['p50 ms', ({ latency: { allowed } }) => (allowed === undefined ? '' : msText(allowed.p50Us))],
  ['p99 ms', ({ latency: { allowed } }) => (allowed === undefined ? '' : msText(allowed.p99Us))],
];

/** The columns that a narrow terminal leaves out, the first one first. */
const SPARE = [
  'exact',
  'p50 ms',
  'contested',
  'p99 ms',
  'dropped',
  'dishonest',
  'false',
  'excess',
  'failed',
  'info',
];

function evidence(kind: string, rows: readonly EvidenceRow[], document: Document): TextTable {
  const has = {
    excess: isExcessJudged(document),
    stated: rows.some(({ stated }) => stated > 0),
    arrivals: rows.some(({ arrivals }) => arrivals > 0),
  };
  const columns = EVIDENCE_COLUMNS.filter(([, , need]) => need === undefined || has[need]);
  return {
    head: [kind, ...columns.map(([head]) => head)],
    spare: SPARE,
    rows: rows.map((row) => [row.name, ...columns.map(([, of]) => of(row))]),
  };
}

/** The latency of each outcome in each region; only of a run. */
function latencies(document: Document): TextTable {
  if (document.format === 'openclaw-check') return NOTHING;
  const order = document.latencies.toSorted(
    (a, b) => a.region.localeCompare(b.region) || OUTCOMES.indexOf(a.outcome) - OUTCOMES.indexOf(b.outcome),
  );
  return {
    head: ['latency', 'outcome', 'requests', 'p50 ms', 'p99 ms', 'max ms'],
    rows: order.map(({ region, outcome, latency }) => [
      region,
      outcome,
      String(latency.count),
      msText(latency.p50Us),
      msText(latency.p99Us),
      msText(latency.maxUs),
    ]),
  };
}

const MOST_LOST = 5;

function lost({ lostDecisions }: Document): TextTable {
  const rows = lostDecisions.flatMap(({ from, to, buckets }) =>
    buckets
      .slice(0, MOST_LOST)
      .map(({ bucket, decisions, tokens }) => [bucket, from, to, String(decisions), tokensText(tokens)]),
  );
  return { head: ['lost decisions of', 'acknowledged by', 'missing from', 'decisions', 'tokens'], rows };
}

const MOST_MOMENTS = 60;

/** Faults, changes of role and clock steps, in the order of time. */
function timeline({ faults, events, clock }: Document): TextTable {
  const moments = [
    ...faults.map(({ atUs, fault, phase, args }) => ({
      atUs,
      what: `${phase} ${fault}`,
      how: argsText(args),
    })),
    ...events.map(({ atUs, event, node, args }) => ({
      atUs,
      what: `${event}${nameText(event === PROOF ? args?.fault : node)}`,
      how: eventText(event, args),
    })),
    ...clock.steps.map(({ atUs, node, byUs }) => ({
      atUs,
      what: `clock step of ${node}`,
      how: `by ${secondsText(byUs)} s`,
    })),
  ].sort((a, b) => a.atUs - b.atUs);
  const shown = moments.slice(0, MOST_MOMENTS);
  const rest = moments.length - shown.length;
  return {
    head: ['at s', 'event', 'details'],
    rows: [
      ...shown.map(({ atUs, what, how }) => [secondsText(atUs), what, how]),
      ...(rest > 0 ? [['...', `${rest} more; report.json has them`, '']] : []),
    ],
  };
}

function nameText(name: unknown): string {
  return name === undefined ? '' : ` of ${text(name)}`;
}
