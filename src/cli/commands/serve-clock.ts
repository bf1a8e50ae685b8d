import { Command } from 'commander';
import { wholeNumber } from '../flags/options.ts';
import type { Environment } from '../process/environment.ts';
import { serve } from '../process/serve.ts';

interface ClockFlags {
  readonly host: string;
  readonly port: number;
}

export function serveClockCommand(environment: Environment): Command {
  return new Command('clock')
    .description('The clock that all parts of a run (see `load`) are placed on: GET /clock.')
    .option('--host <address>', 'listen on this address', '127.0.0.1')
    .option('--port <number>', 'listen on this port; 0 takes a free one', wholeNumber(0, 65_535), 7070)
    .addHelpText('after', EXAMPLES)
    .action(async (flags: ClockFlags) => {
      const { createClockServer } = await import('../../experiment/parts/clock-server.ts');
      await serve(createClockServer(), flags, environment);
    });
}

const EXAMPLES = `
Keep it running from before the first part starts until the last one has ended.

Examples:
  $ openclaw-rl serve clock --host 10.0.0.1
  $ curl http://127.0.0.1:7070/clock`;
