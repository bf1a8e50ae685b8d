import { quoted } from '../../../core/printable.ts';
import { asObject, type Fields, RecordError } from '../../records/fields.ts';
import { type LineFields, type LineFormat, MappingError } from '../lines.ts';
import { checkedText, parseObject } from './json-lines.ts';
import { withNanoseconds } from './nanoseconds.ts';
import { parameterNames, parameterOf } from './query.ts';

/** k6 writes one point of this metric for each request; the other points of a request are parts of it. */
const METRIC = 'http_req_duration';

/**
 * The output of `k6 run --out json=<file>`: one JSON object per line; the points of `http_req_duration` are requests.
 * `time` is when the reply was read. The value is the milliseconds of sending, waiting and receiving, so a request lies
 * within [time - value, time]. Both come from a clock of nanoseconds. A field is the name of a tag, or `query.<name>`, a
 * parameter of the tag `url`. A request without a reply has the status 0.
 */
export function k6Format(): LineFormat {
  return {
    read(line) {
      if (line.trim() === '') return undefined;
      if (line.startsWith('metric_name,')) throw new MappingError('not k6 JSON output');
      const { value: record, text } = parseObject(line);
      const { type, metric, data } = record;
      if (type !== 'Point' && type !== 'Metric')
        throw new RecordError(
          `not k6 JSON output: the type must be "Point" or "Metric"; found ${quoted(type)}`,
        );
      return type === 'Metric' || metric !== METRIC ? undefined : new Point(asObject(data, 'data'), text);
    },
  };
}

/** k6 CSV has whole seconds, a row for every metric of a request, and ambiguous tags. */
export const K6_CSV =
  "k6's CSV has a row for each metric, and times in whole seconds; use k6 run --out json=k6.json.gz, and --from k6";

class Point implements LineFields {
  readonly #time: unknown;
  readonly #value: number;
  readonly #tags: Fields;
  readonly #line: string;

  constructor({ time, value, tags }: Fields, line: string) {
    if (typeof value !== 'number' || !Number.isFinite(value) || value < 0)
      throw new RecordError(`data.value must be milliseconds; found ${quoted(value)}`);
    this.#time = time;
    this.#value = value;
    this.#tags = asObject(tags ?? {}, 'data.tags');
    this.#line = line;
  }

  textOf(field: string): string | undefined {
    if (field === 'time') return withNanoseconds(this.#time, 'data.time');
    if (field === 'duration_ms') return this.#value.toFixed(6);
    const tags = this.#tags;
    if (!Object.hasOwn(tags, field)) return parameterOf(this.#url(), field);
    const found = tags[field];
    return found === undefined || found === null ? undefined : checkedText(String(found), this.#line);
  }

  names(): readonly string[] {
    return [...Object.keys(this.#tags), ...parameterNames(this.#url())];
  }

  #url(): string | undefined {
    const { url } = this.#tags;
    return typeof url === 'string' ? checkedText(url, this.#line) : undefined;
  }
}
