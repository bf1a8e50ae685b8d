import { constants } from 'node:os';
import { isThrownBy } from '../../limiter/plugin/error.ts';
import { replaceMember } from './outside-simulation.ts';

/**
 * A plug-in that kills the process, or aborts it, exits it instead, with the code of that signal and with the listeners of
 * an exit, until the returned function is called.
 */
export function exitOnKill(file: string): () => void {
  const isOfPlugin = () => isThrownBy(file, new Error());
  const restore = [
    replaceMember(process, 'abort', () => {
      if (isOfPlugin()) process.exit(128 + constants.signals.SIGABRT);
    }),
    replaceMember(process, 'kill', (_watched, pid, signal = 'SIGTERM') => {
      const number =
        typeof signal === 'string' ? constants.signals[signal as NodeJS.Signals] : Number(signal);
      if (pid === process.pid && number > 0 && isOfPlugin()) process.exit(128 + number);
    }),
  ];
  return () => {
    for (const each of restore) each();
  };
}
