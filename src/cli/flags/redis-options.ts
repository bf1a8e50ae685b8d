import { readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { type Command, Option } from 'commander';
import { invalidOption } from '../../core/errors.ts';
import type { RedisConnection, TlsOptions } from '../../limiter/redis/connection.ts';
import type { Environment } from '../process/environment.ts';
import { refusePassword } from './options.ts';

/** How certificates of `rediss://` addresses are checked. */
export interface TlsFlags {
  readonly ca?: string;
  readonly tlsName?: string;
  readonly insecure?: true;
}

/** Which Redis a service connects to. */
export interface RedisFlags extends TlsFlags {
  readonly redis: readonly string[];
  readonly cluster?: true;
  readonly sentinel?: string;
}

export function redisOptions(command: Command): Command {
  return tlsOptions(
    command
      .requiredOption(
        '--redis <url...>',
        'Redis at redis[s]://host:port; several with --cluster or --sentinel',
        collectAddress,
      )
      .addOption(new Option('--cluster', 'the addresses are nodes of a Redis Cluster').conflicts('sentinel'))
      .option('--sentinel <primary>', 'the addresses are Sentinels, which know a primary of this name'),
  );
}

export function tlsOptions(command: Command): Command {
  return command
    .option('--ca <file>', 'with rediss://: certificate authority, in PEM')
    .option('--tls-name <host>', 'with rediss://: the name that the certificate must have')
    .option('--insecure', 'with rediss://: accept any certificate');
}

function collectAddress(url: string, sofar: readonly string[] = []): readonly string[] {
  refusePassword(url);
  return [...sofar, url];
}

/** The Redis of these flags; `login` and TLS are those of its servers, with which other regions are reached, too. */
export function readRedis(
  { redis: urls, cluster, sentinel, ...tlsFlags }: RedisFlags,
  environment: Pick<Environment, 'env' | 'cwd'>,
): Pick<RedisConnection, 'urls' | 'cluster' | 'sentinel'> & {
  readonly login: Pick<RedisConnection, 'username' | 'password' | 'tls'>;
} {
  const { env } = environment;
  const { REDIS_USERNAME: username, REDIS_PASSWORD: password } = env;
  if (asksForTls(tlsFlags) && !urls.every((url) => url.startsWith('rediss:')))
    throw invalidOption('--ca, --tls-name and --insecure need --redis rediss://host:port');
  const tls = readTls(tlsFlags, environment);
  return {
    ...{ urls, cluster: cluster === true },
    ...(sentinel !== undefined && { sentinel: { primary: sentinel, ...sentinelLogin(env) } }),
    login: { ...(username && { username }), ...(password && { password }), ...(tls && { tls }) },
  };
}

export function asksForTls({ ca, tlsName, insecure }: TlsFlags): boolean {
  return ca !== undefined || tlsName !== undefined || insecure !== undefined;
}

/** Throws INVALID_OPTION for a file that cannot be read. Undefined without a flag. */
export function readTls(flags: TlsFlags, { cwd }: Pick<Environment, 'cwd'>): TlsOptions | undefined {
  if (!asksForTls(flags)) return undefined;
  const { ca, tlsName, insecure } = flags;
  return {
    ...(ca !== undefined && { ca: readCa(resolve(cwd, ca)) }),
    ...(tlsName !== undefined && { servername: tlsName }),
    ...(insecure && { rejectUnauthorized: false }),
  };
}

export function sentinelLogin({
  SENTINEL_USERNAME: username,
  SENTINEL_PASSWORD: password,
}: Environment['env']): { readonly username?: string; readonly password?: string } {
  return { ...(username && { username }), ...(password && { password }) };
}

function readCa(file: string): string {
  try {
    return readFileSync(file, 'utf8');
  } catch (error) {
    throw invalidOption(
      `the CA file cannot be read: ${(error as Error).message}`,
      'give a PEM file with --ca',
    );
  }
}
