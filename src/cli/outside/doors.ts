import consoles from 'node:console';
import { inspect } from 'node:util';
import { type Door, doorsOf, INSTEAD } from './door.ts';
import { moduleDoors } from './module-doors.ts';

const ALL = /./;

/**
 * Clocks, timers, random numbers, threads and files that a simulation does not have, and that code in this process can
 * reach. Those that this version of Node.js lacks are left out.
 */
export function outsideDoors(): Door[] {
  return [...ofLanguage(), ...ofClocks(), ...ofWeb(), ...ofProcess(), ...moduleDoors()].filter(
    ({ of, name }) => Object.getOwnPropertyDescriptor(of, name)?.configurable === true,
  );
}

function ofLanguage(): Door[] {
  const { clock, timer, random, other } = INSTEAD;
  const { DateTimeFormat } = Intl;
  const { Temporal, WebAssembly } = globalThis as {
    readonly Temporal?: { readonly Now: object };
    readonly WebAssembly?: object;
  };
  return [
    {
      ...{ of: globalThis, name: 'Date', shown: 'new Date', instead: clock },
      when: (args, isNew) => !isNew || args.length === 0,
    },
    ...doorsOf('Date', Date, /^now$/, { instead: clock }),
    ...doorsOf('Intl.DateTimeFormat', DateTimeFormat.prototype, /^format(ToParts)?$/, {
      ...{ instead: clock, when: ([date]) => date === undefined },
    }),
    ...doorsOf('Temporal.Now', Temporal?.Now, ALL, { instead: clock }),
    ...doorsOf('Math', Math, /^random$/, { instead: random, harmless: true }),
    ...doorsOf('Atomics', Atomics, /^wait(Async)?$/, { instead: timer }),
    ...doorsOf('WebAssembly', WebAssembly, /^(compile|instantiate)/, {
      ...{ instead: 'use new WebAssembly.Module and Instance, or await it while the file is loaded' },
      mayLoad: true,
    }),
    ...doorsOf('', globalThis, /^(FinalizationRegistry|WeakRef|ShadowRealm)$/, { instead: other }),
  ];
}

/** Other clocks of this process. `inspect` shows some of them, too. */
function ofClocks(): Door[] {
  const instead = INSTEAD.clock;
  const ofPerformance: object = Object.getPrototypeOf(performance);
  return [
    ...doorsOf('performance', ofPerformance, /^(?!clear)/, { instead }),
    ...doorsOf('Event', Event.prototype, /^timeStamp$/, { instead }),
    ...doorsOf('File', File.prototype, /^lastModified$/, { instead }),
    ...[ofPerformance, Event.prototype, File.prototype].map((of) => ({
      ...{ of, name: inspect.custom, shown: `inspect of ${of.constructor.name}`, instead },
    })),
    ...doorsOf('', globalThis, /^Performance(Mark|Observer)$/, { instead }),
    ...[consoles, consoles.Console.prototype].flatMap((of) =>
      doorsOf('console', of, /^time(End|Log)$/, { instead }),
    ),
  ];
}

/** What browsers have on `globalThis`, too. */
function ofWeb(): Door[] {
  const { timer, interval, soon, random, connection, sync, other } = INSTEAD;
  return [
    ...doorsOf('', globalThis, /^setTimeout$/, { instead: timer }),
    ...doorsOf('', globalThis, /^setInterval$/, { instead: interval }),
    ...doorsOf('', globalThis, /^(setImmediate|BroadcastChannel|MessageChannel)$/, { instead: soon }),
    ...doorsOf('AbortSignal', AbortSignal, /^timeout$/, { instead: timer }),
    ...doorsOf('', globalThis, /^(fetch|WebSocket|EventSource)$/, { instead: connection }),
    ...doorsOf('', globalThis, /^(Dec|C)ompressionStream$/, { instead: sync }),
    ...doorsOf('', globalThis, /^(local|session)Storage$/, { instead: other }),
    ...doorsOf('Blob', Blob.prototype, /^(arrayBuffer|bytes|stream|text)$/, { instead: other }),
    ...doorsOf('URL', URL, /^createObjectURL$/, { instead: random, harmless: true }),
    ...doorsOf('crypto', Object.getPrototypeOf(crypto), /random/i, { instead: random, harmless: true }),
    ...doorsOf('crypto.subtle', Object.getPrototypeOf(crypto.subtle), ALL, { instead: sync, mayLoad: true }),
  ];
}

function ofProcess(): Door[] {
  const { clock, random, other } = INSTEAD;
  const { hrtime, memoryUsage, report } = process;
  return [
    ...doorsOf('process', process, /^(hrtime|uptime|cpuUsage|threadCpuUsage|resourceUsage)$/, {
      instead: clock,
    }),
    ...doorsOf('process.hrtime', hrtime, /^bigint$/, { instead: clock }),
    ...doorsOf('process', process, /^(memoryUsage|.*Memory)$/, { instead: other }),
    ...doorsOf('process.memoryUsage', memoryUsage, /^rss$/, { instead: other }),
    ...doorsOf('process', process, /^(_?getActive.*|_linkedBinding|binding|dlopen|openStdin|stdin)$/, {
      instead: other,
    }),
    ...doorsOf('process.report', report, ALL, { instead: other }),
    ...doorsOf('process', process, /^p?pid$/, { instead: random, harmless: true }),
  ];
}
