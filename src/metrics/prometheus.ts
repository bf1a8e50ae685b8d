import type { Meter } from '@opentelemetry/api';
import { PrometheusExporter, PrometheusSerializer } from '@opentelemetry/exporter-prometheus';
import { MeterProvider } from '@opentelemetry/sdk-metrics';
import { DURATION } from './duration.ts';

export interface PrometheusMetrics {
  /** Gives what is measured by it to `text`. */
  readonly meter: Meter;
  /**
   * All metrics of now in Prometheus' text exposition format 0.0.4. Rejects with an AggregateError where some could not
   * be collected: Prometheus then counts a scrape that failed, and not less than there was.
   */
  text(): Promise<string>;
}

/** A histogram's name has its unit at its end in Prometheus, and must not have it in OpenTelemetry. */
const IN_SECONDS = { instrumentName: DURATION, name: `${DURATION}.seconds` };

/** Metrics of OpenTelemetry kept in memory to be read as Prometheus reads them; starts no server. */
export function prometheusMetrics(): PrometheusMetrics {
  const exporter = new PrometheusExporter({ preventServerStart: true });
  const serializer = new PrometheusSerializer(undefined, false, undefined, true, true); // metrics, and nothing about the SDK
  const provider = new MeterProvider({ readers: [exporter], views: [IN_SECONDS] });
  return {
    meter: provider.getMeter('openclaw-rl'),
    async text() {
      const { resourceMetrics, errors } = await exporter.collect();
      if (errors.length > 0)
        throw new AggregateError(errors, `metrics were not collected: ${errors.join('; ')}`);
      return serializer.serialize(resourceMetrics);
    },
  };
}
