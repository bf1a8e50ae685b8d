import { subscribe, unsubscribe } from 'node:diagnostics_channel';
import { syncBuiltinESMExports } from 'node:module';
import os from 'node:os';
import timers from 'node:timers';
import promises from 'node:timers/promises';
import { pluginName } from '../../core/plugin-name.ts';
import { printable } from '../../core/printable.ts';
import type { OutsideUse } from '../../simulation/outside.ts';
import { type Call, callsOf } from './call-origin.ts';

interface Outside {
  readonly of: object;
  readonly name: string;
  /** Default: the name. */
  readonly shown?: string;
  /** What the plug-in is given for it. */
  readonly instead: string;
  /** A limiter that uses it decides no worse. */
  readonly harmless?: true;
}

const CLOCK = 'time.dateMs or time.nowUs';

/** Clocks, timers and random numbers that a simulation does not have. */
const OUTSIDE: readonly Outside[] = [
  { of: Date, name: 'now', shown: 'Date.now', instead: CLOCK },
  { of: performance, name: 'now', shown: 'performance.now', instead: CLOCK },
  { of: process.hrtime, name: 'bigint', shown: 'process.hrtime', instead: CLOCK },
  { of: process, name: 'hrtime', shown: 'process.hrtime', instead: CLOCK },
  { of: process, name: 'uptime', shown: 'process.uptime', instead: CLOCK },
  { of: os, name: 'uptime', shown: 'os.uptime', instead: CLOCK },
  { of: performance, name: 'mark', shown: 'performance.mark', instead: CLOCK },
  { of: performance, name: 'measure', shown: 'performance.measure', instead: CLOCK },
  { of: AbortSignal, name: 'timeout', shown: 'AbortSignal.timeout', instead: 'time.after' },
  { of: promises.scheduler, name: 'wait', shown: 'scheduler.wait', instead: 'time.after' },
  { of: Math, name: 'random', shown: 'Math.random', instead: 'randomUpTo', harmless: true },
  ...[globalThis, timers, promises].flatMap((of) => [
    { of, name: 'setTimeout', instead: 'time.after' },
    { of, name: 'setInterval', instead: 'time.every' },
  ]),
];

/** Node publishes here each client socket that `net` connects, and each that `dgram` makes. */
const SOCKETS = ['net.client.socket', 'udp.socket'];

export interface OutsideWatch {
  /** Calls back with each thing that was used, also before, until the returned function is called. */
  onUse(call: (use: OutsideUse) => void): () => void;
  release(): void;
}

/**
 * Warns once of each thing outside the simulation that the code of a plug-in calls, and of a connection, until it is
 * released. This program connects to nothing meanwhile.
 */
export function watchOutside(file: string, log: (text: string) => void): OutsideWatch {
  const isOfPlugin = callsOf(file);
  const found = new Map<string, OutsideUse>();
  const listeners = new Set<(use: OutsideUse) => void>();
  const use = ({ shown, instead, harmless }: Omit<Outside, 'of' | 'name'> & { readonly shown: string }) => {
    if (found.has(shown)) return;
    const one: OutsideUse = { used: shown, ...(harmless && { harmless }) };
    found.set(shown, one);
    const why = harmless
      ? 'the same seed gives another history'
      : 'the verdict of this run is unknown, since no seed and no virtual time determines its decisions';
    log(
      `warning: ${printable(pluginName(file))} used ${shown}, which a simulation does not have: ${why}\n` +
        `  use ${instead}, which createLimiter is given, or run it without --simulate; see docs/plugins.md\n`,
    );
    for (const call of listeners) call(one);
  };
  const restore = OUTSIDE.map(({ of, name, shown = name, ...more }) =>
    replaceMember(of, name, (watched) => {
      if (!found.has(shown) && isOfPlugin(watched)) use({ shown, ...more });
    }),
  );
  restore.push(
    replaceDate((watched) => {
      if (!found.has('new Date') && isOfPlugin(watched)) use({ shown: 'new Date', instead: CLOCK });
    }),
  );
  const onSocket = () => use({ shown: 'a connection', instead: 'scripts.run' });
  syncBuiltinESMExports();
  for (const channel of SOCKETS) subscribe(channel, onSocket);
  return {
    onUse(call) {
      for (const one of found.values()) call(one);
      listeners.add(call);
      return () => void listeners.delete(call);
    },
    release() {
      for (const channel of SOCKETS) unsubscribe(channel, onSocket);
      for (const each of restore) each();
      syncBuiltinESMExports();
    },
  };
}

/** Calls `before` first, with what stands for the member and with its arguments, until the returned function is called. */
export function replaceMember(
  holder: object,
  name: string,
  before: (watched: Call, ...args: unknown[]) => void,
): () => void {
  const members = holder as Record<string, Call>;
  const real = members[name] as Call;
  const watched = function (this: unknown, ...args: unknown[]) {
    before(watched, ...args);
    return Reflect.apply(real, this, args);
  };
  members[name] = Object.defineProperties(watched, Object.getOwnPropertyDescriptors(real)); // `promisify` needs them
  return () => {
    members[name] = real;
  };
}

/** The same of dates that are made of the time now. */
function replaceDate(before: (watched: Call) => void): () => void {
  const real = globalThis.Date;
  const handler: ProxyHandler<DateConstructor> = {
    construct(target, args, made) {
      if (args.length === 0) before(handler.construct as Call);
      return Reflect.construct(target, args, made);
    },
    apply(target, self, args: []) {
      before(handler.apply as Call);
      return Reflect.apply(target, self, args);
    },
  };
  globalThis.Date = new Proxy(real, handler);
  return () => {
    globalThis.Date = real;
  };
}
