import { ValueType } from '@opentelemetry/api';
import { PrometheusSerializer } from '@opentelemetry/exporter-prometheus';
import { AggregationTemporality, DataPointType, type MetricData } from '@opentelemetry/sdk-metrics';

export interface CounterValue {
  readonly attributes: Readonly<Record<string, string>>;
  readonly value: number;
}

export interface CounterMetric {
  readonly name: string;
  readonly description: string;
  readonly values: readonly CounterValue[];
}

/** Counters as Prometheus text, format 0.0.4, in the order given. */
export function prometheusText(counters: readonly CounterMetric[]): string {
  const serializer = new PrometheusSerializer(undefined, false, undefined, true, true);
  const metrics = counters.map(
    ({ name, description, values }): MetricData => ({
      descriptor: { name, description, unit: '', valueType: ValueType.INT },
      dataPointType: DataPointType.SUM,
      aggregationTemporality: AggregationTemporality.CUMULATIVE,
      isMonotonic: true,
      dataPoints: values.map((counter) => ({ ...counter, startTime: NO_TIME, endTime: NO_TIME })),
    }),
  );
  return serializer.serialize({
    resource: NO_RESOURCE,
    scopeMetrics: [{ scope: { name: '' }, metrics }],
  });
}

const NO_TIME: [number, number] = [0, 0];
const NO_RESOURCE = { attributes: {}, merge: () => NO_RESOURCE, getRawAttributes: () => [] };
