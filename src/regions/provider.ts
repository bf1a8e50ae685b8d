import type { Links } from './links.ts';
import type { PlannedNode, Topology } from './topology.ts';

/** An address that can be connected to from where this program runs. */
export interface Endpoint {
  readonly host: string;
  readonly port: number;
}

/** How a client inside a region sees the cluster. */
export interface RegionView {
  readonly region: string;
  /** The nodes of its own region, by which a cluster client starts. */
  readonly seeds: readonly Endpoint[];
  /** The address to connect from; it is what places a client in the region. Absent where its network does. */
  readonly localAddress?: string;
  /**
   * Where its networks are not this machine's: by `host:port` of each announced address, where this machine is to
   * connect to instead to get there as a client of the region would. As ioredis takes it.
   */
  readonly natMap?: Readonly<Record<string, Endpoint>>;
}

/** Where this machine has to connect to for an address in a region's view. */
export function reachedFrom({ natMap }: Pick<RegionView, 'natMap'>, { host, port }: Endpoint): Endpoint {
  return natMap?.[`${host}:${port}`] ?? { host, port };
}

export type ServiceRole = 'rating' | 'gateway';

/** How a service of ours is started so that it runs in a region. */
export interface ServicePlace {
  /** What starts Node there; Node's own flags come after it, and then the script. */
  readonly node: readonly [command: string, ...args: string[]];
  readonly script: readonly string[];
  /** Added to the environment of what starts it. */
  readonly env?: Readonly<Record<string, string>>;
  /** Where it has to listen; port 0 is any. */
  readonly listen: Endpoint;
  /** Where this machine reaches it, where that is not where it listens. */
  readonly reached?: string;
  /** What is left to do once the process that started it has ended, however that was. */
  stop?(): Promise<void>;
}

/** What can be done to one node. */
export interface NodeControl {
  /** Ends it without warning (SIGKILL); resolves once it is gone. Throws ENVIRONMENT_FAILED when it does not run. */
  kill(node: string): Promise<void>;
  /** Starts it again with what it remembers; does nothing where it runs. */
  start(node: string): Promise<void>;
  /** Starts it again with nothing: neither data nor, where it had any, its log of writes. */
  startEmpty(node: string): Promise<void>;
  /** Stops it where it stands (SIGSTOP). Throws ENVIRONMENT_FAILED when it does not run. */
  pause(node: string): Promise<void>;
  /** Lets it go on, if it is still there. */
  resume(node: string): Promise<void>;
  /**
   * Steps its clock, on top of earlier steps, dead or alive. Throws ENVIRONMENT_FAILED where the cluster was
   * started without `steppableClocks`.
   */
  stepClock(node: string, byMs: number): Promise<void>;
  /** Lets it go on, starts it, sets its clock right: whoever left it so. Does nothing to what is not ours. */
  heal(node: string): Promise<void>;
}

/** A cluster over regions that is up, whoever provided it. */
export interface Regions {
  readonly name: string;
  readonly provider: string;
  readonly createdAt: string;
  /** For people: what it is made of. */
  readonly description: string;
  readonly topology: Topology;
  readonly links: Links;
  readonly nodes: NodeControl;
  view(region: string): RegionView;
  /** Straight to a node, past every Toxiproxy: for clocks, roles and looking into it. */
  direct(node: string): Endpoint;
  /** What the cluster itself calls a node: the address in CLUSTER NODES and in MOVED. */
  announced(node: string): Endpoint;
  /** Absent where services are processes of this machine, in a region by their `localAddress`. */
  place?(region: string, role: ServiceRole, signal: AbortSignal): Promise<ServicePlace>;
  /** Ends everything that was started for it. */
  down(): Promise<void>;
}

export type OnProgress = (what: string) => void;

export interface UpOptions {
  readonly name: string;
  readonly topology: Topology;
  /** Whether it ends with this program, or stays until `down`. */
  readonly lifetime: 'run' | 'stays';
  /** Start the nodes so that their clocks can be stepped: needs a C compiler. */
  readonly steppableClocks?: boolean;
  readonly signal: AbortSignal;
  readonly onProgress: OnProgress;
}

/** One way to have regions: processes on this machine, containers, or a system that somebody else runs. */
export interface RegionsProvider {
  readonly name: string;
  /** Starts and forms the cluster, sets the round trips, and waits until it is whole. Undoes all of it when it fails. */
  up(options: UpOptions): Promise<Regions>;
}

/** `host:port` by which the cluster itself knows a node. */
export function announcedAddress(regions: Pick<Regions, 'announced'>, node: string): string {
  const { host, port } = regions.announced(node);
  return `${host}:${port}`;
}

/** The node of a topology by its name. */
export function plannedNode(topology: Pick<Topology, 'nodes'>, name: string): PlannedNode {
  const node = topology.nodes.find((candidate) => candidate.name === name);
  if (node === undefined) throw new RangeError(`no node is called ${name}`);
  return node;
}
