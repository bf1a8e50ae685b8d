import type { Decision } from '../../../src/core/decision.ts';
import { OpenclawError } from '../../../src/core/errors.ts';
import type { Limiter } from '../../../src/limiter/limiter.ts';
import { prometheusMetrics } from '../../../src/metrics/prometheus.ts';
import { withMetrics } from '../../../src/metrics/with-metrics.ts';
import { type Metric, metricsOf } from '../../../src/otlp/run-metrics.ts';
import type { SentRun } from '../../../src/otlp/sent-run.ts';
import type { Emitted } from './promql.ts';

/** The metrics of a limiter, as `--metrics` and a Prometheus exporter print them. */
export async function emittedByLimiter(): Promise<Emitted> {
  const { meter, text } = prometheusMetrics();
  const results: (Partial<Decision> | Error)[] = [
    { allowed: true, evidence: { strategy: 'central', node: 'a', source: 'redis' } },
    {
      allowed: true,
      evidence: { strategy: 'central', node: '', source: 'fallback' },
      undecided: 'REPLY_LOST',
    },
    new OpenclawError('REPLY_LOST', 'lost'),
  ];
  const limiter = {
    homeOf: () => ({ region: 'eu', nodes: ['a'] }),
    async take() {
      const next = results.shift();
      if (next instanceof Error) throw next;
      return next;
    },
  } as unknown as Limiter;
  const measured = withMetrics(limiter, { meter });
  while (results.length > 0) await measured.take({ user: 'ada', endpoint: 'x' }).catch(() => {});
  return seriesIn(await text());
}

function seriesIn(text: string): Emitted {
  const emitted = new Map<string, Set<string>>();
  for (const line of text.split('\n')) {
    const [, metric, labels = ''] = /^([a-zA-Z_:]\w*)(?:\{(.*)\})? /.exec(line) ?? [];
    if (metric === undefined) continue;
    const names = [...labels.matchAll(/(\w+)="/g)].map(([, name = '']) => name);
    emitted.set(metric, new Set([...(emitted.get(metric) ?? []), ...names]));
  }
  return emitted;
}

/**
 * The metrics that a run sends, as Prometheus stores them: units in words behind the name, except those in braces; then
 * `_total` behind a sum, and the series of a histogram.
 */
export function emittedByRun(run: SentRun): Emitted {
  const { metrics } = metricsOf(run);
  return new Map(
    metrics.flatMap((metric) => {
      const labels = metric.points.flatMap(({ attributes }) => Object.keys(attributes)).map(stored);
      const name = `${stored(metric.name)}${unitOf(metric)}`;
      return namesOf(name, metric).map((each): [string, Set<string>] => [
        each,
        new Set(each.endsWith('_bucket') ? [...labels, 'le'] : labels),
      ]);
    }),
  );
}

const stored = (name: string) => name.replaceAll('.', '_');

function unitOf({ unit }: Metric): string {
  if (/^{.*}$/.test(unit)) return '';
  if (unit === 's') return '_seconds';
  throw new Error(`no rule here for the unit ${unit}`);
}

function namesOf(name: string, { kind }: Metric): string[] {
  if (kind === 'histogram') return ['bucket', 'sum', 'count'].map((series) => `${name}_${series}`);
  return [kind === 'sum' ? `${name}_total` : name];
}
