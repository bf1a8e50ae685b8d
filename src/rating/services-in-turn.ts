import { randomUUID } from 'node:crypto';
import type { Dispatcher } from 'undici';
import { formatEvidence, parseEvidence } from '../core/decision.ts';
import { HEADERS } from '../core/header-names.ts';
import { type Problem, reducedCapacity } from '../http/problem.ts';
import type { ForwardedReply, Upstream } from './forward.ts';

/** Errors of undici that mean that no byte of the request was sent, unless they come from a read or write. */
const NEVER_SENT = new Set([
  'ECONNREFUSED',
  'EHOSTUNREACH',
  'ENETUNREACH',
  'ENOTFOUND',
  'EAI_AGAIN',
  'UND_ERR_CONNECT_TIMEOUT',
]);

type Answer = ForwardedReply | Problem;

type Request = Omit<Dispatcher.DispatchOptions, 'headers'> & {
  readonly headers: Readonly<Record<string, string>>;
};

/**
 * Sends a request to the first service, and if that cannot decide (no connection, no reply, 503) to the next. With
 * several services the request has a decision id made by the gateway, so it is charged at most once. If an earlier
 * service may have charged, a reply that does not admit reports a possible charge, since that request may still reach
 * Redis. So does an admission by a failure policy, in its evidence.
 */
export class ServicesInTurn {
  readonly #first: Upstream;
  readonly #others: readonly Upstream[];

  constructor(first: Upstream, others: readonly Upstream[]) {
    this.#first = first;
    this.#others = others;
  }

  async forward(request: Request): Promise<Answer> {
    if (this.#others.length === 0) return ask(this.#first, request);
    const headers = { ...request.headers, [HEADERS.decisionId]: randomUUID() };
    let answer = await ask(this.#first, { ...request, headers });
    let isChargePossible = false;
    for (const service of this.#others) {
      if (isDecided(answer)) break;
      isChargePossible ||= isPossible(answer);
      answer = await ask(service, { ...request, headers });
    }
    if (!isChargePossible) return answer;
    return answer.status >= 400 ? withPossibleCharge(answer) : withPossibleFallback(answer);
  }

  async destroy(): Promise<void> {
    await Promise.all([this.#first, ...this.#others].map((service) => service.destroy()));
  }
}

function ask(service: Upstream, request: Request): Promise<Answer> {
  return service.forward(request).catch(describeFailure);
}

function isDecided(answer: Answer): boolean {
  return 'headers' in answer && answer.status !== 503;
}

function isPossible(answer: Answer): boolean {
  return problemOf(answer).charge !== 'none'; // a 503 without `charge` may have charged
}

/** A decided reply keeps its headers, which contain the retry time of a denial. */
function withPossibleCharge(answer: Answer): Answer {
  if (!('headers' in answer) || !isDecided(answer)) return { ...problemOf(answer), charge: 'possible' };
  const problem = { ...readProblem(answer), status: answer.status, charge: 'possible' };
  return { ...answer, body: Buffer.from(JSON.stringify(problem)).toString('latin1') };
}

/** A failure policy knows only its own service's call. Redis charges the decision id at most once. */
function withPossibleFallback(answer: Answer): Answer {
  if (!('headers' in answer)) return answer;
  const at = answer.headers.indexOf(HEADERS.decision) + 1;
  const evidence = at === 0 ? undefined : parseEvidence(answer.headers[at] ?? '');
  if (evidence?.source !== 'fallback') return answer;
  const headers = answer.headers.with(at, formatEvidence({ ...evidence, charge: 'possible' }));
  return { ...answer, headers };
}

/** The problem document of a 503 reply, or a generic one. */
function problemOf(answer: Answer): Problem {
  if (!('headers' in answer)) return answer;
  const detail = 'the Rating service gave no reason';
  const read = readProblem(answer);
  return read === undefined
    ? reducedCapacity({ detail, code: 'SERVICE_FAILED', charge: 'possible' })
    : { ...(read as Problem), status: answer.status };
}

function readProblem({ body }: ForwardedReply): object | undefined {
  try {
    return JSON.parse(Buffer.from(body, 'latin1').toString());
  } catch {
    return undefined;
  }
}

/** The problem document for a missing reply: its reason, and whether tokens may have been taken. */
export function describeFailure(error: unknown): Problem {
  const { code = 'UNKNOWN', syscall } = error as { code?: string; syscall?: string };
  const wasOpen = syscall === 'read' || syscall === 'write'; // a route that is lost later has the same code
  return NEVER_SENT.has(code) && !wasOpen
    ? reducedCapacity({
        detail: `no connection to the Rating service: ${code}`,
        code: 'SERVICE_UNREACHABLE',
        charge: 'none',
      })
    : reducedCapacity({
        detail: `no reply from the Rating service: ${code}`,
        code: 'SERVICE_REPLY_LOST',
        charge: 'possible',
        status: 504,
      });
}
