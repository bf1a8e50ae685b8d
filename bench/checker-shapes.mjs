// Histories that are hard for the checker, each with about the requested number of operations, for
// `npm run bench:checker -- --shapes`.
import { makeRandom } from '../dist/core/prng.js';

/** The header of a history of one policy. */
export const headerOf = (policy) => ({
  type: 'header',
  format: 'openclaw-history',
  version: 1,
  policy,
  strategy: 'central',
  scenario: 'bench',
  seed: 1,
  regions: [],
  startedAt: '',
  initial: 'full',
});

const header = (policy) => `${JSON.stringify({ ...headerOf(policy), clocks: 'one' })}\n`;

const perSecond = (tokens) => ({ tokens, perUs: 1_000_000 });
const SLOW = { capacity: 20, refill: perSecond(5) };
/** As much as 10 microseconds from one operation to the next ask for, and more. */
const WIDE = { capacity: 1_000, refill: perSecond(1_000_000) };

function op(index, { bucket = 'b', from, to = from, outcome = 'allowed', cost = 1, latestUs }) {
  const last = latestUs === undefined ? '' : `,"latestUs":${latestUs}`;
  return `{"type":"op","index":${index},"bucket":"${bucket}","user":"u","region":"r","process":0,"cost":${cost},"invokedUs":${from},"completedUs":${outcome === 'info' ? null : to},"outcome":"${outcome}"${last}}\n`;
}

const end = (sent) => `{"type":"end","atUs":0,"sent":${sent}}\n`;

/** A history of `count` operations of one policy; `part` gives the parts of each. */
function* operations(policy, count, part) {
  const random = makeRandom(1, 'shapes');
  yield header(policy);
  for (let index = 0; index < count; index++) yield op(index, part(index, random));
  yield end(count);
}

/** The same after `more` records of another type. */
function* beside(policy, count, { records, part }) {
  const random = makeRandom(1, 'shapes');
  yield header(policy);
  yield* records;
  for (let index = 0; index < count; index++) yield op(index, part(index, random));
  yield end(count);
}

const steady = (index) => ({ from: 10 * index, to: 10 * index + 5 });

/** All in flight at once: each is sent before the first reply. */
const inFlight = (policy, answerAt) => (count) =>
  operations(policy, count, (index, random) => ({
    from: index,
    to: 2 * count + answerAt(index, count, random),
  }));

function* faults(count, lastUs) {
  for (let at = 0; at < count; at++)
    yield `{"type":"fault","fault":"pause","phase":"${at % 2 === 0 ? 'inject' : 'heal'}","atUs":${Math.floor((at * lastUs) / count)}}\n`;
}

/** Readings of `nodes` clocks, each read `times` times; the clock steps by a second at every `step`th reading. */
function* readings({ nodes, times, lastUs, step = Number.POSITIVE_INFINITY }) {
  for (let at = 0; at < times; at++)
    for (let node = 0; node < nodes; node++) {
      const us = Math.floor(((at * nodes + node) * lastUs) / (times * nodes));
      const steps = Math.floor(at / step) % 2;
      yield `{"type":"clock","node":"n${node}","atUs":${us},"serverUs":${1_700_000_000_000_000 + us + 1_000_000 * steps},"errorUs":100}\n`;
    }
}

/** Name, further arguments of `check`, its exit code, and the records. */
export const SHAPES = [
  { name: 'one bucket, passing', most: 1e7, lines: (count) => operations(WIDE, count, steady) },
  {
    name: '1,000,000 buckets',
    most: 1e7,
    lines: (count) =>
      operations(SLOW, count, (index) => ({ ...steady(index), bucket: `b${index % 1_000_000}` })),
  },
  {
    name: 'all over-admitted, one bucket',
    most: 1e7,
    lines: (count) => operations(SLOW, count, steady),
  },
  {
    name: 'over-admitted, 100 buckets of large capacity',
    most: 1e7,
    lines: (count) =>
      operations({ capacity: Math.ceil(count / 200), refill: perSecond(5) }, count, (index) => ({
        ...steady(index),
        bucket: `b${index % 100}`,
      })),
  },
  {
    name: 'half false denials',
    most: 1e7,
    lines: (count) =>
      operations(WIDE, count, (index) => ({
        ...steady(index),
        outcome: index % 2 === 0 ? 'allowed' : 'denied',
      })),
  },
  {
    name: 'in flight at once, answered in random order',
    most: 1e7,
    lines: inFlight(WIDE, (_index, count, random) => Math.floor(random() * count)),
  },
  {
    name: 'in flight at once, answered last first',
    most: 1e7,
    lines: inFlight(WIDE, (index, count) => count - index),
  },
  {
    name: 'in flight at once, answered in order',
    most: 1e7,
    lines: inFlight(WIDE, (index) => index),
  },
  {
    name: 'written last first',
    most: 1e7,
    lines: (count) => operations(WIDE, count, (index) => steady(count - index)),
  },
  {
    name: 'a third without an answer for long',
    most: 1e7,
    lines: (count) =>
      operations(WIDE, count, (index) => ({
        ...steady(index),
        ...(index % 3 === 0 && { outcome: 'info', latestUs: 10 * index + 60_000_000 }),
      })),
  },
  {
    name: 'sliding window, guilty',
    args: ['--promise', 'sliding-window:20/1s'],
    most: 1e7,
    lines: (count) => operations(SLOW, count, steady),
  },
  {
    name: 'fixed window, guilty',
    args: ['--promise', 'fixed-window:20/1s'],
    most: 1e7,
    lines: (count) => operations(SLOW, count, steady),
  },
  {
    name: 'refunds, guilty: buckets of 6,000 operations, capacity 3,000',
    most: 1e6,
    lines: (count) =>
      operations({ capacity: 3_000, refill: perSecond(1) }, count, (index) => ({
        ...steady(index),
        bucket: `b${Math.floor(index / 6_000)}`,
        cost: index % 10 === 0 ? -1 : 1,
      })),
  },
  {
    name: '10,000 faults',
    most: 1e6,
    lines: (count) => beside(WIDE, count, { records: faults(10_000, 10 * count), part: steady }),
  },
  {
    name: '200,000 nodes with a clock',
    most: 1e6,
    lines: (count) =>
      beside(WIDE, count, {
        records: readings({ nodes: 200_000, times: 2, lastUs: 10 * count }),
        part: steady,
      }),
  },
  {
    name: '50,000 steps of a clock',
    most: 1e6,
    lines: (count) =>
      beside(WIDE, count, {
        records: readings({ nodes: 1, times: 100_000, lastUs: 1_000_000 * 100_000, step: 2 }),
        part: steady,
      }),
  },
];
