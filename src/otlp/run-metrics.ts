import type { Attributes } from '@opentelemetry/api';
import type { Verdict } from '../core/verdict.ts';
import { OUTCOMES } from '../history/records/operation.ts';
import { faultsOf, isTakeover } from './run-spans.ts';
import type { SentRun } from './sent-run.ts';
import { type Histogram, type RegionTotals, type Totals, totalsOf } from './series.ts';

interface Point<T> {
  readonly atUs: number;
  readonly attributes: Attributes;
  readonly value: T;
}

interface Described {
  readonly name: string;
  readonly unit: string;
  readonly description: string;
}

/** A metric with its points. Times are microseconds of the run's clock; sums count from its start. */
export type Metric = Described &
  (
    | { readonly kind: 'sum' | 'gauge'; readonly points: readonly Point<number>[] }
    | { readonly kind: 'histogram'; readonly points: readonly Point<Histogram>[] }
  );

/** The metrics of a run. No attribute contains a user or a bucket. */
export function metricsOf(run: SentRun): { readonly startUs: number; readonly metrics: readonly Metric[] } {
  const { plan, strategy } = run.report;
  const common = { 'openclaw_rl.scenario': plan.scenario, 'openclaw_rl.strategy': strategy };
  const totals = totalsOf(run);
  const all = [...overTime(totals), ...happenings(run, totals), ...atEnd(run, totals)];
  return {
    startUs: totals.timesUs[0] ?? 0,
    metrics: all.filter(({ points }) => points.length > 0).map((metric) => withAttributes(metric, common)),
  };
}

function withAttributes(metric: Metric, common: Attributes): Metric {
  const points = metric.points.map((point) => ({ ...point, attributes: { ...common, ...point.attributes } }));
  return { ...metric, points } as Metric;
}

/** By region: requests and their durations by outcome, excess, false denials. */
function overTime({ timesUs, regions }: Totals): Metric[] {
  const along = <T>(values: readonly T[], attributes: Attributes): Point<T>[] =>
    values.map((value, at) => ({ atUs: timesUs[at] ?? 0, attributes, value }));
  const byRegion = (values: (totals: RegionTotals) => readonly number[]) =>
    regions.flatMap((totals) => along(values(totals), { [REGION]: totals.region }));
  return [
    {
      ...{ name: 'openclaw_rl.run.requests', unit: '{request}', kind: 'sum' },
      description: 'Requests sent, by outcome',
      points: regions.flatMap(({ region, requests }) =>
        OUTCOMES.flatMap((outcome) => along(requests[outcome], { [REGION]: region, [OUTCOME]: outcome })),
      ),
    },
    {
      ...{ name: 'openclaw_rl.run.request.duration', unit: 's', kind: 'histogram' },
      description: 'Duration of requests with a reply, by outcome',
      points: regions.flatMap(({ region, durations }) =>
        OUTCOMES.flatMap((outcome) =>
          along(durations[outcome] ?? [], { [REGION]: region, [OUTCOME]: outcome }),
        ),
      ),
    },
    {
      ...{ name: 'openclaw_rl.run.excess', unit: '{token}', kind: 'sum' },
      description: 'Tokens admitted beyond an ideal bucket, by the region that admitted them',
      points: byRegion(({ excess }) => excess),
    },
    {
      ...{ name: 'openclaw_rl.run.false_denials', unit: '{denial}', kind: 'sum' },
      description: 'Denials at which the bucket held the cost at every moment',
      points: byRegion(({ falseDenials }) => falseDenials),
    },
  ];
}

const REGION = 'openclaw_rl.region';
const OUTCOME = 'openclaw_rl.outcome';

/** Faults in force and takeovers, at each time of the series. */
function happenings({ report }: SentRun, { timesUs }: Totals): Metric[] {
  const faults = faultsOf(report);
  const takeovers = report.events.filter(({ event, args }) => isTakeover(event, args));
  return [
    {
      ...{ name: 'openclaw_rl.run.active_faults', unit: '{fault}', kind: 'gauge' },
      description: 'Faults in force',
      points: [...new Set(faults.map(({ name }) => name))].flatMap((name) =>
        timesUs.map((atUs) => ({
          atUs,
          attributes: { 'openclaw_rl.fault.name': name },
          value: faults.filter(
            (fault) => fault.name === name && fault.fromUs <= atUs && atUs < (fault.healedUs ?? Infinity),
          ).length,
        })),
      ),
    },
    {
      ...{ name: 'openclaw_rl.run.takeovers', unit: '{takeover}', kind: 'sum' },
      description: 'Replicas that became primary',
      points: timesUs.map((atUs) => ({
        ...{ atUs, attributes: {} },
        value: takeovers.filter((takeover) => takeover.atUs <= atUs).length,
      })),
    },
  ];
}

const VERDICTS: readonly Verdict[] = ['pass', 'fail', 'unknown'];

/** What was judged, at the end of the series. */
function atEnd({ report }: SentRun, { timesUs }: Totals): Metric[] {
  const atUs = timesUs.at(-1) ?? 0;
  const gauge = (
    name: string,
    unit: string,
    description: string,
    points: readonly Omit<Point<number>, 'atUs'>[],
  ) => ({
    ...{ name: `openclaw_rl.run.${name}`, unit, description, kind: 'gauge' as const },
    points: points.map((point) => ({ atUs, ...point })),
  });
  const byShard = (measure: (shard: Shard) => number | null | undefined) =>
    report.shards.flatMap((shard) => {
      const value = measure(shard);
      return value === null || value === undefined
        ? []
        : [{ attributes: { 'openclaw_rl.shard': shard.shard, 'openclaw_rl.policy': shard.policy }, value }];
    });
  return [
    gauge(
      'bucket_excess.largest',
      '{token}',
      'The most tokens that one bucket admitted beyond an ideal one',
      byShard(({ largestExcess }) => largestExcess.tokens),
    ),
    gauge(
      'bucket_excess.limit',
      '{token}',
      'The most that the strategy declares for one bucket; absent where it declares nothing',
      byShard(({ bound }) => bound?.totalExcess),
    ),
    gauge(
      'window_excess.largest',
      '{token}',
      'The most tokens beyond the policy in one window of one bucket',
      byShard(({ worstWindow }) => worstWindow.tokens),
    ),
    gauge(
      'window_excess.limit',
      '{token}',
      'The most that the strategy declares for one window; absent where it declares nothing',
      byShard(({ bound }) => bound?.worstWindow),
    ),
    gauge(
      'verdict',
      '{run}',
      'The verdict: 1 for the one that it is, 0 for the others',
      VERDICTS.map((verdict) => ({
        attributes: { 'openclaw_rl.verdict': verdict },
        value: Number(report.verdict === verdict),
      })),
    ),
    gauge(
      'claims',
      '{claim}',
      'Claims by their status',
      (['holds', 'broken', 'unknown'] as const).map((status) => ({
        attributes: { 'openclaw_rl.claim.status': status },
        value: report.claims.filter((claim) => claim.status === status).length,
      })),
    ),
  ];
}

type Shard = SentRun['report']['shards'][number];
