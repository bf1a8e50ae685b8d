import type { LineFormat } from '../lines.ts';
import type { Mapping } from '../mapping.ts';
import { combinedFormat } from './combined.ts';
import { csvFormat } from './csv.ts';
import { envoyFormat } from './envoy.ts';
import { haproxyFormat } from './haproxy.ts';
import { accessLogFormat } from './json-lines.ts';
import { k6Format } from './k6.ts';
import { vegetaFormat } from './vegeta.ts';

/** The reader of each log format, by its name for `--from`; it reads one file line by line and needs these fields. */
export const FOREIGN_FORMATS = {
  csv: (fields) => csvFormat(fields),
  'access-log': () => accessLogFormat(),
  combined: () => combinedFormat(),
  envoy: () => envoyFormat(),
  haproxy: () => haproxyFormat(),
  k6: () => k6Format(),
  vegeta: () => vegetaFormat(),
} as const satisfies Readonly<Record<string, (fields: readonly string[]) => LineFormat>>;

export type ForeignFormat = keyof typeof FOREIGN_FORMATS;

/** The name of the format of a run's own history. */
export const OWN_FORMAT = 'history';

/** The formats of logs whose requests can be sent again. */
export type ArrivalFormat = ForeignFormat | typeof OWN_FORMAT;

/** The formats that define the fields for time, duration and status themselves. */
export const TIMED_FORMATS = {
  envoy: { start: 'start_time', duration: 'duration', unit: 'ms', status: 'response_code' },
  haproxy: { start: 'request_date', duration: 'Ta', unit: 'ms', status: 'status_code' },
  k6: { end: 'time', duration: 'duration_ms', status: 'status' },
  vegeta: { start: 'timestamp', duration: 'latency_us', unit: 'us', status: 'code' },
} as const satisfies Partial<Record<ForeignFormat, Partial<Mapping>>>;

/** The formats that define only the field for the status. */
export const STATUS_FIELDS: Partial<Record<ForeignFormat, string>> = { combined: 'status' };

/** The fields that a mapping uses. */
export function fieldsOf({ key, start, end, duration, status, cost, region, stated }: Mapping): string[] {
  return [key, start, end, duration, status, cost, region, ...Object.values(stated ?? {})].filter(
    (field) => field !== undefined,
  );
}
