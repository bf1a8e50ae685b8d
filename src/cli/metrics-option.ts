import { Option } from 'commander';
import { OpenclawError, quoted } from '../core/errors.ts';
import type { Limiter } from '../limiter/limiter.ts';
import { isLoopback } from './loopback.ts';

export interface MetricsFlag {
  readonly metrics?: 'loopback' | 'anywhere';
}

export function metricsOption(): Option {
  return new Option('--metrics [where]', 'answer GET /metrics, as Prometheus reads it, on the same port')
    .choices(['loopback', 'anywhere'])
    .preset('loopback');
}

/** Throws INVALID_OPTION where the metrics could be reached from other machines and that was not asked for. */
export function checkMetrics({ metrics, host }: MetricsFlag & { readonly host: string }): void {
  if (metrics !== 'loopback' || isLoopback(host)) return;
  throw new OpenclawError(
    'INVALID_OPTION',
    `--metrics is for a service on loopback; found --host ${quoted(host)}`,
    { hint: 'show them to whoever can reach the service: --metrics anywhere' },
  );
}

/** The limiter, measured, and its metrics as text. Loads OpenTelemetry, which nothing else does. */
export async function measure(
  limiter: Limiter,
): Promise<{ limiter: Limiter; metrics: () => Promise<string> }> {
  const { prometheusMetrics } = await import('../metrics/prometheus.ts');
  const { withMetrics } = await import('../metrics/with-metrics.ts');
  const { meter, text } = prometheusMetrics();
  return { limiter: withMetrics(limiter, { meter }), metrics: text };
}
