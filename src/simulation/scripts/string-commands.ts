import {
  type Arg,
  type Command,
  type CommandHost,
  integerOf,
  NOT_AN_INTEGER,
  OK,
  type Reply,
  SYNTAX_ERROR,
  textOf,
  withValue,
} from './command.ts';
import { NEVER } from './store.ts';

/** The largest time of Redis, in milliseconds. */
const LAST_MS = 2 ** 63;

/** Commands of texts, and those of keys of any type. */
export const stringCommands: Readonly<Record<string, Command>> = {
  GET: {
    arity: 2,
    run: ([key], host) => withValue('string', key, host, (value) => value ?? false),
  },
  PSETEX: {
    arity: 4,
    writes: true,
    run([key, life, value], host) {
      const ms = integerOf(life);
      if (ms === undefined) return NOT_AN_INTEGER;
      if (!isLife(ms, host)) return { err: "ERR invalid expire time in 'psetex' command" };
      host.store.write({ type: 'set', key: textOf(key), value: textOf(value), expireAtMs: host.nowMs + ms });
      return OK;
    },
  },
  SET: { arity: -3, writes: true, run: set },
  DEL: {
    arity: -2,
    writes: true,
    run(keys, host) {
      const found = keys.map(textOf).filter((key) => {
        if (host.store.find(key, host) === undefined) return false;
        host.store.write({ type: 'delete', key });
        return true;
      });
      return found.length;
    },
  },
  EXISTS: {
    arity: -2,
    run: (keys, host) => keys.filter((key) => host.store.find(textOf(key), host) !== undefined).length,
  },
  PTTL: {
    arity: 2,
    run([key], host) {
      const entry = host.store.find(textOf(key), host);
      if (entry === undefined) return -2;
      return entry.expireAtMs === NEVER ? -1 : entry.expireAtMs - host.nowMs;
    },
  },
  EXPIRE: { arity: 3, writes: true, run: (args, host) => expire(args, 1000, 'expire', host) },
  PEXPIRE: { arity: 3, writes: true, run: (args, host) => expire(args, 1, 'pexpire', host) },
  INCRBY: { arity: 3, writes: true, run: ([key, by], host) => increase(key, by, host) },
  INCR: { arity: 2, writes: true, run: ([key], host) => increase(key, 1, host) },
};

/** `SET key value [NX | XX] [EX seconds | PX milliseconds | KEEPTTL]`. */
function set([name, value, ...options]: readonly Arg[], host: CommandHost): Reply {
  const key = textOf(name);
  const known = host.store.find(key, host);
  let expireAtMs = NEVER;
  let isWanted = true;
  for (let i = 0; i < options.length; i++) {
    const option = textOf(options[i]).toUpperCase();
    if (option === 'NX') isWanted = known === undefined;
    else if (option === 'XX') isWanted = known !== undefined;
    else if (option === 'KEEPTTL') expireAtMs = known?.expireAtMs ?? NEVER;
    else if ((option === 'PX' || option === 'EX') && i + 1 < options.length) {
      const life = integerOf(options[++i]);
      if (life === undefined) return NOT_AN_INTEGER;
      const ms = option === 'EX' ? 1000 * life : life;
      if (!isLife(ms, host)) return { err: "ERR invalid expire time in 'set' command" };
      expireAtMs = host.nowMs + ms;
    } else return SYNTAX_ERROR;
  }
  if (!isWanted) return false;
  host.store.write({ type: 'set', key, value: textOf(value), expireAtMs });
  return OK;
}

function isLife(ms: number, { nowMs }: CommandHost): boolean {
  return ms > 0 && ms < LAST_MS - nowMs;
}

/** Without the conditions NX, XX, GT and LT. A life that is over deletes the key. */
function expire([name, life]: readonly Arg[], unitMs: number, command: string, host: CommandHost): Reply {
  const given = integerOf(life);
  if (given === undefined) return NOT_AN_INTEGER;
  const ms = given * unitMs;
  if (Math.abs(ms) >= LAST_MS - host.nowMs) return { err: `ERR invalid expire time in '${command}' command` };
  const key = textOf(name);
  if (host.store.find(key, host) === undefined) return 0;
  host.store.write(ms > 0 ? { type: 'expire', key, expireAtMs: host.nowMs + ms } : { type: 'delete', key });
  return 1;
}

function increase(name: Arg | undefined, by: Arg | undefined, host: CommandHost): Reply {
  return withValue('string', name, host, (value, key) => {
    const [before, more] = [value === undefined ? 0 : integerOf(value), integerOf(by)];
    if (before === undefined || more === undefined) return NOT_AN_INTEGER;
    const after = before + more;
    if (!Number.isSafeInteger(after)) return { err: 'ERR increment or decrement would overflow' };
    const expireAtMs = host.store.find(key, host)?.expireAtMs ?? NEVER;
    host.store.write({ type: 'set', key, value: String(after), expireAtMs });
    return after;
  });
}
