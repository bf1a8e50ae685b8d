import type { OperationTable } from '../../history/columns/table.ts';
import type { WindowOffset } from './clock.ts';

/** The conditions for windows that start at unknown multiples of their length. */
export interface PhaseContext {
  readonly windowUs: number;
  /** Tokens, refunds included. */
  readonly allowance: number;
  /** How far the limiter's clock may be from a clock with a constant offset. */
  readonly wanderUs: number;
  /** The possible offsets; absent if any is possible. */
  readonly offset?: WindowOffset;
}

/** Operations that one window holds, wherever it starts within a range of phases. */
export interface PhasePiece {
  readonly rows: readonly number[];
  readonly admitted: number;
}

/**
 * A proof that some window of the epoch holds more than the allowance, whatever the offset of the limiter's clock.
 *
 * The limiter's clock shows t + o at t, within the wander d, with one offset o. Its windows start on it at k * W, on the
 * recorder's clock at s = k * W - o. An operation seen in [a, b] is certainly in the window of s if s + d <= a and b < s
 * + W - d, that is for s in (b + d - W, a - d]. If the costs of such operations exceed the allowance, a window that
 * starts at s is broken. Each offset has its phase, s modulo W. So if some window is broken at every phase of a possible
 * offset, the limiter broke its promise at any offset. A correct limiter has an offset at which none is broken. Windows
 * that do not start periodically are not judged by it.
 *
 * `rows` are admissions. Returns pieces that cover the phases one after another, or undefined. O(n log n), plus O(n) for
 * each piece of a bucket with a finding.
 */
export function provePhases(
  table: OperationTable,
  rows: Uint32Array,
  context: PhaseContext,
): PhasePiece[] | undefined {
  const spans = Spans.of(table, rows, context);
  if (spans === undefined) return undefined;
  const { windowUs } = context;
  const phases = phasesOf(context);
  return covers(spans.brokenPhases(), phases, windowUs) ? spans.pieces(phases) : undefined;
}

/** The least that the fullest window holds at any phase, wherever it starts. */
export function leastAtAnyPhase(table: OperationTable, rows: Uint32Array, context: PhaseContext): number {
  const phases = phasesOf(context);
  const isMore = (allowance: number) => {
    const spans = Spans.of(table, rows, { ...context, allowance });
    return spans !== undefined && covers(spans.brokenPhases(), phases, context.windowUs);
  };
  let [least, most] = [0, context.allowance];
  while (least < most) {
    const middle = Math.floor((least + most) / 2);
    if (isMore(middle)) least = middle + 1;
    else most = middle;
  }
  return least;
}

/** After one moment, up to another: the phases of all possible offsets. */
function phasesOf({ windowUs, offset }: PhaseContext): Range {
  const lengthUs = offset === undefined ? windowUs : offset.highestUs - offset.lowestUs;
  const isAny = offset === undefined || lengthUs + 3 >= windowUs;
  const fromUs = isAny ? 0 : modulo(Math.floor(-offset.highestUs), windowUs) - 1;
  const untilUs = fromUs + (isAny ? windowUs : Math.ceil(lengthUs) + 2);
  return { fromUs, untilUs };
}

/** The starts of windows that certainly hold each operation: after `afters`, up to `untils`. */
class Spans {
  readonly #context: PhaseContext;
  readonly #table: OperationTable;
  readonly #rows: number[] = [];
  readonly #afters: number[] = [];
  readonly #untils: number[] = [];

  private constructor(table: OperationTable, context: PhaseContext) {
    this.#table = table;
    this.#context = context;
  }

  /** Undefined if all operations together are within the allowance. */
  static of(table: OperationTable, rows: Uint32Array, context: PhaseContext): Spans | undefined {
    const spans = new Spans(table, context);
    let tokens = 0;
    for (const row of rows) {
      const afterUs = Math.ceil(table.lastUs(row) + context.wanderUs) - context.windowUs;
      const untilUs = Math.floor((table.invokedUs[row] as number) - context.wanderUs);
      if (untilUs <= afterUs) continue;
      spans.#rows.push(row);
      spans.#afters.push(afterUs);
      spans.#untils.push(untilUs);
      tokens += table.costTokens[row] as number;
    }
    return tokens > context.allowance ? spans : undefined;
  }

  /** The phases at which some window is broken, as ranges (from, to], sorted. A range may end after one window length. */
  brokenPhases(): readonly Range[] {
    const { windowUs, allowance } = this.#context;
    const byAfter = sortedPlaces(this.#afters);
    const byUntil = sortedPlaces(this.#untils);
    const found: Range[] = [];
    let [tokens, started] = [0, 0];
    let brokenFromUs = Number.NaN;
    for (const place of byUntil) {
      const endUs = this.#untils[place] as number;
      for (; started < byAfter.length; started++) {
        const next = byAfter[started] as number;
        const atUs = this.#afters[next] as number;
        if (atUs >= endUs) break;
        tokens += this.#cost(next);
        if (tokens > allowance && Number.isNaN(brokenFromUs)) brokenFromUs = atUs;
      }
      tokens -= this.#cost(place);
      if (tokens > allowance || Number.isNaN(brokenFromUs)) continue;
      if (endUs > brokenFromUs) {
        const fromUs = modulo(brokenFromUs, windowUs);
        found.push({ fromUs, untilUs: fromUs + endUs - brokenFromUs });
      }
      brokenFromUs = Number.NaN;
    }
    return found.sort((a, b) => a.fromUs - b.fromUs);
  }

  /**
   * The pieces that cover the phases: at each phase, the operations of a broken window that cover the most phases after
   * it.
   */
  pieces({ fromUs, untilUs }: Range): PhasePiece[] {
    const found: (PhasePiece & { readonly untilUs: number })[] = [];
    for (let reachedUs = fromUs; reachedUs < untilUs; ) {
      const best = this.#farthestFrom(reachedUs);
      if (best === undefined || found.length === MOST_PIECES) break;
      found.push(best);
      reachedUs = best.untilUs;
    }
    return found;
  }

  /** Of the windows that start right after this phase, the one whose operations cover the most phases. */
  #farthestFrom(phaseUs: number): (PhasePiece & { readonly untilUs: number }) | undefined {
    const { windowUs, allowance } = this.#context;
    const windows = new Map<number, number[]>();
    for (const [place, afterUs] of this.#afters.entries()) {
      const number = Math.ceil((afterUs - phaseUs) / windowUs); // the first window that starts at or after it
      const startUs = phaseUs + number * windowUs;
      if (startUs >= (this.#untils[place] as number)) continue;
      const ofWindow = windows.get(number);
      if (ofWindow === undefined) windows.set(number, [place]);
      else ofWindow.push(place);
    }
    let best: (PhasePiece & { readonly untilUs: number }) | undefined;
    for (const [number, places] of windows) {
      const rows: number[] = [];
      let admitted = 0;
      for (const place of places.sort((a, b) => (this.#untils[b] as number) - (this.#untils[a] as number))) {
        rows.push(this.#rows[place] as number);
        admitted += this.#cost(place);
        if (admitted <= allowance) continue;
        const untilUs = (this.#untils[place] as number) - number * windowUs;
        if (best === undefined || untilUs > best.untilUs) best = { rows, admitted, untilUs };
        break;
      }
    }
    return best;
  }

  #cost(place: number): number {
    return this.#table.costTokens[this.#rows[place] as number] as number;
  }
}

/** The most pieces that are shown; a proof may need more. */
const MOST_PIECES = 64;

/** After one moment, up to another. */
interface Range {
  readonly fromUs: number;
  readonly untilUs: number;
}

/** Whether ranges with starts in [0, length), repeated a length before and after, cover all of another range. */
function covers(ranges: readonly Range[], target: Range, lengthUs: number): boolean {
  let reachedUs = target.fromUs;
  for (const shiftUs of [-lengthUs, 0, lengthUs])
    for (const { fromUs, untilUs } of ranges) {
      if (fromUs + shiftUs > reachedUs) break;
      reachedUs = Math.max(reachedUs, untilUs + shiftUs);
    }
  return reachedUs >= target.untilUs;
}

function sortedPlaces(keys: readonly number[]): number[] {
  return keys.map((_, place) => place).sort((a, b) => (keys[a] as number) - (keys[b] as number));
}

function modulo(us: number, lengthUs: number): number {
  return us - Math.floor(us / lengthUs) * lengthUs;
}
