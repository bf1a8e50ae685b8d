import type { Arg, Command, CommandHost, Reply } from './command.ts';
import { COMMANDS } from './commands.ts';
import { type LuaState, TYPE } from './lua-state.ts';

/** What the calls of a script are about: it is set before each run. */
export interface Current {
  host: CommandHost | undefined;
  /** Addresses of the first strings of KEYS, which are the bytes of `keys`. */
  addresses: number[];
  keys: string[];
}

/** Puts the library `redis` on the stack: call, pcall, error_reply and status_reply. */
export function pushRedis(state: LuaState, current: Current): void {
  const { lua, L } = state;
  const caller = new Caller(state, current);
  lua.lua_createtable(L, 0, 4);
  const add = (name: string, call: () => number) => {
    state.pushFunction(call);
    lua.lua_setfield(L, -2, state.name(name));
  };
  add('call', () => caller.call(true));
  add('pcall', () => caller.call(false));
  add('error_reply', () => {
    pushField(state, 'err', errorOf(state.toBytes(1)));
    return 1;
  });
  add('status_reply', () => {
    pushField(state, 'ok', state.toBytes(1));
    return 1;
  });
}

class Caller {
  readonly #state: LuaState;
  readonly #current: Current;
  /** By the address of the name's string, which is kept for that. */
  readonly #commands = new Map<number, Command | undefined>();
  #format: number | undefined;

  constructor(state: LuaState, current: Current) {
    this.#state = state;
    this.#current = current;
  }

  /** Runs a command with the arguments on the stack; an error is raised, or is a table with `err`. */
  call(raises: boolean): number {
    const { lua, L } = this.#state;
    const reply = this.#run(lua.lua_gettop(L));
    pushReply(this.#state, reply);
    if (raises && typeof reply === 'object' && 'err' in reply) return lua.lua_error(L);
    return 1;
  }

  #run(count: number): Reply {
    const { host } = this.#current;
    if (host === undefined) throw new Error('a command outside of a run');
    if (count === 0) return { err: 'ERR Please specify at least one argument for this redis.call() call' };
    const command = this.#command();
    if (command === undefined) return { err: `ERR a simulation has no command ${this.#state.toBytes(1)}` };
    const { arity } = command;
    if (arity >= 0 ? count !== arity : count < -arity)
      return { err: 'ERR Wrong number of args calling Redis command from script' };
    if (command.writes === true) {
      if (host.readOnly === true)
        return { err: 'ERR Write commands are not allowed from read-only scripts.' };
      if (host.isReplica) return { err: "READONLY You can't write against a read only replica." };
    }
    const args: Arg[] = [];
    for (let at = 2; at <= count; at++) {
      const arg = this.#arg(at);
      if (arg === undefined)
        return { err: 'ERR Lua redis lib command arguments must be strings or integers' };
      args.push(arg);
    }
    return command.run(args, host);
  }

  #command(): Command | undefined {
    const state = this.#state;
    const address = state.addressAt(1);
    const known = this.#commands.get(address);
    if (known !== undefined || address === 0) return known;
    const command = COMMANDS.get(state.toBytes(1).toUpperCase());
    if (command !== undefined) {
      state.hold(1);
      this.#commands.set(address, command);
    }
    return command;
  }

  #arg(at: number): Arg | undefined {
    const { lua, L } = this.#state;
    const type = lua.lua_type(L, at);
    if (type === TYPE.number) return this.#number(lua.lua_tonumber(L, at), at);
    if (type !== TYPE.string) return undefined;
    const address = this.#state.addressAt(at);
    const { addresses, keys } = this.#current;
    for (let i = 0; i < addresses.length; i++) if (addresses[i] === address) return keys[i];
    return this.#state.bytesAt(address, this.#state.lastLength);
  }

  /** A number that is not whole is written as C does by `%.17g`. */
  #number(value: number, at: number): Arg {
    if (Number.isSafeInteger(value)) return value + 0;
    if (Number.isInteger(value) && Math.abs(value) < 2 ** 62) return String(BigInt(value));
    const { lua, L } = this.#state;
    if (this.#format === undefined) {
      if (this.#state.load("return ('%.17g'):format(...)", '=number') !== undefined)
        throw new Error('no format');
      this.#format = this.#state.hold(-1);
      lua.lua_settop(L, -2);
    }
    lua.lua_rawgeti(L, -10_000, this.#format);
    lua.lua_pushvalue(L, at);
    lua.lua_pcall(L, 1, 1, 0);
    const text = this.#state.toBytes(-1);
    lua.lua_settop(L, -2);
    return text;
  }
}

function pushReply(state: LuaState, reply: Reply): void {
  const { lua, L } = state;
  if (typeof reply === 'string') state.pushBytes(reply);
  else if (typeof reply === 'number') lua.lua_pushnumber(L, reply);
  else if (reply === false) lua.lua_pushboolean(L, 0);
  else if ('ok' in reply) pushField(state, 'ok', reply.ok);
  else if ('err' in reply) pushField(state, 'err', reply.err);
  else {
    lua.lua_createtable(L, reply.length, 0);
    for (let i = 0; i < reply.length; i++) {
      pushReply(state, reply[i] as Reply);
      lua.lua_rawseti(L, -2, i + 1);
    }
  }
}

function pushField(state: LuaState, name: 'ok' | 'err', text: string): void {
  const { lua, L } = state;
  lua.lua_createtable(L, 0, 1);
  state.pushBytes(text);
  lua.lua_setfield(L, -2, state.name(name));
}

/** The text of redis.error_reply: `-CODE text` as it is, and any other as an ERR. */
function errorOf(text: string): string {
  const given = text.startsWith('-') ? text.slice(1) : text;
  return given.includes(' ') ? given : `ERR ${given}`;
}
