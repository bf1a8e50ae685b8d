import { LEASE_SWITCHES, type LeaseSwitches, type LeaseTerms, type Reply, type Request } from './protocol.ts';

/**
 * The lease of one process on one bucket, and its request in flight, if any. One flat record of numbers, changed in
 * place: there are many, and a decision must not allocate. Times are on the process's monotonic clock in microseconds;
 * tokens are whole tokens, counted from the lease's opening.
 */
export interface Holder {
  readonly holder: number;
  /** The current lease, or the last one if `seq` is 0. */
  lease: number;
  /** The lease's last request; 0 without a lease. */
  seq: number;
  granted: number;
  used: number;
  returned: number;
  expiresAtUs: number;
  /** Whether request `seq` has no reply yet; `want` and `need` belong to it. */
  isUnanswered: boolean;
  want: number;
  need: number;
}

/** The tokens of the holder, even if the lease has ended. */
export function leftTokens({ granted, used, returned }: Holder): number {
  return Math.max(0, granted - used - returned);
}

/** Takes the cost if that many tokens are left and the lease has not ended. */
export function tryTake(
  holder: Holder,
  costTokens: number,
  nowUs: number,
  switches: LeaseSwitches = LEASE_SWITCHES,
): boolean {
  if (leftTokens(holder) < costTokens) return false;
  if (nowUs >= holder.expiresAtUs && switches.termIsReadAtEveryDecision) return false;
  holder.used += costTokens;
  return true;
}

/** The content of a request: tokens to borrow, and tokens to return. */
export interface RequestContent {
  readonly want: number;
  readonly need?: number;
  readonly giveBack?: number;
}

/**
 * Makes the next request; it opens a lease if there is none, and otherwise renews it. The previous request must have a
 * reply. It returns the tokens of an ended lease even if `giveBack` is less. A request with `want` 0 that returns all
 * tokens ends the lease.
 */
export function makeRequest(
  holder: Holder,
  { want, need = 0, giveBack = 0 }: RequestContent,
  nowUs: number,
  switches: LeaseSwitches = LEASE_SWITCHES,
): Request {
  if (holder.seq === 0) open(holder);
  const left = leftTokens(holder);
  const isOver = nowUs >= holder.expiresAtUs;
  const returned = holder.returned + (isOver ? left : Math.min(giveBack, left));
  if (switches.returnsLeaveFirst) holder.returned = returned;
  holder.seq++;
  holder.isUnanswered = true;
  holder.want = want;
  holder.need = need;
  return { ...requestOf(holder, nowUs), returned };
}

/**
 * Repeats the unanswered request with the same number and the current `used`. With another number home would grant
 * tokens again for each lost reply.
 */
export function repeatRequest(
  holder: Holder,
  nowUs: number,
  switches: LeaseSwitches = LEASE_SWITCHES,
): Request {
  if (!switches.repeatedByTheSameNumber) holder.seq++;
  return requestOf(holder, nowUs);
}

/** Accepts the reply to the request in flight unless its lease has ended by now. Returns false for any other reply. */
export function receive(
  holder: Holder,
  reply: Reply,
  { leaseUs }: LeaseTerms,
  nowUs: number,
  switches: LeaseSwitches = LEASE_SWITCHES,
): boolean {
  const isAnswer =
    holder.isUnanswered &&
    reply.holder === holder.holder &&
    reply.lease === holder.lease &&
    reply.seq === holder.seq;
  const expiresAtUs = (switches.termBeginsAtSending ? reply.sentAtUs : nowUs) + leaseUs;
  if (!isAnswer || reply.account === 'stale' || nowUs >= expiresAtUs) return false;
  holder.isUnanswered = false;
  if (reply.account === 'ended') {
    close(holder);
    return true;
  }
  holder.granted = switches.grantedIsAsHomeHasIt ? reply.granted : Math.max(holder.granted, reply.granted);
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
