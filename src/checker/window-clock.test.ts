import { describe, expect, it } from 'vitest';
import { historyOf } from '../../test/support/history.ts';
import type { ClockReading, Header } from '../history/operation.ts';
import { checkHistory } from './check.ts';
import type { ClockSlackRule } from './clock-grant.ts';
import { parsePromise } from './promise.ts';

const DATE_US = 1_800_000_000_000_000;

const reading = (source?: 'date'): ClockReading => ({
  ...{ type: 'clock', node: 'a', atUs: 0, serverUs: DATE_US, errorUs: 10 },
  ...(source && { source }),
});

interface Said {
  readonly records?: readonly ClockReading[];
  readonly clocks?: Header['clocks'];
  readonly clockSlack?: ClockSlackRule;
  readonly fromUs?: number;
}

/** What is assumed of the place of windows of the epoch. */
function assumed({ records = [], clocks, clockSlack, fromUs = 0 }: Said): string[] {
  const made = historyOf([{ invokedUs: fromUs }], { records });
  const { clocks: _, ...header } = made.header;
  const history = { ...made, header: { ...header, ...(clocks && { clocks }) } };
  const { assumptions = [] } = checkHistory(history, {
    ...{ busiest: [], contestedAtLeast: 0, infoAtMost: 1 },
    promise: parsePromise('fixed-window:3/60s:epoch'),
    ...(clockSlack && { clockSlack }),
  });
  return assumptions.filter((sentence) => /time of day|Date/.test(sentence));
}

const DATED = "the Date of replies is taken for the limiter's clock, 2 s off at most";
const NOT_READ =
  "the time of day of the limiter's clock was not read: what proves a window of the epoch broken proves it wherever windows start";

describe('where windows of the epoch lie', () => {
  it.each<{ title: string; said: Said; sentences: string[] }>([
    { title: 'is known by readings of the clock', said: { records: [reading()] }, sentences: [] },
    { title: 'is said by the Date of replies', said: { records: [reading('date')] }, sentences: [DATED] },
    {
      title: 'is known by readings where replies are dated as well',
      said: { records: [reading(), reading('date')] },
      sentences: [],
    },
    { title: 'is not known of times that are no dates', said: {}, sentences: [NOT_READ] },
    {
      title: 'is not known of clocks that are not one',
      said: { clocks: 'apart', clockSlack: { us: 1_000, isWidened: false }, fromUs: DATE_US },
      sentences: [NOT_READ],
    },
    {
      title: 'is what the history says whose limiter has the clock of its recorder',
      said: { clocks: 'one', fromUs: DATE_US },
      sentences: [],
    },
    {
      title: 'is what the user says of how far the clock is off',
      said: { clockSlack: { us: 20_000, isWidened: false }, fromUs: DATE_US },
      sentences: [
        "the time of day of the history is taken for the limiter's, 20 ms off at most (--clock-slack)",
      ],
    },
    {
      title: 'is what the user says, by whom each request was widened',
      said: { clockSlack: { us: 20_000, isWidened: true }, fromUs: DATE_US },
      sentences: [
        "the time of day of the history is taken for the limiter's, within what --clock-slack widens",
      ],
    },
  ])('$title', ({ said, sentences }) => {
    expect(assumed(said)).toEqual(sentences);
  });
});
