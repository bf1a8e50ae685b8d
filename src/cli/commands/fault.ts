import { mkdtemp } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { Command } from 'commander';
import { invalidOption } from '../../core/errors.ts';
import { printableLines } from '../../core/printable.ts';
import { makeRandom } from '../../core/prng.ts';
import { ALONE, failedLook, type Probe, type Sight } from '../../faults/probes/probe.ts';
import { makeProbe } from '../../faults/probes/registry.ts';
import { injectFault } from '../../faults/registry.ts';
import type { Shell } from '../../faults/support/shell.ts';
import { undoLeftBy } from '../../faults/support/undo.ts';
import { settle } from '../../regions/cluster/settle.ts';
import { healLinks } from '../../regions/network/links.ts';
import { healAccess } from '../../regions/network/redis-access.ts';
import { settleAll } from '../../regions/waiting.ts';
import { checkFault } from '../../scenario/checks.ts';
import { definitionOf, FAULT_NAMES, type FaultSpec, isMomentary } from '../../scenario/faults/index.ts';
import { type ChosenRegions, choosingRegions, openRegions } from '../flags/cluster-flags.ts';
import { addFaultCommands } from '../flags/fault-options.ts';
import { parseSomeDurationMs, wholeNumber } from '../flags/options.ts';
import type { Environment } from '../process/environment.ts';
import { commandEnvironment } from '../process/service-environment.ts';

/** Injects into a cluster that is up and heals after `--for`, or on Ctrl-C. */
export function faultCommand(environment: Environment): Command {
  const command = new Command('fault')
    .description('Inject a fault into a cluster that is up; heal it after --for, or on Ctrl-C.')
    .addHelpText('after', EXAMPLES);
  return addFaultCommands(command, {
    without: FAULT_NAMES.filter((fault) => definitionOf(fault).needsService),
    configure: (each, fault) => {
      const chosen = choosingRegions(each);
      if (definitionOf(fault).isDrawn)
        chosen.option('--seed <number>', 'seed of its random lengths', wholeNumber(0, 2 ** 32 - 1), 1);
      return isMomentary({ fault })
        ? chosen
        : chosen.option(
            '--for <time>',
            'heal the fault after this time, like 10s (default: on Ctrl-C)',
            parseSomeDurationMs,
          );
    },
    action: (spec, flags: Flags) => hold(environment, spec, flags),
  }).addCommand(healCommand(environment));
}

interface Flags extends ChosenRegions {
  readonly for?: number;
  readonly seed?: number;
}

const EXAMPLES = `
Examples:
  $ openclaw-rl fault partition --isolate eu-west --for 10s
  $ openclaw-rl fault latency --between us-east eu-west --add 400 --for 30s
  $ openclaw-rl fault kill --node us-east-0 --for 10s
  # removes every fault that a killed program left
  $ openclaw-rl fault heal`;

function healCommand(environment: Environment): Command {
  return choosingRegions(new Command('heal'))
    .description(
      'Remove every cut and limit, reset round trips and clocks, start and resume every node, and move the primaries ' +
        'of a cluster of `up` back to their regions.',
    )
    .addHelpText('after', '\nExample:\n  $ openclaw-rl fault heal')
    .action(async (chosen: ChosenRegions) => {
      const regions = await openRegions(environment, chosen);
      if (regions.provider === 'external' && regions.links.pairs.length === 0)
        throw invalidOption('nothing to heal: no link between two regions has a Toxiproxy');
      await settleAll([
        healLinks(regions.links, regions.topology),
        healAccess(regions),
        ...regions.topology.nodes.map(({ name }) => regions.nodes.heal(name)),
      ]);
      if (regions.provider !== 'external') {
        environment.log('healed; waiting for every primary to be back in its region\n');
        await settle(regions, environment.interrupt);
      }
      environment.log('healed\n');
    });
}

/** Injects, waits, heals. */
async function hold(environment: Environment, spec: FaultSpec, flags: Flags): Promise<void> {
  const { for: forMs, seed = 1 } = flags;
  const regions = await openRegions(environment, flags);
  checkFault(spec, regions.topology);
  const random = makeRandom(seed, `fault ${spec.fault}`);
  const context = {
    ...{ regions, random, signal: environment.interrupt },
    ...(spec.fault === 'command' && { shell: await openShell(environment) }),
  };
  const probe = spec.fault === 'command' ? await makeProbe(spec, { ...context, ...ALONE }) : undefined;
  const say = ({ bit, saw }: Sight, unseen = 'not in force: ') =>
    environment.log(printableLines(`${bit ? '' : unseen}${saw}\n`));
  const undo = await injectFault(spec, context).catch(async (error: unknown) => {
    try {
      await undoLeftBy(error)?.();
      if (environment.interrupt.aborted)
        environment.log(`healed${spec.fault === 'move-slots' ? ': all slots are back' : ''}\n`);
    } catch (left) {
      environment.log(
        printableLines(`warning: not undone: ${left instanceof Error ? left.message : left}\n`),
      );
    }
    throw error;
  });
  const held = new AbortController();
  const look = async () => {
    const sight = await lookAt(probe, held.signal);
    say(sight);
    return sight;
  };
  const looking = spec.fault === 'command' ? look() : undefined;
  if (probe?.looks !== 'in the end') await looking;
  if (!isMomentary(spec)) {
    environment.log(
      forMs === undefined ? 'in force until Ctrl-C\n' : `in force for ${forMs / 1_000} s, or until Ctrl-C\n`,
    );
    await waitFor(forMs, environment.interrupt);
  }
  held.abort();
  await undo();
  const before = await looking;
  environment.log(isMomentary(spec) ? 'done\n' : 'healed\n');
  if (probe?.lookHealed === undefined) return;
  const { bit, saw } = await probe.lookHealed().catch(failedLook);
  const late = bit && before?.bit === false ? ', but only after the heal' : '';
  say({ bit: bit && late === '', saw: `${saw}${late}` }, 'not proved: ');
}

const LOOK_EVERY_MS = 500;

/** One look, or, of what takes its time, looks until one sees it or the signal comes. Never rejects. */
async function lookAt(probe: Probe | undefined, signal: AbortSignal): Promise<Sight> {
  if (probe === undefined) return { bit: true, saw: 'not proved: it names no proof' };
  for (;;) {
    const sight = await probe.look().catch(failedLook);
    if (sight.bit || signal.aborted || probe.looks !== 'in the end') return sight;
    await waitFor(LOOK_EVERY_MS, signal);
  }
}

/** Without a run, what commands print is kept in a new folder. */
async function openShell(environment: Environment): Promise<Shell> {
  const folder = await mkdtemp(join(tmpdir(), 'openclaw-rl-fault-'));
  environment.log(`output of the commands: ${join(folder, 'faults')}\n`);
  return { ...{ folder, number: 1, cwd: environment.cwd }, env: commandEnvironment(environment) };
}

/** Resolves after the time, if there is one, or when the signal comes. */
async function waitFor(ms: number | undefined, signal: AbortSignal): Promise<void> {
  const longestTimer = 2 ** 31 - 1; // a longer timer would fire immediately
  for (let left = ms ?? Number.POSITIVE_INFINITY; left > 0 && !signal.aborted; left -= longestTimer)
    await sleep(Math.min(left, longestTimer), undefined, { signal }).catch(() => {});
}
