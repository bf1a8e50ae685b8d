import { z } from 'zod';
import { invalidOption } from '../../core/errors.ts';
import { quoted } from '../../core/printable.ts';
import { duration, mapping } from '../fields.ts';
import { type FaultDefinition, head } from './definition.ts';
import { formatProbe, type ProbeSpec, parseProbe, probeSchema } from './probe-spec.ts';

/** Commands of the user break the system and mend it. Each is the text of a shell. */
export interface CommandSpec {
  readonly fault: 'command';
  readonly inject: string;
  readonly heal: string;
  /** Run again and again until it exits with 0: only then is the fault in force. */
  readonly until?: string;
  /** Succeeds while the fault is in force, and fails before it. */
  readonly proof?: string;
  /** Instead of `proof`: our own look. Without both, whether it was in force is not proved. */
  readonly probe?: ProbeSpec;
  /** The most that each may take; for `until` all its runs together. */
  readonly limitMs: number;
  /** The folder in which they run; absent: the current one. */
  readonly cwd?: string;
}

const LIMIT = { leastMs: 100, mostMs: 3_600_000 };

const COMMAND = 'a command for sh';
const PROOF =
  'a command for sh, or a probe with one place, like { probe: unreachable, region: eu-west } or { probe: latency, node: eu-1, by: 100ms }';
const HEAL = 'the command that undoes inject, or true if there is nothing to undo';

function shellText(error: string) {
  return z.string({ error }).refine((text) => text.trim() !== '' && !text.includes('\0'), { error });
}

export const command = {
  schema: mapping({
    ...head('command', 'Break the system by a command, and mend it by another.'),
    inject: shellText(COMMAND).meta({
      description: 'The command that breaks it. It runs by sh, in the folder of this file.',
    }),
    heal: z.union([shellText(HEAL), z.literal(true)], { error: HEAL }).meta({
      description: 'The command that undoes inject, also if inject failed; true if there is nothing to undo.',
    }),
    until: shellText(COMMAND).optional().meta({
      description:
        'Run each half second after inject until it exits with 0: the fault is in force from then on.',
    }),
    proof: z
      .union([shellText(PROOF), probeSchema], { error: PROOF })
      .optional()
      .meta({
        description:
          'How it is proved that the fault was in force: a command that fails before it and exits with 0 meanwhile, or a probe.',
      }),
    limit: duration(LIMIT).prefault('60s').meta({
      description: 'The most that each command may take, and until in all; then it is killed.',
    }),
  }).transform(({ limit, until, heal, proof, ...rest }) => ({
    ...rest,
    ...(typeof proof === 'string' ? { proof } : proof && { probe: proof }),
    heal: String(heal), // YAML reads true as a boolean
    ...(until !== undefined && { until }),
    limitMs: limit,
  })),
  changes: ({ inject }) => [`what ${quoted(inject)} changes`],
  form: {
    about: 'Break the system by a command of yours, and mend it by another.',
    examples: [
      '--inject ./cut --heal ./mend --proof ./is-cut',
      '# in force once the second succeeds; nothing to undo',
      '--inject ./cut --until ./is-cut --heal true',
    ],
    options: [
      { flags: '--inject <command>', key: 'inject', about: 'breaks it; run by sh', isRequired: true },
      { flags: '--heal <command>', key: 'heal', about: 'undoes that, also if it failed; needed' },
      {
        flags: '--until <command>',
        key: 'until',
        about: 'run each half second until it exits with 0: the fault is in force from then on',
      },
      {
        flags: '--proof <command>',
        key: 'proof',
        about: 'must fail before the fault and exit with 0 while it is in force; else the run is unknown',
      },
      {
        flags: '--probe <probe>',
        key: 'probe',
        about:
          'instead of --proof: unreachable, failover, latency or restart, with region, node or service: unreachable,region=eu-west; latency,node=eu-1,by=100ms',
        value: { parse: parseProbe, format: (probe) => formatProbe(probe as ProbeSpec) },
      },
      {
        flags: '--limit <time>',
        key: 'limitMs',
        about: 'the most that each command may take; then it is killed',
        value: LIMIT,
        byDefault: '60s',
      },
    ],
    check: (given: { readonly heal?: string; readonly proof?: unknown; readonly probe?: unknown }): void => {
      if (given.proof !== undefined && given.probe !== undefined)
        throw invalidOption('--proof and --probe are mutually exclusive', 'remove one');
      if (given.heal !== undefined && given.heal.trim() !== '') return;
      throw invalidOption(
        'expected --heal <command>, which undoes --inject',
        'add it; if there is nothing to undo: --heal true',
      );
    },
  },
} satisfies FaultDefinition<CommandSpec>;
