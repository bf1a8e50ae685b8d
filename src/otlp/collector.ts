import { OTLPExporterBase, OTLPExporterError } from '@opentelemetry/otlp-exporter-base';
import {
  convertLegacyHttpOptions,
  createOtlpHttpExportDelegate,
} from '@opentelemetry/otlp-exporter-base/node-http';
import {
  type IExporterMetricsHelper,
  type ISerializer,
  JsonMetricsSerializer,
  JsonTraceSerializer,
  MetricsExporterMetricsHelper,
  ProtobufMetricsSerializer,
  ProtobufTraceSerializer,
  TraceExporterMetricsHelper,
} from '@opentelemetry/otlp-transformer';
import type { ResourceMetrics } from '@opentelemetry/sdk-metrics';
import type { ReadableSpan } from '@opentelemetry/sdk-trace';
import { environmentFailed, type OpenclawError } from '../core/errors.ts';
import { printable } from '../core/printable.ts';

export type Protocol = 'http/protobuf' | 'http/json';
export type Signal = 'traces' | 'metrics';

/** What a collector says of what it took only in part. */
interface PartialSuccess {
  readonly rejected: number;
  readonly message: string;
}

interface Answer {
  readonly partialSuccess?: {
    readonly rejectedSpans?: number;
    readonly rejectedDataPoints?: number;
    readonly errorMessage?: string;
  };
}

/**
 * Sends spans to `<url>/v1/traces`. Gives what the collector warns of. Headers, timeout, compression and certificates are
 * those of the OTEL_EXPORTER_OTLP_ variables. Throws ENVIRONMENT_FAILED.
 */
export async function sendTraces(
  url: string,
  protocol: Protocol,
  spans: ReadableSpan[],
): Promise<string | undefined> {
  const serializer = protocol === 'http/json' ? JsonTraceSerializer : ProtobufTraceSerializer;
  const to = { url, protocol, signal: 'traces', what: 'spans' } as const;
  return send(to, { serializer, helper: TraceExporterMetricsHelper, data: spans });
}

/** Sends metrics to `<url>/v1/metrics`, as `sendTraces` does. */
export async function sendMetrics(
  url: string,
  protocol: Protocol,
  metrics: ResourceMetrics,
): Promise<string | undefined> {
  const serializer = protocol === 'http/json' ? JsonMetricsSerializer : ProtobufMetricsSerializer;
  const to = { url, protocol, signal: 'metrics', what: 'metrics' } as const;
  return send(to, { serializer, helper: MetricsExporterMetricsHelper, data: metrics });
}

interface Destination {
  readonly url: string;
  readonly protocol: Protocol;
  readonly signal: Signal;
  readonly what: string;
}

async function send<T, A extends Answer>(
  to: Destination,
  { serializer, helper, data }: { serializer: ISerializer<T, A>; helper: IExporterMetricsHelper<T>; data: T },
): Promise<string | undefined> {
  let partial: PartialSuccess | undefined;
  const listening: ISerializer<T, A> = {
    serializeRequest: (request) => serializer.serializeRequest(request),
    deserializeResponse(bytes) {
      const answer = serializer.deserializeResponse(bytes);
      partial = partialOf(answer);
      return answer;
    },
  };
  const exporter = new OTLPExporterBase<T>(
    createOtlpHttpExportDelegate(optionsOf(to), listening, `openclaw_rl_${to.signal}`, helper, undefined),
  );
  const error = await new Promise<Error | undefined>((resolve) =>
    exporter.export(data, (result) =>
      resolve(result.code === 0 ? undefined : (result.error ?? new Error('it failed'))),
    ),
  );
  await exporter.shutdown();
  if (error !== undefined) throw failure(to, error);
  if (partial === undefined) return undefined;
  const { rejected, message } = partial;
  if (rejected === 0) return `the collector warns of the ${to.what}: ${shortened(message)}`;
  throw environmentFailed(
    `the collector at ${addressOf(to)} rejected ${rejected} ${to.signal === 'traces' ? 'spans' : 'data points'}: ${shortened(message)}`,
    refusalHint(to, message),
  );
}

function optionsOf(to: Destination) {
  const type = to.protocol === 'http/json' ? 'application/json' : 'application/x-protobuf';
  const signal = to.signal.toUpperCase();
  return convertLegacyHttpOptions({ url: addressOf(to) }, signal, `v1/${to.signal}`, {
    'Content-Type': type,
  });
}

function addressOf({ url, signal }: Pick<Destination, 'url' | 'signal'>): string {
  return `${url.replace(/\/+$/, '')}/v1/${signal}`;
}

function partialOf({ partialSuccess }: Answer): PartialSuccess | undefined {
  const { rejectedSpans = 0, rejectedDataPoints = 0, errorMessage = '' } = partialSuccess ?? {};
  const rejected = Number(rejectedSpans) + Number(rejectedDataPoints); // JSON has 64-bit numbers as text
  return rejected === 0 && errorMessage === '' ? undefined : { rejected, message: errorMessage };
}

function failure(to: Destination, error: Error): OpenclawError {
  const address = addressOf(to);
  if (error instanceof OTLPExporterError && error.code !== undefined) {
    const { code, message, data = '' } = error;
    const why = data === '' ? message : data;
    return environmentFailed(
      `the collector at ${address} refused the ${to.what}: ${code} ${shortened(why)}`,
      statusHint(to, code, why),
      error,
    );
  }
  if (error instanceof OTLPExporterError)
    return environmentFailed(
      `the collector at ${address} does not take the ${to.what} now: it answered 429, 502, 503 or 504 each time`,
      'send the run again later, or wait longer: OTEL_EXPORTER_OTLP_TIMEOUT=60000 (milliseconds)',
      error,
    );
  const { code = error.message } = error as NodeJS.ErrnoException;
  return environmentFailed(
    `no collector answers at ${address}: ${shortened(code)}`,
    'check the address, and that an OTLP receiver for HTTP listens there: port 4318 by default (4317 is gRPC)',
    error,
  );
}

function statusHint(to: Destination, status: number, why: string): string {
  if (status === 401 || status === 403)
    return 'set its header: OTEL_EXPORTER_OTLP_HEADERS=authorization=Bearer%20<token>';
  if (status === 404 || status === 405)
    return to.signal === 'traces'
      ? 'check the address; one that takes metrics only, as Prometheus: OTEL_TRACES_EXPORTER=none'
      : 'check the address, for Prometheus http://<host>:9090/api/v1/otlp; one that takes traces only: OTEL_METRICS_EXPORTER=none';
  if (status === 413) return 'send it compressed: OTEL_EXPORTER_OTLP_COMPRESSION=gzip';
  if (status === 415)
    return `choose the other encoding: OTEL_EXPORTER_OTLP_PROTOCOL=${to.protocol === 'http/json' ? 'http/protobuf' : 'http/json'}`;
  return refusalHint(to, why);
}

function refusalHint({ signal }: Destination, why: string): string {
  if (signal === 'metrics' && /out of (order|bounds)|too old|duplicate/i.test(why))
    return 'the points have the times of the run: send it within the hour, or let Prometheus take older ones (out_of_order_time_window)';
  return "see the collector's own log";
}

const MOST_SHOWN = 200;

function shortened(text: string): string {
  const line = printable(text.trim().replace(/\s+/g, ' '));
  return line.length > MOST_SHOWN ? `${line.slice(0, MOST_SHOWN - 3)}...` : line;
}
