import { badRequest } from './api-error.ts';
import { GoSyntaxError, type GoValue, parseGoJson } from './go-json.ts';

/** The Go types a field of a request body can have. */
export type GoType = 'string' | 'bool' | 'float32' | 'int64' | 'int' | GoStruct;

export interface GoStruct {
  /** The name of the struct in Go's messages: `Proxy`, or empty for an anonymous struct. */
  readonly name: string;
  /** The type in Go's messages: `toxiproxy.Proxy`. */
  readonly type: string;
  readonly fields: Readonly<Record<string, GoType>>;
}

/** The fields of a body, without missing and null ones. */
export interface Decoded {
  readonly [field: string]: string | boolean | number | bigint | Decoded | undefined;
}

/** Reads the JSON of a request body. Throws an ApiError 400 with Go's message. */
export function parseBody(body: string): GoValue {
  try {
    return parseGoJson(body);
  } catch (error) {
    throw error instanceof GoSyntaxError ? badRequest(error.message) : error;
  }
}

/** Reads a struct like Go's json.Unmarshal: ignores unknown fields and the case of names. */
export function decodeStruct(value: GoValue, struct: GoStruct): Decoded {
  if (value.kind === 'null') return {};
  if (value.kind !== 'object') throw mismatch(value.kind, `value of type ${struct.type}`);
  return decodeFields(value.entries, struct, []);
}

/** Reads a list of structs; `type` is the Go type of the list. */
export function decodeList(value: GoValue, struct: GoStruct, type: string): Decoded[] {
  if (value.kind === 'null') return [];
  if (value.kind !== 'array') throw mismatch(value.kind, `value of type ${type}`);
  return value.items.map((item) => decodeStruct(item, struct));
}

type Entries = Extract<GoValue, { kind: 'object' }>['entries'];

function decodeFields(entries: Entries, struct: GoStruct, path: readonly string[]): Decoded {
  const names = Object.keys(struct.fields);
  const decoded: Record<string, Decoded[string]> = {};
  for (const [key, value] of entries) {
    const name = names.find((candidate) => candidate.toLowerCase() === key.toLowerCase());
    const type = name === undefined ? undefined : struct.fields[name];
    if (name === undefined || type === undefined || value.kind === 'null') continue;
    const field = decodeField(value, type, { struct, path: [...path, name] });
    const before = decoded[name];
    decoded[name] = typeof field === 'object' && typeof before === 'object' ? { ...before, ...field } : field;
  }
  return decoded;
}

interface Place {
  readonly struct: GoStruct;
  readonly path: readonly string[];
}

function decodeField(value: GoValue, type: GoType, { struct, path }: Place): Decoded[string] {
  const field = `struct field ${struct.name}.${path.join('.')} of type`;
  if (typeof type !== 'string') {
    if (value.kind === 'object') return decodeFields(value.entries, type, path);
    throw mismatch(value.kind, `${field} ${type.type}`);
  }
  if (type === 'string' && value.kind === 'string') return value.value;
  if (type === 'bool' && value.kind === 'bool') return value.value;
  if (value.kind === 'number' && type !== 'string' && type !== 'bool') {
    const number = type === 'float32' ? readFloat32(value.literal) : readInt64(value.literal);
    if (number !== undefined) return number;
    throw mismatch(`number ${value.literal}`, `${field} ${type}`);
  }
  throw mismatch(value.kind, `${field} ${type}`);
}

function readFloat32(literal: string): number | undefined {
  const number = Math.fround(Number(literal));
  return Number.isFinite(number) ? number : undefined;
}

/** A bigint only where a number would not be exact. */
function readInt64(literal: string): number | bigint | undefined {
  if (!/^-?\d{1,19}$/.test(literal)) return undefined;
  const exact = BigInt(literal);
  if (BigInt.asIntN(64, exact) !== exact) return undefined;
  return Number.isSafeInteger(Number(exact)) ? Number(exact) : exact;
}

function mismatch(found: string, wanted: string) {
  return badRequest(`json: cannot unmarshal ${found} into Go ${wanted}`);
}
