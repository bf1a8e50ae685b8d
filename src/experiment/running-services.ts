import { setTimeout as sleep } from 'node:timers/promises';
import { environmentFailed, type OpenclawError } from '../core/errors.ts';
import { formatPolicies, parsePolicies } from '../core/policies.ts';
import { printable, quoted } from '../core/printable.ts';
import { traitsOf } from '../core/strategies.ts';
import { count } from '../core/units.ts';
import { formatFailurePolicy } from '../limiter/wrappers/failure-policy.ts';
import { unlessInterrupted } from '../regions/waiting.ts';
import type { Plan } from '../scenario/plan.ts';
import { replicasOfPrimary } from '../topology/topology.ts';
import { failurePolicyOf } from './plan-file.ts';

export interface RunningServices {
  /** Of the gateway, without a slash at its end. */
  readonly url: string;
  /** How long they are waited for. */
  readonly withinMs: number;
  readonly region: string;
  /** Of the run: a bucket with another one may not be full at the start. */
  readonly prefix: string;
  readonly plan: Plan;
  readonly signal: AbortSignal;
  readonly onStep: (what: string) => void;
}

const ANSWER_MS = 2_000;
const AGAIN_MS = 250;

/**
 * Waits until a gateway and each of its Rating services answer, and checks that they are those of this run: a full bucket for
 * each user, and the limiter of the plan. Otherwise the checker would accuse a correct limiter. Throws ENVIRONMENT_FAILED.
 */
export async function checkServices(services: RunningServices): Promise<void> {
  const { url, withinMs, signal, onStep } = services;
  onStep(`waiting for ${url} and its Rating services`);
  const wanted = wantedOf(services);
  const deadlineMs = performance.now() + withinMs;
  for (let last = ''; ; ) {
    const lack = await unlessInterrupted(signal, `waiting for ${url}`, lackOf(services, wanted));
    if (lack === undefined) return;
    if (performance.now() > deadlineMs)
      throw environmentFailed(
        `the gateway at ${url} and its Rating services are not ready for the start: ${lack}`,
        'start them, or choose a later --start-at, for all parts',
      );
    if (lack !== last) onStep(`waiting for ${url}: ${lack}`);
    last = lack;
    await sleep(AGAIN_MS);
  }
}

type Facts = Readonly<Record<string, unknown>>;

/** What a Rating service of the run says at `/healthz`. */
function wantedOf({ plan, region, prefix }: RunningServices): Facts {
  const { strategy, limiter, policy } = plan;
  const { waitsForReplicas } = traitsOf(strategy);
  return {
    ...{ prefix, region, strategy, policy: formatPolicies(parsePolicies(policy)) },
    ...(limiter === undefined && {
      onFailure: formatFailurePolicy(failurePolicyOf(plan)),
      ...(waitsForReplicas && { replicas: replicasOfPrimary(plan.topology) }),
      evidence: true,
    }),
  };
}

/** Why they cannot be used yet. Throws if they never can. */
async function lackOf(services: RunningServices, wanted: Facts): Promise<string | undefined> {
  const { url, plan, region } = services;
  const { instances = 1 } = plan;
  const found = await ask(`${url}/healthz`);
  if (typeof found === 'string') return found;
  const upstreams = [found.upstream].flat().filter((origin) => typeof origin === 'string');
  if (found.status !== 'ok' || upstreams.length === 0)
    throw unfit(`${url} is no gateway of openclaw-rl`, 'start one: openclaw-rl serve gateway');
  if (found.region !== region)
    throw unfit(`the gateway at ${url} is of region ${quoted(found.region)}; the part is of ${region}`);
  if (upstreams.length !== instances)
    throw unfit(
      `the gateway at ${url} has ${count(upstreams.length, 'Rating service')}; the plan has ${instances}`,
      `start it with --upstream for each, or change --instances of all parts`,
    );
  for (const [at, origin] of upstreams.entries()) {
    const said = await ask(`${url}/instances/${at + 1}/healthz`);
    if (typeof said === 'string') return `${printable(origin)}: ${said}`;
    const others = Object.keys(wanted).filter((name) => said[name] !== wanted[name]);
    if (others.length > 0)
      throw unfit(
        `the Rating service ${printable(origin)} behind ${url} is not of this run: ${others.map((name) => `${name} ${quoted(said[name])}, expected ${quoted(wanted[name])}`).join('; ')}`,
        `start it with ${flagsOf(wanted, plan)}`,
      );
  }
  return undefined;
}

/** What it says, or why it says nothing: then it is asked again. */
async function ask(url: string): Promise<Facts | string> {
  try {
    const reply = await fetch(url, { signal: AbortSignal.timeout(ANSWER_MS) });
    const text = await reply.text();
    if (reply.status >= 500) return `${reply.status} ${detailOf(parse(text))}`.trim();
    return parse(text);
  } catch (error) {
    const { cause, message } = error as Error & { readonly cause?: NodeJS.ErrnoException };
    return printable(cause?.code ?? cause?.message ?? message);
  }
}

function parse(text: string): Facts {
  try {
    const said: unknown = JSON.parse(text);
    return typeof said === 'object' && said !== null ? { ...said } : {};
  } catch {
    return {};
  }
}

function detailOf({ detail }: Facts): string {
  return typeof detail === 'string' ? printable(detail) : '';
}

function flagsOf(wanted: Facts, { policy, limiter }: Plan): string {
  const { prefix, region, strategy, onFailure, replicas } = wanted;
  const acks = replicas === undefined ? '' : ` --replicas ${replicas}`;
  const decides =
    limiter === undefined
      ? `--strategy ${strategy}${acks} --on-failure ${onFailure} --evidence`
      : `--limiter ${printable(limiter)}`;
  const policies = parsePolicies(policy).map((named) => `--policy ${formatPolicies([named])}`);
  return `--prefix ${prefix} --region ${region} ${decides} ${policies.join(' ')}, and this with the same --start-at`;
}

function unfit(message: string, hint?: string): OpenclawError {
  return environmentFailed(message, hint);
}
