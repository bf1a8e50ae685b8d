import type { View } from './view.ts';

/** CLUSTER_WRITABLE_DELAY: a primary that has just started serves nothing for so long. */
const WRITABLE_MS = 2_000;
/** CLUSTER_MIN_REJOIN_DELAY and CLUSTER_MAX_REJOIN_DELAY. */
const LEAST_REJOIN_MS = 500;
const MOST_REJOIN_MS = 5_000;

/**
 * `cluster_state`, as `clusterUpdateState` of Redis has it: `fail` while a slot has no owner that is up
 * (`cluster-require-full-coverage`), or while less than a majority of the primaries is reachable. A primary that was in
 * a minority waits for the node timeout, 500 to 5,000 ms, before it serves again.
 */
export class Health {
  readonly #view: View;
  readonly #nodeTimeoutMs: number;
  #isOk: boolean;
  #firstMs: number | undefined;
  #minorityMs = Number.NEGATIVE_INFINITY;

  /** `isOk`: of a cluster that has been formed; a process that starts later begins with `fail`. */
  constructor(view: View, { nodeTimeoutMs, isOk }: { nodeTimeoutMs: number; isOk: boolean }) {
    this.#view = view;
    this.#nodeTimeoutMs = nodeTimeoutMs;
    this.#isOk = isOk;
    if (isOk) this.#firstMs = Number.NEGATIVE_INFINITY;
    this.#countPrimaries();
  }

  get isOk(): boolean {
    return this.#isOk;
  }

  update(nowMs: number): void {
    const { self, table, peers } = this.#view;
    this.#firstMs ??= nowMs;
    if (!self.isReplica && !this.#isOk && nowMs - this.#firstMs < WRITABLE_MS) return;
    const isCovered =
      table.isWhole && peers.every((peer) => !peer.isFailed || this.#view.slotsOf(peer) === 0);
    const reachable = this.#countPrimaries();
    const isMajority = reachable >= this.#view.quorum;
    if (!isMajority) this.#minorityMs = nowMs;
    const isOk = isCovered && isMajority;
    if (isOk === this.#isOk) return;
    const rejoinMs = Math.max(LEAST_REJOIN_MS, Math.min(MOST_REJOIN_MS, this.#nodeTimeoutMs));
    if (isOk && !self.isReplica && nowMs - this.#minorityMs < rejoinMs) return;
    this.#isOk = isOk;
  }

  /** Notes the size of the cluster; returns how many of its primaries are reachable. */
  #countPrimaries(): number {
    const primaries = this.#view.peers.filter((peer) => !peer.isReplica && this.#view.slotsOf(peer) > 0);
    this.#view.size = primaries.length;
    return primaries.filter(({ isDown }) => !isDown).length;
  }
}
