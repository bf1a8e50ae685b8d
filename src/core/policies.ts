import { OpenclawError } from './errors.ts';
import { formatPolicy, type Policy, parsePolicy } from './policy.ts';
import { quoted } from './printable.ts';

/** A policy with its name in decisions, costs and headers. */
export interface NamedPolicy {
  readonly name: string;
  readonly policy: Policy;
}

/** The names of policies in scenarios, flags and headers; also what expressions of them are made of. */
export const POLICY_NAME = /^[A-Za-z][\w.-]{0,63}$/;

export const POLICY_NAME_FORM = "a policy's name of letters, digits and _ . - that begins with a letter";

/** The most policies of a run. */
export const MOST_POLICIES = 10;

/**
 * Parses the policy of a run: one as `20:5/s`, whose name is then empty, or several as `burst=10:10/s, hourly=1000:1000/h`,
 * which decide together. Throws INVALID_POLICY.
 */
export function parsePolicies(text: string): readonly NamedPolicy[] {
  return joinPolicies(text.split(',').map((part) => parseNamed(part.trim())));
}

/** Parses one policy, with a name before it or without. Throws INVALID_POLICY. */
export function parseNamed(text: string): NamedPolicy {
  const at = text.indexOf('=');
  if (at < 0) return { name: '', policy: parsePolicy(text) };
  const name = text.slice(0, at);
  if (!POLICY_NAME.test(name)) throw invalid(`expected ${POLICY_NAME_FORM}; found ${quoted(name)}`);
  return { name, policy: parsePolicy(text.slice(at + 1)) };
}

/** Checks that these are one policy without a name, or several with different names. Throws INVALID_POLICY. */
export function joinPolicies(policies: readonly NamedPolicy[]): readonly NamedPolicy[] {
  const names = policies.map(({ name }) => name);
  const isOne = policies.length === 1;
  if (isOne && names[0] !== '')
    throw invalid(
      `one policy has no name; found ${quoted(names[0])}; give a second policy, or leave out the name`,
    );
  if (!isOne && names.includes(''))
    throw invalid(
      'several policies need names, like burst=10:10/s and hourly=1000:1000/h; found one without',
    );
  const twice = names.find((name, at) => names.indexOf(name) !== at);
  if (twice !== undefined) throw invalid(`each policy has its own name; found ${quoted(twice)} twice`);
  if (policies.length > MOST_POLICIES)
    throw invalid(`expected at most ${MOST_POLICIES} policies; found ${policies.length}`);
  return policies;
}

/** Writes policies as `parsePolicies` reads them. */
export function formatPolicies(policies: readonly NamedPolicy[]): string {
  return policies.map(formatNamed).join(', ');
}

/** Writes a policy as `parseNamed` reads it. */
export function formatNamed({ name, policy }: NamedPolicy): string {
  return name === '' ? formatPolicy(policy) : `${name}=${formatPolicy(policy)}`;
}

/** The policies by name; undefined for one without a name. */
export function byName(policies: readonly NamedPolicy[]): Readonly<Record<string, Policy>> | undefined {
  if (policies.length < 2) return undefined;
  return Object.fromEntries(policies.map(({ name, policy }) => [name, policy]));
}

function invalid(message: string): OpenclawError {
  return new OpenclawError('INVALID_POLICY', message);
}
