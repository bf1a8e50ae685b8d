import type { Endpoint, EndpointTls, Kind } from '../topology/endpoints.ts';
import { everyServer, type PlannedNode, type Topology } from '../topology/topology.ts';
import type { Links } from './network/links.ts';
import type { RedisAccess } from './network/redis-access.ts';

export type { Endpoint };

/** How to log in to a server. Without a user name: the user `default`. */
export interface Login {
  readonly username?: string;
  readonly password?: string;
  /** As in `tls.connect` of Node.js; absent without TLS. */
  readonly tls?: {
    readonly ca?: string;
    readonly servername?: string;
    readonly rejectUnauthorized?: boolean;
  };
}

/** The addresses through which a client of one region reaches the cluster. */
export interface RegionView {
  readonly region: string;
  /** How clients find the server of a key. */
  readonly kind: Kind;
  /** The nodes of its own region: the seed nodes of a cluster client. Of kind single the server, of kind sentinel the
   * Sentinels, that of the region first. */
  readonly seeds: readonly Endpoint[];
  /** Of kind sentinel: the name of the primary. */
  readonly primary?: string;
  /** Of external nodes. */
  readonly tls?: EndpointTls;
  /** The source address that places a client in the region. Absent if the network of the client places it. */
  readonly localAddress?: string;
  /**
   * If the region has a network of its own: by announced `host:port`, the address through which this machine reaches
   * that node as a client of the region would. The format is the `natMap` of ioredis.
   */
  readonly natMap?: Readonly<Record<string, Endpoint>>;
}

/** The address that this machine connects to for an address in a region's view. */
export function reachedFrom({ natMap }: Pick<RegionView, 'natMap'>, { host, port }: Endpoint): Endpoint {
  return natMap?.[`${host}:${port}`] ?? { host, port };
}

export type ServiceRole = 'rating' | 'gateway';

/** How to start a service in a region. */
export interface ServicePlace {
  /** The command that starts Node there. Node's flags follow it, then the script. */
  readonly node: readonly [command: string, ...args: string[]];
  readonly script: readonly string[];
  /** Added to the environment of that command. */
  readonly env?: Readonly<Record<string, string>>;
  /** The address to listen on; port 0 takes any free port. */
  readonly listen: Endpoint;
  /** Where this machine reaches it, if that differs from `listen`; of a Rating service only its gateway does. */
  readonly reached?: string;
  /** Its answer is in its log, because only its standard streams leave the container. */
  readonly answersInLog?: true;
  /** Cleans up after the process that started it has ended in any way. */
  stop?(): Promise<void>;
}

/** Controls single nodes. */
export interface NodeControl {
  /** Sends SIGKILL and resolves when the node has ended. Throws ENVIRONMENT_FAILED if it is not running. */
  kill(node: string): Promise<void>;
  /** Starts it with its stored data. Does nothing if it is running. */
  start(node: string): Promise<void>;
  /** Starts it empty: without data and without its append-only file. */
  startEmpty(node: string): Promise<void>;
  /** Pauses it with SIGSTOP. Throws ENVIRONMENT_FAILED if it is not running. */
  pause(node: string): Promise<void>;
  /** Resumes a paused node. Does nothing if it has ended. */
  resume(node: string): Promise<void>;
  /**
   * Steps its clock relative to earlier steps; it need not be running. Throws ENVIRONMENT_FAILED if the cluster was
   * started without `steppableClocks`.
   */
  stepClock(node: string, byMs: number): Promise<void>;
  /** Resumes it, starts it and resets its clock, as needed. Does nothing to an external node. */
  heal(node: string): Promise<void>;
}

/** A running cluster over regions, of any provider. */
export interface Regions {
  readonly name: string;
  readonly provider: string;
  readonly createdAt: string;
  /** The server and where it runs, as text for people. */
  readonly description: string;
  readonly topology: Topology;
  readonly links: Links;
  /** How services reach Redis; absent where they reach the nodes of their own region past every Toxiproxy. */
  readonly access?: RedisAccess;
  readonly nodes: NodeControl;
  view(region: string): RegionView;
  /** The address of a node that bypasses every Toxiproxy: to read clocks, roles and stored values. */
  direct(node: string): Endpoint & Login;
  /** The address of a node in CLUSTER NODES and in MOVED. */
  announced(node: string): Endpoint;
  /** Other addresses of a node by which clients may name it, as `host:port`. Absent if there are none. */
  aliases?(node: string): readonly string[];
  /** For the place of a Rating service among those of its region, from 1. Absent if services run as local processes, placed in a region by `localAddress`. */
  place?(region: string, role: ServiceRole, signal: AbortSignal, instance?: number): Promise<ServicePlace>;
  /** Copies the logs of its nodes and its Toxiproxy into a folder. Absent for external nodes. */
  keepLogs?(folder: string): Promise<void>;
  /** Ends all processes or containers of the cluster. */
  down(): Promise<void>;
  /** Kills its processes at once and leaves its state. Absent for containers and external nodes. */
  readonly kill?: () => void;
}

export type OnProgress = (what: string) => void;

export interface UpOptions {
  readonly name: string;
  readonly topology: Topology;
  /** `run`: the cluster ends with this program. `stays`: it runs until `down`. */
  readonly lifetime: 'run' | 'stays';
  /** Start the nodes with clocks that can be stepped. Needs a C compiler. */
  readonly steppableClocks?: boolean;
  readonly signal: AbortSignal;
  readonly onProgress: OnProgress;
}

/** One way to run regions: local processes or containers. */
export interface RegionsProvider {
  readonly name: string;
  /** Starts and forms a healthy cluster and sets its round trips. Ends what it started if it fails. */
  up(options: UpOptions): Promise<Regions>;
}

/** The announced address of a node, as `host:port`. */
export function announcedAddress(regions: Pick<Regions, 'announced'>, node: string): string {
  const { host, port } = regions.announced(node);
  return `${host}:${port}`;
}

/** The planned node or Sentinel of this name. Throws RangeError if there is none. */
export function plannedNode(topology: Pick<Topology, 'nodes' | 'sentinels'>, name: string): PlannedNode {
  const node = everyServer(topology).find((candidate) => candidate.name === name);
  if (node === undefined) throw new RangeError(`no node is called ${name}`);
  return node;
}

export function nodesOf({ nodes }: Pick<Topology, 'nodes'>, region: string): PlannedNode[] {
  return nodes.filter((node) => node.region === region);
}

/** The nodes and Sentinels of other regions. */
export function serversAbroad(
  topology: Pick<Topology, 'nodes' | 'sentinels'>,
  region: string,
): PlannedNode[] {
  return everyServer(topology).filter((node) => node.region !== region);
}

/** How clients of a region find the server of a key. */
export function findingIn(
  topology: Topology,
  region: string,
  announced: (node: string) => Endpoint,
): Pick<RegionView, 'kind' | 'seeds' | 'primary'> {
  const { kind, nodes, sentinels } = topology;
  const isHere = (node: PlannedNode) => node.region === region;
  const asked = {
    cluster: nodes.filter(isHere),
    single: nodes,
    sentinel: [...sentinels.filter(isHere), ...sentinels.filter((each) => !isHere(each))],
  }[kind];
  const seeds = asked.map(({ name }) => announced(name));
  return { kind, seeds, ...(kind === 'sentinel' && { primary: PRIMARY }) };
}

/** How the Sentinels of our own regions call the primary. */
export const PRIMARY = 'primary';
