import { type CheckReport, checkHistory } from '../../../src/checker/check.ts';
import type { LieReason } from '../../../src/checker/stated/lies.ts';
import { makeRandom } from '../../../src/core/prng.ts';
import { parsePromise } from '../../../src/core/promise.ts';
import type { ClockReading, Stated } from '../../../src/history/records/operation.ts';
import { historyOf, type OperationPart } from '../../support/history.ts';
import { EPOCH_US } from './limiter.ts';

const LIMIT = 5;
const WINDOW_US = 3_000_000;

/** What a window knows at a moment: its room, and when it holds a token again. */
interface Window {
  readonly room: number;
  readonly againUs: number;
}

interface WindowLimiter {
  see(nowUs: number): Window;
  take(nowUs: number): void;
}

/** Limiters that keep their promise of 5 tokens in 3 s, each of cost 1. */
export const WINDOW_PROMISES: readonly { readonly promise: string; readonly make: () => WindowLimiter }[] = [
  { promise: 'fixed-window:5/3s:epoch', make: fixedWindow((nowUs) => nowUs - (nowUs % WINDOW_US)) },
  { promise: 'fixed-window:5/3s', make: fixedWindow((nowUs) => nowUs - ((nowUs + 317_000) % WINDOW_US)) },
  { promise: 'fixed-window:5/3s:first', make: fixedWindow((nowUs) => nowUs) },
  { promise: 'sliding-window:5/3s', make: slidingLog },
  { promise: 'sliding-counter:5/3s', make: slidingCounter },
];

/** What `state` says of a window. */
export type StateWindow = (
  window: Window & { readonly nowUs: number; readonly isAllowed: boolean },
) => Stated;

/** Honest values: the room after the decision, and the time until there is a token again, rounded up to seconds. */
export function honestWindow(form: number): StateWindow {
  return ({ room, againUs, nowUs, isAllowed }) => {
    const waitS = Math.ceil((againUs - nowUs) / 1_000_000);
    return {
      remaining: room,
      ...(!isAllowed && { retryAfterS: waitS }),
      ...(form % 2 === 0
        ? { reset: waitS, resetForm: 'delta' as const }
        : { reset: Math.ceil(againUs / 1_000_000), resetForm: 'any' as const }),
      limit: LIMIT,
      ...(form % 3 === 0 && { windowS: WINDOW_US / 1_000_000 }),
    };
  };
}

/** Runs one of WINDOW_PROMISES, with intervals that depend on the seed, and judges what it states. */
export function accuseWindows(
  index: number,
  { seed, count, state }: { readonly seed: number; readonly count: number; readonly state: StateWindow },
): { readonly reasons: readonly LieReason[]; readonly report: CheckReport } {
  const { promise, make } = WINDOW_PROMISES[index] as (typeof WINDOW_PROMISES)[number];
  const random = makeRandom(seed, 'stated windows');
  const limiter = make();
  const widthUs = [1, 50_000, 400_000, 4_000_000][seed % 4] as number;
  const parts: OperationPart[] = [];
  let atUs = 10_000_000;
  for (let number = 0; number < count; number++) {
    atUs += Math.floor(random() * random() * 1_500_000);
    const nowUs = EPOCH_US + atUs;
    const isAllowed = limiter.see(nowUs).room > 0;
    if (isAllowed) limiter.take(nowUs);
    const stated = state({ ...limiter.see(nowUs), nowUs, isAllowed });
    const isLost = random() < (seed % 3) * 0.02;
    parts.push({
      invokedUs: atUs - Math.floor(random() * random() * widthUs),
      completedUs: isLost ? null : atUs + Math.floor(random() * random() * widthUs),
      outcome: isLost ? 'info' : isAllowed ? 'allowed' : 'denied',
      ...(!isLost && { stated }),
    });
  }
  const isRead = seed % 2 === 0;
  const report = checkHistory(
    historyOf(
      parts,
      isRead ? { header: { clocks: 'apart' }, records: readings(atUs) } : { header: { clocks: 'apart' } },
    ),
    { busiest: [], contestedAtLeast: 0, infoAtMost: 1, promise: parsePromise(promise) },
  );
  return { reasons: Object.keys(report.dishonest.reasons) as LieReason[], report };
}

export function accuseHonestWindows(index: number, seed: number, count: number) {
  return accuseWindows(index, { seed, count, state: honestWindow(seed) });
}

function readings(lastUs: number): ClockReading[] {
  return Array.from({ length: 21 }, (_, at) => {
    const atUs = Math.floor((lastUs * at) / 20);
    return { type: 'clock', node: 'n', atUs, serverUs: EPOCH_US + atUs + (at % 3), errorUs: 5 };
  });
}

/** `startOf` says when the window begins that this operation opens. */
function fixedWindow(startOf: (nowUs: number) => number): () => WindowLimiter {
  return () => {
    let [startUs, used] = [Number.NEGATIVE_INFINITY, 0];
    return {
      see(nowUs) {
        if (nowUs >= startUs + WINDOW_US) [startUs, used] = [startOf(nowUs), 0];
        return { room: LIMIT - used, againUs: startUs + WINDOW_US };
      },
      take: () => used++,
    };
  };
}

function slidingLog(): WindowLimiter {
  let log: number[] = [];
  return {
    see(nowUs) {
      log = log.filter((us) => us > nowUs - WINDOW_US);
      return { room: LIMIT - log.length, againUs: (log[0] ?? nowUs) + WINDOW_US };
    },
    take: (nowUs) => log.push(nowUs),
  };
}

/** Two cells, of which the older one counts by the part of it that is still within a window. */
function slidingCounter(): WindowLimiter {
  let [cell, older, newer] = [0, 0, 0];
  return {
    see(nowUs) {
      const now = Math.floor(nowUs / WINDOW_US);
      if (now !== cell) [older, newer, cell] = [now === cell + 1 ? newer : 0, 0, now];
      const usedAt = (us: number) => newer + older * (1 - (us - now * WINDOW_US) / WINDOW_US);
      const room = Math.max(0, Math.floor(LIMIT - usedAt(nowUs)));
      const left = LIMIT - 1 - newer; // of the older cell, for one more token
      const share = older === 0 || left < 0 ? 1 : Math.max(0, 1 - left / older);
      const nextUs = (now + 1) * WINDOW_US;
      const againUs =
        left < 0
          ? nextUs + WINDOW_US * (1 - (LIMIT - 1) / newer)
          : Math.min(nextUs, now * WINDOW_US + share * WINDOW_US);
      return { room, againUs: Math.max(nowUs, againUs) };
    },
    take: () => newer++,
  };
}
