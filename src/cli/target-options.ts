import { type Command, InvalidArgumentError, Option } from 'commander';
import { OpenclawError, quoted } from '../core/errors.ts';
import type { ProvideSystem } from '../experiment/system.ts';
import { parseStatusPattern, type StatusPattern } from '../history/foreign/status.ts';
import { refuseClash } from '../history/foreign/statuses.ts';
import { readByStatus, withDate } from '../load/outcome.ts';
import { type Target, withoutQuery } from '../load/target.ts';
import { REAL_USER } from '../load/users.ts';
import { checkRegions } from '../regions/topology.ts';
import type { Environment } from './environment.ts';
import { type PromiseFlags, promiseOption } from './limiter-plugin.ts';
import { parsedBy, wholeNumber } from './options.ts';

/** What says which limiter is audited, and how it is asked. */
export interface TargetFlags extends PromiseFlags {
  readonly target?: readonly NamedUrl[];
  readonly header: Readonly<Record<string, string>>;
  readonly subjectHeader?: string;
  readonly costHeader?: string;
  readonly method?: string;
  readonly body?: string;
  readonly subjects?: string;
  readonly warmUp: number;
  readonly allow: StatusPattern;
  readonly deny: StatusPattern;
  readonly clock?: 'date';
}

interface NamedUrl {
  readonly region?: string;
  readonly url: string;
}

export function targetOptions(command: Command): Command {
  return command
    .optionsGroup('To audit an HTTP limiter that is already running (nothing is provisioned):')
    .addOption(
      new Option(
        '--target <[region=]url>',
        'send the requests here; repeatable, one for each region it is reached by; env:NAME works here too; ' +
          'where others use it as well, give --rate, and --users and --connections to match',
      ).argParser(collectTarget),
    )
    .option('--subject-header <name>', 'the header that says whose request it is: a made-up user each')
    .option(
      '--subjects <file>',
      'send these in it instead, one a line: real keys, called key-1, key-2, ... in all that is written',
    )
    .option('--cost-header <name>', 'the header that asks for more than one token')
    .addOption(
      new Option('--header <name=value>', 'send this too; env:NAME takes the value from the environment')
        .argParser(collectHeader)
        .default({}, 'none'),
    )
    .option('--method <method>', 'default: POST where there is a body, else GET')
    .option('--body <text>', 'what is sent; env:NAME takes it from the environment')
    .addOption(statusOption('--allow <statuses>', 'answers that mean it was let through', '2xx'))
    .addOption(statusOption('--deny <statuses>', 'answers that mean it was refused', '429'))
    .option(
      '--warm-up <requests>',
      'at most so many before the load, recorded as all others; 0: none',
      wholeNumber(0, MOST_WARM_UP),
      MOST_WARM_UP,
    )
    .addOption(
      new Option(
        '--clock <source>',
        "date: take the Date header of replies for the limiter's clock, 2 s off at most, so that windows of :epoch are placed",
      ).choices(['date']),
    )
    .addOption(promiseOption());
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

/** The names of the regions that targets are in; those that have none are numbered. Throws INVALID_OPTION. */
export function targetRegions(targets: readonly NamedUrl[]): readonly string[] {
  return checkRegions(targets.map(({ region }, index) => region ?? `target-${index + 1}`));
}

/** What is audited, as the load asks it. Throws INVALID_OPTION. */
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
      ...(subjectHeader !== undefined && { subjectHeader }),
      ...(subjects !== undefined && { subjects }),
      ...(costHeader !== undefined && { costHeader }),
      ...(method !== undefined && { method }),
      ...(body !== undefined && { body: fromEnvironment('--body', body, env) }),
      read: flags.clock === 'date' ? withDate(readByStatus(allow, deny)) : readByStatus(allow, deny),
    }),
  );
}

/** Nothing of it is ours, and what its buckets hold is not known. */
export function auditSystem(targets: readonly Target[], warmUpRequests: number): ProvideSystem {
  const description = targets.map(({ url }) => withoutQuery(url)).join(', ');
  return async () => ({ description, targets, isOurs: false, initial: 'unknown', warmUpRequests });
}

function fromEnvironment(option: string, value: string, env: Environment['env']): string {
  const [, name] = /^env:(\w+)$/.exec(value) ?? [];
  if (name === undefined) return value;
  const found = env[name];
  if (found !== undefined) return found;
  throw new OpenclawError('INVALID_OPTION', `${option}: ${quoted(name)} is not in the environment`);
}
