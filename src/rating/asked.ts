import { HEADERS } from '../core/header-names.ts';
import { quoted } from '../core/printable.ts';
import type { Asked } from '../http/options.ts';
import type { Limiter } from '../limiter/limiter.ts';
import { readCost } from './cost.ts';
import { ENDPOINT } from './endpoint.ts';
import { RequestError } from './request-error.ts';
import type { Reserving } from './reserving.ts';

/** A request, as far as it says who asks for how much. */
interface Request {
  readonly headers: Readonly<Record<string, unknown>>;
}

interface ReadOptions {
  readonly limiter: Pick<Limiter, 'policiesOf'>;
  /** Reads what a request really costs. Absent: it takes its cost. */
  readonly reserving?: Pick<Reserving, 'costOf'> | undefined;
  /** Default false. */
  readonly decisionIds?: boolean | undefined;
}

const USER = /^[\x21-\x7e]{1,128}$/;
const DECISION_ID = /^[\w-]{1,64}$/;

/** Makes the function that reads the headers of a request to the Rating service. It throws RequestError. */
export function makeReadAsked({ limiter, reserving, decisionIds = false }: ReadOptions) {
  return ({ headers }: Request): Asked => {
    const user = readUser(headers[HEADERS.user]);
    const policies = limiter.policiesOf({ user, endpoint: ENDPOINT });
    const cost = readCost(headers[HEADERS.cost], policies);
    return {
      user,
      endpoint: ENDPOINT,
      cost: reserving?.costOf(cost, headers[HEADERS.actual], policies[0]?.name ?? '') ?? cost,
      ...(decisionIds && readDecisionId(headers[HEADERS.decisionId])),
    };
  };
}

function readUser(user: unknown): string {
  if (typeof user === 'string' && USER.test(user)) return user;
  throw new RequestError(`${HEADERS.user} must be 1 to 128 visible ASCII characters; found ${quoted(user)}`);
}

function readDecisionId(id: unknown): { decisionId?: string } {
  if (id === undefined) return {};
  if (typeof id === 'string' && DECISION_ID.test(id)) return { decisionId: id };
  throw new RequestError(`${HEADERS.decisionId} must be 1 to 64 letters, digits and - ; found ${quoted(id)}`);
}
