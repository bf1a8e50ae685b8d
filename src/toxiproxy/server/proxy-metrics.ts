import type { MetricData } from '@opentelemetry/sdk-metrics';
import type { Direction } from '../toxic.ts';

const METRICS = {
  received: 'toxiproxy_proxy_received_bytes_total',
  sent: 'toxiproxy_proxy_sent_bytes_total',
} as const;

type Counted = keyof typeof METRICS;

/** In the order of Prometheus: by name. */
interface Labels {
  readonly direction: Direction;
  readonly listener: string;
  readonly proxy: string;
  readonly upstream: string;
}

interface Counter {
  readonly attributes: Readonly<Record<string, string>>;
  value: number;
}

/** Adds bytes of one direction of a connection. */
export type CountBytes = (counted: Counted, bytes: number) => void;

/** The bytes of proxies, with the names and labels of the original. */
export class ProxyMetrics {
  readonly #counters = { received: new Map<string, Counter>(), sent: new Map<string, Counter>() };

  counterOf(labels: Labels): CountBytes {
    const key = JSON.stringify(Object.values(labels));
    return (counted, bytes) => {
      const counters = this.#counters[counted];
      const counter = counters.get(key) ?? { attributes: { ...labels }, value: 0 };
      counter.value += bytes;
      counters.set(key, counter);
    };
  }

  /** Prometheus text, format 0.0.4. */
  async text(): Promise<string> {
    const [{ PrometheusSerializer }, { AggregationTemporality, DataPointType }, { ValueType }] =
      await Promise.all([
        import('@opentelemetry/exporter-prometheus'), // loaded here: it takes longer to load than all else
        import('@opentelemetry/sdk-metrics'),
        import('@opentelemetry/api'),
      ]);
    const serializer = new PrometheusSerializer(undefined, false, undefined, true, true);
    const shown = (Object.keys(METRICS) as Counted[]).filter((counted) => this.#counters[counted].size > 0);
    const metrics = shown.map(
      (counted): MetricData => ({
        descriptor: {
          name: METRICS[counted],
          description: `Bytes ${counted} by proxies.`,
          unit: '',
          valueType: ValueType.INT,
        },
        dataPointType: DataPointType.SUM,
        aggregationTemporality: AggregationTemporality.CUMULATIVE,
        isMonotonic: true,
        dataPoints: [...this.#counters[counted]]
          .sort(([a], [b]) => (a < b ? -1 : 1))
          .map(([, counter]) => ({ ...counter, startTime: NO_TIME, endTime: NO_TIME })),
      }),
    );
    return serializer.serialize({
      resource: NO_RESOURCE,
      scopeMetrics: [{ scope: { name: '' }, metrics }],
    });
  }
}

const NO_TIME: [number, number] = [0, 0];
const NO_RESOURCE = { attributes: {}, merge: () => NO_RESOURCE, getRawAttributes: () => [] };
