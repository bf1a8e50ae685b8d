import { addFunction, type LuaExports, startLua } from './wasm.ts';

export const REGISTRY = -10_000;
export const GLOBALS = -10_002;

/** Types of Lua values. */
export const TYPE = { nil: 0, boolean: 1, number: 3, string: 4, table: 5 } as const;

/** Garbage is collected once the memory in use has grown to so much of what the last collection left, a few 100 kB. */
const PAUSE_PERCENT = 1000;
const SET_PAUSE = 6;

const FIRST_SCRATCH_BYTES = 1 << 16;

/** Texts that are kept: those of policies and of most buckets, which nearly every run gets again. */
const MOST_KEPT = 10_000;
const MOST_KEPT_CHARACTERS = 256;

/** A text of a caller as Lua has it. */
interface LuaText {
  /** In UTF-8, each byte as one character. */
  readonly bytes: string;
  readonly address: number;
}

/**
 * One Lua state, and how values cross. Strings of Lua are bytes; here each byte is one character below 256. Addresses of
 * Lua are valid until the next call that may collect garbage, unless Lua holds the string.
 */
export class LuaState {
  readonly lua: LuaExports;
  readonly L: number;
  /** The memory, valid until the next call of Lua. */
  bytes: Buffer;
  view: DataView;
  #scratch: number;
  #scratchBytes = FIRST_SCRATCH_BYTES;
  readonly #length: number;
  readonly #names = new Map<string, number>();
  /** With the place at which Lua keeps each. */
  readonly #kept = new Map<string, LuaText & { readonly place: number }>();

  constructor() {
    this.lua = startLua(() => this.#look());
    this.bytes = Buffer.from(this.lua.memory.buffer);
    this.view = new DataView(this.lua.memory.buffer);
    this.#length = this.lua.malloc(8);
    this.#scratch = this.lua.malloc(FIRST_SCRATCH_BYTES);
    this.L = this.lua.luaL_newstate();
    this.lua.luaL_openlibs(this.L);
    this.lua.lua_gc(this.L, SET_PAUSE, PAUSE_PERCENT);
  }

  #look(): void {
    this.bytes = Buffer.from(this.lua.memory.buffer);
    this.view = new DataView(this.lua.memory.buffer);
  }

  /** Memory of this state for so many bytes, until the next call. */
  scratch(bytes: number): number {
    if (bytes > this.#scratchBytes) {
      this.lua.free(this.#scratch);
      this.#scratchBytes = 2 * bytes;
      this.#scratch = this.lua.malloc(this.#scratchBytes);
    }
    return this.#scratch;
  }

  /** The address of a text that ends with a zero byte, for names. */
  name(text: string): number {
    const known = this.#names.get(text);
    if (known !== undefined) return known;
    const address = this.lua.malloc(text.length + 1);
    this.bytes.write(`${text}\0`, address, 'latin1');
    this.#names.set(text, address);
    return address;
  }

  pushBytes(text: string): void {
    const { length } = text;
    const at = this.scratch(length);
    const { bytes } = this;
    if (length > 64) bytes.write(text, at, 'latin1');
    else for (let i = 0; i < length; i++) bytes[at + i] = text.charCodeAt(i);
    this.lua.lua_pushlstring(this.L, at, length);
  }

  /** Text of a caller, in UTF-8 as clients send it. What Lua keeps is not written again. */
  pushText(text: string): LuaText {
    const known = this.#kept.get(text);
    if (known !== undefined) {
      this.lua.lua_rawgeti(this.L, REGISTRY, known.place);
      return known;
    }
    const bytes = toBytes(text);
    this.pushBytes(bytes);
    const address = this.addressAt(-1);
    if (text.length <= MOST_KEPT_CHARACTERS) this.#keep(text, { bytes, address });
    return { bytes, address };
  }

  /** Keeps the text on top of the stack. All others are released once there are too many. */
  #keep(text: string, known: LuaText): void {
    if (this.#kept.size >= MOST_KEPT) {
      for (const { place } of this.#kept.values()) this.lua.luaL_unref(this.L, REGISTRY, place);
      this.#kept.clear();
    }
    this.#kept.set(text, { ...known, place: this.hold(-1) });
  }

  /** The string or number at a place of the stack, as bytes. A number becomes a string there. */
  toBytes(at: number): string {
    const address = this.lua.lua_tolstring(this.L, at, this.#length);
    return this.bytesAt(address, this.view.getUint32(this.#length, true));
  }

  bytesAt(address: number, length: number): string {
    const { bytes } = this;
    if (length > 16) return bytes.toString('latin1', address, address + length);
    let text = '';
    for (let i = 0; i < length; i++) text += String.fromCharCode(bytes[address + i] as number);
    return text;
  }

  /** The address of the string at a place of the stack. */
  addressAt(at: number): number {
    return this.lua.lua_tolstring(this.L, at, this.#length);
  }

  /** The length of the string that was asked for last. */
  get lastLength(): number {
    return this.view.getUint32(this.#length, true);
  }

  /** Keeps the value at a place of the stack for ever. */
  hold(at: number): number {
    this.lua.lua_pushvalue(this.L, at);
    return this.lua.luaL_ref(this.L, REGISTRY);
  }

  /** Puts a function of JavaScript on the stack. */
  pushFunction(call: () => number): void {
    this.lua.lua_pushcclosure(this.L, addFunction(this.lua, call), 0);
  }

  /** Puts a function on the stack that runs this text; the message, if it is not Lua. */
  load(bytes: string, name: string): string | undefined {
    const at = this.scratch(bytes.length);
    this.bytes.write(bytes, at, 'latin1');
    const failed = this.lua.luaL_loadbuffer(this.L, at, bytes.length, this.name(name)) !== 0;
    return failed ? this.toBytes(-1) : undefined;
  }
}

/** A text in UTF-8, each byte as one character. */
export function toBytes(text: string): string {
  for (let i = 0; i < text.length; i++)
    if (text.charCodeAt(i) > 127) return Buffer.from(text, 'utf8').toString('latin1');
  return text;
}

/** The text of UTF-8 bytes, as a client reads it. */
export function toText(bytes: string): string {
  for (let i = 0; i < bytes.length; i++)
    if (bytes.charCodeAt(i) > 127) return Buffer.from(bytes, 'latin1').toString('utf8');
  return bytes;
}
