import { type Command, InvalidArgumentError, Option } from 'commander';
import type { Promised } from '../checker/promise.ts';
import { OpenclawError } from '../core/errors.ts';
import { parseRate, type Rate } from '../core/policy.ts';
import { given } from '../history/fields.ts';
import {
  FOREIGN_FORMATS,
  type ForeignFormat,
  STATUS_FIELDS,
  TIMED_FORMATS,
} from '../history/foreign/formats.ts';
import type { Mapping } from '../history/foreign/mapping.ts';
import { ForeignReader } from '../history/foreign/reader.ts';
import { parseStatusPattern, type StatusPattern } from '../history/foreign/status.ts';
import { refuseClash, type StatusReader, statusReader } from '../history/foreign/statuses.ts';
import { UNITS, type Unit } from '../history/foreign/units.ts';
import type { PolicyRecord } from '../history/operation.ts';
import { type ClockSlackFlags, parseTime } from './clock-slack.ts';
import { parsedBy, share, wholeNumber } from './options.ts';

/** What `check --from` needs to know of a log that others wrote. */
export interface ForeignOptions extends ClockSlackFlags {
  readonly from?: ForeignFormat;
  readonly key?: string;
  readonly oneBucket?: true;
  readonly start?: string;
  readonly end?: string;
  readonly duration?: string;
  readonly durationAtMost?: number;
  readonly unit?: Unit;
  readonly zone?: string;
  readonly status?: string;
  readonly allow?: StatusPattern;
  readonly deny?: StatusPattern;
  readonly settled?: StatusPattern;
  readonly unanswered?: StatusPattern;
  readonly cost?: string;
  readonly region?: string;
  readonly capacity?: number;
  readonly refill?: Rate;
  readonly unusableAtMost: number;
}

export function addForeignOptions(command: Command): Command {
  const status = (flags: string, description: string) =>
    new Option(flags, description).argParser(parsedBy(parseStatusPattern));
  return command
    .optionsGroup('Logs that others wrote:')
    .addOption(new Option('--from <format>', 'what the files are').choices(Object.keys(FOREIGN_FORMATS)))
    .option(
      '--key <field>',
      'the field that names the bucket: the user, the API key, the address; query.<name> of an address',
    )
    .addOption(
      new Option('--one-bucket', 'all requests are of one bucket, for a log without users').conflicts('key'),
    )
    .option('--region <field>', 'the field that names the region')
    .option('--capacity <tokens>', 'what a bucket holds', wholeNumber(1, 2 ** 40))
    .option('--refill <rate>', 'what it gains: 10/s, 100/min', parsedBy(parseRate))
    .option('--cost <field>', 'tokens; one for each request without')
    .option(
      '--unusable-at-most <share>',
      'so many lines of a file may be unreadable, and are granted',
      share,
      0.01,
    )
    .optionsGroup('When requests of such a log were decided:')
    .option('--start <field>', 'when the request came; give two of start, end and duration')
    .option('--end <field>', 'when the reply left')
    .option('--duration <field>', 'how long it took')
    .addOption(
      new Option('--duration-at-most <time>', 'for a log that does not say: the longest that any took, 500ms')
        .argParser(parseTime)
        .conflicts('duration'),
    )
    .addOption(
      new Option(
        '--unit <unit>',
        'of numbers in fields whose name does not end in _ns, _us, _ms or _s',
      ).choices(Object.keys(UNITS)),
    )
    .option('--zone <zone>', 'of dates that name none: UTC, +01:00', parseZone)
    .optionsGroup('What its statuses mean, as 2xx, 200-299 or OK, with commas:')
    .option('--status <field>', 'the field that says whether it was allowed')
    .addOption(status('--allow <statuses>', 'it was let through (default: 2xx)'))
    .addOption(status('--deny <statuses>', 'the limiter refused it (default: 429; nginx answers 503)'))
    .addOption(
      status(
        '--settled <statuses>',
        'it may have been charged, by its reply: of a log that the limiter wrote itself',
      ),
    )
    .addOption(
      status(
        '--unanswered <statuses>',
        'it may still be charged after its reply, as behind a proxy (default: all others)',
      ),
    );
}

export const FOREIGN_EXAMPLES = `  $ openclaw-rl check api.csv --from csv --key user --start t0_us --end t1_us \\
      --status code --capacity 100 --refill 10/s                 # any limiter, from a table
  $ openclaw-rl check access.log --from access-log --key remote_user --end time_iso8601 --duration request_time \\
      --unit s --status status --promise fixed-window:100/60s    # JSON of nginx, judged by what it promises
  $ openclaw-rl check access.log --from combined --key remote_addr --end time_local --duration-at-most 500ms \\
      --deny 503 --capacity 100 --refill 1/s                     # nginx' combined format, denied with its 503
  $ openclaw-rl check envoy.log --from envoy --key x_forwarded_for --capacity 100 --refill 10/s   # Envoy, Istio
  $ openclaw-rl check hey.csv --from csv --one-bucket --start offset --duration response-time --unit s \\
      --status status-code --capacity 20 --refill 5/s            # hey -o csv, which names no user
  $ openclaw-rl check k6.json.gz --from k6 --key user --capacity 20 --refill 5/s      # k6 run --out json=k6.json.gz
  $ openclaw-rl check hits.json --from vegeta --key query.user --capacity 20 --refill 5/s  # vegeta encode > hits.json`;

function parseZone(text: string): string {
  if (/^(?:Z|UTC|GMT|[+-]\d\d:?\d\d)$/.test(text)) return text;
  throw new InvalidArgumentError('Expected UTC, or an offset like +01:00.');
}

/** A reader of the log that the options describe; undefined when they describe none. Throws INVALID_OPTION. */
export function foreignReaderOf(options: ForeignOptions, promise: Promised): ForeignReader | undefined {
  const { from } = options;
  if (from === undefined) {
    refuseUnused(options);
    return undefined;
  }
  if (options.key === undefined && options.oneBucket === undefined)
    throw new OpenclawError(
      'INVALID_OPTION',
      `--from ${from} needs --key: which field names the bucket; or --one-bucket, where all is one`,
    );
  const times = isTimed(from) ? timesOf(from, options) : namedTimes(from, options);
  const { key, cost, region, zone, clockSlack: clockSlackUs = 0, unusableAtMost } = options;
  const isFirst = promise.type === 'fixed-window' && promise.alignment === 'first';
  const mapping: Mapping = {
    ...times,
    ...given({ key, cost, region, zone }),
    statuses: statusesOf(options),
    clockSlackUs,
    unusableAtMost: isFirst ? 0 : unusableAtMost, // a line that is missing may have opened a window
  };
  return new ForeignReader(from, mapping, policyOf(options, promise));
}

const STANDARD = { allow: parseStatusPattern('2xx'), deny: parseStatusPattern('429') };

function statusesOf({ allow, deny, settled, unanswered }: ForeignOptions): StatusReader {
  const lists = { allow, deny, settled, unanswered };
  refuseClash(lists);
  return statusReader(lists, STANDARD);
}

const FOREIGN_ONLY = [
  ...(['key', 'oneBucket', 'status', 'start', 'end', 'duration', 'durationAtMost', 'unit', 'zone'] as const),
  ...(['capacity', 'refill', 'cost', 'region', 'allow', 'deny', 'settled', 'unanswered'] as const),
];

function refuseUnused(options: ForeignOptions): void {
  const unused = FOREIGN_ONLY.find((name) => options[name] !== undefined);
  if (unused === undefined) return;
  throw new OpenclawError(
    'INVALID_OPTION',
    `${flagOf(unused)} is for logs that others wrote: it needs --from, one of ${Object.keys(FOREIGN_FORMATS).join(', ')}`,
  );
}

function flagOf(name: string): string {
  return `--${name.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`)}`;
}

type Times = Pick<Mapping, 'start' | 'end' | 'duration' | 'durationAtMostUs' | 'unit' | 'status'>;

function namedTimes(from: ForeignFormat, options: ForeignOptions): Times {
  const { start, end, duration, durationAtMost, unit, status = STATUS_FIELDS[from] } = options;
  if (status === undefined)
    throw new OpenclawError(
      'INVALID_OPTION',
      `--from ${from} needs --status: which field says what was answered`,
    );
  const times = [start, end, duration ?? durationAtMost].filter((field) => field !== undefined);
  if (times.length !== 2)
    throw new OpenclawError(
      'INVALID_OPTION',
      `--from ${from} needs two of --start, --end and --duration, or --duration-at-most${from === 'combined' ? OF_COMBINED : ''}`,
    );
  return { status, ...given({ start, end, duration, durationAtMostUs: durationAtMost, unit }) };
}

const OF_COMBINED =
  ': nginx takes the time at the end (--end time_local), Apache at the start (--start time_local), and neither says how long a request took (--duration-at-most 1s)';

/** Without --capacity and --refill a window promise gives the bucket that is shown beside it. */
function policyOf({ capacity, refill }: ForeignOptions, promise: Promised): PolicyRecord {
  if (capacity !== undefined && refill !== undefined) return { capacity, refill };
  if (capacity !== undefined || refill !== undefined)
    throw new OpenclawError('INVALID_OPTION', '--capacity and --refill are one policy: give both');
  if (promise.type === 'token-bucket')
    throw new OpenclawError(
      'INVALID_OPTION',
      'a log that others wrote says no policy: give --capacity and --refill',
    );
  return { capacity: promise.limit, refill: { tokens: promise.limit, perUs: promise.windowUs } };
}

type TimedFormat = keyof typeof TIMED_FORMATS;

function isTimed(format: ForeignFormat): format is TimedFormat {
  return Object.hasOwn(TIMED_FORMATS, format);
}

/** Of a tool whose files say themselves what a request took and how it ended. */
function timesOf(format: TimedFormat, options: ForeignOptions): Times {
  const said = (['start', 'end', 'duration', 'durationAtMost', 'unit', 'status'] as const).find(
    (name) => options[name] !== undefined,
  );
  if (said === undefined) return TIMED_FORMATS[format];
  throw new OpenclawError('INVALID_OPTION', `${flagOf(said)}: ${format} says that itself`, {
    hint: 'leave it out',
  });
}
