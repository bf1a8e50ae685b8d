import { combinedFormat } from './combined.ts';
import { csvFormat } from './csv.ts';
import { envoyFormat } from './envoy.ts';
import { haproxyFormat } from './haproxy.ts';
import { accessLogFormat } from './json-lines.ts';
import { k6Format } from './k6.ts';
import type { LineFormat } from './lines.ts';
import type { Mapping } from './mapping.ts';
import { vegetaFormat } from './vegeta.ts';

/** Every log that can be read, by the name that `--from` takes: how one file of it is read, line by line. */
export const FOREIGN_FORMATS = {
  csv: (mapping) => csvFormat(fieldsOf(mapping)),
  'access-log': () => accessLogFormat(),
  combined: () => combinedFormat(),
  envoy: () => envoyFormat(),
  haproxy: () => haproxyFormat(),
  k6: () => k6Format(),
  vegeta: () => vegetaFormat(),
} as const satisfies Readonly<Record<string, (mapping: Mapping) => LineFormat>>;

export type ForeignFormat = keyof typeof FOREIGN_FORMATS;

/** Those whose files say themselves when a request came, how long it took and what was answered. */
export const TIMED_FORMATS = {
  envoy: { start: 'start_time', duration: 'duration', unit: 'ms', status: 'response_code' },
  haproxy: { start: 'request_date', duration: 'Ta', unit: 'ms', status: 'status_code' },
  k6: { end: 'time', duration: 'duration_ms', status: 'status' },
  vegeta: { start: 'timestamp', duration: 'latency_us', unit: 'us', status: 'code' },
} as const satisfies Partial<Record<ForeignFormat, Partial<Mapping>>>;

/** Those that have one field for the status, and leave it to the user when a request was decided. */
export const STATUS_FIELDS: Partial<Record<ForeignFormat, string>> = { combined: 'status' };

/** The fields that have a meaning. */
export function fieldsOf({ key, start, end, duration, status, cost, region }: Mapping): string[] {
  return [key, start, end, duration, status, cost, region].filter((field) => field !== undefined);
}
