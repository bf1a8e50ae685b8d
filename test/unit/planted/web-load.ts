import { makeRandom, type Random } from '../../../src/core/prng.ts';
import type { History } from '../../../src/history/history.ts';
import { historyOf, type OperationPart } from '../../support/history.ts';

const S = 1_000_000;
const LIMIT = 20;
const WINDOW_US = 4 * S;
const USERS = 6;
const PER_S = 150;
const TARGETS = ['a', 'b', 'c'];
/** With one target, as behind a proxy. */
const ONE_TARGET: readonly string[] = ['three counters, one at random'];
/** The year 2027, at a full minute. */
const START_US = 1.8e15;

/** What counts for one user. Times are the limiter's. */
export interface Counter {
  hasRoom(us: number): boolean;
  take(us: number): void;
}

export type MakeCounter = (limit: number) => Counter;

/** Windows that an admission opens. */
export const firstWindow: MakeCounter = (limit) => {
  let [openedUs, used] = [Number.NEGATIVE_INFINITY, 0];
  const isOver = (us: number) => us >= openedUs + WINDOW_US;
  return {
    hasRoom: (us) => isOver(us) || used < limit,
    take(us) {
      if (isOver(us)) [openedUs, used] = [us, 0];
      used++;
    },
  };
};

export const epochWindow: MakeCounter = (limit) => {
  let [window, used] = [-1, 0];
  const numberOf = (us: number) => Math.floor(us / WINDOW_US);
  return {
    hasRoom: (us) => numberOf(us) !== window || used < limit,
    take(us) {
      if (numberOf(us) !== window) [window, used] = [numberOf(us), 0];
      used++;
    },
  };
};

export const slidingLog: MakeCounter = (limit) => {
  let taken: number[] = [];
  const count = (us: number) => {
    taken = taken.filter((one) => one > us - WINDOW_US);
    return taken.length;
  };
  return { hasRoom: (us) => count(us) < limit, take: (us) => taken.push(us) };
};

/** `limit` tokens, filled in a window. */
export const bucket: MakeCounter = (limit) => {
  let [level, levelUs] = [limit, 0];
  const at = (us: number) => Math.min(limit, level + (Math.max(0, us - levelUs) * LIMIT) / WINDOW_US);
  return {
    hasRoom: (us) => at(us) >= 1,
    take(us) {
      [level, levelUs] = [at(us) - 1, Math.max(us, levelUs)];
    },
  };
};

/** The admissions of this window of the clock, and of the one before by the share of it that the last 4 s reach into. */
const slidingCounter: MakeCounter = (limit) => {
  const counts = new Map<number, number>();
  const numberOf = (us: number) => Math.floor(us / WINDOW_US);
  const of = (number: number) => counts.get(number) ?? 0;
  return {
    hasRoom: (us) =>
      of(numberOf(us)) + of(numberOf(us) - 1) * (1 - (us % WINDOW_US) / WINDOW_US) + 1 <= limit,
    take: (us) => counts.set(numberOf(us), of(numberOf(us)) + 1),
  };
};

/** How a limiter decides: `now` is the moment, `later` runs something after the decision. */
export type Decide = (
  asked: { user: string; target: string; nowUs: number },
  later: (afterUs: number, run: () => void) => void,
) => boolean;

export type MakeLimiter = (make: MakeCounter, random: Random) => Decide;

const byKey = (make: () => Counter) => {
  const counters = new Map<string, Counter>();
  return (key: string) => {
    const known = counters.get(key) ?? make();
    counters.set(key, known);
    return known;
  };
};

const decided = (counter: Counter, us: number) => {
  const isAllowed = counter.hasRoom(us);
  if (isAllowed) counter.take(us);
  return isAllowed;
};

const limited =
  (limit: number): MakeLimiter =>
  (make) => {
    const of = byKey(() => make(limit));
    return ({ user, nowUs }) => decided(of(user), nowUs);
  };

const readThenWrite =
  (limit: number): MakeLimiter =>
  (make) => {
    const of = byKey(() => make(limit));
    return ({ user, nowUs }, later) => {
      const counter = of(user);
      const isAllowed = counter.hasRoom(nowUs);
      if (isAllowed) later(3_000, () => counter.take(nowUs));
      return isAllowed;
    };
  };

/** Each broken in one way, but the first. */
export const LIMITERS = {
  correct: limited(LIMIT),
  'one too many': limited(LIMIT + 1),
  'five too many': limited(LIMIT + 5),
  'a counter for each target': (make) => {
    const of = byKey(() => make(LIMIT));
    return ({ user, target, nowUs }) => decided(of(`${user} ${target}`), nowUs);
  },
  'three counters, one at random': (make, random) => {
    const of = byKey(() => make(LIMIT));
    return ({ user, nowUs }) => decided(of(`${user} ${Math.floor(3 * random())}`), nowUs);
  },
  'read, then write': readThenWrite(LIMIT),
  'whole seconds': (make) => {
    const of = byKey(() => make(LIMIT));
    return ({ user, nowUs }) => decided(of(user), Math.floor(nowUs / S) * S);
  },
  'a new key every 10 s': (make) => {
    const of = byKey(() => make(LIMIT));
    return ({ user, nowUs }) => decided(of(`${user} ${Math.floor(nowUs / (10 * S))}`), nowUs);
  },
  'state forgotten after 0.3 s': (make) => {
    let counters = byKey(() => make(LIMIT));
    const seen = new Map<string, number>();
    let number = 0;
    counters = byKey(() => make(LIMIT));
    return ({ user, nowUs }) => {
      if (nowUs - (seen.get(user) ?? nowUs) > 0.3 * S) number++;
      seen.set(user, nowUs);
      return decided(counters(`${user} ${number}`), nowUs);
    };
  },
} as const satisfies Record<string, MakeLimiter>;

/** One state for all, of twice or thrice the limit: in one of the promised windows or in another kind. */
export const LARGER: Readonly<Record<string, MakeLimiter>> = {
  'thrice the limit': limited(3 * LIMIT),
  'twice the limit, read, then write': readThenWrite(2 * LIMIT),
  'a sliding counter of thrice the limit': (_, random) => limited(3 * LIMIT)(slidingCounter, random),
  'a bucket of thrice the limit': (_, random) => limited(3 * LIMIT)(bucket, random),
};

export type LimiterName = keyof typeof LIMITERS;

interface Event {
  readonly atUs: number;
  readonly run: () => void;
}

/** 30 s of an open load on three targets, each user on all of them, with some requests sent twice or thrice at once. */
export function loadOn(name: string, make: MakeCounter, seed: number): History {
  const random = makeRandom(seed, 'web');
  const decide = ({ ...LIMITERS, ...LARGER }[name] as MakeLimiter)(make, makeRandom(seed, 'limiter'));
  const targets = ONE_TARGET.includes(name) ? ['a'] : TARGETS;
  const events: Event[] = [];
  const parts: OperationPart[] = [];
  for (let us = 0; us < 30 * S; us += -Math.log(1 - random()) * (S / PER_S)) {
    const user = `u${Math.floor(USERS * random())}`;
    const copies = random() < 0.1 ? 3 : 1;
    for (let copy = 0; copy < copies; copy++) {
      const target = targets[Math.floor(targets.length * random())] as string;
      const invokedUs = Math.floor(START_US + us);
      const atUs = invokedUs + 200 + Math.floor(1_000 * random());
      const backUs = 4_000 + Math.floor(1_000 * random());
      const run = () => {
        const isAllowed = decide({ user, target, nowUs: atUs }, (afterUs, write) =>
          events.push({ atUs: atUs + afterUs, run: write }),
        );
        parts.push({
          ...{ bucket: user, user, region: target, invokedUs, completedUs: atUs + backUs },
          outcome: isAllowed ? 'allowed' : 'denied',
        });
      };
      events.push({ atUs, run });
    }
  }
  runAll(events);
  return historyOf(parts, { policy: `${LIMIT}:5/s`, header: { regions: targets } });
}

/** In the order of time; an event may add later ones. */
function runAll(events: Event[]): void {
  events.sort((a, b) => b.atUs - a.atUs);
  for (let next = events.pop(); next !== undefined; next = events.pop()) {
    const before = events.length;
    next.run();
    for (const added of events.splice(before)) {
      const place = events.findLastIndex(({ atUs }) => atUs > added.atUs);
      events.splice(place + 1, 0, added);
    }
  }
}
