import type { Script } from '../../limiter/redis/script.ts';
import { type LuaState, TYPE, toText } from './lua-state.ts';

/** The reply of a script: integers and text, as a client reads them; or an error, worded as by Redis. */
export type ScriptResult = { readonly values: readonly (number | string)[] } | { readonly error: string };

/** Reads the value on top of the stack: a list up to its first nil, or a table with `err`. */
export function readReply(state: LuaState): ScriptResult {
  const { lua, L } = state;
  const top = lua.lua_gettop(L);
  if (lua.lua_type(L, top) !== TYPE.table) return UNEXPECTED;
  lua.lua_getfield(L, top, state.name('err'));
  if (lua.lua_type(L, -1) === TYPE.string) return { error: toText(state.toBytes(-1)) };
  lua.lua_settop(L, top);
  const values: (number | string)[] = [];
  for (let i = 1; ; i++) {
    lua.lua_rawgeti(L, top, i);
    const type = lua.lua_type(L, -1);
    if (type === TYPE.number) values.push(integerOf(lua.lua_tonumber(L, -1)));
    else if (type === TYPE.string) values.push(toText(state.toBytes(-1)));
    else return type === TYPE.nil ? { values } : UNEXPECTED;
    lua.lua_settop(L, top);
  }
}

/** Clients of this project take no other replies. */
const UNEXPECTED = {
  error: 'ERR a simulation has replies that are lists of integers and text only',
} as const;

/** As C converts to 64 bits: towards 0, and what has no place becomes the least number. */
function integerOf(value: number): number {
  return Math.abs(value) < 2 ** 63 ? Math.trunc(value) + 0 : -(2 ** 63);
}

/** The words of the error on top of the stack: what was raised, and where. */
export function readError(state: LuaState, { sha }: Script): string {
  const { lua, L } = state;
  const top = lua.lua_gettop(L);
  if (lua.lua_type(L, top) !== TYPE.table) return `ERR ${toText(state.toBytes(top))}`;
  const field = (name: string): string | undefined => {
    lua.lua_getfield(L, top, state.name(name));
    const type = lua.lua_type(L, -1);
    return type === TYPE.string || type === TYPE.number ? toText(state.toBytes(-1)) : undefined;
  };
  const [message, source, line] = [field('err') ?? 'ERR unknown error', field('source'), field('line')];
  return source === undefined || line === undefined
    ? message
    : `${message} script: ${sha}, on ${source}:${line}.`;
}
