import { execFile, execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, readdirSync, readFileSync, readlinkSync } from 'node:fs';
import { basename, join } from 'node:path';
import { promisify } from 'node:util';
import { type CliOptions, type CliRun, startProgram } from '../cli.ts';
import { dockerLack, imageVariables } from '../docker.ts';

/** Starts the engines; `bed --help` describes it. */
export const BED = join(import.meta.dirname, 'bed');

/** `control`: the swarm and the clock of a run. `data`: all that containers of different machines say to each other. */
export type Wire = 'control' | 'data';

/** What looks to its containers like a machine of its own: network, clock and Docker engine. */
export interface BedMachine {
  readonly name: string;
  /** Its address on each wire. */
  readonly hosts: Readonly<Record<Wire, string>>;
  /** A process of each of its namespaces. */
  readonly pid: number;
  /** Its clock differs from that of this machine by this, and by its drift. */
  readonly aheadS: number;
  readonly driftPpm: number;
  /** Calls docker on its engine; resolves with what it printed. */
  docker(args: readonly string[]): Promise<string>;
  /** Starts a program in its network, whose docker is its engine; ended by force when the test is over. */
  start(command: string, args: readonly string[], options?: CliOptions): CliRun;
}

/** Docker engines as machines, joined by two wires each; they end with the program that started them. */
export interface Bed {
  /** Has `pull`, `plug`, and a command for each machine. */
  readonly folder: string;
  /** The first is the manager of the swarm. */
  readonly machines: readonly [BedMachine, ...BedMachine[]];
  machine(name: string): BedMachine;
  /** Pulls a cable at its far end: both ends lose their signal. */
  pull(machine: string, wire: Wire): void;
  plug(machine: string, wire: Wire): void;
  stop(): Promise<void>;
}

export interface BedOptions {
  /** `<name>:<seconds ahead>:<ppm faster>`. */
  readonly machines?: readonly string[];
  /** Whether they form a swarm with a label for each region. */
  readonly isSwarm?: boolean;
  /** Loaded into each engine, where it is called `openclaw-rl:test`. */
  readonly image?: string;
}

const BED_MACHINES = ['us-east:7:200', 'eu-west:5000:-300', 'ap-south:90:600'] as const;

/** The image in each engine. */
export const BED_IMAGE = 'openclaw-rl:test';

/** Less than tests wait for it. */
const START_MS = 110_000;

/** Starts three engines with our image as a swarm, unless the options say otherwise. */
export async function startBed(options: BedOptions = {}): Promise<Bed> {
  const { machines = BED_MACHINES, isSwarm = true, image = imageVariables().OPENCLAW_RL_IMAGE } = options;
  const args = [...(isSwarm ? ['--swarm'] : []), ...(image ? ['--image', image] : []), ...machines];
  const child = spawn(BED, args, { stdio: ['pipe', 'pipe', 'pipe'] });
  const ended = once(child, 'close');
  let [said, error] = ['', ''];
  child.stderr.on('data', (text) => {
    error += text;
  });
  const late = setTimeout(() => child.kill('SIGKILL'), START_MS); // else it outlives a test that waits no longer
  await new Promise<void>((resolve, reject) => {
    child.once('close', () => reject(new Error(`the bed has ended: ${error}`)));
    child.stdout.on('data', (text) => {
      said += text;
      if (said.includes('./pull')) resolve();
    });
  }).finally(() => clearTimeout(late));
  return bedIn(readFolder(said), machines, async () => {
    child.stdin.end();
    await ended;
  });
}

/** The folder that the bed printed. */
export const readFolder = (said: string) => /^cd (\S+)$/m.exec(said)?.[1] ?? '';

function bedIn(folder: string, specs: readonly string[], stop: () => Promise<void>): Bed {
  const machines = specs.map((spec, at) => machineOf(folder, spec, 11 + at));
  const [manager, ...others] = machines;
  if (manager === undefined) throw new Error('a bed needs a machine');
  const turn = (command: string) => (machine: string, wire: Wire) => {
    execFileSync(join(folder, command), [machine, wire]);
  };
  return {
    folder,
    machines: [manager, ...others],
    machine(name) {
      const found = machines.find((machine) => machine.name === name);
      if (found === undefined) throw new Error(`no machine ${name}`);
      return found;
    },
    pull: turn('pull'),
    plug: turn('plug'),
    stop,
  };
}

function machineOf(folder: string, spec: string, number: number): BedMachine {
  const [name = '', ahead = '0', ppm = '0'] = spec.split(':');
  const at = join(folder, 'machines', name);
  const pid = Number(readFileSync(join(at, 'pid'), 'utf8'));
  const env = { DOCKER_HOST: `unix://${join(at, 'docker.sock')}` };
  const enter = [`--net=/proc/${pid}/ns/net`, `--uts=/proc/${pid}/ns/uts`, 'setpriv', '--pdeathsig', 'KILL'];
  return {
    name,
    hosts: { control: `198.19.0.${number}`, data: `198.18.0.${number}` },
    pid,
    aheadS: Number(ahead),
    driftPpm: Number(ppm),
    async docker(args) {
      const all = { env: { ...process.env, ...env }, timeout: 60_000, maxBuffer: 2 ** 26 };
      return (await promisify(execFile)('docker', args, all)).stdout.trim();
    },
    start: (command, args, options = {}) =>
      startProgram('nsenter', [...enter, command, ...args], { ...options, env: { ...options.env, ...env } }),
  };
}

/** What is left of a bed: its folder, cgroups, and processes of the PID namespaces of its machines. */
export function leftOf(folder: string, pidNamespaces: readonly string[]): string[] {
  const group = basename(folder);
  const cgroups = readdirSync('/sys/fs/cgroup', { withFileTypes: true })
    .filter((entry) => entry.isDirectory())
    .map(({ name }) => join('/sys/fs/cgroup', name, group));
  const files = [folder, ...cgroups, join('/sys/fs/cgroup', group)].filter((path) => existsSync(path));
  const processes = readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name) && pidNamespaces.includes(pidNamespaceOf(name)))
    .map((pid) => `process ${pid}`);
  return [...files, ...processes];
}

/** The name of it; empty if the process has ended. */
export function pidNamespaceOf(pid: number | string): string {
  try {
    return readlinkSync(`/proc/${pid}/ns/pid`);
  } catch {
    return '';
  }
}

/** Why the engines cannot be started here; undefined where they can. Throws where CI requires them. */
function findLack(): string | undefined {
  if (dockerLack !== undefined) return dockerLack;
  const lack = process.getuid?.() === 0 ? missingPrograms() : 'only root can make machines';
  if (lack !== undefined && process.env.OPENCLAW_RL_REQUIRE_DOCKER) throw new Error(lack);
  return lack;
}

function missingPrograms(): string | undefined {
  const needed = ['bash', 'cc', 'dockerd', 'ip', 'iptables', 'nsenter', 'setpriv', 'setsid', 'unshare'];
  const folders = (process.env.PATH ?? '').split(':');
  const missing = needed.filter((name) => !folders.some((folder) => existsSync(join(folder, name))));
  return missing.length === 0 ? undefined : `missing: ${missing.join(', ')}`;
}

/** Absent where a bed can be started. */
export const bedLack = findLack();

/** For the title of what is skipped without it. */
export const onBed = bedLack === undefined ? 'on three engines' : `on three engines (skipped: ${bedLack})`;
