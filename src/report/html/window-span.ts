import type { CheckerContext } from '../../checker/bucket-result.ts';
import { alignedWindows } from '../../checker/windows/aligned.ts';
import { type BrokenWindows, lengthOf } from '../../checker/windows/broken-windows.ts';
import { counterAllowance } from '../../checker/windows/promised-windows.ts';
import { leastOnRecorder } from '../../checker/windows/spans.ts';
import { rounded } from '../../core/units.ts';
import type { PageSpan } from './page-data.ts';

type Windows = NonNullable<CheckerContext['windows']>;

/** What the chart of every bucket counts: the tokens of a window of the epoch, or of the longest span within a window. */
export function spanOf(windows: Windows): PageSpan {
  const span = countedOf(windows);
  return windows.areDenialsJudged ? { ...span, about: `${span.about} ${DENIALS}` } : span;
}

const DENIALS = 'A denial is false if its window had room for its cost at every moment of it.';

function countedOf({ promise, clock }: Windows): PageSpan {
  const { limit, windowUs } = promise;
  const aligned = alignedWindows(promise, clock);
  const ofWindow = { name: 'limit of a window', tokens: limit };
  if (aligned !== undefined)
    return {
      counted: aligned,
      limits: [ofWindow],
      about: `The line counts the tokens that were certainly admitted in the window of ${secondsOf(windowUs)} so far: by operations whose whole interval lies in it. More than ${limit} break the promise.`,
    };
  const lengthUs = leastOnRecorder(windowUs, clock);
  const counted = { lengthUs };
  if (promise.type === 'sliding-window')
    return {
      counted,
      limits: [ofWindow],
      about: aboutSpan(
        lengthUs,
        `It is within one window of ${secondsOf(windowUs)}: more than ${limit} break the promise.`,
      ),
    };
  if (promise.type === 'sliding-counter') return ofCounter(promise, counted, counterAllowance(promise, 1));
  const touching = `Such a span touches at most 2 windows, wherever they start: more than ${2 * limit} break the promise.`;
  return {
    counted,
    limits: [ofWindow, ofWindows(2, limit)],
    about: aboutSpan(lengthUs, `${touching}${MORE[promise.alignment](limit)}`),
  };
}

const MORE = {
  any: () => '',
  first: (limit: number) =>
    ` So do more than ${limit} where no request can have opened a second window in the span.`,
  epoch: (limit: number) =>
    ` So do more than ${limit} in one window, if some window holds as many wherever windows start.`,
};

/** The same of a bucket of which the verdict counts other spans: longer ones, or within one window; else undefined. */
export function ownSpanOf(windows: Windows, { first, openings }: BrokenWindows): PageSpan | undefined {
  if (first === undefined || first.together !== undefined) return undefined;
  const { limit, windowUs } = windows.promise;
  const { touches = 0 } = first;
  const counted = { lengthUs: lengthOf(first) };
  if (windows.promise.type === 'sliding-counter') return ofCounter(windows.promise, counted, first.allowance);
  if (openings !== undefined) {
    const counts = `The verdict counts the spans with more than ${limit} in which no request can have opened a second window: those with a sign. Any other span with more than ${2 * limit} breaks it, too, and has no sign: the verdict counts these only where there are none of the former.`;
    return { ...spanOf(windows), about: aboutSpan(counted.lengthUs, counts) };
  }
  if (touches <= 2) return undefined;
  const why = `Such a span touches at most ${touches} windows of ${secondsOf(windowUs)}: more than ${touches * limit} break the promise.`;
  return { counted, limits: [ofWindows(touches, limit)], about: aboutSpan(counted.lengthUs, why) };
}

function ofCounter(
  { limit, windowUs }: Windows['promise'],
  counted: { readonly lengthUs: number },
  allowance: number,
): PageSpan {
  const most = `A sliding counter of ${limit} in ${secondsOf(windowUs)} admits at most ${allowance} in it: more break the promise.`;
  return {
    counted,
    limits: [{ name: 'most of a counter', tokens: allowance }],
    about: aboutSpan(counted.lengthUs, most),
  };
}

function ofWindows(windows: number, limit: number) {
  return { name: `limit of ${windows} windows`, tokens: windows * limit };
}

function aboutSpan(lengthUs: number, why: string): string {
  return `The line counts the tokens that were certainly admitted in the ${secondsOf(lengthUs)} up to each moment: by operations whose whole interval lies in this span. ${why}`;
}

function secondsOf(us: number): string {
  return `${rounded(us / 1_000_000, 6)} s`;
}
