import { type Protocol, type Signal, sendMetrics, sendTraces } from './collector.ts';
import { metricData, traceData } from './sdk-data.ts';
import { type OriginSource, originOf, type SentRun } from './sent-run.ts';

export interface Collector {
  /** Without `/v1/traces` and `/v1/metrics`. */
  readonly url: string;
  readonly protocols: Readonly<Record<Signal, Protocol>>;
  readonly signals: readonly Signal[];
}

/** What a collector has taken. */
export interface Sent {
  readonly traces?: { readonly traceId: string; readonly spans: number };
  readonly metrics?: { readonly metrics: number; readonly points: number };
  /** What it warned of. */
  readonly warnings: readonly string[];
  readonly origin: OriginSource;
}

/** Sends a run as one trace and as metrics, at the times of the run. Throws ENVIRONMENT_FAILED. */
export async function sendRun(run: SentRun, { url, protocols, signals }: Collector): Promise<Sent> {
  const warnings: (string | undefined)[] = [];
  const sends = (signal: Signal) => signals.includes(signal);
  const spans = traceData(run);
  const metrics = metricData(run);
  if (sends('traces')) warnings.push(await sendTraces(url, protocols.traces, spans));
  if (sends('metrics')) warnings.push(await sendMetrics(url, protocols.metrics, metrics));
  const all = metrics.scopeMetrics.flatMap((scope) => scope.metrics);
  return {
    ...(sends('traces') && {
      traces: { traceId: spans[0]?.spanContext().traceId ?? '', spans: spans.length },
    }),
    ...(sends('metrics') && {
      metrics: {
        metrics: all.length,
        points: all.reduce((points, { dataPoints }) => points + dataPoints.length, 0),
      },
    }),
    warnings: warnings.filter((warning) => warning !== undefined),
    origin: originOf(run).source,
  };
}
