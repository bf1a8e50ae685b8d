import { expect, it } from 'vitest';
import { openLoop } from './open-loop.ts';
import { Recorder } from './recorder.ts';
import { timers } from './timers.ts';

/** A load of two requests, the second just before its end; stopped half a millisecond before that one is due. */
function stopped(how: { isEarly: boolean }) {
  const sent: number[] = [];
  let nowUs = 0;
  const recorder = new Recorder(() => {}, undefined, { nowUs: () => nowUs });
  const arrivals = [0, 999_500].map((atUs) => ({ atUs, region: 0 }));
  const pace = openLoop({
    arrivals: [...arrivals][Symbol.iterator]() as Parameters<typeof openLoop>[0]['arrivals'],
    ...{ regions: ['r0'], durationMs: 1_000, recorder, timers },
  });
  for (let nth = 0; nth < 2; nth++)
    pace.free({ region: 0, send: (dueUs = Number.NaN) => void sent.push(dueUs) }, 'new');
  pace.start(0);
  nowUs = 999_000;
  pace.stop(how);
  return sent;
}

it('all of a load that was not ended early is sent, also if the timer of its end was', () => {
  expect(stopped({ isEarly: false })).toEqual([0, 999_500]);
});

it('nothing is sent before it is due if the load ends early', () => {
  expect(stopped({ isEarly: true })).toEqual([0]);
});
