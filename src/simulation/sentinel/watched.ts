import { Link, type LinkOptions } from './link.ts';
import type { NodeInfo } from './messages.ts';

/** How far a replica is on the way to follow the promoted node. */
export type Reconfiguring = 'sent' | 'in progress' | 'done';

/** A node or Sentinel as one Sentinel knows it. Times are milliseconds. */
export class Watched {
  readonly name: string;
  readonly link: Link;
  readonly #nowMs: () => number;
  /** Subjectively down. */
  isDown = false;
  #downSinceMs: number | undefined;
  info: NodeInfo | undefined;
  /** When its last INFO came. */
  infoMs = Number.NEGATIVE_INFINITY;
  publishedMs: number;
  /** Since when it reports its role, and whom it follows. */
  roleSinceMs: number;
  followsSinceMs: number;
  reconfiguring: Reconfiguring | undefined;
  reconfiguredMs = 0;

  constructor(name: string, options: LinkOptions) {
    this.name = name;
    this.#nowMs = options.nowMs;
    this.link = new Link(options);
    const nowMs = options.nowMs();
    [this.publishedMs, this.roleSinceMs, this.followsSinceMs] = [nowMs, nowMs, nowMs];
  }

  /** Since when it is down; 0 if it is not. */
  get downMs(): number {
    return this.isDown && this.#downSinceMs !== undefined ? this.#nowMs() - this.#downSinceMs : 0;
  }

  /** Whether it was not down at any time in so many milliseconds. */
  wasUpFor(ms: number): boolean {
    return this.#downSinceMs === undefined || this.#nowMs() - this.#downSinceMs > ms;
  }

  judge(isDown: boolean): void {
    if (isDown && !this.isDown) this.#downSinceMs = this.#nowMs();
    this.isDown = isDown;
  }

  /** Keeps an INFO, and since when its role and its primary are those. `role`: what it was held for before the first. */
  note(info: NodeInfo, role: NodeInfo['role']): void {
    const nowMs = this.#nowMs();
    if ((this.info?.role ?? role) !== info.role) this.roleSinceMs = nowMs;
    if (this.info?.follows !== info.follows) this.followsSinceMs = nowMs;
    this.info = info;
    this.infoMs = nowMs;
  }
}
