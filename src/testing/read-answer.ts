import { type Decision, parseEvidence } from '../core/decision.ts';
import { type Charge, chargeOf, invalidOption, type OpenclawError } from '../core/errors.ts';
import { HEADERS } from '../core/header-names.ts';
import { shown } from '../core/printable.ts';
import type { Outcome, Stated } from '../history/records/operation.ts';
import { OUTCOMES } from '../history/records/operation.ts';
import { readStatedHeaders } from '../history/stated/headers.ts';
import { areAmounts, type PluginDecision, readStated } from '../limiter/plugin/stated.ts';
import type { Answer } from './taken.ts';

/**
 * What a limiter answered. `failed` is certainly not charged, `info` may have been. An object also says what the limiter
 * stated: `remaining` tokens, and milliseconds until a retry or the reset.
 */
export type TakeAnswer = boolean | Outcome | PluginDecision;

/** The parts of a `Response` that are read. */
interface Reply {
  readonly status: number;
  readonly headers: Pick<Headers, 'get'> & Iterable<readonly [string, string]>;
}

/**
 * Reads the result of a take: a decision of this library, a `Response`, or a `TakeAnswer`; of any other, what `decide`
 * makes of it. Throws INVALID_OPTION for what it cannot read.
 */
export function readResult(result: unknown, decide?: (result: unknown) => TakeAnswer): Answer {
  const said = decide?.(result);
  if (isReply(result)) return readReply(result, said);
  if (said !== undefined) return readAnswer(said);
  return isDecision(result) ? readDecision(result) : readAnswer(result);
}

/** Reads an error: of this library, or one that says with `charge: 'none'` that certainly nothing was charged. */
export function readError(error: unknown): Answer {
  const { charge, code, name } = (error ?? {}) as { charge?: Charge; code?: unknown; name?: unknown };
  const text = [code, name].find((one) => typeof one === 'string' && one.isWellFormed()) ?? 'error';
  return { outcome: charge === 'none' ? 'failed' : 'info', error: String(text) };
}

function readAnswer(answer: unknown): Answer {
  if (typeof answer === 'boolean') return { outcome: answer ? 'allowed' : 'denied' };
  const outcome = OUTCOMES.find((known) => known === answer);
  if (outcome !== undefined) return { outcome };
  const { allowed } = (answer ?? {}) as Partial<PluginDecision>;
  if (typeof allowed !== 'boolean' || !areAmounts(answer as PluginDecision))
    throw invalidOption(
      `recordTakes cannot read the result of a take: expected true, false, a Response, or { allowed, remaining?, retryAfterMs?, resetMs? } with numbers of at least 0; found ${shown(answer)}`,
      'return one of these, or make it of the result in option decide of recordTakes',
    );
  const stated = readStated(answer as PluginDecision);
  return { outcome: allowed ? 'allowed' : 'denied', ...(Object.keys(stated).length > 0 && { stated }) };
}

function isDecision(result: unknown): result is Decision {
  const { allowed, evidence } = (result ?? {}) as Partial<Decision>;
  return typeof allowed === 'boolean' && typeof evidence === 'object' && evidence !== null;
}

/** In shadow mode, what the limiter decided before everything was allowed. */
function readDecision(decision: Decision): Answer {
  const { allowed, shadow, evidence, policies, isRemembered } = decision;
  const names = policies && { policies: policies.map(({ policy }) => policy) };
  if (shadow !== undefined && shadow !== 'denied')
    return { outcome: chargeOf(shadow) === 'none' ? 'failed' : 'info', error: shadow };
  const outcome = allowed && shadow === undefined ? 'allowed' : 'denied';
  const stated = policies === undefined ? statedOf(decision, outcome) : {};
  return {
    ...{ outcome, decision: evidence },
    ...names,
    ...(Object.keys(stated).length > 0 && { stated }),
    ...(isRemembered && { isRemembered }),
  };
}

function statedOf({ stated, remainingTokens, retryAfterUs }: Decision, outcome: Outcome): Stated {
  if (stated !== undefined) return stated;
  return {
    ...(remainingTokens !== undefined && { remaining: remainingTokens }),
    ...(outcome === 'denied' && retryAfterUs !== undefined && { retryAfterS: retryAfterUs / 1_000_000 }),
  };
}

function isReply(result: unknown): result is Reply {
  const { status, headers } = (result ?? {}) as Partial<Reply>;
  return typeof status === 'number' && typeof headers?.get === 'function' && Symbol.iterator in headers;
}

/** By its status: 2xx is allowed, 429 denied; any other may have been charged. */
function readReply({ status, headers }: Reply, said: TakeAnswer | undefined): Answer {
  const byStatus = status >= 200 && status < 300 ? 'allowed' : status === 429 ? 'denied' : 'info';
  const answer = readAnswer(said ?? byStatus);
  const isDecided = answer.outcome === 'allowed' || answer.outcome === 'denied';
  if (!isDecided) return { ...answer, error: `HTTP_${status}` };
  if (headers.get(HEADERS.settled) !== null) throw settled();
  const written = headers.get(HEADERS.decision);
  const decision = written === null ? undefined : parseEvidence(written);
  const stated = answer.stated ?? readStatedHeaders([...headers].flat());
  return { ...answer, ...(decision && { decision }), ...(stated && { stated }) };
}

/** What came back is not in the reply, and without it a correct limiter seems to admit too much. */
function settled(): OpenclawError {
  return invalidOption(
    `the reply has the header ${HEADERS.settled}: the cost was reserved and settled, and what came back is not in the reply`,
    'record the limiter in place of the handler or the address: give the middleware the limiter that recordTakes returned',
  );
}
