import { type LeaseTerms, type Reply, type Request, RULES, type Rules } from './protocol.ts';

/**
 * What one process knows of one bucket: its lease, and the request that is on its way, if any. One flat record of
 * numbers, changed in place: there are many, and a decision must not allocate. Times are the process's
 * monotonic clock in microseconds, tokens whole tokens counted from the lease's opening.
 */
export interface Holder {
  readonly holder: number;
  /** The current lease, or the last one when `seq` is 0. */
  lease: number;
  /** The lease's last request; 0 when there is no lease. */
  seq: number;
  granted: number;
  used: number;
  returned: number;
  expiresAtUs: number;
  /** The request `seq` has no answer yet; `want` and `need` are its. */
  isAsking: boolean;
  want: number;
  need: number;
}

/** `holder` is drawn anew at every start of a process, so that nothing that was meant for the one before is accepted. */
export function makeHolder(holder: number, lastLease = 0): Holder {
  return {
    holder,
    lease: lastLease,
    seq: 0,
    granted: 0,
    used: 0,
    returned: 0,
    expiresAtUs: 0,
    isAsking: false,
    want: 0,
    need: 0,
  };
}

/** Tokens that the holder has, whether or not their time is over. */
export function leftTokens({ granted, used, returned }: Holder): number {
  return Math.max(0, granted - used - returned);
}

/** Decides at once: takes the cost if that many tokens are left and their time is not over. */
export function tryTake(holder: Holder, costTokens: number, nowUs: number, rules: Rules = RULES): boolean {
  if (leftTokens(holder) < costTokens) return false;
  if (nowUs >= holder.expiresAtUs && rules.termIsReadAtEveryDecision) return false;
  holder.used += costTokens;
  return true;
}

/** What a request asks for, and how many of the tokens that are left it gives back. */
export interface Ask {
  readonly want: number;
  readonly need?: number;
  readonly giveBack?: number;
}

/**
 * Makes the next request: of a new lease where there is none, else of this one, which it renews. Only while no other
 * is unanswered. Tokens whose time is over are given back by it, whatever `giveBack` says. One that wants nothing and
 * gives all back ends the lease.
 */
export function ask(
  holder: Holder,
  { want, need = 0, giveBack = 0 }: Ask,
  nowUs: number,
  rules: Rules = RULES,
): Request {
  if (holder.seq === 0) open(holder);
  const left = leftTokens(holder);
  const isOver = nowUs >= holder.expiresAtUs;
  const returned = holder.returned + (isOver ? left : Math.min(giveBack, left));
  if (rules.returnsLeaveFirst) holder.returned = returned;
  holder.seq++;
  holder.isAsking = true;
  holder.want = want;
  holder.need = need;
  return { ...requestOf(holder, nowUs), returned };
}

/**
 * Asks again, by the same number, what has no answer yet; says what has been used since. A new number would reserve
 * tokens anew for each reply that is lost.
 */
export function askAgain(holder: Holder, nowUs: number, rules: Rules = RULES): Request {
  if (!rules.askedAgainByTheSameNumber) holder.seq++;
  return requestOf(holder, nowUs);
}

/** Takes a reply to the unanswered request, unless it is so late that its term is over; ignores every other. */
export function receive(
  holder: Holder,
  reply: Reply,
  { leaseUs }: LeaseTerms,
  nowUs: number,
  rules: Rules = RULES,
): boolean {
  const isAnswer =
    holder.isAsking &&
    reply.holder === holder.holder &&
    reply.lease === holder.lease &&
    reply.seq === holder.seq;
  const expiresAtUs = (rules.termBeginsAtSending ? reply.sentAtUs : nowUs) + leaseUs;
  if (!isAnswer || reply.account === 'stale' || nowUs >= expiresAtUs) return false;
  holder.isAsking = false;
  if (reply.account === 'ended') {
    close(holder);
    return true;
  }
  holder.granted = rules.grantedIsAsHomeHasIt ? reply.granted : Math.max(holder.granted, reply.granted);
  holder.expiresAtUs = Math.max(holder.expiresAtUs, expiresAtUs);
  return true;
}

function open(holder: Holder): void {
  close(holder);
  holder.lease++;
}

function close(holder: Holder): void {
  holder.seq = 0;
  holder.granted = 0;
  holder.used = 0;
  holder.returned = 0;
  holder.expiresAtUs = 0;
}

function requestOf(holder: Holder, nowUs: number): Request {
  return {
    holder: holder.holder,
    lease: holder.lease,
    seq: holder.seq,
    used: holder.used,
    returned: holder.returned,
    want: holder.want,
    need: holder.need,
    sentAtUs: nowUs,
  };
}
