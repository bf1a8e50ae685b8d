import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type CliRun, startProgram } from '../cli.ts';
import { hasProgram } from '../programs.ts';
import { type ClockSpec, compileMachineClock, type MachineClock, makeMachineClock } from './machine-clock.ts';
import { holdNamespaces, run } from './namespaces.ts';

export interface Place {
  /** Its address in their network. */
  readonly host: string;
  /** Starts a program there; ended by force when the test is over. */
  start(command: string, args: readonly string[], options?: StartOptions): CliRun;
}

interface StartOptions {
  readonly cwd?: string;
  readonly env?: Record<string, string>;
}

/** What looks to its processes like a machine of its own: a network and a monotonic clock. */
export interface Machine extends Place {
  readonly clock: MachineClock;
}

/** Machines joined by a bridge. The hub, which has it, has the clock of the test. */
export interface Machines<Name extends string> {
  readonly hub: Place;
  readonly of: Readonly<Record<Name, Machine>>;
  stop(): Promise<void>;
}

/** Whether machines can be made here; throws where not, if CI requires it. */
export function canMakeMachines(): boolean {
  const needed: readonly [string, string][] = [
    ['ip', '-V'],
    ['nsenter', '--version'],
    ['setpriv', '--version'],
    ['cc', '--version'],
  ];
  if (!needed.every(([program, flag]) => hasProgram(program, flag))) return false;
  try {
    run(['unshare', '--map-root-user', '--net', '--time', '--monotonic', '1', '--fork', 'true']);
    return true;
  } catch (error) {
    if (process.env.OPENCLAW_RL_REQUIRE_PROGRAMS) throw error;
    return false;
  }
}

/** For such benches, and in no network. No other network sees it: that of the hub is joined to none. */
const NET = '198.18.0';

/**
 * Makes a machine for each name. The bridge has a network namespace of its own: a firewall of this machine, as Docker
 * sets one up, does not see it.
 */
export async function makeMachines<Name extends string>(
  specs: Readonly<Record<Name, ClockSpec>>,
): Promise<Machines<Name>> {
  const folder = mkdtempSync(join(tmpdir(), 'openclaw-rl-machines-'));
  const undo: (() => unknown)[] = [() => rmSync(folder, { recursive: true, force: true })];
  const stop = async () => {
    for (let last = undo.pop(); last !== undefined; last = undo.pop()) await last();
  };
  try {
    const library = compileMachineClock(folder);
    const hub = await holdNamespaces(['--map-root-user', '--net']);
    undo.push(hub.end);
    const ip = (where: readonly string[], words: string) => run([...where, 'ip', ...words.split(' ')]);
    ip(hub.enter, 'link set lo up');
    ip(hub.enter, 'link add hub type bridge');
    ip(hub.enter, `addr add ${NET}.1/24 dev hub`);
    ip(hub.enter, 'link set hub up');
    const of: Record<string, Machine> = {};
    for (const [at, [name, spec]] of Object.entries<ClockSpec>(specs).entries()) {
      const clock = makeMachineClock(spec, { library, file: join(folder, `clock-${at}`) });
      undo.push(() => clock.close());
      const ahead = String(spec.aheadS);
      const time = ['--time', '--monotonic', ahead, '--boottime', ahead];
      const machine = await holdNamespaces(['--net', ...time], hub.enter);
      undo.push(machine.end);
      const host = `${NET}.${11 + at}`;
      ip(hub.enter, `link add m${at} type veth peer name eth0 netns ${machine.pid}`);
      ip(hub.enter, `link set m${at} master hub up`);
      ip(machine.enter, `addr add ${host}/24 dev eth0`);
      ip(machine.enter, 'link set eth0 up');
      ip(machine.enter, 'link set lo up');
      of[name] = { ...placeOf(host, machine.enter, clock.env), clock };
    }
    return { hub: placeOf(`${NET}.1`, hub.enter), of: of as Record<Name, Machine>, stop };
  } catch (error) {
    await stop();
    throw error;
  }
}

function placeOf(host: string, enter: readonly string[], env: Record<string, string> = {}): Place {
  const [nsenter = '', ...namespaces] = enter;
  return {
    host,
    start: (command, args, options = {}) =>
      startProgram(nsenter, [...namespaces, command, ...args], {
        ...options,
        env: { ...env, ...options.env },
      }),
  };
}
