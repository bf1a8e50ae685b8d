import type { Random } from '../../../src/core/prng.ts';

/** Decides at a moment of one bucket, in the order of these moments; milliseconds. */
export type DecideAt = (atMs: number, cost: number) => boolean;

interface Rule {
  readonly limit: number;
  readonly windowMs: number;
  readonly random: Random;
}

type MakeLimiter = (rule: Rule) => DecideAt;

/** Fixed windows of any place. */
function placed({ limit, windowMs, random }: Rule): DecideAt {
  const phaseMs = windowMs * random();
  let [window, used] = [Number.NaN, 0];
  return (atMs, cost) => {
    const now = Math.floor((atMs + phaseMs) / windowMs);
    if (now !== window) [window, used] = [now, 0];
    if (used + cost > limit) return false;
    used += cost;
    return true;
  };
}

/** Windows that a request starts. With refunds, some admissions are taken back at once. */
function opened({ limit, windowMs, random }: Rule, givesBack = false): DecideAt {
  let [untilMs, used] = [Number.NEGATIVE_INFINITY, 0];
  return (atMs, cost) => {
    if (atMs >= untilMs) [untilMs, used] = [atMs + windowMs, 0];
    if (used + cost > limit) return false;
    used += givesBack && random() < 0.1 ? 0 : cost;
    return true;
  };
}

/** The exact log. */
function logged({ limit, windowMs }: Rule): DecideAt {
  let log: { atMs: number; cost: number }[] = [];
  return (atMs, cost) => {
    log = log.filter((one) => one.atMs > atMs - windowMs);
    if (log.reduce((sum, one) => sum + one.cost, cost) > limit) return false;
    log.push({ atMs, cost });
    return true;
  };
}

/** Two cells, the older one weighted, and rounded in one of three ways. */
function weighted({ limit, windowMs, random }: Rule): DecideAt {
  const round = [(tokens: number) => tokens, Math.floor, Math.ceil][Math.floor(3 * random())] ?? Math.ceil;
  const looksFirst = random() < 0.3;
  const phaseMs = windowMs * random();
  const cells = new Map<number, number>();
  return (atMs, cost) => {
    const place = (atMs + phaseMs) / windowMs;
    const cell = Math.floor(place);
    const used = cells.get(cell) ?? 0;
    const estimate = round((cells.get(cell - 1) ?? 0) * (1 - (place - cell))) + used;
    if (looksFirst && cost === 1 ? estimate >= limit : estimate + cost > limit) return false;
    cells.set(cell, used + cost);
    return true;
  };
}

/** The last two to ten cells of a part of the window each. */
function cellular({ limit, windowMs, random }: Rule): DecideAt {
  const parts = 2 + Math.floor(9 * random());
  const cells = new Map<number, number>();
  return (atMs, cost) => {
    const cell = Math.floor((atMs * parts) / windowMs);
    let used = 0;
    for (let back = 0; back < parts; back++) used += cells.get(cell - back) ?? 0;
    if (used + cost > limit) return false;
    cells.set(cell, (cells.get(cell) ?? 0) + cost);
    return true;
  };
}

/** Correct limiters of promises that do not say when a limiter must admit, of one bucket each. */
export const LIMITERS: readonly {
  readonly name: string;
  readonly type: string;
  readonly make: MakeLimiter;
}[] = [
  { name: 'fixed windows of any place', type: 'fixed-window', make: placed },
  { name: 'windows that a request starts', type: 'fixed-window:first', make: opened },
  {
    name: 'windows that a request starts, with refunds',
    type: 'fixed-window:first',
    make: (rule) => opened(rule, true),
  },
  { name: 'an exact log', type: 'fixed-window', make: logged },
  { name: 'a sliding counter of two cells', type: 'sliding-counter', make: weighted },
  { name: 'a sliding counter of several cells', type: 'sliding-counter', make: cellular },
];

export function drawLimiter({ name, type, make }: (typeof LIMITERS)[number], rule: Rule) {
  const [base, alignment] = type.split(':');
  const end = alignment === undefined ? '' : `:${alignment}`;
  return { name, promise: `${base}:${rule.limit}/${rule.windowMs}ms${end}`, decide: make(rule) };
}

/** The same limiter, which admits nothing after its first denial. */
export function locked(decide: DecideAt): DecideAt {
  let isLocked = false;
  return (atMs, cost) => {
    isLocked ||= !decide(atMs, cost);
    return !isLocked;
  };
}
