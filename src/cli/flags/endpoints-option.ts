import { dirname, resolve } from 'node:path';
import { invalidOption } from '../../core/errors.ts';
import { openExternal } from '../../regions/external/external.ts';
import type { Login, Regions } from '../../regions/provider.ts';
import { parseEndpoints } from '../../scenario/endpoints/parse.ts';
import type { Endpoints, EndpointTls } from '../../topology/endpoints.ts';
import { readTextFile } from '../files/read-file.ts';
import type { Environment } from '../process/environment.ts';
import { readTls, sentinelLogin } from './redis-options.ts';

/** Reads an endpoints file. Throws INVALID_OPTION. */
export async function readEndpoints(file: string, { cwd }: Pick<Environment, 'cwd'>): Promise<Endpoints> {
  const text = await readTextFile(resolve(cwd, file)).catch((error: Error) => {
    throw invalidOption(`--endpoints: cannot read ${file}: ${error.message}`);
  });
  return parseEndpoints(text, file);
}

/** The nodes of an endpoints file, and how to log in to them and to their Sentinels. */
export interface OpenedEndpoints {
  readonly regions: Regions;
  readonly login: Login;
  readonly sentinelLogin: Login;
}

/** Opens the nodes of an endpoints file. Throws INVALID_OPTION, also for one of services. */
export async function openEndpoints(
  file: string,
  environment: Pick<Environment, 'env' | 'cwd'>,
): Promise<OpenedEndpoints> {
  return openNodes(await readEndpoints(file, environment), file, environment);
}

/** The nodes of a file that was read. Throws INVALID_OPTION if it has services instead. */
function openNodes(
  endpoints: Endpoints,
  file: string,
  environment: Pick<Environment, 'env' | 'cwd'>,
): OpenedEndpoints {
  if (endpoints.nodes.length === 0)
    throw invalidOption(
      `${file} has HTTP services and no Redis nodes; this command needs nodes`,
      'audit the services with: openclaw-rl bench --endpoints',
    );
  const folder = dirname(resolve(environment.cwd, file));
  const tls = endpoints.tls && withPath(endpoints.tls, folder);
  const login = loginTo({ ...endpoints, ...(tls && { tls }) }, environment);
  const regions = openExternal(endpoints, { file, login, ...(tls && { tls }) });
  const ofTls = login.tls && { tls: login.tls };
  return { regions, login, sentinelLogin: { ...sentinelLogin(environment.env), ...ofTls } };
}

function withPath({ ca, ...tls }: EndpointTls, folder: string): EndpointTls {
  return { ...tls, ...(ca !== undefined && { ca: resolve(folder, ca) }) };
}

/** The user of the file, else of the environment; the password of the environment. Throws INVALID_OPTION. */
function loginTo({ username = '', tls }: Endpoints, environment: Pick<Environment, 'env' | 'cwd'>): Login {
  const { REDIS_USERNAME = '', REDIS_PASSWORD: password = '' } = environment.env;
  const user = username || REDIS_USERNAME;
  if (username !== '' && password === '')
    throw invalidOption(`a user name (${username}) needs a password`, 'set REDIS_PASSWORD');
  return {
    ...(password !== '' && { password, ...(user !== '' && { username: user }) }),
    ...(tls && { tls: tlsOf(tls, environment) }),
  };
}

function tlsOf({ ca, serverName, insecure }: EndpointTls, environment: Pick<Environment, 'cwd'>) {
  const flags = {
    ...(ca !== undefined && { ca }),
    ...(serverName !== undefined && { tlsName: serverName }),
    ...(insecure && { insecure }),
  };
  return readTls(flags, environment) ?? {};
}
