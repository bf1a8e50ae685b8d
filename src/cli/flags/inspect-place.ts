import { invalidOption } from '../../core/errors.ts';
import type { InspectTarget } from '../../limiter/inspect/inspect.ts';
import { connectInspector, type InspectPort } from '../../limiter/inspect/port.ts';
import { lookAt, withAnnounced } from '../../regions/external/look.ts';
import { openCluster } from '../../regions/open-cluster.ts';
import { announcedAddress, type Endpoint, type Login, type Regions } from '../../regions/provider.ts';
import type { ClusterState } from '../../regions/store/cluster-state.ts';
import { clusterStore } from '../../regions/store/user-clusters.ts';
import type { Environment } from '../process/environment.ts';
import { refusePassword } from './options.ts';
import { asksForTls, readTls, type TlsFlags } from './redis-options.ts';

/** Which Redis an inspection reads. */
export interface PlaceFlags extends TlsFlags {
  readonly name: string;
  readonly cluster?: URL;
  readonly endpoints?: string;
}

/** Where to look, and how to get there. */
export interface Place {
  readonly title: string;
  readonly port: InspectPort;
  readonly nodes: InspectPlace;
  /** Of a cluster of `up`. */
  readonly state?: ClusterState;
}

/** Throws INVALID_OPTION before anything is sent, and ENVIRONMENT_FAILED. */
export async function openPlace(flags: PlaceFlags, environment: Environment): Promise<Place> {
  const { cluster, endpoints, name } = flags;
  if (cluster !== undefined)
    return {
      title: cluster.host,
      port: connectInspector(loginOf(environment, cluster, flags)),
      nodes: singlePlace(cluster),
    };
  if (endpoints !== undefined) {
    const { openEndpoints } = await import('../flags/endpoints-option.ts'); // its zod is a fifth of a start
    const { regions, login } = await openEndpoints(endpoints, environment);
    const { kind, nodes } = regions.topology;
    if (kind === 'single' && nodes.length > 1)
      throw invalidOption(
        `${endpoints} has several servers, each with buckets of its own; inspect looks into one`,
        'name it: openclaw-rl inspect <user> --cluster redis://host:port',
      );
    const named = withAnnounced(regions, await lookAt(regions));
    return { title: endpoints, port: connectInspector(login), nodes: regionalPlace(named) };
  }
  const { regions, state } = await openCluster(clusterStore(environment), name);
  return { title: `cluster ${name}`, port: connectInspector({}), nodes: regionalPlace(regions), state };
}

type InspectPlace = Pick<InspectTarget, 'seeds' | 'views' | 'know'>;

/** A cluster over regions: nodes are read directly, without faults; takes use the links of their region. */
function regionalPlace(regions: Regions): InspectPlace {
  const { nodes } = regions.topology;
  const known = new Map(
    nodes.flatMap(({ name, region }) => {
      const direct = regions.direct(name);
      const it = { node: name, region, direct };
      return [announcedAddress(regions, name), `${direct.host}:${direct.port}`].map(
        (at) => [at, it] as const,
      );
    }),
  );
  return {
    seeds: nodes.map(({ name }) => regions.announced(name)),
    views: regions.topology.regions.map((region) => regions.view(region)),
    know: (address) => known.get(address) ?? {},
  };
}

function singlePlace(url: URL): InspectPlace {
  const seed = endpointOf(url);
  return { seeds: [seed], views: [{ seeds: [seed] }] };
}

/** The server of a `--cluster` URL. */
export function endpointOf({ hostname, port }: URL): Endpoint {
  return { host: hostname.replace(/^\[(.*)\]$/, '$1'), port: port === '' ? 6379 : Number(port) };
}

/** How to log in to a server of `--cluster`. Throws INVALID_OPTION. */
export function loginOf({ env, cwd }: Pick<Environment, 'env' | 'cwd'>, url: URL, flags: TlsFlags): Login {
  const username = decodeURIComponent(url.username) || env.REDIS_USERNAME;
  const password = env.REDIS_PASSWORD;
  if (username && !password) throw invalidOption('a user name needs a password', 'set REDIS_PASSWORD');
  return {
    ...(username && { username }),
    ...(password && { password }),
    ...(url.protocol === 'rediss:' && { tls: { ...readTls(flags, { cwd }) } }),
  };
}

/** Throws INVALID_OPTION for flags of TLS without a `rediss://` address. */
export function checkTlsFlags({ cluster, ...flags }: Pick<PlaceFlags, 'cluster'> & TlsFlags): void {
  if (cluster?.protocol !== 'rediss:' && asksForTls(flags))
    throw invalidOption('--ca, --tls-name and --insecure need --cluster rediss://host:port');
}

export function parseClusterUrl(text: string): URL {
  refusePassword(text);
  const url = URL.canParse(text) ? new URL(text) : undefined;
  const isPlain = url !== undefined && ['', '/', '/0'].includes(url.pathname) && url.search === '';
  if (isPlain && /^rediss?:$/.test(url.protocol) && url.hostname !== '' && isDecodable(url.username))
    return url;
  throw invalidOption('--cluster: expected redis[s]://[user@]host:port');
}

function isDecodable(text: string): boolean {
  try {
    decodeURIComponent(text);
    return true;
  } catch {
    return false;
  }
}
