import { describe, expect, it } from 'vitest';
import { BASE, type Clock, clockAt, MACHINES, readings, S } from '../../test/support/part-clocks.ts';
import { controlOf, historyOfParts, partOf } from '../../test/support/part-history.ts';
import type { HistoryRecord } from '../history/records/operation.ts';
import { parseScenario } from '../scenario/parse.ts';
import { judgeRun } from './judge-run.ts';

const [A, B] = MACHINES as [Clock, Clock];
const WAY = { there: 400, back: 300 };
const plan = parseScenario(
  `# why\n${JSON.stringify({ load: { connections: 20, users: 5, duration: '12s', ramp: '0s' }, claims: ['total-excess <= 0'] })}`,
  { file: 'x.yaml' },
);

/** 100 denials a second for 12 s, without those of some seconds. */
function load(own: Clock, [silentS, untilS]: readonly [number, number] = [0, 0]) {
  return Array.from({ length: 1_200 }, (_, at) => at * 10_000)
    .filter((us) => us < silentS * S || us >= untilS * S)
    .map((us) => ({
      ...{ outcome: 'denied' as const, bucket: `u${us % 7}` },
      ...{ invokedUs: Math.floor(clockAt(own, us)), completedUs: Math.ceil(clockAt(own, us + 5_000)) },
    }));
}

/** A cut from second 4 to second 8, and settled at second 9, by the clock of the control part. */
const CUT: HistoryRecord[] = (['inject', 'heal', 'settled'] as const).map((phase, at) => ({
  ...{ type: 'fault', fault: 'command', phase, args: {} },
  atUs: Math.floor(clockAt(BASE, ([4, 8, 9][at] as number) * S)),
}));

function judged(faults: readonly HistoryRecord[], { b = true, jumpUs = 0 } = {}) {
  const part = (name: string, own: Clock, silent?: readonly [number, number]) => ({
    part: partOf(name, { control: true }),
    operations: load(own, silent),
    records: readings(own, BASE, WAY).map((one, at) => ({ ...one, atUs: one.atUs + (at > 30 ? jumpUs : 0) })),
  });
  const control = {
    part: controlOf({ machine: BASE.name }),
    records: [...readings(BASE, BASE, WAY).map((one) => ({ ...one, source: 'machine' as const })), ...faults],
  };
  const parts = [part('a', A), ...(b ? [part('b', B, [4, 8])] : []), control];
  const history = historyOfParts(parts, { policy: '4:1/s' });
  return judgeRun({ plan, busiest: [], problems: ['a task ended early'] }, history).report;
}

describe('a run in parts', () => {
  it('has regions that fell silent on the axis of the clock endpoint, not by the clocks of their machines', () => {
    expect(judged([]).troubles).toEqual([
      'a task ended early',
      expect.stringMatching(
        /^b decided 0 requests from 4.0 s to 8.0 s, where about 400 were expected and no fault/,
      ),
    ]);
  });

  it('has none while a fault of the control part is in force', () => {
    expect(judged(CUT).troubles).toEqual(['a task ended early']);
  });

  it('has none if a part is missing, which may be the silent one', () => {
    const { troubles, verdict, accounts } = judged([], { b: false });
    expect(troubles).toEqual(['a task ended early']);
    expect(verdict).toBe('unknown');
    expect(accounts[0]?.reason).toMatch(/^the part b of the run's 2 parts is missing/);
  });

  it('has no times to compare with the plan if clocks contradict each other', () => {
    const { troubles, notes = [] } = judged([], { jumpUs: 90_000 });
    expect(troubles).toEqual(['a task ended early']);
    expect(notes.join('\n')).not.toMatch(/the load lasted/);
  });
});
