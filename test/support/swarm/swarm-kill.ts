import { leftAfter } from '../leftovers.ts';
import type { Bed, BedMachine } from './bed.ts';
import { startOnManager } from './swarm-run.ts';

export interface SwarmKill {
  readonly afterMs: number;
  /** What it was about when it was killed. */
  readonly last: string;
  /** What there was then, and what was left after `down --all --yes`. */
  readonly before: readonly string[];
  readonly left: readonly string[];
}

/** Starts a run, kills it with SIGKILL after this time, and calls `down` on the manager. */
export async function killOnSwarm(bed: Bed, args: readonly string[], afterMs: number): Promise<SwarmKill> {
  const [manager] = bed.machines;
  const run = startOnManager(bed, [...args, '--engine', 'swarm']);
  await new Promise((resolve) => setTimeout(resolve, afterMs));
  run.child.kill('SIGKILL');
  await run.ended;
  const before = await stackObjects(manager);
  const down = startOnManager(bed, ['down', '--all', '--yes']);
  const code = await down.ended;
  const failed = code === 0 ? [] : [`down: ${code} ${down.output.stderr}`];
  const look = async () => (await Promise.all(bed.machines.map((machine) => stackObjects(machine)))).flat();
  const left = await leftAfter(look, { timeout: 5_000, interval: 500 });
  const last = run.output.stderr.trimEnd().split('\n').at(-1) ?? '';
  return { afterMs, last, before, left: [...failed, ...left] };
}

/** All that is of this stack, or of any, on a machine; services, configs and secrets only on the manager. */
export async function stackObjects(machine: BedMachine, name?: string): Promise<string[]> {
  const label = `label=openclaw-rl.stack${name === undefined ? '' : `=${name}`}`;
  const format = ['--format', '{{.ID}}', '--filter', label];
  const isManager = machine.hosts.control.endsWith('.11');
  const kinds = ['container', 'network', ...(isManager ? ['service', 'config', 'secret'] : [])];
  const lists = kinds.map(async (kind) => {
    const ids = await machine.docker([kind, 'ls', ...(kind === 'container' ? ['--all'] : []), ...format]);
    return ids.split('\n').flatMap((id) => (id === '' ? [] : [`${kind} ${id} on ${machine.name}`]));
  });
  return (await Promise.all(lists)).flat();
}
