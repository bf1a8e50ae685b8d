import { Command, Option } from 'commander';
import { OpenclawError } from '../core/errors.ts';
import type { CutMode } from '../regions/links.ts';
import type { FaultSpec, PartitionShape } from '../scenario/fault-spec.ts';
import { decimalNumber, parseShiftMs, parseSomeDurationMs, timeOption } from './options.ts';

export interface FaultCommandsOptions<Flags> {
  /** What is done with the fault that was written; `flags` are those that `configure` added. */
  readonly action: (spec: FaultSpec, flags: Flags) => Promise<void>;
  /** Adds the flags that all of these commands have; names taken by faults are refused by commander. */
  readonly configure?: (command: Command, fault: FaultSpec['fault']) => Command;
  readonly without?: readonly FaultSpec['fault'][];
}

/** Adds a command for every fault, whose flags become its specification. */
export function addFaultCommands<Flags>(parent: Command, options: FaultCommandsOptions<Flags>): Command {
  const { action, configure = (command) => command, without = [] } = options;
  for (const [fault, form] of Object.entries(FORMS) as [FaultSpec['fault'], Form][]) {
    if (without.includes(fault)) continue;
    const command = form
      .addFlags(configure(new Command(fault), fault))
      .description(form.about)
      .action((flags: Written & Flags) => action(form.read(flags), flags));
    parent.addCommand(command.addHelpText('after', () => examples(form, command)));
  }
  return parent;
}

/** As it would be typed: `openclaw-rl fault partition ...`. */
function examples({ examples: lines }: Form, command: Command): string {
  const path = [command.parent?.name(), command.name()].join(' ');
  return `\nExamples:\n${lines.map((line) => `  $ openclaw-rl ${path} ${line}`).join('\n')}`;
}

interface Form {
  readonly about: string;
  readonly examples: readonly string[];
  addFlags(command: Command): Command;
  read(flags: Written): FaultSpec;
}

/** Every flag of every fault, as commander gives it; those that a fault requires are there. */
interface Written {
  readonly isolate?: string[];
  readonly split?: string[];
  readonly bridge?: string[];
  readonly from?: string[];
  readonly to?: string[];
  readonly mode: CutMode;
  readonly between: [string, string];
  readonly add: number;
  readonly addJitter: number;
  readonly grow: number;
  readonly limit: number;
  readonly down: number;
  readonly up: number;
  readonly node: string;
  readonly step: number;
  readonly region: string;
  readonly offset: number;
}

const FORMS: Readonly<Record<FaultSpec['fault'], Form>> = {
  partition: {
    about: 'Cut regions off from each other, data and bus alike.',
    examples: [
      '--isolate eu-west',
      '--isolate eu-west --mode refuse',
      '--split us-east,eu-west ap-south',
      '--from eu-west --to us-east ap-south   # mute: it hears, and is not heard',
      '--bridge us-east eu-west               # both still reach the third',
    ],
    addFlags: addCut,
    read: (flags) => ({ fault: 'partition', mode: flags.mode, ...readShape(flags) }),
  },
  latency: {
    about: 'Add to the delay between two regions, each way.',
    examples: [
      '--between us-east eu-west --add 400 --add-jitter 50',
      '--between us-east eu-west --add 2000 --grow 10s',
    ],
    addFlags: (command) =>
      betweenTwo(command)
        .requiredOption(
          '--add <ms>',
          'milliseconds one way, over what is configured',
          decimalNumber(0, 60_000),
        )
        .option('--add-jitter <ms>', 'vary by up to this much more either way', decimalNumber(0, 60_000), 0)
        .addOption(timeOption('--grow <time>', 'reach it little by little during this time', '0s')),
    read: ({ between, add, addJitter, grow }) => ({
      fault: 'latency',
      between,
      addMs: add,
      jitterMs: addJitter,
      rampMs: grow,
    }),
  },
  bandwidth: {
    about: 'Limit what flows between two regions, each way, per connection.',
    examples: ['--between us-east eu-west --limit 100'],
    addFlags: (command) =>
      betweenTwo(command).requiredOption(
        '--limit <kB/s>',
        'kilobytes (1,000 bytes) a second',
        decimalNumber(1, 10_000_000),
      ),
    read: ({ between, limit }) => ({ fault: 'bandwidth', between, rateKBps: limit }),
  },
  'drop-reply': {
    about: 'Lose the replies to what these regions ask abroad; the requests arrive and are acted on.',
    examples: ['--from eu-west'],
    addFlags: (command) => command.requiredOption('--from <regions...>', 'the regions that ask'),
    read: ({ from = [] }) => ({ fault: 'drop-reply', regions: from }),
  },
  flap: {
    about: 'A partition that comes and goes; every length varies by up to half of it.',
    examples: ['--isolate eu-west --down 500ms --up 2s'],
    addFlags: (command) =>
      addCut(command)
        .addOption(timeOption('--down <time>', 'how long it is cut each time', '1s', parseSomeDurationMs))
        .addOption(timeOption('--up <time>', 'how long it is whole in between', '1s', parseSomeDurationMs)),
    read: (flags) => ({
      fault: 'flap',
      mode: flags.mode,
      downMs: flags.down,
      upMs: flags.up,
      ...readShape(flags),
    }),
  },
  kill: {
    about: 'SIGKILL a node; healed by starting it again once its replica has taken over.',
    examples: ['--node us-east-0'],
    addFlags: oneNode,
    read: ({ node }) => ({ fault: 'kill', node }),
  },
  restart: {
    about: 'SIGKILL a node and start it again as soon as its replica has taken over.',
    examples: ['--node us-east-0'],
    addFlags: oneNode,
    read: ({ node }) => ({ fault: 'restart', node }),
  },
  'restart-empty': {
    about: 'SIGKILL a node and start it again at once with nothing, before anybody can notice.',
    examples: ['--node us-east-0'],
    addFlags: oneNode,
    read: ({ node }) => ({ fault: 'restart-empty', node }),
  },
  pause: {
    about: 'Stop a node where it stands (SIGSTOP); healed, it answers all that has waited.',
    examples: ['--node us-east-0'],
    addFlags: oneNode,
    read: ({ node }) => ({ fault: 'pause', node }),
  },
  failover: {
    about: 'Make this replica the primary, by order.',
    examples: ['--node eu-west-1'],
    addFlags: oneNode,
    read: ({ node }) => ({ fault: 'failover', node }),
  },
  'gateway-clock': {
    about: "Make the clock of a region's Rating service wrong.",
    examples: ['--region eu-west --offset 30s', '--region eu-west --offset -30s   # behind'],
    addFlags: (command) =>
      command
        .requiredOption('--region <name>', 'the region')
        .requiredOption('--offset <time>', 'how far it is ahead; with a minus: behind', parseShiftMs),
    read: ({ region, offset }) => ({ fault: 'gateway-clock', region, offsetMs: offset }),
  },
  'node-clock': {
    about: 'Step the clock of a Redis node; healed by stepping it back.',
    examples: ['--node us-east-0 --step 30s', '--node us-east-0 --step -30s   # back'],
    addFlags: (command) =>
      oneNode(command).requiredOption('--step <time>', 'forward; with a minus: back', parseShiftMs),
    read: ({ node, step }) => ({ fault: 'node-clock', node, stepMs: step }),
  },
};

function addCut(command: Command): Command {
  return command
    .option('--isolate <regions...>', 'cut these off from all others, both ways')
    .option('--split <groups...>', 'cut each group from every other; commas within a group')
    .option('--bridge <regions...>', 'cut these two from each other; both still reach the rest')
    .option('--from <regions...>', 'with --to: cut one way only, what flows from these')
    .option('--to <regions...>', 'with --from: to these')
    .addOption(
      new Option('--mode <mode>', 'blackhole swallows what flows; refuse closes, and connects fail at once')
        .choices(['blackhole', 'refuse'])
        .default('blackhole'),
    );
}

function readShape({ isolate, split, bridge, from, to }: Written): PartitionShape {
  const shapes: (PartitionShape | undefined)[] = [
    isolate && { isolate },
    split && { split: split.map((group) => group.split(',')) },
    bridge && { bridge: bridge as [string, string] }, // how many there are is checked with their names
    from && to && { from, to },
  ];
  const [shape, second] = shapes.filter((each) => each !== undefined);
  const isHalf = (from === undefined) !== (to === undefined);
  if (shape !== undefined && second === undefined && !isHalf) return shape;
  throw new OpenclawError(
    'INVALID_OPTION',
    'a cut is one of --isolate <regions>, --split <groups>, --bridge <a> <b>, or --from <regions> --to <regions>',
  );
}

function betweenTwo(command: Command): Command {
  return command.requiredOption('--between <regions...>', 'two regions');
}

function oneNode(command: Command): Command {
  return command.requiredOption('--node <name>', 'the node, as `status` names it');
}
