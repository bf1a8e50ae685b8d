import type { Environment } from './environment.ts';

/** Of what we start beside a limiter. Redis is ours and has no password: one that is meant for another must not reach it. */
export function serviceEnvironment({ env }: Pick<Environment, 'env'>): Record<string, string> {
  const { REDIS_USERNAME: _user, REDIS_PASSWORD: _password, ...rest } = env;
  return Object.fromEntries(
    Object.entries(rest).filter((entry): entry is [string, string] => entry[1] !== undefined),
  );
}
