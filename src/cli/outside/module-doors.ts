import { isBuiltin } from 'node:module';
import { type Door, doorsOf, INSTEAD } from './door.ts';

type Part = Omit<Door, 'of' | 'name' | 'shown'> & { readonly names: RegExp };

const { clock, timer, interval, soon, random, connection, sync, other } = INSTEAD;

const ANY = /./;
const CONNECTION: readonly Part[] = [
  { names: /^(?!is|get|set|validate|BlockList|SocketAddress)/, instead: connection },
];
const CLOCK: readonly Part[] = [{ names: ANY, instead: clock }];
const OTHER: readonly Part[] = [{ names: ANY, instead: other }];
const TIMERS: readonly Part[] = [
  { names: /^setTimeout$/, instead: timer },
  { names: /^setInterval$/, instead: interval },
  { names: /^setImmediate$/, instead: soon },
];

const isCallback = (args: readonly unknown[]) => typeof args.at(-1) === 'function';
const isOfSystem = ([path]: readonly unknown[]) => /^(file:\/\/)?\/(proc|sys|dev)\b/.test(String(path));
const readSync = 'read it with readFileSync, or while the file is loaded';

/** The functions of modules that lead outside. */
const DOORS: Readonly<Record<string, readonly Part[]>> = {
  async_hooks: [{ names: /^(create|execution|trigger)/, instead: other }],
  child_process: OTHER,
  crypto: [
    {
      ...{
        names: /^(random|pseudoRandom|p?rng|getRandom|generate|create(Diffie|ECDH|Sign)|sign|publicEncrypt)/,
      },
      ...{ instead: random, harmless: true },
    },
    { names: /^[a-z]/, instead: sync, mayLoad: true, when: isCallback },
  ],
  dgram: CONNECTION,
  dns: CONNECTION,
  'dns/promises': CONNECTION,
  fs: [
    { names: /^(?!.*Sync$|_|Stats$|Dirent$)|^opendirSync$/, instead: readSync, mayLoad: true },
    { names: /^[fl]?stat(fs)?Sync$/, instead: clock },
    { names: /Sync$/, instead: other, when: isOfSystem },
  ],
  'fs/promises': [{ names: ANY, instead: readSync, mayLoad: true }],
  http: CONNECTION,
  http2: CONNECTION,
  https: CONNECTION,
  net: CONNECTION,
  os: [
    { names: /^uptime$/, instead: clock },
    { names: /^(cpus|freemem|loadavg|networkInterfaces|getPriority)$/, instead: other },
  ],
  perf_hooks: CLOCK,
  readline: OTHER,
  'readline/promises': OTHER,
  'stream/web': [{ names: /ompressionStream$/, instead: sync }],
  timers: TIMERS,
  'timers/promises': TIMERS,
  tls: CONNECTION,
  v8: [{ names: /^(?!.*erialize)/, instead: other }],
  vm: OTHER,
  worker_threads: [{ names: /^(?!is|mark)/, instead: other }],
  zlib: [{ names: /^(?!.*Sync$|crc32$)/, instead: sync, mayLoad: true }],
};

/** Modules that lead nowhere, and those whose doors are members of globals. */
const INSIDE = new Set([
  ...['assert', 'assert/strict', 'buffer', 'console', 'constants', 'diagnostics_channel', 'events'],
  ...['path', 'path/posix', 'path/win32', 'process', 'punycode', 'querystring', 'stream', 'stream/consumers'],
  ...['stream/promises', 'string_decoder', 'sys', 'tty', 'url', 'util', 'util/types'],
]);

/** Whether all that a module of Node.js can do is watched where it is called; of others the import is noticed. */
export function isWatched(specifier: string): boolean {
  const name = nameOf(specifier);
  return name in DOORS || INSIDE.has(name);
}

function nameOf(specifier: string): string {
  return specifier.replace(/^node:/, '');
}

export function moduleDoors(): Door[] {
  return [
    ...Object.entries(DOORS).flatMap(([module, parts]) => {
      const of = process.getBuiltinModule(module) as object;
      return parts.flatMap(({ names, ...more }) => functionsOf(module, of, names, more));
    }),
    ...schedulerDoors(),
    ...doorsOf('process', process, /^getBuiltinModule$/, {
      ...{ instead: other, when: ([id]) => isBuiltin(String(id)) && !isWatched(String(id)) },
    }),
  ];
}

/** Timers are known without their module. What is the same function elsewhere is a door of its own. */
function functionsOf(module: string, of: object, names: RegExp, more: Omit<Part, 'names'>): Door[] {
  const shown = module.startsWith('timers') ? '' : module.replace('/', '.');
  const members = of as Readonly<Record<string, unknown>>;
  return doorsOf(shown, of, names, more)
    .filter(({ name }) => typeof Object.getOwnPropertyDescriptor(of, name)?.value === 'function')
    .map((door) => (door.when === isCallback ? { ...door, shown: `${door.shown} with a callback` } : door))
    .filter(({ name }) => members[String(name)] !== undefined);
}

function schedulerDoors(): Door[] {
  const { scheduler } = process.getBuiltinModule('timers/promises');
  return doorsOf('scheduler', Object.getPrototypeOf(scheduler), /^(wait|yield)$/, { instead: timer });
}
