import type { Subject } from '../../limiter.ts';
import type { Buckets } from '../../options/buckets.ts';
import type { AckedPort, RedisPort } from '../../redis/port.ts';
import { loadScript, policyArgs } from '../../redis/script.ts';
import type { LeaseTerms, Reply, Request } from './protocol.ts';

export interface HomeReply {
  readonly reply: Reply;
  readonly node: string;
}

/** The client of home, the bucket's key on its slot's primary. */
export interface HomeClient {
  /** Throws INVALID_SUBJECT. */
  keyOf(subject: Subject): string;
  /**
   * Resolves with the reply once the replicas have its grant; rejects if there is no reply. Calls `onReply` if they may
   * still lack it.
   */
  request(
    subject: Subject,
    request: Request,
    terms: LeaseTerms,
    onReply?: (reply: HomeReply) => void,
  ): Promise<HomeReply>;
  /** Reads home's level without changing it. */
  look(
    subject: Subject,
    terms: LeaseTerms,
  ): Promise<{ readonly levelQuanta: number; readonly atUs: number; readonly node: string }>;
  ready(): Promise<void>;
  close(): Promise<void>;
}

/** The port to home; `acked` grants require one that can wait for the replicas. */
export type HomePort =
  | { readonly grants: 'acked'; readonly redis: AckedPort }
  | { readonly grants: 'unacked'; readonly redis: RedisPort };

export function linkHome(port: HomePort, keyOf: Buckets['keyOf']): HomeClient {
  const script = loadScript('lease');
  return {
    keyOf,
    async request(subject, request, terms, onReply) {
      const keys = [keyOf(subject)];
      const args = requestArgs(request, terms);
      if (port.grants === 'unacked') {
        const { values, node } = await port.redis.run(script, keys, args);
        return { reply: readReply(values, request), node };
      }
      const { values, node, acked } = await port.redis.runAcked(script, keys, args);
      const reply = readReply(values, request);
      if (reply.account === 'open') {
        onReply?.({ reply, node });
        await acked(); // other replies carry no grant
      }
      return { reply, node };
    },
    async look(subject, terms) {
      const { values, node } = await port.redis.run(
        script,
        [keyOf(subject)],
        requestArgs(NEVER_OPENED, terms),
      );
      const { levelQuanta, atUs } = readReply(values, NEVER_OPENED);
      return { levelQuanta, atUs, node };
    },
    ready: () => port.redis.ready(),
    close: () => port.redis.close(),
  };
}

/** A request that reads only: home ignores a later request of a lease that was never opened. */
const NEVER_OPENED = { holder: 0, lease: 0, seq: 2, used: 0, returned: 0, want: 0, need: 0, sentAtUs: 0 };

const ACCOUNTS = ['open', 'ended', 'stale'] as const;

/** The arguments of lua/lease.lua for one request. */
export function requestArgs(request: Request, terms: LeaseTerms): [terms: string, request: string] {
  const { holder, lease, seq, used, returned, want, need } = request;
  return [termsText(terms), `${holder} ${lease} ${seq} ${used} ${returned} ${want} ${need}`];
}

const written = new WeakMap<LeaseTerms, string>();

/** Cached, since all requests of a policy have it. */
function termsText(terms: LeaseTerms): string {
  const known = written.get(terms);
  if (known !== undefined) return known;
  const { policy, leaseUs, marginUs } = terms;
  const text = [...policyArgs(policy), leaseUs + marginUs].join(' ');
  written.set(terms, text);
  return text;
}

/** The reply of lua/lease.lua to a request. */
export function readReply(values: readonly number[], { holder, lease, seq, sentAtUs }: Request): Reply {
  const [account = 1, granted = 0, levelQuanta = 0, borrowers = 0, atUs = 0] = values;
  const state = ACCOUNTS[account] ?? 'ended';
  return { holder, lease, account: state, seq, granted, sentAtUs, levelQuanta, borrowers, atUs };
}
