import type { Environment } from './environment.ts';

/** The environment of started services, without the password of another Redis: the nodes of a run have none. */
export function serviceEnvironment({ env }: Pick<Environment, 'env'>): Record<string, string> {
  const { REDIS_USERNAME: _user, REDIS_PASSWORD: _password, ...rest } = env;
  return Object.fromEntries(
    Object.entries(rest).filter((entry): entry is [string, string] => entry[1] !== undefined),
  );
}
