import { type Command, InvalidArgumentError, Option } from 'commander';
import { invalidOption } from '../../core/errors.ts';
import { given } from '../../core/given.ts';
import { quoted } from '../../core/printable.ts';
import type { ProvideSystem } from '../../experiment/system.ts';
import { parseStatusPattern, type WrittenPattern } from '../../history/foreign/status.ts';
import { refuseClash } from '../../history/foreign/statuses.ts';
import { type Target, withoutQuery } from '../../load/target.ts';
import { REAL_USER } from '../../load/users.ts';
import { checkRegions } from '../../topology/regions.ts';
import { type PromiseFlags, promiseOption } from '../plugins/limiter-plugin.ts';
import type { Environment } from '../process/environment.ts';
import { parsedBy, wholeNumber } from './options.ts';

/** The flags that name the audited limiter and the form of its requests. */
export interface TargetFlags extends PromiseFlags {
  readonly target?: readonly NamedUrl[];
  readonly header: Readonly<Record<string, string>>;
  readonly subjectHeader?: string;
  readonly costHeader?: string;
  readonly method?: string;
  readonly body?: string;
  readonly subjects?: string;
  readonly warmUp: number;
  readonly allow: WrittenPattern;
  readonly deny: WrittenPattern;
  readonly clock?: 'date';
}

interface NamedUrl {
  readonly region?: string;
  readonly url: string;
}

export function targetOptions(command: Command): Command {
  command
    .optionsGroup('To audit an HTTP limiter that is already running (starts no regions):')
    .addOption(
      new Option(
        '--target <[region=]url>',
        'URL of the limiter; repeatable, one for each region; env:NAME reads it from the environment; ' +
          'set --rate, --users and --connections to suit a limiter that others use',
      ).argParser(collectTarget),
    );
  return requestOptions(command).addOption(dateOption()).addOption(promiseOption());
}

/** The same requests where an endpoints file names the limiter. */
export function serviceOptions(command: Command): Command {
  return ofServices(command).addOption(dateOption()).optionsGroup('Options:');
}

/** The same for one part of a run, whose `--clock` is another. */
export function partServiceOptions(command: Command): Command {
  return ofServices(command).optionsGroup('Options:');
}

function ofServices(command: Command): Command {
  return requestOptions(command.optionsGroup('With HTTP services in the file of --endpoints:'));
}

function dateOption(): Option {
  return new Option(
    '--clock <source>',
    "date: read the limiter's clock from the Date header of replies (at most 2 s off); :epoch windows need it",
  ).choices(['date']);
}

function requestOptions(command: Command): Command {
  return command
    .option('--subject-header <name>', 'header with the user; the values are u1, u2, ...')
    .option(
      '--subjects <file>',
      'values for that header, one a line, like real API keys; all output calls them key-1, key-2, ...',
    )
    .option('--cost-header <name>', 'header with the tokens of a request')
    .addOption(
      new Option('--header <name=value>', 'another header; env:NAME reads its value from the environment')
        .argParser(collectHeader)
        .default({}, 'none'),
    )
    .option('--method <method>', 'HTTP method (default: POST with --body, else GET)')
    .option('--body <text>', 'body of each request; env:NAME reads it from the environment')
    .addOption(statusOption('--allow <statuses>', 'statuses of admitted requests', '2xx'))
    .addOption(statusOption('--deny <statuses>', 'statuses of denied requests', '429'))
    .option(
      '--warm-up <requests>',
      'send at most this many requests before the load; they are recorded; 0 sends none',
      wholeNumber(0, MOST_WARM_UP),
      MOST_WARM_UP,
    );
}

const MOST_WARM_UP = 10;

function statusOption(flags: string, description: string, statuses: string): Option {
  return new Option(flags, description)
    .argParser(parsedBy(parseStatusPattern))
    .default(parseStatusPattern(statuses), statuses);
}

function collectTarget(text: string, sofar: readonly NamedUrl[] = []): readonly NamedUrl[] {
  const [, region, url = ''] = /^(?:([a-z][a-z0-9-]*)=)?(.*)$/s.exec(text) ?? [];
  return [...sofar, region === undefined ? { url } : { region, url }];
}

function collectHeader(text: string, sofar: Readonly<Record<string, string>>): Record<string, string> {
  const [, name, value = ''] = /^([^=:\s]+)[=:]\s*(.*)$/s.exec(text) ?? [];
  if (name === undefined) throw new InvalidArgumentError('Expected a name and a value, like x-client=audit.');
  return { ...sofar, [name]: value };
}

/** The names of the targets' regions; targets without one are numbered. Throws INVALID_OPTION. */
export function targetRegions(targets: readonly NamedUrl[]): readonly string[] {
  return checkRegions(targets.map(({ region }, index) => region ?? `target-${index + 1}`));
}

/** The audited limiter as targets of the load. Throws INVALID_OPTION. */
export function auditTargets(
  flags: TargetFlags,
  { env }: Pick<Environment, 'env'>,
  keys: readonly string[] | undefined,
): readonly Target[] {
  const subjects = keys && new Map(keys.map((key, index) => [`${REAL_USER}${index + 1}`, key]));
  const named = flags.target ?? [];
  const regions = targetRegions(named);
  const { subjectHeader, costHeader, method, body, allow, deny } = flags;
  refuseClash({ allow, deny });
  const headers = Object.fromEntries(
    Object.entries(flags.header).map(([name, value]) => [name, fromEnvironment('--header', value, env)]),
  );
  return named.map(
    ({ url }, index): Target => ({
      region: regions[index] ?? '',
      url: fromEnvironment('--target', url, env),
      headers,
      ...given({ subjectHeader, subjects, costHeader, method }),
      ...(body !== undefined && { body: fromEnvironment('--body', body, env) }),
      replies: { of: 'any', allow: allow.text, deny: deny.text, haveDate: flags.clock === 'date' },
    }),
  );
}

/** The system of an audit: nothing is started, and the levels of the buckets are unknown. */
export function auditSystem(targets: readonly Target[], warmUpRequests: number): ProvideSystem {
  const description = targets.map(({ url }) => withoutQuery(url)).join(', ');
  return async ({ part }) => ({
    description,
    targets: targets.filter(({ region }) => part === undefined || region === part.region),
    ...{ isOurs: false, initial: 'unknown', warmUpRequests },
  });
}

function fromEnvironment(option: string, value: string, env: Environment['env']): string {
  const [, name] = /^env:(\w+)$/.exec(value) ?? [];
  if (name === undefined) return value;
  const found = env[name];
  if (found !== undefined) return found;
  throw invalidOption(`${option}: environment variable ${quoted(name)} is not set`);
}
