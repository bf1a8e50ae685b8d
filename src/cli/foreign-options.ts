import { type Command, InvalidArgumentError, Option } from 'commander';
import type { Promised } from '../checker/promise.ts';
import { OpenclawError } from '../core/errors.ts';
import { parseRate, type Rate } from '../core/policy.ts';
import { FOREIGN_FORMATS, type ForeignFormat, TIMED_FORMATS } from '../history/foreign/formats.ts';
import { ForeignReader } from '../history/foreign/reader.ts';
import { parseStatusPattern, type StatusPattern } from '../history/foreign/status.ts';
import { UNITS, type Unit } from '../history/foreign/time.ts';
import type { PolicyRecord } from '../history/operation.ts';
import { parsedBy, wholeNumber } from './options.ts';

/** What `check --from` needs to know of a log that others wrote. */
export interface ForeignOptions {
  readonly from?: ForeignFormat;
  readonly key?: string;
  readonly start?: string;
  readonly end?: string;
  readonly duration?: string;
  readonly unit?: Unit;
  readonly status?: string;
  readonly allow: StatusPattern;
  readonly deny: StatusPattern;
  readonly cost?: string;
  readonly region?: string;
  readonly capacity?: number;
  readonly refill?: Rate;
  readonly clockSlack: number;
}

export function addForeignOptions(command: Command): Command {
  const status = (flags: string, description: string, standard: string) =>
    new Option(flags, description)
      .argParser(parsedBy(parseStatusPattern))
      .default(parseStatusPattern(standard), standard);
  return command
    .optionsGroup('Logs that others wrote:')
    .addOption(new Option('--from <format>', 'what the files are').choices(Object.keys(FOREIGN_FORMATS)))
    .option(
      '--key <field>',
      'the field that names the bucket: the user, the API key, the address; of k6 a tag, else query.<name>',
    )
    .option('--start <field>', 'when the request came; give two of start, end and duration')
    .option('--end <field>', 'when the reply left')
    .option('--duration <field>', 'how long it took')
    .addOption(
      new Option('--unit <unit>', 'of numbers in fields whose name does not end in _us, _ms or _s').choices(
        Object.keys(UNITS),
      ),
    )
    .option('--status <field>', 'the field that says whether it was allowed')
    .addOption(status('--allow <statuses>', 'what it says then: 2xx, 200-299, OK, with commas', '2xx'))
    .addOption(status('--deny <statuses>', 'what it says when it was denied', '429'))
    .option('--cost <field>', 'tokens; one for each request without')
    .option('--region <field>', 'the field that names the region')
    .option('--capacity <tokens>', 'what a bucket holds', wholeNumber(1, 2 ** 40))
    .option('--refill <rate>', 'what it gains: 10/s, 100/min', parsedBy(parseRate))
    .option(
      '--clock-slack <time>',
      'widens both ends, for logs whose clocks are not one: 50ms',
      parseSlack,
      0,
    );
}

export const FOREIGN_EXAMPLES = `  $ openclaw-rl check api.csv --from csv --key user --start t0_us --end t1_us \\
      --status code --capacity 100 --refill 10/s                 # any limiter, from a table
  $ openclaw-rl check access.log --from access-log --key remote_user --end time_iso8601 --duration request_time \\
      --unit s --status status --promise fixed-window:100/60s    # nginx, judged by what it promises
  $ openclaw-rl check k6.json.gz --from k6 --key user --capacity 20 --refill 5/s      # k6 run --out json=k6.json.gz
  $ openclaw-rl check hits.json --from vegeta --key query.user --capacity 20 --refill 5/s  # vegeta encode > hits.json`;

function parseSlack(text: string): number {
  const [, number = '', unit = ''] = /^(\d+(?:\.\d+)?)(us|ms|s)$/.exec(text) ?? [];
  if (number === '') throw new InvalidArgumentError('Expected a time like 50ms.');
  return Math.ceil(Number(number) * UNITS[unit as Unit]);
}

/** A reader of the log that the options describe; undefined when they describe none. Throws INVALID_OPTION. */
export function foreignReaderOf(options: ForeignOptions, promise: Promised): ForeignReader | undefined {
  const { from, key, status, start, end, duration, unit, cost, region } = options;
  if (from === undefined) {
    const unused = (
      [
        ['--key', key],
        ['--status', status],
        ['--start', start],
        ['--end', end],
        ['--duration', duration],
        ['--capacity', options.capacity],
        ['--refill', options.refill],
        ['--cost', cost],
      ] as const
    ).find(([, value]) => value !== undefined);
    if (unused !== undefined)
      throw new OpenclawError(
        'INVALID_OPTION',
        `${unused[0]} is for logs that others wrote: it needs --from, one of ${Object.keys(FOREIGN_FORMATS).join(', ')}`,
      );
    return undefined;
  }
  if (isTimed(from)) return timedReaderOf(from, options, promise);
  if (key === undefined || status === undefined)
    throw new OpenclawError(
      'INVALID_OPTION',
      `--from ${from} needs --key and --status: which fields name the bucket and the outcome`,
    );
  if ([start, end, duration].filter((field) => field !== undefined).length !== 2)
    throw new OpenclawError('INVALID_OPTION', `--from ${from} needs two of --start, --end and --duration`);
  const { allow, deny, clockSlack: clockSlackUs } = options;
  const fields = Object.entries({ start, end, duration, unit, cost, region }).filter(
    ([, field]) => field !== undefined,
  );
  return new ForeignReader(
    from,
    { key, status, allow, deny, clockSlackUs, ...Object.fromEntries(fields) },
    policyOf(options, promise),
  );
}

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
function timedReaderOf(format: TimedFormat, options: ForeignOptions, promise: Promised): ForeignReader {
  const { key, cost, region, allow, deny, clockSlack: clockSlackUs } = options;
  const said = (['start', 'end', 'duration', 'unit', 'status'] as const).find(
    (name) => options[name] !== undefined,
  );
  if (said !== undefined)
    throw new OpenclawError('INVALID_OPTION', `--${said}: ${format} says that itself`, {
      hint: 'leave it out',
    });
  if (key === undefined)
    throw new OpenclawError('INVALID_OPTION', `--from ${format} needs --key: what names the bucket`);
  const fields = { ...(cost !== undefined && { cost }), ...(region !== undefined && { region }) };
  const mapping = { ...TIMED_FORMATS[format], key, allow, deny, clockSlackUs, unanswered: '0', ...fields };
  return new ForeignReader(format, mapping, policyOf(options, promise));
}
