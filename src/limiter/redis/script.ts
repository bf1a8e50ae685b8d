import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { OpenclawError } from '../../core/errors.ts';
import type { Policy } from '../../core/policy.ts';

/** A Lua script, with its source and its SHA-1 for EVALSHA. */
export interface Script {
  readonly name: string;
  readonly source: string;
  readonly sha: string;
}

const loaded = new Map<string, Script>();

/** `lua/<name>.lua` of this package, with its includes of `lua/shared/` inserted. It is read once in a process. */
export function loadScript(name: string): Script {
  const known = loaded.get(name);
  if (known !== undefined) return known;
  const script = makeScript(name, read(`${name}.lua`));
  loaded.set(name, script);
  return script;
}

/** The script with this source; errors call it by the name. */
export function makeScript(name: string, source: string): Script {
  return { name, source, sha: createHash('sha1').update(source).digest('hex') };
}

const INCLUDE = /^-- include (shared\/[a-z-]+\.lua)$/gm;

function read(file: string): string {
  const text = readFileSync(new URL(`../../../lua/${file}`, import.meta.url), 'utf8');
  return text.replace(INCLUDE, (_, included: string) => read(included));
}

type PolicyArgs = readonly [capacity: string, refill: string, unit: string];

const written = new WeakMap<Policy, PolicyArgs>();

/** The first three script arguments of a policy. Cached: formatting them would be a third of a take's cost. */
export function policyArgs(policy: Policy): PolicyArgs {
  const known = written.get(policy);
  if (known !== undefined) return known;
  const { capacityQuanta, quantaPerUs, quantaPerToken } = policy;
  const args: PolicyArgs = [String(capacityQuanta), String(quantaPerUs), String(quantaPerToken)];
  written.set(policy, args);
  return args;
}

/** Checks a reply of integers. Throws REPLY_UNEXPECTED (charge possible), since the script has run. */
export function integers(reply: unknown, script: Script, node: string): readonly number[] {
  if (Array.isArray(reply) && reply.every(Number.isSafeInteger)) return reply;
  throw new OpenclawError(
    'REPLY_UNEXPECTED',
    `${script.name}: expected integers from ${node}, found ${String(reply)}`,
  );
}

/** Checks a reply of text and integers; ioredis returns text as bytes here. Throws REPLY_UNEXPECTED. */
export function texts(reply: unknown, script: Script, node: string): readonly (string | number)[] {
  const values: unknown[] = Array.isArray(reply)
    ? reply.map((one: unknown) => (Buffer.isBuffer(one) ? one.toString() : one))
    : [];
  if (Array.isArray(reply) && values.every((one) => typeof one === 'string' || Number.isSafeInteger(one)))
    return values as (string | number)[];
  throw new OpenclawError(
    'REPLY_UNEXPECTED',
    `${script.name}: expected text and integers from ${node}, found ${String(reply)}`,
  );
}

/** Whether the server does not know the script's SHA-1, so that no script ran. */
export function isNoScript(error: unknown): boolean {
  return error instanceof Error && error.message.startsWith('NOSCRIPT');
}
