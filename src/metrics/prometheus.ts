import type { Meter } from '@opentelemetry/api';
import { PrometheusExporter, PrometheusSerializer } from '@opentelemetry/exporter-prometheus';
import { MeterProvider } from '@opentelemetry/sdk-metrics';
import { DURATION } from './duration.ts';

export interface PrometheusMetrics {
  /** The meter whose measurements `text` contains. */
  readonly meter: Meter;
  /**
   * The current metrics in Prometheus text format 0.0.4. Rejects with an AggregateError if some could not be collected,
   * so that Prometheus counts a failed scrape instead of lower values.
   */
  text(): Promise<string>;
}

/** In Prometheus a histogram's name ends with its unit; in OpenTelemetry it must not. */
const IN_SECONDS = { instrumentName: DURATION, name: `${DURATION}.seconds` };

/** OpenTelemetry metrics in memory, read as Prometheus text; starts no server. */
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
