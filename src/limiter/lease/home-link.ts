import { bucketKey } from '../key.ts';
import type { Subject } from '../limiter.ts';
import type { AckedPort, RedisPort } from '../redis-port.ts';
import { loadScript } from '../script.ts';
import { readReply, requestArgs } from './home-script.ts';
import type { LeaseTerms, Reply, Request } from './protocol.ts';

/** The way to home, the bucket's key on its slot's primary. */
export interface HomeLink {
  /** Throws INVALID_SUBJECT. */
  keyOf(subject: Subject): string;
  /** Gives the reply once it may be accepted; rejects with why there is none. */
  ask(subject: Subject, request: Request, terms: LeaseTerms): Promise<{ reply: Reply; node: string }>;
  /** Home's level, which looking leaves as it is. */
  look(
    subject: Subject,
    terms: LeaseTerms,
  ): Promise<{ readonly levelQuanta: number; readonly atUs: number; readonly node: string }>;
  ready(): Promise<void>;
  close(): Promise<void>;
}

/** By a port that can tell when a write has reached the replicas, or where grants need not be acked, by any. */
export type HomePort =
  | { readonly grants: 'acked'; readonly redis: AckedPort }
  | { readonly grants: 'unacked'; readonly redis: RedisPort };

export function linkHome(port: HomePort, prefix: string): HomeLink {
  const script = loadScript('lease');
  const keyOf = (subject: Subject) => bucketKey(prefix, subject);
  return {
    keyOf,
    async ask(subject, request, terms) {
      const keys = [keyOf(subject)];
      const args = requestArgs(request, terms);
      if (port.grants === 'unacked') {
        const { values, node } = await port.redis.run(script, keys, args);
        return { reply: readReply(values, request), node };
      }
      const { values, node, acked } = await port.redis.runAcked(script, keys, args);
      const reply = readReply(values, request);
      if (reply.account === 'open') await acked(); // any other lends nothing that could be lost
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

/** A later request of a lease that was never opened changes nothing. */
const NEVER_OPENED = { holder: 0, lease: 0, seq: 2, used: 0, returned: 0, want: 0, need: 0, sentAtUs: 0 };
