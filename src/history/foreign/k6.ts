import { quoted } from '../../core/errors.ts';
import { RecordError } from '../fields.ts';
import { type LineFormat, parseObject } from './lines-of.ts';
import { parameterOf, withNanoseconds } from './nanoseconds.ts';

/** k6 makes one point of it for each request; all other points of a request say parts of it. */
const METRIC = 'http_req_duration';

/**
 * What `k6 run --out json=<file>` writes: one JSON object a line, of which the points of `http_req_duration` are the
 * requests. Their `time` is when the reply had been read, and their value how long it took since there was a
 * connection, in milliseconds (sending, waiting and receiving), so a request lies within [time - value, time]. Both
 * come from a clock of nanoseconds. A field is the name of a tag, or `query.<name>`, a parameter of the tag `url`.
 * k6 gives a request without a reply the status 0.
 */
export function k6Format(): LineFormat {
  return (line) => {
    if (line.trim() === '') return undefined;
    const { type, metric, data } = parseObject(line);
    if (type !== 'Point' && type !== 'Metric')
      throw new RecordError(
        `not of k6's JSON output: the type must be "Point" or "Metric"; found ${quoted(type)}`,
      );
    if (type === 'Metric' || metric !== METRIC) return undefined;
    const { time, value, tags } = asObject(data, 'data');
    const tag = asObject(tags ?? {}, 'data.tags');
    if (typeof value !== 'number' || !Number.isFinite(value) || value < 0)
      throw new RecordError(`data.value must be milliseconds; found ${quoted(value)}`);
    return (field) => {
      if (field === 'time') return withNanoseconds(time, 'data.time');
      if (field === 'duration_ms') return value.toFixed(6);
      const found = Object.hasOwn(tag, field) ? tag[field] : parameterOf(tag.url, field);
      return found === undefined || found === null ? undefined : String(found);
    };
  };
}

function asObject(value: unknown, name: string): Record<string, unknown> {
  if (typeof value === 'object' && value !== null && !Array.isArray(value))
    return value as Record<string, unknown>;
  throw new RecordError(`${name} must be an object; found ${quoted(value)}`);
}
