import { badRequest } from './api-error.ts';
import { GoSyntaxError, type GoValue, parseGoJson } from './go-json.ts';

/** The Go types a field of a request body can have. */
export type GoType = 'string' | 'bool' | 'float32' | 'int64' | 'int' | GoStruct;

export interface GoStruct {
  /** As Go's messages call the struct a field is in: `Proxy`, or nothing for one without a name. */
  readonly name: string;
  /** As Go's messages call a value of this type: `toxiproxy.Proxy`. */
  readonly type: string;
  readonly fields: Readonly<Record<string, GoType>>;
}

/** What was in a body; a field that was missing or null is not in it. */
export interface Decoded {
  readonly [field: string]: string | boolean | number | Decoded | undefined;
}

/** Reads the JSON of a request body. Throws an ApiError 400 in Go's words. */
export function parseBody(body: string): GoValue {
  try {
    return parseGoJson(body);
  } catch (error) {
    throw error instanceof GoSyntaxError ? badRequest(error.message) : error;
  }
}

/** Reads a struct the way Go's json.Unmarshal does: unknown fields are ignored, the case of names does not matter. */
export function decodeStruct(value: GoValue, struct: GoStruct): Decoded {
  if (value.kind === 'null') return {};
  if (value.kind !== 'object') throw mismatch(value.kind, `value of type ${struct.type}`);
  return decodeFields(value.entries, struct, []);
}

/** Reads a list of structs; `type` is what Go calls the list. */
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
    decoded[name] = decodeField(value, type, { struct, path: [...path, name] });
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
    const number = Number(value.literal);
    const fits = type === 'float32' ? Number.isFinite(Math.fround(number)) : isInt64(value.literal);
    if (fits) return number;
    throw mismatch(`number ${value.literal}`, `${field} ${type}`);
  }
  throw mismatch(value.kind, `${field} ${type}`);
}

function isInt64(literal: string): boolean {
  return /^-?\d+$/.test(literal) && BigInt.asIntN(64, BigInt(literal)) === BigInt(literal);
}

function mismatch(found: string, wanted: string) {
  return badRequest(`json: cannot unmarshal ${found} into Go ${wanted}`);
}
