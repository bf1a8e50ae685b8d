import { Option } from 'commander';
import { invalidOption } from '../../core/errors.ts';
import { quoted } from '../../core/printable.ts';
import type { Limiter } from '../../limiter/limiter.ts';
import { isLoopback } from '../process/loopback.ts';

export interface MetricsFlag {
  readonly metrics?: 'loopback' | 'anywhere';
}

export function metricsOption(): Option {
  return new Option('--metrics [where]', 'serve Prometheus metrics at GET /metrics on the same port')
    .choices(['loopback', 'anywhere'])
    .preset('loopback');
}

/** Throws INVALID_OPTION if other machines could reach the metrics and `anywhere` was not typed. */
export function checkMetrics({ metrics, host }: MetricsFlag & { readonly host: string }): void {
  if (metrics !== 'loopback' || isLoopback(host)) return;
  throw invalidOption(
    `--metrics needs a --host on loopback; found ${quoted(host)}`,
    'to show them to everyone who can reach the service: --metrics anywhere',
  );
}

/** The limiter with metrics, and their text. Only this function loads OpenTelemetry. */
export async function measure(
  limiter: Limiter,
): Promise<{ limiter: Limiter; metrics: () => Promise<string> }> {
  const { prometheusMetrics } = await import('../../metrics/prometheus.ts');
  const { withMetrics } = await import('../../metrics/with-metrics.ts');
  const { meter, text } = prometheusMetrics();
  return { limiter: withMetrics(limiter, { meter }), metrics: text };
}
