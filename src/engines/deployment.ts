import { basename } from 'node:path';
import { stringify } from 'yaml';
import { formatPromise, type Promised } from '../core/promise.ts';
import { decidingOf, gatewayArguments, othersOf, ratingArguments } from '../experiment/service-arguments.ts';
import { nodeSettings } from '../regions/cluster/node-settings.ts';
import { openExternal } from '../regions/external/external.ts';
import type { Regions } from '../regions/provider.ts';
import { endpointsDocument } from '../scenario/endpoints/to-document.ts';
import type { Plan } from '../scenario/plan.ts';
import type { Endpoints } from '../topology/endpoints.ts';
import { planTopology, type Topology } from '../topology/topology.ts';

/** The label of a machine; its value is the region that the machine is. */
export const REGION_LABEL = 'openclaw.region';

/** What an engine runs for one region of a run. */
export interface DeployedService {
  /** Also its DNS name. */
  readonly name: string;
  readonly role: DeployedRole;
  /** Of the machine on which it must run. */
  readonly region: string;
  /** The program and its arguments. */
  readonly command: readonly string[];
  /** Runs once to its end. */
  readonly isJob: boolean;
  /** Where it listens. */
  readonly port?: number;
}

export type DeployedRole = 'redis' | 'rating' | 'gateway' | 'load' | 'form' | 'look';

const CREDENTIALS = ['REDIS_USERNAME', 'REDIS_PASSWORD', 'SENTINEL_USERNAME', 'SENTINEL_PASSWORD'];

/** The secret environment variables that a service may need; an engine passes the names of files that have them. */
export const SECRETS: Readonly<Record<DeployedRole, readonly string[]>> = {
  redis: [],
  form: [],
  gateway: [],
  look: CREDENTIALS,
  rating: CREDENTIALS,
  load: ['OPENCLAW_RL_TOKEN', ...CREDENTIALS],
};

export interface Deployment {
  /** The name of all of it. */
  readonly name: string;
  readonly services: readonly DeployedService[];
  /** Texts by their names in the folder `FILES`. */
  readonly files: Readonly<Record<string, string>>;
}

/** The folder of the files in each container. */
export const FILES = '/openclaw-rl';

export interface DeploymentOptions {
  readonly name: string;
  /** Absent: the Redis nodes of the plan are deployed. */
  readonly endpoints?: Endpoints;
  /** The text of the file `tls.ca` of the endpoints. */
  readonly ca?: string;
  /** The address on which a service listens. Default: all. */
  readonly host?: (service: string) => string;
  /** Redis may evict keys. */
  readonly allowsEviction?: boolean;
}

export interface MeasuredOptions extends DeploymentOptions {
  /** Of all keys of the run. */
  readonly prefix: string;
  readonly clockUrl: string;
  /** ISO 8601, in UTC. */
  readonly startAt: string;
  /** The name of the run, without the hash of its id. */
  readonly run: string;
  /** Of its plug-in. */
  readonly promise?: Promised;
  /** The run has a control part. */
  readonly hasControl?: boolean;
  /** What `scenarioOf` gives: the file of the scenario, and what it names beside it. */
  readonly files: Readonly<Record<string, string>>;
}

const REDIS_PORT = 6_379;
const SERVICE_PORT = 8_080;
const EVERYWHERE = () => '0.0.0.0';
/** For engines whose containers have addresses in other networks, too: a service listens in that of its name only. */
export const byName = (service: string): string => service;
const OPENCLAW_RL = 'openclaw-rl';
export const ENDPOINTS_FILE = 'endpoints.yaml';
const CA_FILE = 'ca.pem';

/** How many containers a run has, jobs too. */
export function countContainers(plan: Plan, endpoints?: Endpoints): number {
  const { services } = foundation(plan, { name: '', ...(endpoints && { endpoints }) });
  return services.length + plan.topology.regions.length * ((plan.instances ?? 1) + 2);
}

/** What must run before services can be started: the Redis nodes and a job that forms them, or a look at the endpoints. */
export function foundation(plan: Plan, options: DeploymentOptions): Deployment {
  const { name, endpoints, host = EVERYWHERE } = options;
  const files = filesOf(plan, options);
  if (endpoints !== undefined)
    return { name, services: endpoints.regions.map((region) => look(region, options)), files };
  const topology = deployedTopology(plan);
  const { regions, nodes } = topology;
  const redis = nodes.map(({ name, region }): DeployedService => {
    const service = redisName(name);
    const command = redisCommand(topology, host(service));
    return { name: service, role: 'redis', region, command, isJob: false, port: REDIS_PORT };
  });
  const replicas = ['--replicas', String(plan.topology.replicas)];
  const form: DeployedService = {
    ...{ name: 'form', role: 'form', region: regions[0] ?? '', isJob: true },
    command: [OPENCLAW_RL, 'form', inFiles(ENDPOINTS_FILE), ...(topology.kind === 'cluster' ? replicas : [])],
  };
  return { name, services: [...redis, form], files };
}

/** What is measured and what measures, once the foundation is there: each region's gateway, Rating services and load. */
export function measuredServices(plan: Plan, options: MeasuredOptions): Deployment {
  const { name, files, host = EVERYWHERE } = options;
  const found = regionsOf(plan, options);
  const limiter = plan.limiter && { limiter: inFiles(basename(plan.limiter)) };
  const deciding = { ...decidingOf(plan, options.prefix), ...limiter };
  const numbers = Array.from({ length: plan.instances ?? 1 }, (_, at) => at + 1);
  const services = plan.topology.regions.flatMap((region): DeployedService[] => {
    const serve = (role: 'rating' | 'gateway', name: string, args: readonly string[]): DeployedService => {
      const where = ['--region', region, '--host', host(name), '--port', String(SERVICE_PORT)];
      const command = [OPENCLAW_RL, 'serve', role, ...where, ...args];
      return { name, role, region, command, isJob: false, port: SERVICE_PORT };
    };
    const names = numbers.map((number) => `rating-${region}-${number}`);
    const gateway = `gateway-${region}`;
    const decides = ratingArguments(deciding, { view: found.view(region), others: othersOf(region, found) });
    return [
      ...names.map((rating) => serve('rating', rating, decides)),
      serve('gateway', gateway, gatewayArguments(names.map(urlOf))),
      load(region, { scenario: plan.scenario, gateway: urlOf(gateway) }, options),
    ];
  });
  return { name, services, files: { ...files, ...filesOf(plan, options) } };
}

function look(region: string, { allowsEviction = false }: DeploymentOptions): DeployedService {
  const evicting = allowsEviction ? ['--allow-eviction'] : [];
  return {
    ...{ name: `look-${region}`, role: 'look', region, isJob: true },
    command: [OPENCLAW_RL, 'doctor', '--endpoints', inFiles(ENDPOINTS_FILE), ...evicting],
  };
}

function load(
  region: string,
  { scenario, gateway }: { readonly scenario: string; readonly gateway: string },
  { clockUrl, startAt, run, promise, hasControl = false, allowsEviction = false }: MeasuredOptions,
): DeployedService {
  return {
    ...{ name: `load-${region}`, role: 'load', region, isJob: true },
    command: [
      ...[OPENCLAW_RL, 'load', inFiles(`${scenario}.yaml`), '--endpoints', inFiles(ENDPOINTS_FILE)],
      ...['--gateway', gateway, '--part', region, '--clock', clockUrl],
      ...['--start-at', startAt, '--run', run, '--send', '--json'],
      ...(promise === undefined ? [] : ['--promise', formatPromise(promise)]),
      ...(hasControl ? ['--control'] : []),
      ...(allowsEviction ? ['--allow-eviction'] : []),
    ],
  };
}

function redisCommand(topology: Topology, host: string): string[] {
  const settings = {
    ...{ bind: host, port: REDIS_PORT, 'protected-mode': 'no', dir: '/tmp' },
    ...nodeSettings(topology),
  };
  return ['redis-server', ...Object.entries(settings).flatMap(([key, value]) => [`--${key}`, String(value)])];
}

/** Regions apart are servers of kind single here, since a cluster of one node would add nothing. */
function deployedTopology(plan: Plan): Topology {
  const topology = planTopology(plan.topology);
  return topology.apart ? { ...topology, kind: 'single' } : topology;
}

/** The nodes as services and load see them. */
function regionsOf(plan: Plan, options: DeploymentOptions): Regions {
  const { tls, ...endpoints } = endpointsOf(plan, options);
  const { ca } = tls ?? {};
  const absolute = tls && { tls: { ...tls, ...(ca !== undefined && { ca: inFiles(ca) }) } };
  return openExternal(endpoints, { file: ENDPOINTS_FILE, ...absolute });
}

function filesOf(plan: Plan, options: DeploymentOptions): Record<string, string> {
  const { ca } = options;
  return {
    [ENDPOINTS_FILE]: stringify(endpointsDocument(endpointsOf(plan, options))),
    ...(ca !== undefined && { [CA_FILE]: ca }),
  };
}

/** Those that are given, with the name of their authority's file, else those of the planned nodes. */
function endpointsOf(plan: Plan, { endpoints }: DeploymentOptions): Endpoints {
  if (endpoints?.tls?.ca !== undefined) return { ...endpoints, tls: { ...endpoints.tls, ca: CA_FILE } };
  if (endpoints !== undefined) return endpoints;
  const { kind, regions, nodes } = deployedTopology(plan);
  const placed = nodes.map(({ name, region }) => {
    return { name, region, address: { host: redisName(name), port: REDIS_PORT } };
  });
  return { kind, regions, nodes: placed, services: {}, toxiproxy: {}, roundTripMs: {} };
}

function inFiles(file: string): string {
  return `${FILES}/${file}`;
}

function redisName(node: string): string {
  return `redis-${node}`;
}

function urlOf(service: string): string {
  return `http://${service}:${SERVICE_PORT}`;
}
