import { describe, expect, it } from 'vitest';
import { historyOf } from '../../test/support/history.ts';
import type { History } from '../history/history.ts';
import type { FaultRecord } from '../history/records/operation.ts';
import { parseScenario } from '../scenario/parse.ts';
import { judgeRun } from './judge-run.ts';
import { machinesNote, planNotes } from './plan-notes.ts';

const S = 1_000_000;
/** The recorder's time at the start of the load. */
const START_S = 0.2;

const CUT = { fault: 'partition', isolate: ['eu-west'] } as const;
const KILL = { fault: 'kill', node: 'us-east-0' } as const;
const RESTART = { fault: 'restart', node: 'ap-south-0' } as const;

function planOf(faults: readonly object[]) {
  const written = { load: { duration: '20s' }, faults, claims: ['total-excess <= bound'] };
  return parseScenario(`# why\n${JSON.stringify(written)}`, { file: 'x.yaml' });
}

/** When something happened, in seconds after the start of the load. */
type Times = Partial<Record<FaultRecord['phase'], number>>;

/** The notes on a run of these faults; each with its times, and the load until `untilS`. */
function notesOf(
  faults: readonly { readonly planned: object; readonly times: Times }[],
  { untilS = 20, clocks = 'one' as 'one' | 'apart' } = {},
) {
  const plan = planOf(faults.map(({ planned }) => planned));
  const records = plan.faults.flatMap(({ fault, atMs, forMs: _for, ...args }): FaultRecord[] => {
    const times = faults.find(({ planned }) =>
      JSON.stringify(planned).includes(`"at":"${atMs / 1_000}s"`),
    )?.times;
    return (['inject', 'heal', 'settled'] as const).flatMap((phase) => {
      const atS = times?.[phase];
      return atS === undefined ? [] : [{ type: 'fault', fault, phase, atUs: (START_S + atS) * S, args }];
    });
  });
  const parts = [0, 1, untilS].map((atS) => ({ invokedUs: (START_S + atS) * S }));
  return planNotes(plan, historyOf(parts, { records, header: { clocks } }));
}

const cut = { ...CUT, at: '5s', for: '8s' };

describe('notes on a run', () => {
  it.each([
    { title: 'is as it was planned', times: { inject: 5, heal: 13, settled: 16 } },
    { title: 'is late by less than a second', times: { inject: 5.3, heal: 13.9, settled: 16 } },
  ])('are none if it $title', ({ times }) => {
    expect(notesOf([{ planned: cut, times }])).toEqual([]);
  });

  it.each([
    {
      title: 'a fault that lasted too long',
      times: { inject: 5, heal: 16.1, settled: 18 },
      missed: 'partition lasted 11.1 s instead of 8 s',
    },
    {
      title: 'one that began late',
      times: { inject: 7.2, heal: 15.2, settled: 18 },
      missed: 'partition began after 7.2 s instead of 5 s',
    },
    {
      title: 'both',
      times: { inject: 7.2, heal: 17.2, settled: 18 },
      missed: 'partition began after 7.2 s instead of 5 s and lasted 10 s instead of 8 s',
    },
    {
      title: 'a load that was too long',
      times: { inject: 5, heal: 13, settled: 18 },
      untilS: 23.5,
      missed: 'the load lasted 23.5 s instead of 20 s',
    },
  ])('name $title', ({ times, untilS, missed }) => {
    const notes = notesOf([{ planned: cut, times }], { ...(untilS && { untilS }) });
    expect(notes).toEqual([
      `times of the plan were missed, by a slow machine or a fault that took long: ${missed}`,
    ]);
  });

  it('name the three latest faults, and each of two that are alike', () => {
    const times = { inject: 1, heal: 4.5, settled: 4.6 };
    const late = (seconds: number) => ({ inject: seconds, heal: seconds + 1 + seconds / 10, settled: 19.9 });
    const notes = notesOf([
      { planned: { ...CUT, at: '1s', for: '1s' }, times },
      { planned: { ...CUT, at: '11s', for: '1s' }, times: late(11) },
      { planned: { ...CUT, at: '14s', for: '1s' }, times: late(14) },
      { planned: { ...CUT, at: '17s', for: '1s' }, times: late(17) },
    ]);
    expect(notes).toEqual([
      'times of the plan were missed, by a slow machine or a fault that took long: partition lasted 3.5 s instead of 1 s; partition lasted 2.7 s instead of 1 s; partition lasted 2.4 s instead of 1 s; 1 more fault as well',
    ]);
  });

  it('ask nothing of the length of a fault that ends by itself', () => {
    const planned = { ...RESTART, at: '5s', for: '1s' };
    expect(notesOf([{ planned, times: { inject: 5, heal: 12, settled: 14 } }])).toEqual([]);
  });

  it('say that the cluster had not settled when the load ended', () => {
    const unsettled = [
      'the cluster had not settled when the load ended, 7 s after the heal of partition: whether a region fell silent after it was not judged; a load that goes on after it settles shows it',
    ];
    expect(notesOf([{ planned: cut, times: { inject: 5, heal: 13, settled: 21 } }])).toEqual(unsettled);
    expect(notesOf([{ planned: cut, times: { inject: 5, heal: 13 } }])).toEqual(unsettled);
  });

  it('say that nothing is shown after a heal that came after the load', () => {
    const planned = { ...KILL, at: '5s', for: '15s' };
    expect(notesOf([{ planned, times: { inject: 5, heal: 20.1, settled: 24 } }])).toEqual([
      'kill was healed after the last request, so the report shows nothing of the time after it',
    ]);
  });

  it('are none on a run that was cut short, nor on an audit', () => {
    expect(notesOf([{ planned: cut, times: { inject: 5, heal: 7 } }], { untilS: 7 })).toEqual([]);
    expect(notesOf([], { untilS: 30, clocks: 'apart' })).toEqual([]);
    expect(notesOf([], { untilS: 30 })).toHaveLength(1);
  });

  it('are in the report of the run', () => {
    const [first, last] = [{ invokedUs: START_S * S }, { invokedUs: (START_S + 23) * S }];
    const { report } = judgeRun({ plan: planOf([]), busiest: [], problems: [] }, historyOf([first, last]));
    expect(report.notes).toContain(
      'times of the plan were missed, by a slow machine or a fault that took long: the load lasted 23 s instead of 20 s',
    );
  });
});

it('says of a run with a control part that no round trip was added', () => {
  expect(machinesNote({})).toEqual([]);
  const parts = { control: {} } as unknown as NonNullable<History['parts']>;
  expect(machinesNote({ parts })).toEqual(['round trips are those between the machines; the run added none']);
});
