import { checkCost } from '../../core/bucket.ts';
import { invalidOption, OpenclawError } from '../../core/errors.ts';
import { formatPolicy, makePolicy, type Policy, parsePolicy } from '../../core/policy.ts';
import { quoted } from '../../core/printable.ts';
import type { Cost, NamedPolicy, Subject } from '../limiter.ts';
import { answerOf } from './answer-of.ts';
import { checkSubject } from './key.ts';

/** A policy as text, `'20:5/s'` (capacity in tokens, rate), or the result of `makePolicy`. */
export type WrittenPolicy = string | Policy;

/** The policy of a limiter, or several policies by name that decide together. */
export type PolicyOptions = SeveralPolicies | SinglePolicy;

interface SeveralPolicies {
  readonly policy?: never;
  /** A take is allowed if every policy allows it. It charges all of them, or none. */
  readonly policies: Readonly<Record<string, WrittenPolicy>>;
  readonly overrides?: Overrides;
}

interface SinglePolicy {
  readonly policy: WrittenPolicy;
  readonly policies?: never;
  readonly overrides?: Overrides;
}

/**
 * Returns other policies for a subject, by policy name (`default` if the limiter has one policy), or undefined for none.
 * It is called synchronously for every take. A subject whose policy changes keeps its tokens, at most the new capacity.
 */
export type Overrides = (subject: Subject) => Readonly<Record<string, WrittenPolicy>> | undefined;

/** The policies of a subject. Throws INVALID_SUBJECT; for wrong overrides INVALID_OPTION or INVALID_POLICY. */
export type PoliciesOf = (subject: Subject) => readonly NamedPolicy[];

const ONLY = 'default';
const MOST_REMEMBERED = 1_000;
/** A bucket with 64 reservations is still read by one `unpack` of Lua, and the count fits the last byte of its value. */
const MOST_POLICIES = 100;

/** The policies of a limiter. */
export interface Policies {
  /** The first, without overrides. */
  readonly policy: Policy;
  readonly policiesOf: PoliciesOf;
}

/** Reads policies and overrides. Throws INVALID_POLICY or INVALID_OPTION; for an override, at the take. */
export function readPolicies(options: PolicyOptions): Policies {
  const named = Object.entries(writtenPolicies(options)).map(([name, written]) => ({
    name: checkName(name),
    policy: readPolicy(written),
  }));
  const [first] = named;
  if (first === undefined)
    throw invalidOption(
      'policies must name at least one policy',
      "use policies: { burst: '10:10/s', hourly: '1000:1000/h' }",
    );
  if (named.length > MOST_POLICIES)
    throw invalidOption(
      `policies must name at most ${MOST_POLICIES} policies; found ${named.length}`,
      'give subjects that differ another policy by overrides',
    );
  const { overrides } = options;
  if (overrides !== undefined && typeof overrides !== 'function')
    throw invalidOption(
      `overrides must be a function; found ${quoted(overrides)}`,
      "use overrides: ({ user }) => (user === 'hedy' ? { default: '50:50/s' } : undefined)",
    );
  const ofSubject = overrides === undefined ? () => named : overridden(named, overrides);
  const policiesOf: PoliciesOf = (subject) => {
    checkSubject(subject);
    return ofSubject(subject);
  };
  return { policy: first.policy, policiesOf };
}

/** The policy of a subject, for strategies that support one policy. */
export function onlyPolicyOf({ policiesOf }: Pick<Policies, 'policiesOf'>, subject: Subject): NamedPolicy {
  const [named] = policiesOf(subject);
  if (named === undefined) throw new Error('a limiter without a policy'); // readBuckets refuses it
  return named;
}

/** The names of the policies, in their order. */
export function policyNames(options: PolicyOptions): readonly string[] {
  return Object.keys(writtenPolicies(options));
}

/** Throws INVALID_OPTION for several policies, batches and local answers, which this strategy does not support. */
export function refuseSeveral(
  strategy: string,
  options: PolicyOptions & { readonly batch?: boolean; readonly localAnswers?: unknown },
): void {
  const refused = (what: string, hint: string) =>
    invalidOption(`strategy ${strategy} ${what}`, `${hint}, or use strategy central`);
  const { length } = policyNames(options);
  if (length > 1) throw refused(`supports one policy; found ${length}`, 'give one');
  if (options.batch) throw refused('does not support batch', 'remove it');
  if (options.localAnswers !== undefined) throw refused('does not support localAnswers', 'remove it');
}

function writtenPolicies({ policy, policies }: PolicyOptions): Readonly<Record<string, WrittenPolicy>> {
  if (policy !== undefined && policies !== undefined)
    throw invalidOption('policy and policies are mutually exclusive', 'move the policy into policies');
  return policies ?? { [ONLY]: policy };
}

function overridden(named: readonly NamedPolicy[], overrides: Overrides): PoliciesOf {
  const names = new Set(named.map(({ name }) => name));
  const read = remembering(readPolicy);
  return (subject) => {
    const own = answerOf('overrides', overrides, subject);
    if (own === undefined || own === null) return named;
    if (typeof own !== 'object' || Array.isArray(own))
      throw invalidOption(
        `overrides must return policies by name; found ${quoted(own)}`,
        "for example { default: '50:50/s' }, or undefined",
      );
    const unknown = Object.keys(own).find((name) => !names.has(name));
    if (unknown !== undefined)
      throw invalidOption(
        `an override must name one of the policies ${[...names].join(', ')}; found ${quoted(unknown)}`,
        'name each member after a policy',
      );
    return named.map(({ name, policy }) => ({ name, policy: read(own[name] ?? policy) }));
  };
}

/** Overrides are read at every take and are mostly the same few texts. */
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
  if (typeof written?.refill === 'object' && written.refill !== null) return checkMade(written);
  throw new OpenclawError(
    'INVALID_POLICY',
    `a policy is written capacity:rate, for example 20:5/s, or made by makePolicy; found ${quoted(written)}`,
  );
}

const QUANTA = ['quantaPerToken', 'quantaPerUs', 'capacityQuanta'] as const;

/** Checks that an object has the numbers of its capacity and rate: levels are stored in its quanta. */
function checkMade(policy: Policy): Policy {
  const { capacityTokens, refill } = policy;
  const made = makePolicy(capacityTokens, refill);
  const wrong = QUANTA.find((name) => policy[name] !== made[name]);
  if (wrong === undefined) return policy;
  throw new OpenclawError(
    'INVALID_POLICY',
    `${wrong} of the policy ${formatPolicy(made)} is ${made[wrong]}; found ${quoted(policy[wrong])}; make policies by makePolicy`,
  );
}

/** The cost for one policy, in tokens. Throws INVALID_COST or COST_ABOVE_CAPACITY. */
export function costOf(cost: Cost, { name, policy }: NamedPolicy): number {
  const tokens = isByName(cost) ? ownOf(cost, name, 1) : cost;
  checkCost(tokens, policy);
  return tokens;
}

/** Whether the cost is given by policy name. */
export function isByName(cost: Cost): cost is Readonly<Record<string, number>> {
  return typeof cost === 'object' && cost !== null && !Array.isArray(cost);
}

/** The cost of a name. Own properties only: a policy may be called `constructor`. */
export function ownOf<Missing>(
  cost: Readonly<Record<string, number | undefined>>,
  name: string,
  missing: Missing,
): number | Missing {
  const own = Object.hasOwn(cost, name) ? cost[name] : undefined;
  return own === undefined ? missing : own;
}

/** Throws INVALID_COST for a name that no policy has, since its tokens would not be charged. */
export function checkCostNames(cost: Cost, policies: readonly Pick<NamedPolicy, 'name'>[]): void {
  if (!isByName(cost)) return;
  const unknown = Object.keys(cost).find((key) => policies.every(({ name }) => name !== key));
  if (unknown === undefined) return;
  const names = policies.map(({ name }) => name).join(', ');
  throw new OpenclawError('INVALID_COST', `a cost must name one of ${names}; found ${quoted(unknown)}`);
}

/** Names are sent in headers, between quotes. Throws INVALID_OPTION. */
export function checkName(name: string): string {
  if (/^[\w.-]{1,64}$/.test(name)) return name;
  throw invalidOption(
    `a policy's name is 1 to 64 letters, digits and _ . - ; found ${quoted(name)}`,
    'choose another name',
  );
}
