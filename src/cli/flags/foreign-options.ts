import { isDeepStrictEqual } from 'node:util';
import { type Command, InvalidArgumentError, Option } from 'commander';
import { invalidOption } from '../../core/errors.ts';
import { given } from '../../core/given.ts';
import { formatPolicy, type Policy, parsePolicy, parseRate, type Rate } from '../../core/policy.ts';
import { formatPromise, type Promised } from '../../core/promise.ts';
import {
  FOREIGN_FORMATS,
  type ForeignFormat,
  STATUS_FIELDS,
  TIMED_FORMATS,
} from '../../history/foreign/formats/formats.ts';
import type { Mapping } from '../../history/foreign/mapping.ts';
import { ForeignReader } from '../../history/foreign/reader.ts';
import type { StatedMapping } from '../../history/foreign/stated-fields.ts';
import { parseStatusPattern, type StatusPattern } from '../../history/foreign/status.ts';
import { refuseClash, type StatusReader, statusReader } from '../../history/foreign/statuses.ts';
import { UNITS, type Unit } from '../../history/foreign/units.ts';
import type { PolicyRecord } from '../../history/records/operation.ts';
import { type ClockSlackFlags, parseTime } from './clock-slack.ts';
import { parsedBy, share, wholeNumber } from './options.ts';

/** The options that describe a foreign log to `check --from`. */
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
  readonly remaining?: string;
  readonly retryAfter?: string;
  readonly reset?: string;
  readonly limit?: string;
  readonly rateLimit?: string;
  readonly rateLimitPolicy?: string;
  readonly policy?: Policy;
  readonly capacity?: number;
  readonly refill?: Rate;
  readonly unusableAtMost: number;
}

export function addForeignOptions(command: Command): Command {
  const status = (flags: string, description: string) =>
    new Option(flags, description).argParser(parsedBy(parseStatusPattern));
  return command
    .optionsGroup('Logs of other programs:')
    .addOption(new Option('--from <format>', 'format of the files').choices(Object.keys(FOREIGN_FORMATS)))
    .option(
      '--key <field>',
      'field with the bucket: user, API key or address; query.<name> takes a parameter of a URL',
    )
    .addOption(
      new Option('--one-bucket', 'all requests share one bucket (for a log without users)').conflicts('key'),
    )
    .option('--region <field>', 'field with the region')
    .option(
      '--policy <capacity:rate>',
      'capacity and refill of each bucket, like 100:10/s',
      parsedBy(parsePolicy),
    )
    .option('--capacity <tokens>', 'capacity alone; needs --refill', wholeNumber(1, 2 ** 40))
    .option('--refill <rate>', 'refill alone, like 10/s or 100/min', parsedBy(parseRate))
    .option('--cost <field>', 'field with the tokens of a request (default: each costs 1)')
    .option('--unusable-at-most <share>', 'accept this share of unreadable lines in a file', share, 0.01)
    .optionsGroup('Times in such a log; give two of --start, --end and --duration:')
    .option('--start <field>', 'field with the time at which the request arrived')
    .option('--end <field>', 'field with the time at which the reply left')
    .option('--duration <field>', 'field with the duration')
    .addOption(
      new Option('--duration-at-most <time>', 'longest duration, if the log has none: 500ms')
        .argParser(parseTime)
        .conflicts('duration'),
    )
    .addOption(
      new Option('--unit <unit>', 'unit of fields whose names do not end in _ns, _us, _ms or _s').choices(
        Object.keys(UNITS),
      ),
    )
    .option('--zone <zone>', 'time zone of dates that have none: UTC, +01:00', parseZone)
    .optionsGroup('What replies state in such a log (default: fields named like a header):')
    .option('--remaining <field>', 'field with the tokens or requests left after the decision')
    .option('--retry-after <field>', 'field with the wait: seconds, an HTTP date, or in the unit of its name')
    .option('--reset <field>', 'field with the reset: from now on, or since 1970')
    .option('--limit <field>', 'field with the quota')
    .option('--rate-limit <field>', 'field with a whole header RateLimit')
    .option('--rate-limit-policy <field>', 'field with a whole header RateLimit-Policy')
    .optionsGroup('Statuses in such a log, like 2xx, 200-299 or OK, separated by commas:')
    .option('--status <field>', 'field with the status')
    .addOption(status('--allow <statuses>', 'the limiter admitted the request (default: 2xx)'))
    .addOption(status('--deny <statuses>', 'the limiter denied it (default: 429; nginx sends 503)'))
    .addOption(
      status(
        '--settled <statuses>',
        'it may have been charged before its reply (logs of the limiter itself)',
      ),
    )
    .addOption(
      status(
        '--unanswered <statuses>',
        'it may also be charged after its reply (logs of a proxy; default: all other statuses)',
      ),
    );
}

export const FOREIGN_EXAMPLES = `  # any limiter, from a table
  $ openclaw-rl check api.csv --from csv --key user --start t0_us \\
      --end t1_us --status code --policy 100:10/s
  # JSON of nginx
  $ openclaw-rl check access.log --from access-log --key remote_user \\
      --end time_iso8601 --duration request_time --unit s --status status \\
      --promise fixed-window:100/60s
  # nginx' combined format, with its default status 503 for denials
  $ openclaw-rl check access.log --from combined --key remote_addr \\
      --end time_local --duration-at-most 500ms --deny 503 \\
      --policy 100:1/s
  # Envoy, Istio
  $ openclaw-rl check envoy.log --from envoy --key x_forwarded_for \\
      --policy 100:10/s
  # hey -o csv, which has no users
  $ openclaw-rl check hey.csv --from csv --one-bucket --start offset \\
      --duration response-time --unit s --status status-code \\
      --policy 20:5/s
  # k6 run --out json=k6.json.gz
  $ openclaw-rl check k6.json.gz --from k6 --key user \\
      --policy 20:5/s
  # vegeta encode > hits.json
  $ openclaw-rl check hits.json --from vegeta --key query.user \\
      --policy 20:5/s`;

function parseZone(text: string): string {
  if (/^(?:Z|UTC|GMT|[+-]\d\d:?\d\d)$/.test(text)) return text;
  throw new InvalidArgumentError('Expected UTC, or an offset like +01:00.');
}

/** A reader of the log that the options describe; undefined when they describe none. Throws INVALID_OPTION. */
export function makeForeignReader(options: ForeignOptions, promise: Promised): ForeignReader | undefined {
  const { from } = options;
  if (from === undefined) {
    refuseUnused(options);
    return undefined;
  }
  if (options.key === undefined && options.oneBucket === undefined)
    throw invalidOption(
      `--from ${from} needs --key, the field that names the bucket, or --one-bucket if all requests share one`,
    );
  const times = isTimed(from) ? chooseTimes(from, options) : namedTimes(from, options);
  const { key, cost, region, zone, clockSlack: clockSlackUs = 0, unusableAtMost } = options;
  const isFirst = promise.type === 'fixed-window' && promise.alignment === 'first';
  const mapping: Mapping = {
    ...times,
    ...given({ key, cost, region, zone, stated: statedOf(options) }),
    statuses: statusesOf(options),
    clockSlackUs,
    unusableAtMost: isFirst ? 0 : unusableAtMost, // a line that is missing may have opened a window
  };
  const policy = policyOf(options, promise);
  return new ForeignReader(from, mapping, { policy, promise: formatPromise(promise) });
}

/** The fields by the header that each is like; undefined if none is given. */
function statedOf(options: ForeignOptions): StatedMapping | undefined {
  const fields = given({
    'x-ratelimit-remaining': options.remaining,
    'x-ratelimit-reset': options.reset,
    'x-ratelimit-limit': options.limit,
    'retry-after': options.retryAfter,
    ratelimit: options.rateLimit,
    'ratelimit-policy': options.rateLimitPolicy,
  });
  return Object.keys(fields).length === 0 ? undefined : fields;
}

const STANDARD = { allow: parseStatusPattern('2xx'), deny: parseStatusPattern('429') };

function statusesOf({ allow, deny, settled, unanswered }: ForeignOptions): StatusReader {
  const lists = { allow, deny, settled, unanswered };
  refuseClash(lists);
  return statusReader(lists, STANDARD);
}

const FOREIGN_ONLY = [
  ...(['key', 'oneBucket', 'status', 'start', 'end', 'duration', 'durationAtMost', 'unit', 'zone'] as const),
  ...(['policy', 'capacity', 'refill', 'cost', 'region', 'allow', 'deny', 'settled', 'unanswered'] as const),
  ...(['remaining', 'retryAfter', 'reset', 'limit', 'rateLimit', 'rateLimitPolicy'] as const),
];

function refuseUnused(options: ForeignOptions): void {
  const unused = FOREIGN_ONLY.find((name) => options[name] !== undefined);
  if (unused === undefined) return;
  throw invalidOption(
    `${flagOf(unused)} needs --from: one of ${Object.keys(FOREIGN_FORMATS).join(', ')}`,
    'a history of openclaw-rl needs no such option: it says all of that itself',
  );
}

function flagOf(name: string): string {
  return `--${name.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`)}`;
}

type Times = Pick<Mapping, 'start' | 'end' | 'duration' | 'durationAtMostUs' | 'unit' | 'status'>;

function namedTimes(from: ForeignFormat, options: ForeignOptions): Times {
  const { start, end, duration, durationAtMost, unit, status = STATUS_FIELDS[from] } = options;
  if (status === undefined)
    throw invalidOption(`--from ${from} needs --status, the field with the status of the reply`);
  const times = [start, end, duration ?? durationAtMost].filter((field) => field !== undefined);
  if (times.length !== 2)
    throw invalidOption(
      `--from ${from} needs two of --start, --end and --duration, or --duration-at-most${from === 'combined' ? OF_COMBINED : ''}`,
    );
  return { status, ...given({ start, end, duration, durationAtMostUs: durationAtMost, unit }) };
}

const OF_COMBINED =
  ': nginx logs the time of the end (--end time_local), Apache the time of the start (--start time_local); neither logs the duration (--duration-at-most 1s)';

/** The policy that is given, or, of a window promise without one, the bucket with its limit and length. */
function policyOf({ policy, ...parts }: ForeignOptions, promise: Promised): PolicyRecord {
  const { capacity = policy?.capacityTokens, refill = policy?.refill } = parts;
  if (policy !== undefined && !isDeepStrictEqual([capacity, refill], [policy.capacityTokens, policy.refill]))
    throw invalidOption(`--policy ${formatPolicy(policy)} and --capacity or --refill differ`, 'remove one');
  if (capacity !== undefined && refill !== undefined) return { capacity, refill };
  if (capacity !== undefined || refill !== undefined)
    throw invalidOption('--capacity and --refill are one policy: expected both, or neither');
  if (promise.type === 'token-bucket')
    throw invalidOption(
      '--from needs --policy: the log has none',
      'write it as capacity:rate: --policy 100:10/s',
    );
  return { capacity: promise.limit, refill: { tokens: promise.limit, perUs: promise.windowUs } };
}

type TimedFormat = keyof typeof TIMED_FORMATS;

function isTimed(format: ForeignFormat): format is TimedFormat {
  return Object.hasOwn(TIMED_FORMATS, format);
}

/** The times and the status of a format that defines them. Throws INVALID_OPTION for options that would replace them. */
function chooseTimes(format: TimedFormat, options: ForeignOptions): Times {
  const extra = (['start', 'end', 'duration', 'durationAtMost', 'unit', 'status'] as const).find(
    (name) => options[name] !== undefined,
  );
  if (extra === undefined) return TIMED_FORMATS[format];
  throw invalidOption(
    `${flagOf(extra)} cannot be used with --from ${format}: the ${format} output already contains it`,
    'remove it',
  );
}
