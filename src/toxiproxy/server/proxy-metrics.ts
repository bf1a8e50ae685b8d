import type { Direction } from '../toxic.ts';
import type { CounterValue } from './prometheus-text.ts';

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

interface Counter extends CounterValue {
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
    const { prometheusText } = await import('./prometheus-text.ts'); // OpenTelemetry: takes longer to load than all else
    const counted = (Object.keys(METRICS) as Counted[]).filter((key) => this.#counters[key].size > 0);
    return prometheusText(
      counted.map((key) => ({
        name: METRICS[key],
        description: `Bytes ${key} by proxies.`,
        values: [...this.#counters[key]].sort(([a], [b]) => (a < b ? -1 : 1)).map(([, counter]) => counter),
      })),
    );
  }
}
