import { readFileSync } from 'node:fs';
import { invalidOption } from '../../core/errors.ts';
import { printable } from '../../core/printable.ts';
import type { Environment } from './environment.ts';
import { reportError } from './report-error.ts';

const NAMES = [
  ...['OPENCLAW_RL_TOKEN', 'REDIS_USERNAME', 'REDIS_PASSWORD', 'SENTINEL_USERNAME', 'SENTINEL_PASSWORD'],
];

/** The same with secrets read from files; undefined after an error, which is reported. */
export function readSecretFiles(environment: Environment): Environment | undefined {
  try {
    return Object.create(environment, { env: { value: withSecretFiles(environment.env) } });
  } catch (error) {
    environment.setExitCode(reportError(error, environment));
    return undefined;
  }
}

/**
 * The environment with secrets that are in files, as engines hand them over: the content of the file that `REDIS_PASSWORD_FILE`
 * names becomes `REDIS_PASSWORD`, without a line break at its end, and the name of the file goes, so that programs that are
 * started do not read it again. Throws INVALID_OPTION.
 */
export function withSecretFiles(env: Environment['env']): Environment['env'] {
  const read: Record<string, string | undefined> = { ...env };
  for (const name of NAMES) {
    const variable = `${name}_FILE`;
    const { [variable]: file = '' } = env;
    if (file === '') continue;
    if (env[name]) throw invalidOption(`${name} and ${variable} are both set`, 'set one of them');
    read[name] = readSecret(variable, file);
    delete read[variable];
  }
  return read;
}

function readSecret(variable: string, file: string): string {
  const secret = read(variable, file).replace(/\r?\n$/, '');
  if (secret !== '' && !/[\r\n]/.test(secret)) return secret;
  throw invalidOption(
    `${variable}: expected one line in ${printable(file)}; found ${secret === '' ? 'none' : 'several'}`,
    'write only the secret into the file',
  );
}

function read(variable: string, file: string): string {
  try {
    return readFileSync(file, 'utf8');
  } catch (error) {
    throw invalidOption(
      `${variable}: cannot read ${printable(file)}: ${(error as NodeJS.ErrnoException).code}`,
      'name a file that this user can read',
    );
  }
}
