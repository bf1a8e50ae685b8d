import { createHash } from 'node:crypto';
import { type HrTime, ROOT_CONTEXT, SpanStatusCode, trace, ValueType } from '@opentelemetry/api';
import {
  detectResources,
  envDetector,
  type Resource,
  resourceFromAttributes,
} from '@opentelemetry/resources';
import {
  AggregationTemporality,
  type DataPoint,
  DataPointType,
  type MetricData,
  type ResourceMetrics,
} from '@opentelemetry/sdk-metrics';
import {
  AlwaysOnSampler,
  InMemorySpanExporter,
  type ReadableSpan,
  SimpleSpanProcessor,
  TracerProvider,
} from '@opentelemetry/sdk-trace';
import { type Metric, metricsOf } from './run-metrics.ts';
import { type SpanFacts, spansOf } from './run-spans.ts';
import { originOf, type SentRun } from './sent-run.ts';

const SCOPE = 'openclaw-rl';

/** What sends it. OTEL_SERVICE_NAME and OTEL_RESOURCE_ATTRIBUTES replace and add. */
function resourceOf({ name, version, report }: SentRun): Resource {
  return resourceFromAttributes({
    'service.name': 'openclaw-rl',
    'service.version': version,
    'service.instance.id': name,
    'openclaw_rl.seed': report.seed,
    'openclaw_rl.policy': report.policy,
  }).merge(detectResources({ detectors: [envDetector] }));
}

/** The times of a run as dates: seconds and nanoseconds since 1970. */
function clockOf(run: SentRun): (us: number) => HrTime {
  const { us: originUs } = originOf(run);
  return (us) => {
    const atUs = Math.round(originUs + us);
    const seconds = Math.floor(atUs / 1_000_000);
    return [seconds, (atUs - 1_000_000 * seconds) * 1_000];
  };
}

/** The trace of a run. The same run has the same ids each time. */
export function traceData(run: SentRun): ReadableSpan[] {
  const dateOf = clockOf(run);
  const kept = new InMemorySpanExporter();
  const provider = new TracerProvider({
    resource: resourceOf(run),
    sampler: new AlwaysOnSampler(),
    idGenerator: idsOf(run),
    spanLimits: { eventCountLimit: Number.MAX_SAFE_INTEGER },
    spanProcessors: [new SimpleSpanProcessor({ exporter: kept })],
  });
  const tracer = provider.getTracer(SCOPE, run.version);
  const add = (facts: SpanFacts, parent = ROOT_CONTEXT): void => {
    const { name, attributes, fromUs, untilUs, events, error, children } = facts;
    const span = tracer.startSpan(name, { attributes, startTime: dateOf(fromUs) }, parent);
    for (const event of events) span.addEvent(event.name, event.attributes, dateOf(event.atUs));
    if (error !== undefined) span.setStatus({ code: SpanStatusCode.ERROR, message: error });
    for (const child of children) add(child, trace.setSpan(parent, span));
    span.end(dateOf(untilUs));
  };
  add(spansOf(run));
  return kept.getFinishedSpans();
}

function idsOf({ name, report }: SentRun) {
  let spans = 0;
  const digest = (what: string) =>
    createHash('sha256').update(`${name} ${report.startedAt} ${what}`).digest('hex');
  return {
    generateTraceId: () => digest('trace').slice(0, 32),
    generateSpanId: () => digest(`span ${spans++}`).slice(0, 16),
  };
}

/**
 * The metrics of a run, each with points at the times of the run. Instruments of the SDK date what they measure by the
 * current time, so these are its data points without instruments.
 */
export function metricData(run: SentRun): ResourceMetrics {
  const dateOf = clockOf(run);
  const { startUs, metrics } = metricsOf(run);
  return {
    resource: resourceOf(run),
    scopeMetrics: [
      {
        scope: { name: SCOPE, version: run.version },
        metrics: metrics.map((metric) => dataOf(metric, { startUs, dateOf })),
      },
    ],
  };
}

function dataOf(
  metric: Metric,
  { startUs, dateOf }: { startUs: number; dateOf: (us: number) => HrTime },
): MetricData {
  const { name, unit, description } = metric;
  const startTime = dateOf(startUs);
  const pointOf = <T>({
    atUs,
    attributes,
    value,
  }: { atUs: number } & Pick<DataPoint<T>, 'attributes' | 'value'>) => ({
    ...{ startTime, endTime: dateOf(atUs), attributes, value },
  });
  const common = {
    descriptor: { name, unit, description, valueType: ValueType.DOUBLE },
    aggregationTemporality: AggregationTemporality.CUMULATIVE,
  };
  if (metric.kind === 'histogram')
    return {
      ...common,
      dataPointType: DataPointType.HISTOGRAM,
      dataPoints: metric.points.map(({ value: { boundaries, counts, sum, count }, ...point }) =>
        pointOf({
          ...point,
          value: { buckets: { boundaries: [...boundaries], counts: [...counts] }, sum, count },
        }),
      ),
    };
  const dataPoints = metric.points.map(pointOf);
  return metric.kind === 'gauge'
    ? { ...common, dataPointType: DataPointType.GAUGE, dataPoints }
    : { ...common, dataPointType: DataPointType.SUM, isMonotonic: true, dataPoints };
}
