import { carriedEvidence, type Decision, type Evidence } from '../../core/decision.ts';
import { OpenclawError } from '../../core/errors.ts';
import { HEADERS } from '../../core/header-names.ts';
import { type Answer, answering } from '../../http/answer.ts';
import type { Problem } from '../../http/problem.ts';
import type { Limiter } from '../../limiter/limiter.ts';
import { makeReadAsked } from '../../rating/asked.ts';
import { ENDPOINT } from '../../rating/endpoint.ts';
import { Reserving } from '../../rating/reserving.ts';

/** The headers of a request, by their names in lower case. */
export type RequestHeaders = Readonly<Record<string, string>>;

/** A reply as a client of HTTP reads it. Headers are name, value, name, value. */
export interface HttpReply {
  readonly status: number;
  readonly headers: readonly string[];
  readonly body: string;
  /** What the header of the decision says, which is not written and read again. */
  readonly decision?: Evidence | undefined;
}

interface Asked {
  readonly headers: RequestHeaders;
  decision: Decision | undefined;
}

interface InstanceOptions {
  /** Default: true. */
  readonly evidence?: boolean;
  readonly onUndecided?: (error: unknown) => void;
}

/**
 * The sample Rating service behind a limiter, without HTTP: it decides with the code of the real one, and replies the same
 * status, headers and problems. Left out: the body of an allowed request, which says nothing of the limiter.
 * Without `evidence` it also takes no reservations. `onUndecided` gets the errors of the limiter.
 */
export function ratingInstance(
  limiter: Limiter,
  { evidence = true, onUndecided }: InstanceOptions = {},
): (headers: RequestHeaders) => Promise<HttpReply> {
  const reserving = evidence ? new Reserving() : undefined;
  const { answer } = answering<readonly [Asked]>({
    limiter: reserving?.limiterOf(limiter) ?? limiter,
    subject: makeReadAsked({ limiter, reserving }),
    policyName: ENDPOINT,
    ...(reserving && {
      onDecision: (decision, request) => {
        request.decision = decision;
        reserving.noteDecision(decision, request);
      },
    }),
    onError: (error) => {
      throwMistake(error);
      onUndecided?.(error);
    },
  });
  const replyOf = (request: Asked, answered: Answer<readonly [Asked]>): HttpReply => {
    if (answered.type === 'failed') throw answered.error; // no reply is made of a mistake of ours
    const list: string[] = [];
    for (const name in answered.headers) list.push(name, answered.headers[name] as string);
    const settled = reserving?.settledOf(request);
    if (settled !== undefined) list.push(HEADERS.settled, settled);
    const decision = request.decision && carriedEvidence(request.decision.evidence);
    return answered.type === 'go-on'
      ? { status: 201, headers: list, body: '', decision }
      : { status: answered.status, headers: list, body: bodyOf(answered.problem), decision };
  };
  return (headers) => {
    const request: Asked = { headers, decision: undefined };
    return answer([request]).then((answered) => replyOf(request, answered));
  };
}

const denials = new Map<string, string>();

/** Denials are many, and those of the same policies are equal. */
function bodyOf(problem: Problem): string {
  const violated = problem['violated-policies']?.join();
  if (violated === undefined) return JSON.stringify(problem);
  const body = denials.get(violated) ?? JSON.stringify(problem);
  denials.set(violated, body);
  return body;
}

/** An error without a code is a mistake of ours, not an answer of a limiter: it ends the simulation. */
function throwMistake(error: unknown): void {
  if (!(error instanceof OpenclawError)) throw error;
}
