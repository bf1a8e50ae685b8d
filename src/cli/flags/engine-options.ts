import { type Command, InvalidArgumentError, Option } from 'commander';
import { quoted } from '../../core/printable.ts';
import { seconds } from './options.ts';
import { OF_AN_AUDIT, refuseTyped } from './refuse-typed.ts';

/** The flags of a run on several machines. */
export interface EngineFlags {
  readonly engine?: EngineName;
  /** Seconds. */
  readonly lead?: number;
  readonly clockHost?: ClockHost;
}

const ENGINES = ['swarm'] as const;
type EngineName = (typeof ENGINES)[number];

interface ClockHost {
  readonly host: string;
  readonly port?: number;
}

export const DEFAULT_LEAD_S = 30;

export function engineOptions(command: Command): Command {
  return command
    .optionsGroup('On several machines:')
    .addOption(
      new Option(
        '--engine <name>',
        'swarm: place load, services and Redis nodes on the machines of this Docker Swarm, by their label openclaw.region',
      ).choices(ENGINES),
    )
    .addOption(
      new Option(
        '--lead <s>',
        `seconds from the deployment of the services to the start of the load (default: ${DEFAULT_LEAD_S})`,
      ).argParser(seconds({ leastMs: 10_000, mostMs: 3_600_000 })),
    )
    .addOption(
      new Option(
        '--clock-host <address>',
        'address of this machine, or address:port, that all others reach (default: the one of the swarm)',
      ).argParser(parseClockHost),
    )
    .optionsGroup('Options:');
}

function parseClockHost(text: string): ClockHost {
  const [, address = '', port] = /^(\[[0-9a-fA-F:.]+\]|[\w.-]+)(?::(\d{1,5}))?$/.exec(text) ?? [];
  if (address === '' || Number(port) > 65_535)
    throw new InvalidArgumentError(
      `Expected an address like 10.0.0.1 or 10.0.0.1:7070; found ${quoted(text)}.`,
    );
  const host = address.replace(/^\[(.*)\]$/, '$1');
  return { host, ...(port !== undefined && { port: Number(port) }) };
}

/** What an engine places by itself, and what it does not simulate. */
const ELSEWHERE = [
  ...['name', 'server', 'provider', 'target', 'loadProcesses'],
  ...['roundTrip', 'jitter', 'homes', 'clockSlack', ...OF_AN_AUDIT],
];

/** Throws INVALID_OPTION for options that a run on an engine does not take, and for those of an engine without one. */
export function checkEngineFlags(command: Command, { engine }: EngineFlags): void {
  if (engine === undefined) refuseTyped(command, ['lead', 'clockHost'], 'only valid with --engine');
  else refuseTyped(command, ELSEWHERE, `cannot be used with --engine ${engine}`);
}

/** The typed flags, for the command line that repeats a run. */
export function engineCommandLine({ engine, lead, clockHost }: EngineFlags): string[] {
  if (engine === undefined) return [];
  const { host = '', port } = clockHost ?? {};
  const address = host.includes(':') ? `[${host}]` : host;
  return [
    `--engine ${engine}`,
    ...(lead === undefined ? [] : [`--lead ${lead}`]),
    ...(clockHost === undefined ? [] : [`--clock-host ${address}${port === undefined ? '' : `:${port}`}`]),
  ];
}
