import { environmentFailed, invalidOption, type OpenclawError } from '../../core/errors.ts';
import { printable } from '../../core/printable.ts';
import { docker, NEEDED } from '../../regions/docker/docker.ts';
import type { Check } from '../../regions/doctor-check.ts';
import { REGION_LABEL } from '../deployment.ts';

export interface Machine {
  readonly id: string;
  /** Its host name. */
  readonly name: string;
  readonly address: string;
  /** Absent without the label. */
  readonly region?: string;
  /** `ready`, or in Docker's words. */
  readonly state: string;
  /** `active`, or in Docker's words. */
  readonly availability: string;
}

/** What Docker says of the swarm of this machine. */
export interface SwarmFacts {
  readonly engine: { readonly version: string } | { readonly lack: string; readonly mend: string };
  /** `active`, `inactive`, `locked`, ... */
  readonly state: string;
  readonly isManager: boolean;
  readonly nodeId: string;
  /** The address of this machine for the others. */
  readonly address: string;
  /** The addresses of the managers, with ports. */
  readonly managers: readonly string[];
  /** Empty unless this is a manager. */
  readonly machines: readonly Machine[];
  /** The bits of the prefix that a network of a stack gets. */
  readonly subnetSize: number;
}

interface Info {
  readonly NodeID: string;
  readonly NodeAddr: string;
  readonly LocalNodeState: string;
  readonly ControlAvailable: boolean;
  readonly RemoteManagers: readonly { readonly Addr: string }[] | null;
  /** On a manager. */
  readonly Cluster?: { readonly SubnetSize?: number };
}

interface Node {
  readonly ID: string;
  readonly Spec: { readonly Labels?: Readonly<Record<string, string>>; readonly Availability: string };
  readonly Description: { readonly Hostname: string };
  readonly Status: { readonly State: string; readonly Addr: string };
}

const DEFAULT_SUBNET = 24;

/** Asks Docker. Changes nothing. Throws ENVIRONMENT_FAILED if it answers the first question and not the next. */
export async function lookAtSwarm(signal?: AbortSignal): Promise<SwarmFacts> {
  const call = signal && { signal };
  const engine = await docker(['version', '--format', '{{.Server.Version}}'], call).then(
    (version) => ({ version }),
    (error: OpenclawError) => {
      if (error.code === 'INTERRUPTED') throw error;
      return { lack: error.message, mend: error.hint ?? 'see docker info' };
    },
  );
  const nothing = { state: '', isManager: false, nodeId: '', address: '', managers: [], machines: [] };
  const subnetSize = DEFAULT_SUBNET;
  if (!('version' in engine)) return { engine, ...nothing, subnetSize };
  const info: Info = JSON.parse(await docker(['info', '--format', '{{json .Swarm}}'], call));
  const isManager = info.ControlAvailable && info.LocalNodeState === 'active';
  return {
    ...{ engine, isManager, nodeId: info.NodeID, address: info.NodeAddr, state: info.LocalNodeState },
    managers: (info.RemoteManagers ?? []).map(({ Addr }) => Addr),
    machines: isManager ? await listMachines(signal) : [],
    subnetSize: info.Cluster?.SubnetSize || DEFAULT_SUBNET,
  };
}

export async function listMachines(signal?: AbortSignal): Promise<Machine[]> {
  const call = signal && { signal };
  const ids = (await docker(['node', 'ls', '--quiet'], call)).split('\n').filter((id) => id !== '');
  const nodes: Node[] = JSON.parse(await docker(['node', 'inspect', ...ids], call));
  return nodes.map(({ ID, Spec: { Labels = {}, Availability }, Description, Status }) => {
    const region = Labels[REGION_LABEL];
    return {
      ...{ id: ID, name: Description.Hostname, address: Status.Addr },
      ...{ state: Status.State, availability: Availability },
      ...(region !== undefined && { region }),
    };
  });
}

function isUsable({ state, availability }: Pick<Machine, 'state' | 'availability'>): boolean {
  return state === 'ready' && availability === 'active';
}

/** The checks of a swarm for a run in these regions, in the order in which to fix them. */
export function diagnoseSwarm(facts: SwarmFacts, regions: readonly string[]): Check[] {
  const { engine, state, isManager, machines, address, managers } = facts;
  if (!('version' in engine)) return [missing('docker', engine.lack, engine.mend)];
  if (Number.parseInt(engine.version, 10) < NEEDED.engine)
    return [
      missing(
        'docker',
        `${engine.version}; jobs need at least 20.10`,
        'see https://docs.docker.com/engine/install',
      ),
    ];
  const found: Check = { name: 'docker', mark: 'ok', found: engine.version };
  if (state !== 'active') return [found, missing('swarm', ...explainState(state))];
  if (!isManager)
    return [
      found,
      missing(
        'swarm',
        'this machine is a worker, and only a manager deploys',
        `run it on a manager (${managers.join(', ')}), or make this one a manager there: docker node promote <this machine>`,
      ),
    ];
  const others = `${machines.length === 1 ? '1 machine' : `${machines.length} machines`}, this one at ${address}`;
  return [found, { name: 'swarm', mark: 'ok', found: others }, ...ofRegions(regions, machines)];
}

/** ENVIRONMENT_FAILED with all that is missing; undefined if nothing is. */
export function lackOf(checks: readonly Check[]): OpenclawError | undefined {
  const lacks = checks.filter(({ mark }) => mark === 'missing');
  const [first] = lacks;
  if (first === undefined) return undefined;
  const hints = new Set(lacks.flatMap(({ mend }) => mend ?? []));
  return environmentFailed(
    `--engine swarm cannot run here: ${lacks.map(({ name, found }) => `${name}: ${found}`).join('; ')}`,
    [...hints].join('\n  '),
  );
}

/** Of the network itself, its broadcasts and its gateway. */
const TAKEN_ADDRESSES = 3;

/** Throws INVALID_OPTION if the network of a stack, in which each machine has an address too, has too few addresses. */
export function checkAddresses({ machines, subnetSize }: SwarmFacts, containers: number): void {
  const most = 2 ** (32 - subnetSize) - TAKEN_ADDRESSES - machines.length;
  if (containers <= most) return;
  throw invalidOption(
    `the run has ${containers} containers, and a network of this swarm (/${subnetSize}) has addresses for ${most}`,
    'choose fewer replicas or instances, or make a swarm with larger networks: docker swarm init --default-addr-pool-mask-length 20',
  );
}

function explainState(state: string): [found: string, mend: string] {
  if (state === 'inactive')
    return [
      'this machine is in no swarm',
      'docker swarm init --advertise-addr <address of this machine for the others>; on each other machine, run the `docker swarm join` that it prints',
    ];
  if (state === 'locked') return ['the swarm is locked', 'docker swarm unlock'];
  return [`the swarm of this machine is ${printable(state) || 'unknown'}`, 'see docker info'];
}

function ofRegions(regions: readonly string[], machines: readonly Machine[]): Check[] {
  const lacking = regions.filter((name) => machines.every(({ region }) => region !== name));
  const proposed = proposeMachines(lacking, machines);
  return regions.map((region) => ofRegion(region, machines, proposed.get(region)));
}

/** A machine without a label for each of these regions: one that is called like it, else the next one that takes tasks. */
function proposeMachines(regions: readonly string[], machines: readonly Machine[]): Map<string, Machine> {
  const free = machines.filter(({ region }) => region === undefined);
  const inOrder = [...free.filter(isUsable), ...free.filter((machine) => !isUsable(machine))];
  const proposed = new Map<string, Machine>();
  const isCalledLike: ((machine: string, region: string) => boolean)[] = [
    (machine, region) => machine === region,
    (machine, region) => machine.includes(region),
    () => true,
  ];
  for (const isLike of isCalledLike)
    for (const region of regions.filter((name) => !proposed.has(name))) {
      const taken = new Set(proposed.values());
      const machine = inOrder.find((one) => !taken.has(one) && isLike(one.name, region));
      if (machine !== undefined) proposed.set(region, machine);
    }
  return proposed;
}

/** `proposed`: the machine to label if none is. */
function ofRegion(region: string, machines: readonly Machine[], proposed?: Machine): Check {
  const own = machines.filter((machine) => machine.region === region);
  const usable = own.filter(isUsable);
  const names = (some: readonly Machine[]) => some.map(({ name }) => printable(name)).join(', ');
  if (usable.length > 0) return { name: region, mark: 'ok', found: names(usable) };
  const [down] = own;
  if (down === undefined) {
    const free = machines.filter((machine) => machine.region === undefined);
    return missing(
      region,
      `no machine has the label ${REGION_LABEL}=${region}${free.length === 0 ? '' : `; without a label: ${names(free)}`}`,
      `docker node update --label-add ${REGION_LABEL}=${region} ${proposed === undefined ? '<machine of docker node ls>' : printable(proposed.name)}`,
    );
  }
  if (down.state === 'ready')
    return missing(
      region,
      `${names([down])} takes no tasks (${printable(down.availability)})`,
      `docker node update --availability active ${printable(down.name)}`,
    );
  return missing(
    region,
    `${names([down])} at ${printable(down.address)} is ${printable(down.state)}`,
    'start Docker there, and open 2377/tcp, 7946/tcp, 7946/udp and 4789/udp between the machines; see docker node ls',
  );
}

function missing(name: string, found: string, mend: string): Check {
  return { name, mark: 'missing', found, mend };
}
