import { once } from 'node:events';
import { createServer, type IncomingHttpHeaders, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { gunzipSync } from 'node:zlib';
import { onTestFinished } from 'vitest';
import { decodeOtlp } from './decode.ts';

export interface Received {
  readonly path: string;
  readonly headers: IncomingHttpHeaders;
  /** In the form of OTLP's JSON. */
  readonly body: unknown;
}

export interface Attribute {
  readonly key: string;
  readonly value: Readonly<Record<string, unknown>>;
}

export interface SpanSent {
  readonly traceId: string;
  readonly spanId: string;
  readonly parentSpanId?: string;
  readonly name: string;
  readonly startTimeUnixNano: string;
  readonly endTimeUnixNano: string;
  readonly attributes?: readonly Attribute[];
  readonly events?: readonly { name: string; timeUnixNano: string; attributes?: readonly Attribute[] }[];
  readonly status?: { readonly code?: number; readonly message?: string };
}

export interface PointSent {
  readonly startTimeUnixNano: string;
  readonly timeUnixNano: string;
  readonly attributes: readonly Attribute[];
  readonly asDouble?: number;
  readonly count?: string;
  readonly sum?: number;
  readonly bucketCounts?: readonly string[];
  readonly explicitBounds?: readonly number[];
}

export interface MetricSent {
  readonly name: string;
  readonly unit: string;
  readonly description: string;
  readonly gauge?: { readonly dataPoints: readonly PointSent[] };
  readonly sum?: { readonly dataPoints: readonly PointSent[]; readonly isMonotonic: boolean };
  readonly histogram?: { readonly dataPoints: readonly PointSent[] };
}

/** An OTLP/HTTP receiver that decodes what it gets; `answer` replies, by default that all is well. */
export async function startCollector(
  answer: (path: string, response: ServerResponse) => void = (_, response) => response.end(),
) {
  const received: Received[] = [];
  const server = createServer(async (request, response) => {
    const chunks: Buffer[] = [];
    for await (const chunk of request) chunks.push(chunk);
    const { url: path = '', headers } = request;
    const sent = Buffer.concat(chunks);
    const bytes = headers['content-encoding'] === 'gzip' ? gunzipSync(sent) : sent;
    const isJson = headers['content-type'] === 'application/json';
    const body = isJson ? JSON.parse(bytes.toString()) : decodeOtlp(path, bytes);
    received.push({ path, headers, body });
    answer(path, response);
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  onTestFinished(() => {
    server.closeAllConnections();
    server.close();
  });
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  return { url, received };
}

interface Scoped<T> {
  readonly resource: { readonly attributes: readonly Attribute[] };
  readonly items: readonly T[];
}

/** The spans of what a collector got, and what sent them. */
export function spansIn(received: readonly Received[]): Scoped<SpanSent> {
  const { resource, scopes } = only(received, '/v1/traces', 'resourceSpans', 'scopeSpans');
  return { resource, items: scopes.flatMap(({ spans }) => spans as SpanSent[]) };
}

/** The metrics of what a collector got, and what sent them. */
export function metricsIn(received: readonly Received[]): Scoped<MetricSent> {
  const { resource, scopes } = only(received, '/v1/metrics', 'resourceMetrics', 'scopeMetrics');
  return { resource, items: scopes.flatMap(({ metrics }) => metrics as MetricSent[]) };
}

function only(received: readonly Received[], path: string, list: string, scopes: string) {
  const bodies = received.filter((request) => request.path === path).map(({ body }) => body);
  if (bodies.length !== 1) throw new Error(`expected one request to ${path}; there were ${bodies.length}`);
  const [first, ...more] = (bodies[0] as Record<string, Record<string, unknown>[]>)[list] ?? [];
  if (first === undefined || more.length > 0) throw new Error(`expected one resource in ${path}`);
  return {
    resource: first.resource as Scoped<never>['resource'],
    scopes: first[scopes] as Record<string, unknown>[],
  };
}

/** Attributes as an object of their values. */
export function valuesOf(attributes: readonly Attribute[] = []): Record<string, unknown> {
  return Object.fromEntries(
    attributes.map(({ key, value: { arrayValue, ...value } }) => [
      key,
      arrayValue === undefined
        ? Object.values(value)[0]
        : ((arrayValue as { values?: Record<string, unknown>[] }).values ?? []).flatMap(Object.values),
    ]),
  );
}

/** The points of a metric, whatever its kind. */
export function pointsOf({ gauge, sum, histogram }: MetricSent): readonly PointSent[] {
  return (gauge ?? sum ?? histogram)?.dataPoints ?? [];
}
