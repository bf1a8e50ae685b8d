import { describe, expect, it } from 'vitest';
import { historyOf } from '../../../test/support/history.ts';
import { parsePromise } from '../../core/promise.ts';
import type { ClockReading, Header } from '../../history/records/operation.ts';
import { checkHistory } from '../check.ts';
import type { ClockSlackRule } from '../clocks/grant.ts';

const DATE_US = 1_800_000_000_000_000;

const reading = (source?: 'date'): ClockReading => ({
  ...{ type: 'clock', node: 'a', atUs: 0, serverUs: DATE_US, errorUs: 10 },
  ...(source && { source }),
});

interface Settings {
  readonly records?: readonly ClockReading[];
  readonly clocks?: Header['clocks'];
  readonly clockSlack?: ClockSlackRule;
  readonly fromUs?: number;
}

/** What is assumed of the place of windows of the epoch. */
function assumed({ records = [], clocks, clockSlack, fromUs = 0 }: Settings): string[] {
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

const DATED = "the Date of replies is taken as the limiter's clock, with an error of at most 2 s";
const NOT_READ =
  "the time of day of the limiter's clock was not read, so a window of the epoch is found broken only if it is broken wherever windows start";

describe('where windows of the epoch lie', () => {
  it.each<{ title: string; settings: Settings; sentences: string[] }>([
    { title: 'is known by readings of the clock', settings: { records: [reading()] }, sentences: [] },
    {
      title: 'is known from the Date of replies',
      settings: { records: [reading('date')] },
      sentences: [DATED],
    },
    {
      title: 'is known by readings where replies are dated as well',
      settings: { records: [reading(), reading('date')] },
      sentences: [],
    },
    { title: 'is not known of times that are no dates', settings: {}, sentences: [NOT_READ] },
    {
      title: 'is not known of clocks that are not one',
      settings: { clocks: 'apart', clockSlack: { us: 1_000, isWidened: false }, fromUs: DATE_US },
      sentences: [NOT_READ],
    },
    {
      title: 'is what the history says whose limiter has the clock of its recorder',
      settings: { clocks: 'one', fromUs: DATE_US },
      sentences: [],
    },
    {
      title: 'is what the user says of how far the clock is off',
      settings: { clockSlack: { us: 20_000, isWidened: false }, fromUs: DATE_US },
      sentences: [
        "the history's time of day is taken as the limiter's, with an error of at most 20 ms (--clock-slack)",
      ],
    },
    {
      title: 'is what the user says, by whom each request was widened',
      settings: { clockSlack: { us: 20_000, isWidened: true }, fromUs: DATE_US },
      sentences: ["the history's time of day is taken as the limiter's, to within --clock-slack"],
    },
  ])('$title', ({ settings, sentences }) => {
    expect(assumed(settings)).toEqual(sentences);
  });
});
