import { invalidOption } from '../../core/errors.ts';
import type { Endpoints, EndpointTls } from '../../topology/endpoints.ts';
import { NO_ROUND_TRIPS, type PlannedNode, planRoundTrips, type Topology } from '../../topology/topology.ts';
import { ToxiproxyClient } from '../../toxiproxy/client.ts';
import { createLinks } from '../network/links.ts';
import { RegionToxiproxy } from '../network/region-toxiproxy.ts';
import { type Endpoint, type Login, nodesOf, plannedNode, type Regions } from '../provider.ts';

interface ExternalNode extends PlannedNode {
  readonly address: Endpoint;
}

export interface ExternalOptions {
  /** The endpoints file as the user wrote its path. */
  readonly file: string;
  /** Of every node. */
  readonly login?: Login;
  /** With absolute paths, for services. */
  readonly tls?: EndpointTls;
}

/**
 * The nodes of an endpoints file. Nothing is started or stopped. Network faults need a Toxiproxy in the file, with
 * proxies named after the nodes (`<node>` and `<node>-bus`). Round trips that are not in the file are 0.
 */
export function openExternal(
  { kind, regions, sentinel, toxiproxy, ...given }: Endpoints,
  { file, login, tls }: ExternalOptions,
): Regions {
  const nodes = given.nodes.map((node, index): ExternalNode => ({ ...node, index }));
  const topology: Topology = {
    regions,
    nodes,
    ...{ kind, sentinels: [], external: true as const },
    roundTripMs: planRoundTrips({ regions, roundTripMs: given.roundTripMs }, { defaults: NO_ROUND_TRIPS }),
    jitterMs: 0,
    persistence: 'none', // unknown: an older snapshot may come back, so a restart counts as a loss of the state
    nodeTimeoutMs: 0,
  };
  const toxiproxies = new Map(
    Object.entries(toxiproxy).map(([region, url]) => [
      region,
      new RegionToxiproxy(new ToxiproxyClient({ url })),
    ]),
  );
  const addressOf = (name: string) => (plannedNode(topology, name) as ExternalNode).address;
  const refuse = async (node: string): Promise<never> => {
    throw invalidOption(
      `${node} is external: openclaw-rl cannot stop it, start it or step its clock`,
      'break it by a command of yours: fault: command',
    );
  };
  const found = { kind, ...(tls && { tls }), ...(sentinel && { primary: sentinel.primary }) };
  return {
    name: file,
    provider: 'external',
    createdAt: '',
    description: `external ${kind}, ${file}`,
    topology,
    links: {
      ...createLinks(topology, toxiproxies),
      proxied: (region, node) => proxied(toxiproxies.get(region), node),
    },
    nodes: {
      kill: refuse,
      start: refuse,
      startEmpty: refuse,
      pause: refuse,
      resume: refuse,
      stepClock: refuse,
      heal: async () => {},
    },
    view: (region) => ({ region, ...found, seeds: sentinel?.addresses ?? seedsOf(nodes, region) }),
    direct: (name) => ({ ...addressOf(name), ...login }),
    announced: addressOf,
    down: async () => {},
  };
}

async function proxied(toxiproxy: RegionToxiproxy | undefined, node: string): Promise<Endpoint | undefined> {
  if (toxiproxy === undefined) return undefined;
  const { listen } = await toxiproxy.proxy(node);
  const at = listen.lastIndexOf(':');
  const host = listen.slice(0, at).replace(/^\[(.*)\]$/, '$1');
  const isAny = ['', '0.0.0.0', '::'].includes(host);
  return { host: isAny ? toxiproxy.host : host, port: Number(listen.slice(at + 1)) };
}

/** The nodes of the region; if it has none, all. */
function seedsOf(nodes: readonly ExternalNode[], region: string): Endpoint[] {
  const own = nodesOf({ nodes }, region) as ExternalNode[];
  return (own.length > 0 ? own : nodes).map(({ address }) => address);
}
