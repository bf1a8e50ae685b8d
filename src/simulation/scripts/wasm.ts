import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';

interface Memory {
  readonly buffer: ArrayBuffer;
  grow(pages: number): number;
}

interface Table {
  get(address: number): (...values: number[]) => void;
  set(address: number, call: unknown): void;
  grow(by: number): number;
}

interface WasmModule {
  readonly isCompiled: true;
}

/** What this needs of WebAssembly, which the types of Node.js lack. */
const { WebAssembly } = globalThis as unknown as {
  WebAssembly: {
    Module: {
      new (bytes: Uint8Array): WasmModule;
      imports(module: WasmModule): { readonly module: string; readonly name: string }[];
    };
    Instance: new (module: WasmModule, imports: object) => { readonly exports: Record<string, unknown> };
  };
};

/** What the build of Lua 5.1 exports. Numbers are addresses, indices of the Lua stack, or sizes. */
export interface LuaExports {
  readonly memory: Memory;
  readonly __indirect_function_table: Table;
  __wasm_call_ctors(): void;
  emscripten_stack_init(): void;
  stackSave(): number;
  stackRestore(address: number): void;
  setThrew(threw: number, value: number): void;
  malloc(bytes: number): number;
  free(address: number): void;
  luaL_checknumber(lua: number, arg: number): number;
  luaL_newstate(): number;
  luaL_openlibs(lua: number): void;
  luaL_loadbuffer(lua: number, text: number, bytes: number, name: number): number;
  luaL_ref(lua: number, table: number): number;
  luaL_unref(lua: number, table: number, place: number): void;
  luaL_argerror(lua: number, arg: number, message: number): number;
  lua_checkstack(lua: number, slots: number): number;
  lua_createtable(lua: number, items: number, fields: number): void;
  lua_error(lua: number): number;
  lua_gc(lua: number, what: number, value: number): number;
  lua_getfield(lua: number, at: number, name: number): void;
  lua_gettop(lua: number): number;
  lua_pcall(lua: number, args: number, results: number, handler: number): number;
  lua_pushboolean(lua: number, value: number): void;
  lua_pushcclosure(lua: number, call: number, upvalues: number): void;
  lua_pushlstring(lua: number, bytes: number, count: number): void;
  lua_pushnumber(lua: number, value: number): void;
  lua_pushvalue(lua: number, at: number): void;
  lua_rawgeti(lua: number, at: number, item: number): void;
  lua_rawseti(lua: number, at: number, item: number): void;
  lua_setfield(lua: number, at: number, name: number): void;
  lua_settop(lua: number, top: number): void;
  lua_replace(lua: number, at: number): void;
  lua_toboolean(lua: number, at: number): number;
  lua_tolstring(lua: number, at: number, count: number): number;
  lua_tonumber(lua: number, at: number): number;
  lua_type(lua: number, at: number): number;
}

/** What C code throws where it would jump out of several functions. */
const LONG_JUMP = Symbol('longjmp');

const PAGE_BYTES = 65_536;

/**
 * Starts Lua 5.1, compiled to WebAssembly, of the package wasmoon-lua5.1. Its JavaScript is not used: this has no file, no
 * clock and no environment, which scripts of Redis lack too, and each call is several times faster. `grown` is called
 * whenever views of the memory are no longer valid.
 */
export function startLua(grown: () => void): LuaExports {
  const require = createRequire(import.meta.url);
  const file = require.resolve('wasmoon-lua5.1/dist/liblua5.1.wasm');
  const module = new WebAssembly.Module(readFileSync(file));
  const imports: Record<string, Record<string, () => unknown>> = {};
  for (const { module: from, name } of WebAssembly.Module.imports(module)) {
    imports[from] ??= {};
    imports[from][name] = () => {
      throw new Error(`Lua called ${name}, which scripts do not have`);
    };
  }
  const needed = {
    invoke_vii(call: number, first: number, second: number) {
      const stack = lua.stackSave();
      try {
        lua.__indirect_function_table.get(call)(first, second);
      } catch (thrown) {
        lua.stackRestore(stack);
        if (thrown !== LONG_JUMP) throw thrown;
        lua.setThrew(1, 0);
      }
    },
    _emscripten_throw_longjmp() {
      throw LONG_JUMP;
    },
    emscripten_memcpy_js(to: number, from: number, bytes: number) {
      new Uint8Array(lua.memory.buffer).copyWithin(to, from, from + bytes);
    },
    emscripten_resize_heap(bytes: number) {
      const missing = bytes - lua.memory.buffer.byteLength;
      lua.memory.grow(Math.ceil(Math.max(missing, lua.memory.buffer.byteLength / 4) / PAGE_BYTES));
      grown();
      return 1;
    },
  };
  const environment = {
    environ_sizes_get(count: number, bytes: number) {
      new Uint32Array(lua.memory.buffer).set([0], count / 4);
      new Uint32Array(lua.memory.buffer).set([0], bytes / 4);
      return 0;
    },
    environ_get: () => 0,
  };
  const wasi_snapshot_preview1 = { ...imports.wasi_snapshot_preview1, ...environment };
  const given = { env: { ...imports.env, ...needed }, wasi_snapshot_preview1 };
  const lua = new WebAssembly.Instance(module, given).exports as unknown as LuaExports;
  lua.emscripten_stack_init();
  lua.__wasm_call_ctors();
  return lua;
}

/** A module with one function of one number, which it imports: the table of functions takes no others. */
const WRAPPER = new WebAssembly.Module(
  Uint8Array.from([
    ...[0, 0x61, 0x73, 0x6d, 1, 0, 0, 0], // magic, version
    ...[1, 6, 1, 0x60, 1, 0x7f, 1, 0x7f], // type 0: i32 to i32
    ...[2, 7, 1, 1, 0x65, 1, 0x66, 0, 0], // import e.f of type 0
    ...[7, 5, 1, 1, 0x66, 0, 0], // export f
  ]),
);

/** The address of a function that Lua can call: it takes its arguments from the stack and returns how many results it put. */
export function addFunction(lua: LuaExports, call: () => number): number {
  const { f } = new WebAssembly.Instance(WRAPPER, { e: { f: call } }).exports;
  const table = lua.__indirect_function_table;
  const address = table.grow(1);
  table.set(address, f);
  return address;
}
