import type { Judge, Store, ValueOf } from './store.ts';

/** What a script runs on: the keys of one node, its clock, and what it is. */
export interface ScriptHost {
  readonly store: Store;
  /** The node's clock: whole microseconds since 1970. It stands still while a script runs. */
  readonly clockUs: number;
  /** `master_replid`: another at every start and promotion. */
  readonly replicationId: string;
  readonly isReplica: boolean;
  /** EVAL_RO called the script. */
  readonly readOnly?: boolean;
}

export interface CommandHost extends ScriptHost, Judge {}

/** An argument: bytes, each as one character, or a whole number below 2^53 in size, which scripts give as such. */
export type Arg = string | number;

/** A reply of a command; `false` is the nil of Redis. */
export type Reply =
  | number
  | string
  | false
  | readonly Reply[]
  | { readonly ok: string }
  | { readonly err: string };

export interface Command {
  /** How many arguments with the command's name; negative: at least so many. */
  readonly arity: number;
  readonly writes?: true;
  run(args: readonly Arg[], host: CommandHost): Reply;
}

export const OK = { ok: 'OK' } as const;
export const SYNTAX_ERROR = { err: 'ERR syntax error' } as const;
export const NOT_AN_INTEGER = { err: 'ERR value is not an integer or out of range' } as const;
const WRONG_TYPE = { err: 'WRONGTYPE Operation against a key holding the wrong kind of value' } as const;

export function textOf(arg: Arg | undefined): string {
  return typeof arg === 'string' ? arg : String(arg);
}

/** The argument as Redis reads a whole number of 64 bits; undefined if it is none. */
export function integerOf(arg: Arg | undefined): number | undefined {
  if (typeof arg === 'number') return arg;
  if (arg === undefined || !/^(?:0|-?[1-9]\d{0,18})$/.test(arg)) return undefined;
  return BigInt.asIntN(64, BigInt(arg)) === BigInt(arg) ? Number(arg) : undefined;
}

/** Calls with the value of a key if it has this type, or is absent. */
export function withValue<T extends keyof ValueOf>(
  type: T,
  key: Arg | undefined,
  host: CommandHost,
  use: (value: ValueOf[T] | undefined, key: string) => Reply,
): Reply {
  const name = textOf(key);
  const entry = host.store.find(name, host);
  if (entry !== undefined && entry.type !== type) return WRONG_TYPE;
  return use(entry?.value as ValueOf[T] | undefined, name);
}
