import { subscribe, unsubscribe } from 'node:diagnostics_channel';
import { syncBuiltinESMExports } from 'node:module';
import timers from 'node:timers/promises';
import { pluginName } from '../../core/plugin-name.ts';
import { printable } from '../../core/printable.ts';
import { isThrownBy } from '../../limiter/plugin/error.ts';

interface Outside {
  readonly of: object;
  readonly name: string;
  /** Default: the name. */
  readonly shown?: string;
  /** What the plug-in is given for it. */
  readonly instead: string;
}

/** Clocks, timers and random numbers that a simulation does not have. */
const OUTSIDE: readonly Outside[] = [
  { of: Date, name: 'now', shown: 'Date.now', instead: 'time.dateMs or time.nowUs' },
  { of: Math, name: 'random', shown: 'Math.random', instead: 'randomUpTo' },
  { of: globalThis, name: 'setTimeout', instead: 'time.after' },
  { of: globalThis, name: 'setInterval', instead: 'time.every' },
  { of: timers, name: 'setTimeout', instead: 'time.after' },
];

/** Node publishes each client socket here that `net` connects. */
const SOCKETS = 'net.client.socket';

/**
 * Warns once of each thing outside the simulation that the code of a plug-in calls, and of a connection, until the returned
 * function is called. A call counts if the file of the plug-in is in its stack; this program connects to nothing meanwhile.
 * Finds neither `new Date()` nor what other files call later.
 */
export function warnOfOutside(file: string, log: (text: string) => void): () => void {
  const found = new Set<string>();
  const warn = (what: string, instead: string) => {
    if (found.has(what)) return;
    found.add(what);
    log(
      `warning: ${printable(pluginName(file))} used ${what}, which a simulation does not have: a decision that depends on it proves nothing\n` +
        `  use ${instead}, which createLimiter is given, or run it without --simulate; see docs/plugins.md\n`,
    );
  };
  const restore = OUTSIDE.map(({ of, name, shown = name, instead }) =>
    replace(of as Record<string, Call>, name, () => {
      if (!found.has(shown) && isThrownBy(file, new Error())) warn(shown, instead);
    }),
  );
  const onSocket = () => warn('a connection', 'scripts.run');
  syncBuiltinESMExports();
  subscribe(SOCKETS, onSocket);
  return () => {
    unsubscribe(SOCKETS, onSocket);
    for (const each of restore) each();
    syncBuiltinESMExports();
  };
}

type Call = (...args: unknown[]) => unknown;

/** Calls `before` first, until the returned function is called. */
function replace(holder: Record<string, Call>, name: string, before: () => void): () => void {
  const real = holder[name] as Call;
  const watched = function (this: unknown, ...args: unknown[]) {
    before();
    return Reflect.apply(real, this, args);
  };
  holder[name] = Object.defineProperties(watched, Object.getOwnPropertyDescriptors(real)); // `promisify` needs them
  return () => {
    holder[name] = real;
  };
}
