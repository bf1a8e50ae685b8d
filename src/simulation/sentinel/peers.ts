import type { FromSentinel, ToSentinel, Vote } from './messages.ts';
import { PERIODS } from './periods.ts';
import type { Watched } from './watched.ts';

/** Another Sentinel, and what it last said of the primary. */
export interface Peer {
  readonly watched: Watched;
  /** It says that the primary is down. */
  saysDown: boolean;
  vote: Vote | undefined;
  repliedMs: number;
}

/** The other Sentinels. Their answers count for five ask periods. */
export class Peers {
  readonly all: readonly Peer[];
  readonly #nowMs: () => number;

  constructor(watches: readonly ((hear: (message: ToSentinel) => void) => Watched)[], nowMs: () => number) {
    this.#nowMs = nowMs;
    this.all = watches.map((watch) => {
      const peer: Peer = {
        watched: watch((message) => {
          if ('isDown' in message) this.#hear(peer, message);
        }),
        ...{ saysDown: false, vote: undefined, repliedMs: Number.NEGATIVE_INFINITY },
      };
      return peer;
    });
  }

  /** How many say that the primary is down. */
  get saying(): number {
    return this.all.filter(({ saysDown }) => saysDown).length;
  }

  /** Asks those that did not answer in the last ask period; `isForced`: all. */
  ask(question: Extract<FromSentinel, { name: 'is-down' }>, isForced: boolean): void {
    this.forget();
    const nowMs = this.#nowMs();
    for (const { watched, repliedMs } of this.all)
      if (watched.link.isConnected && (isForced || nowMs - repliedMs >= PERIODS.askMs))
        watched.link.send(question);
  }

  /** Drops answers that are too old. */
  forget(): void {
    const nowMs = this.#nowMs();
    for (const peer of this.all)
      if (nowMs - peer.repliedMs > 5 * PERIODS.askMs) [peer.saysDown, peer.vote] = [false, undefined];
  }

  #hear(peer: Peer, { isDown, vote }: Extract<ToSentinel, { isDown: boolean }>): void {
    peer.repliedMs = this.#nowMs();
    peer.saysDown = isDown;
    peer.vote = vote ?? peer.vote;
  }
}
