import { mkdir } from 'node:fs/promises';
import { resolve } from 'node:path';
import { Command } from 'commander';
import { environmentFailed, invalidOption } from '../../core/errors.ts';
import { printable } from '../../core/printable.ts';
import type { PartStore } from '../../experiment/parts/part-store.ts';
import { lookAtPart } from '../files/look-at-part.ts';
import { wholeNumber } from '../flags/options.ts';
import type { Environment } from '../process/environment.ts';
import { isLoopback } from '../process/loopback.ts';
import { serve } from '../process/serve.ts';

interface ClockFlags {
  readonly host: string;
  readonly port: number;
  readonly parts?: string;
}

export function serveClockCommand(environment: Environment): Command {
  return new Command('clock')
    .description('The clock that all parts of a run (see `load`) are placed on: GET /clock.')
    .option('--host <address>', 'listen on this address', '127.0.0.1')
    .option('--port <number>', 'listen on this port; 0 takes a free one', wholeNumber(0, 65_535), 7070)
    .option('--parts <folder>', 'take the files of `load --send`, and keep them in this folder')
    .addHelpText('after', EXAMPLES)
    .action(async (flags: ClockFlags) => {
      const store = flags.parts === undefined ? undefined : await openStore(flags.parts, flags, environment);
      const { createClockServer } = await import('../../experiment/parts/clock-server.ts');
      const { machineId } = await import('../../experiment/parts/machine-id.ts');
      const machine = machineId(environment.env.OPENCLAW_RL_MACHINE);
      await serve(createClockServer(store, { machine }), flags, environment);
    });
}

const EXAMPLES = `
Keep it running from before the first part starts until the last one has ended.
With --parts on an address that other machines reach, OPENCLAW_RL_TOKEN must be
set, here and for \`load --send\`, or OPENCLAW_RL_TOKEN_FILE to a file with it.

Examples:
  $ openclaw-rl serve clock --host 10.0.0.1
  $ openclaw-rl serve clock --parts parts
  $ curl http://127.0.0.1:7070/clock`;

/** Throws INVALID_OPTION for files of strangers, and ENVIRONMENT_FAILED. */
async function openStore(
  parts: string,
  { host }: ClockFlags,
  { cwd, env, log }: Environment,
): Promise<PartStore> {
  const token = env.OPENCLAW_RL_TOKEN || undefined;
  if (token === undefined && !isLoopback(host))
    throw invalidOption(
      `--parts on ${printable(host)} needs a token: other machines reach that address`,
      'set OPENCLAW_RL_TOKEN, here and for `load --send`',
    );
  const folder = resolve(cwd, parts);
  await mkdir(folder, { recursive: true }).catch((error: Error) => {
    throw environmentFailed(
      `--parts: cannot make ${printable(parts)}: ${error.message}`,
      'choose another folder',
      error,
    );
  });
  const { PartStore } = await import('../../experiment/parts/part-store.ts');
  return new PartStore({
    folder,
    ...(token !== undefined && { token }),
    look: lookAtPart,
    onReceived: ({ file, part }) => log(`part ${part.name} of run ${part.run}: ${printable(file)}\n`),
  });
}
