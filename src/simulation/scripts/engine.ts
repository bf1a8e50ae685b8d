import type { Script } from '../../limiter/redis/script.ts';
import type { CommandHost, ScriptHost } from './command.ts';
import { LuaState, REGISTRY, toBytes } from './lua-state.ts';
import { type Current, pushRedis } from './redis-library.ts';
import { readError, readReply, type ScriptResult } from './result.ts';
import { encloseScripts, HANDLER, VARIABLES } from './sandbox.ts';
import { pushStruct } from './struct.ts';

/** Strings of KEYS that stay on the stack while a script runs. */
const KNOWN_KEYS = 8;

/** A plug-in may write a new script for each simulation. */
const MOST_SCRIPTS = 1_000;

interface Compiled {
  /** Where Lua keeps the function. */
  readonly place: number;
  /** Of a script that begins with `#!lua`, whose flags are known before it runs. */
  readonly mayWrite: boolean | undefined;
}

/**
 * Runs scripts as Redis does, in Lua 5.1 itself: one state for all nodes of all simulations, since no script leaves anything
 * in it. Slow scripts are not interrupted, and no memory is counted.
 */
export class ScriptEngine {
  static #shared: ScriptEngine | undefined;
  readonly #state = new LuaState();
  readonly #compiled = new Map<string, Compiled | string>();
  readonly #current: Current = { host: undefined, addresses: [], keys: [] };

  private constructor() {
    pushRedis(this.#state, this.#current);
    pushStruct(this.#state);
    encloseScripts(this.#state);
  }

  /** That of this process. A new one has 16 MiB, which would be collected after each small simulation. */
  static open(): ScriptEngine {
    if (ScriptEngine.#shared === undefined || ScriptEngine.#shared.#compiled.size > MOST_SCRIPTS)
      ScriptEngine.#shared = new ScriptEngine();
    return ScriptEngine.#shared;
  }

  /** Runs a script on a node. An error is worded as by Redis; what the script wrote before stays written. */
  run(script: Script, keys: readonly string[], args: readonly string[], on: ScriptHost): ScriptResult {
    const compiled = this.#compile(script);
    if (typeof compiled === 'string') return { error: compiled };
    const refusal = refusalOf(compiled, on);
    if (refusal !== undefined) return { error: refusal };

    const { lua, L } = this.#state;
    lua.lua_settop(L, VARIABLES);
    this.#pushKeys(keys);
    this.#pushArgs(args);
    lua.lua_rawgeti(L, REGISTRY, compiled.place);
    this.#current.host = commandHost(on);
    const failed = this.#call() !== 0;
    this.#current.host = undefined;
    return failed ? { error: readError(this.#state, script) } : readReply(this.#state);
  }

  #call(): number {
    const { lua, L } = this.#state;
    try {
      return lua.lua_pcall(L, 0, 1, HANDLER);
    } catch (error) {
      ScriptEngine.#shared = undefined; // no error of a script: its state may be damaged
      throw error;
    }
  }

  #compile({ sha, source }: Script): Compiled | string {
    const known = this.#compiled.get(sha);
    if (known !== undefined) return known;
    const [shebang = ''] = /^#![^\n]*/.exec(source) ?? [];
    const flags = /^#!lua(?: flags=(\S*))?\s*$/.exec(shebang);
    const text = toBytes(source.slice(shebang.length));
    const problem = this.#state.load(text, '@user_script');
    const compiled =
      problem === undefined
        ? {
            place: this.#state.hold(-1),
            mayWrite: flags === null ? undefined : !(flags[1] ?? '').split(',').includes('no-writes'),
          }
        : `ERR Error compiling script (new function): ${problem}`;
    this.#compiled.set(sha, compiled);
    return compiled;
  }

  /** KEYS; the first strings stay on the stack, so that commands know them by their addresses. */
  #pushKeys(keys: readonly string[]): void {
    const { lua, L } = this.#state;
    const current = this.#current;
    const known = Math.min(keys.length, KNOWN_KEYS);
    current.keys.length = known;
    current.addresses.length = known;
    for (let i = 0; i < known; i++) {
      const { bytes, address } = this.#state.pushText(keys[i] as string);
      current.keys[i] = bytes;
      current.addresses[i] = address;
    }
    lua.lua_createtable(L, keys.length, 0);
    for (let i = 0; i < keys.length; i++) {
      if (i < known) lua.lua_pushvalue(L, VARIABLES + 1 + i);
      else this.#state.pushText(keys[i] as string);
      lua.lua_rawseti(L, -2, i + 1);
    }
    lua.lua_setfield(L, VARIABLES, this.#state.name('KEYS'));
  }

  #pushArgs(args: readonly string[]): void {
    const { lua, L } = this.#state;
    lua.lua_createtable(L, args.length, 0);
    for (let i = 0; i < args.length; i++) {
      this.#state.pushText(args[i] as string);
      lua.lua_rawseti(L, -2, i + 1);
    }
    lua.lua_setfield(L, VARIABLES, this.#state.name('ARGV'));
  }
}

/** Written out: a spread of `on` would cost a tenth of a take. */
function commandHost({
  store,
  clockUs,
  replicationId,
  isReplica,
  readOnly = false,
}: ScriptHost): CommandHost {
  return { store, clockUs, nowMs: Math.floor(clockUs / 1000), replicationId, isReplica, readOnly };
}

/** The error of a script that says that it may write, where it may not. */
function refusalOf({ mayWrite }: Compiled, { isReplica, readOnly }: ScriptHost): string | undefined {
  if (mayWrite !== true) return undefined;
  if (isReplica) return "READONLY You can't write against a read only replica.";
  return readOnly === true ? 'ERR Can not execute a script with write flag using *_ro command.' : undefined;
}
