import type { LuaState } from './lua-state.ts';

/** A double, a byte, or an unsigned number of four bytes. */
type Kind = 'd' | 'B' | 'I4';

interface Format {
  readonly kinds: readonly Kind[];
  readonly bytes: number;
}

const BYTES: Readonly<Record<Kind, number>> = { d: 8, B: 1, I4: 4 };

const MOST_KNOWN = 10_000;

/**
 * Puts `struct` of Redis on the stack, for the formats of the scripts of `lua/`: `<`, for little-endian, then `d`, `B` and
 * `I4`. Any other format is an error of the script.
 */
export function pushStruct(state: LuaState): void {
  const { lua, L } = state;
  const formatOf = knownFormats(state);

  const pack = (): number => {
    const { kinds, bytes } = formatOf();
    lua.lua_settop(L, kinds.length + 1); // a missing value is nil, as in the messages of Redis
    const from = state.scratch(bytes);
    let at = from;
    for (let i = 0; i < kinds.length; i++) {
      const value = lua.luaL_checknumber(L, i + 2);
      const kind = kinds[i] as Kind;
      if (kind === 'd') state.view.setFloat64(at, value, true);
      else if (kind === 'B') state.view.setUint8(at, value);
      else state.view.setUint32(at, value, true);
      at += BYTES[kind];
    }
    lua.lua_pushlstring(L, from, bytes);
    return 1;
  };

  /** The values, then the place behind them. */
  const unpack = (): number => {
    const { kinds, bytes } = formatOf();
    const address = state.addressAt(2);
    const first = lua.lua_gettop(L) < 3 ? 0 : lua.luaL_checknumber(L, 3) - 1;
    if (address === 0 || first + bytes > state.lastLength)
      lua.luaL_argerror(L, 2, state.name('data string too short'));
    lua.lua_checkstack(L, kinds.length + 1);
    let at = address + first;
    for (let i = 0; i < kinds.length; i++) {
      const kind = kinds[i] as Kind;
      if (kind === 'd') lua.lua_pushnumber(L, state.view.getFloat64(at, true));
      else if (kind === 'B') lua.lua_pushnumber(L, state.view.getUint8(at));
      else lua.lua_pushnumber(L, state.view.getUint32(at, true));
      at += BYTES[kind];
    }
    lua.lua_pushnumber(L, first + bytes + 1);
    return kinds.length + 1;
  };

  lua.lua_createtable(L, 0, 2);
  state.pushFunction(pack);
  lua.lua_setfield(L, -2, state.name('pack'));
  state.pushFunction(unpack);
  lua.lua_setfield(L, -2, state.name('unpack'));
}

/** What the first argument of a call says. Formats are known by the address of their string, which is kept for that. */
function knownFormats(state: LuaState): () => Format {
  const known = new Map<number, Format>();
  return () => {
    const address = state.addressAt(1);
    const found = known.get(address);
    if (found !== undefined) return found;
    const format = parse(address === 0 ? '' : state.toBytes(1));
    if (format === undefined) {
      state.lua.luaL_argerror(
        state.L,
        1,
        state.name('a simulation has struct formats of <, d, B and I4 only'),
      );
      throw new Error('not reached: an error of Lua returns to the script');
    }
    if (known.size < MOST_KNOWN) {
      state.hold(1);
      known.set(address, format);
    }
    return format;
  };
}

function parse(text: string): Format | undefined {
  if (!/^<(?:d|B|I4)*$/.test(text)) return undefined;
  const kinds = (text.match(/d|B|I4/g) ?? []) as Kind[];
  return { kinds, bytes: kinds.reduce((sum, kind) => sum + BYTES[kind], 0) };
}
