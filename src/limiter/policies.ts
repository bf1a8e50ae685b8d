import { checkCost } from '../core/bucket.ts';
import { OpenclawError, quoted } from '../core/errors.ts';
import { type Policy, parsePolicy } from '../core/policy.ts';
import { checkSubject } from './key.ts';
import type { Cost, NamedPolicy, Subject } from './limiter.ts';
import { checkName } from './policy-name.ts';

/** `'20:5/s'`, or a policy made by `makePolicy`. */
export type WrittenPolicy = string | Policy;

/** A limiter has one policy, or several by name that decide together. */
export type PolicyOptions =
  | { readonly policy: WrittenPolicy; readonly policies?: never; readonly overrides?: Overrides }
  | {
      readonly policy?: never;
      /** All must allow; all are charged, or none. */
      readonly policies: Readonly<Record<string, WrittenPolicy>>;
      readonly overrides?: Overrides;
    };

/**
 * Other policies for a subject, by name (`default` where the limiter has one policy); undefined for none. A level
 * that was written under another policy is read in the units of the new one: each change may give or take up to one
 * capacity of the new policy.
 */
export type Overrides = (subject: Subject) => Readonly<Record<string, WrittenPolicy>> | undefined;

/** Which policies decide about a subject. Throws INVALID_SUBJECT, and what is wrong with its overrides. */
export type PoliciesOf = (subject: Subject) => readonly NamedPolicy[];

const ONLY = 'default';
const MOST_REMEMBERED = 1_000;

/** Reads the policies once. Throws INVALID_POLICY or INVALID_OPTION; for an override, when it is asked for. */
export function readPolicies(options: PolicyOptions): {
  readonly first: Policy;
  readonly policiesOf: PoliciesOf;
} {
  const named = Object.entries(writtenPolicies(options)).map(([name, written]) => ({
    name: checkName(name),
    policy: readPolicy(written),
  }));
  const [first] = named;
  if (first === undefined)
    throw new OpenclawError('INVALID_OPTION', 'policies must name at least one policy', {
      hint: "write policies: { burst: '10:10/s', hourly: '1000:1000/h' }",
    });
  const { overrides } = options;
  if (overrides !== undefined && typeof overrides !== 'function')
    throw new OpenclawError('INVALID_OPTION', `overrides must be a function; found ${quoted(overrides)}`, {
      hint: "write overrides: ({ user }) => (user === 'hedy' ? { default: '50:50/s' } : undefined)",
    });
  const ofSubject = overrides === undefined ? () => named : overridden(named, overrides);
  const policiesOf: PoliciesOf = (subject) => {
    checkSubject(subject);
    return ofSubject(subject);
  };
  return { first: first.policy, policiesOf };
}

/** What the policies are called, in their order. */
export function policyNames(options: PolicyOptions): readonly string[] {
  return Object.keys(writtenPolicies(options));
}

/** Throws INVALID_OPTION for what a strategy does not know that decides by one policy, and asks for each take alone. */
export function refuseSeveral(
  strategy: string,
  options: PolicyOptions & { readonly batch?: boolean; readonly localAnswers?: unknown },
): void {
  const refused = (what: string, hint: string) =>
    new OpenclawError('INVALID_OPTION', `strategy ${strategy} ${what}`, {
      hint: `${hint}, or use strategy central`,
    });
  const { length } = policyNames(options);
  if (length > 1) throw refused(`decides by one policy; found ${length}`, 'give one');
  if (options.batch) throw refused('asks for no takes in batches', 'leave batch out');
  if (options.localAnswers !== undefined) throw refused('gives no local answers', 'leave localAnswers out');
}

function writtenPolicies({ policy, policies }: PolicyOptions): Readonly<Record<string, WrittenPolicy>> {
  if (policy !== undefined && policies !== undefined)
    throw new OpenclawError('INVALID_OPTION', 'give policy or policies, not both', {
      hint: 'name the one policy among policies',
    });
  return policies ?? { [ONLY]: policy };
}

function overridden(named: readonly NamedPolicy[], overrides: Overrides): PoliciesOf {
  const names = new Set(named.map(({ name }) => name));
  const read = remembering(readPolicy);
  return (subject) => {
    const own = overrides(subject);
    if (own === undefined || own === null) return named;
    if (typeof own !== 'object' || Array.isArray(own) || 'then' in own)
      throw new OpenclawError(
        'INVALID_OPTION',
        `overrides must be policies by name, at once and not as a promise; found ${quoted(own)}`,
        { hint: 'look them up before, and return what is known by then' },
      );
    const unknown = Object.keys(own).find((name) => !names.has(name));
    if (unknown !== undefined)
      throw new OpenclawError(
        'INVALID_OPTION',
        `an override must be of one of the policies ${[...names].join(', ')}; found ${quoted(unknown)}`,
        { hint: 'return the overrides under the names of the policies' },
      );
    return named.map(({ name, policy }) => ({ name, policy: read(own[name] ?? policy) }));
  };
}

/** Overrides are asked for at every take and are mostly the same few texts. */
function remembering(read: (written: WrittenPolicy) => Policy): (written: WrittenPolicy) => Policy {
  const known = new Map<WrittenPolicy, Policy>();
  return (written) => {
    const policy = known.get(written) ?? read(written);
    if (known.size < MOST_REMEMBERED) known.set(written, policy);
    return policy;
  };
}

function readPolicy(written: WrittenPolicy): Policy {
  if (typeof written === 'string') return parsePolicy(written);
  if (Number.isSafeInteger(written?.capacityQuanta) && Number.isSafeInteger(written.quantaPerUs))
    return written;
  throw new OpenclawError(
    'INVALID_POLICY',
    `a policy is written capacity:rate, for example 20:5/s, or made by makePolicy; found ${quoted(written)}`,
  );
}

/** Tokens that a cost asks of one policy. Throws INVALID_COST or COST_ABOVE_CAPACITY. */
export function costOf(cost: Cost, { name, policy }: NamedPolicy): number {
  const tokens = isByName(cost) ? ownOf(cost, name) : cost;
  checkCost(tokens, policy);
  return tokens;
}

function isByName(cost: Cost): cost is Readonly<Record<string, number>> {
  return typeof cost === 'object' && cost !== null && !Array.isArray(cost);
}

/** A policy may be called `constructor`, which every object has. */
function ownOf(cost: Readonly<Record<string, number | undefined>>, name: string): number {
  const own = Object.hasOwn(cost, name) ? cost[name] : undefined;
  return own === undefined ? 1 : own;
}

/** Throws INVALID_COST for a name that no policy has: tokens that would not be charged. */
export function checkCostNames(cost: Cost, policies: readonly NamedPolicy[]): void {
  if (!isByName(cost)) return;
  const unknown = Object.keys(cost).find((key) => policies.every(({ name }) => name !== key));
  if (unknown === undefined) return;
  const names = policies.map(({ name }) => name).join(', ');
  throw new OpenclawError('INVALID_COST', `a cost by name must be of ${names}; found ${quoted(unknown)}`);
}
