import { constants } from 'node:os';
import { callsOf } from '../outside/call-origin.ts';
import { replaceMember } from '../outside/replace.ts';

/**
 * A plug-in that kills the process, or aborts it, exits it instead, with the code of that signal and with the listeners of
 * an exit, until the returned function is called.
 */
export function exitOnKill(file: string): () => void {
  const isOfPlugin = callsOf(file);
  const restore = [
    replaceMember(process, 'abort', (watched) => {
      if (isOfPlugin(watched)) process.exit(128 + constants.signals.SIGABRT);
    }),
    replaceMember(process, 'kill', (watched, [pid, signal = 'SIGTERM']) => {
      const number =
        typeof signal === 'string' ? constants.signals[signal as NodeJS.Signals] : Number(signal);
      if (pid === process.pid && number > 0 && isOfPlugin(watched)) process.exit(128 + number);
    }),
  ];
  return () => {
    for (const each of restore) each();
  };
}
