import type { ClockReading } from '../../../src/history/records/operation.ts';
import type { Dice } from './dice.ts';

/** How the limiter's clocks relate to the recorder's, by the true time in microseconds since the start. */
export interface ClockPlan {
  /** `one`: the recorder's own; `apart`: not read, only about as fast; `read` by the recorder; `told` by decisions. */
  readonly kind: 'one' | 'apart' | 'read' | 'told';
  readonly nodes: readonly Node[];
  /** Of all nodes. In the order of time. */
  readonly steps: readonly { readonly atUs: number; readonly byUs: number }[];
  /** When the next node takes over, with all that the one before had. In the order of time. */
  readonly failoversUs: readonly number[];
  /** What the limiter counts in. */
  readonly granularityUs: 1 | 1_000;
}

interface Node {
  readonly offsetUs: number;
  /** Its rate is that of the recorder plus `ppm`, and changes by `wobblePpm` either way every `periodUs`. */
  readonly ppm: number;
  readonly wobblePpm: number;
  readonly periodUs: number;
}

/** The clocks of a limiter: what each shows, and what their jumps can have minted. */
export class Clocks {
  readonly #plan: ClockPlan;
  readonly #originUs: number;

  constructor(plan: ClockPlan, originUs: number) {
    this.#plan = plan;
    this.#originUs = originUs;
  }

  /** All decisions and readings of one stretch are of one clock that did not step meanwhile. */
  stretchOf(node: number, us: number): string {
    return `${node} after ${this.#plan.steps.filter(({ atUs }) => atUs <= us).length} steps`;
  }

  /** The stretch that a reading tells of; none where the clock stepped within its error. */
  toldStretch(node: number, fromUs: number, toUs: number): string | undefined {
    const stretch = this.stretchOf(node, fromUs);
    return stretch === this.stretchOf(node, toUs) ? stretch : undefined;
  }

  nodeAt(us: number): number {
    const failovers = this.#plan.failoversUs.filter((atUs) => atUs <= us).length;
    return failovers % this.#plan.nodes.length;
  }

  /** What a server's own clock shows, in whole microseconds. */
  showsUs(node: number, us: number): number {
    const { offsetUs, ppm, wobblePpm, periodUs } = this.#plan.nodes[node] as Node;
    const phase = us % (2 * periodUs);
    const wobbledUs = ((phase < periodUs ? phase : 2 * periodUs - phase) * wobblePpm) / 1_000_000;
    let steppedUs = 0;
    for (const { atUs, byUs } of this.#plan.steps) if (atUs <= us) steppedUs += byUs;
    return this.#originUs + offsetUs + steppedUs + Math.floor(us + (us * ppm) / 1_000_000 + wobbledUs);
  }

  /** What the limiter takes for the time. */
  limiterUs(us: number): { readonly node: number; readonly atUs: number } {
    const { granularityUs } = this.#plan;
    const node = this.nodeAt(us);
    return { node, atUs: Math.floor(this.showsUs(node, us) / granularityUs) * granularityUs };
  }

  /** The sum of all jumps ahead: a limiter of that clock refills for them, as it declares. */
  jumpsUs(): number {
    const { nodes, steps, failoversUs } = this.#plan;
    const stepped = steps.reduce((sum, { byUs }) => sum + Math.max(0, byUs), 0);
    return failoversUs.reduce((sum, us, nth) => {
      const beforeUs = this.showsUs(nth % nodes.length, us);
      const afterUs = this.showsUs((nth + 1) % nodes.length, us);
      return sum + Math.max(0, afterUs - beforeUs);
    }, stepped);
  }

  /** What a recorder reads of them, from start to end: `count` times each node, within an error that it states. */
  readings(
    dice: Dice,
    untilUs: number,
    count: number,
  ): { reading: ClockReading; stretch: string | undefined }[] {
    if (this.#plan.kind !== 'read') return [];
    const mostErrorUs = dice.pick([2, 50, 2_000]);
    return this.#plan.nodes.flatMap((_, node) =>
      Array.from({ length: count + 1 }, (_, at) => {
        const aboutUs = Math.floor((2 * untilUs * at) / count) / 2;
        const errorUs = 2 + dice.below(mostErrorUs);
        const readUs = Math.max(0, aboutUs + dice.between(-1, 1) * (errorUs - 2) * 0.99);
        const serverUs = this.showsUs(node, readUs);
        const atUs = this.#originUs + aboutUs;
        const reading = { type: 'clock' as const, node: `n${node}`, atUs, serverUs, errorUs };
        return { reading, stretch: this.toldStretch(node, aboutUs - errorUs, aboutUs + errorUs) };
      }),
    );
  }
}

const MOST_PPM = 1_000;

/** Where clocks were not read they neither step nor differ: nothing could tell. */
export function drawClock(
  dice: Dice,
  { isOwn, limiter, stepUs }: { isOwn: boolean; limiter: string; stepUs: number },
): ClockPlan {
  const kind = isOwn ? dice.pick(['one', 'apart', 'read', 'told'] as const) : 'one';
  const isRead = kind === 'read' || kind === 'told';
  const count = isRead && limiter === 'bucket' && dice.chance(0.4) ? dice.pick([2, 3]) : 1;
  const granularityUs = !isRead && dice.chance(0.3) ? 1_000 : 1;
  const nodes = Array.from({ length: count }, (): Node => {
    const ppm =
      kind === 'one' ? 0 : dice.pick([0, 0, 300, -300, MOST_PPM, -MOST_PPM, dice.between(-1, 1) * MOST_PPM]);
    const room = MOST_PPM - Math.abs(ppm);
    return {
      offsetUs: kind === 'one' ? 0 : Math.floor(dice.between(-1, 1) * dice.pick([10, 1_000, 5_000_000])),
      ppm,
      wobblePpm: kind === 'one' || dice.chance(0.6) ? 0 : room * dice.next(),
      periodUs: stepUs * dice.pick([1, 10, 100]),
    };
  });
  return { kind, nodes, granularityUs, ...drawJumps(dice, { isRead, count, limiter, stepUs }) };
}

function drawJumps(
  dice: Dice,
  { isRead, count, limiter, stepUs }: { isRead: boolean; count: number; limiter: string; stepUs: number },
): Pick<ClockPlan, 'steps' | 'failoversUs'> {
  const moments = (most: number) =>
    Array.from({ length: 1 + dice.below(most) }, () => dice.next() * stepUs * dice.pick([10, 60, 200])).sort(
      (a, b) => a - b,
    );
  // A window that meets a jump ahead ends early, and the limiter is right to open another: not a matter of tokens.
  const isAhead = limiter === 'bucket' && dice.chance(0.5);
  const steps =
    isRead && dice.chance(0.25)
      ? moments(1).map((atUs) => {
          const sizeUs = Math.floor(dice.next() * dice.pick([500, 5_000, 20 * stepUs, 1_000_000]));
          return { atUs, byUs: isAhead && dice.chance(0.5) ? sizeUs : -sizeUs };
        })
      : [];
  return { steps, failoversUs: count > 1 ? moments(4) : [] };
}
