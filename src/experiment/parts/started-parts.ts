import type { Receipt } from './part-store.ts';

/** Of a run that is over nothing is asked any more. */
const MOST_PARTS = 10_000;

/**
 * Which process sends each part of a run. If two sent the same part, each would see denials for what the other spent, and a
 * correct limiter would be accused of them.
 */
export class StartedParts {
  readonly #senders = new Map<string, string>();

  /** Takes a part for a sender, who is the first; others are refused. */
  start({
    run,
    part,
    sender,
  }: {
    readonly run: string;
    readonly part: string;
    readonly sender: string;
  }): Receipt {
    if (!SENDER.test(sender)) return { status: 400, error: 'expected who sends it, in the header From' };
    const key = `${run}/${part}`;
    const first = this.#senders.get(key) ?? sender;
    if (first !== sender) return { status: 409, error: `another process sends this part: ${first}` };
    this.#senders.set(key, sender);
    const [oldest = ''] = this.#senders.keys();
    if (this.#senders.size > MOST_PARTS) this.#senders.delete(oldest);
    return { status: 200 };
  }
}

const SENDER = /^[\x20-\x7e]{1,300}$/;
