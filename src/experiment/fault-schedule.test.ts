import { describe, expect, it, vi } from 'vitest';
import type { FaultContext } from '../faults/support/fault.ts';
import type { FaultRecord } from '../history/records/operation.ts';
import type { PlannedFault } from '../scenario/plan.ts';
import { FaultSchedule } from './fault-schedule.ts';

const CLOCK = { fault: 'gateway-clock', region: 'r', offsetMs: 500, atMs: 0 } as const;

/** A schedule of one fault, of which the first `failures` undos fail, and of `later` ones. */
function scheduleOf(
  forMs: number,
  { failures, later = [] }: { failures: number; later?: readonly PlannedFault[] },
) {
  const records: FaultRecord[] = [];
  let clockMs = 0;
  let left = failures;
  const setServiceClock = async (_region: string, offsetMs: number) => {
    if (offsetMs === 0 && left-- > 0) throw new Error('refused');
    clockMs = offsetMs;
  };
  const schedule = new FaultSchedule({
    faults: [{ ...CLOCK, forMs }, ...later],
    seed: 1,
    system: {
      regions: { topology: { regions: ['r'] } } as unknown as FaultContext['regions'],
      setServiceClock,
    },
    nowUs: () => 1,
    record: (record) => record.type === 'fault' && records.push(record),
  });
  return {
    schedule,
    phases: () => records.map(({ phase }) => phase),
    clockMs: () => clockMs,
  };
}

const SOON = { timeout: 10_000 };

describe('a schedule of faults', () => {
  it('heals in time', async () => {
    const { schedule, phases, clockMs } = scheduleOf(1, { failures: 0 });
    schedule.start(() => {});
    await vi.waitFor(() => expect(phases()).toEqual(['inject', 'heal']), SOON);
    expect([schedule.inForce, clockMs(), await schedule.end()]).toEqual([[], 0, []]);
  });

  it('names each fault that it did not come to before its end, once', async () => {
    const later = { ...CLOCK, offsetMs: 200, atMs: 60_000, forMs: 1 };
    const { schedule, phases, clockMs } = scheduleOf(60_000, { failures: 0, later: [later] });
    schedule.start(() => {});
    await vi.waitFor(() => expect(clockMs()).toBe(500), SOON);
    await schedule.end();
    await schedule.end();
    expect(phases()).toEqual(['inject', 'heal']);
    expect(schedule.problems).toEqual(['gateway-clock at 60 s was never injected: the load ended first']);
  });

  it('keeps a fault in force after a failed heal, and retries at the end', async () => {
    const { schedule, phases, clockMs } = scheduleOf(1, { failures: 1 });
    const onFailure = vi.fn();
    schedule.start(onFailure);
    const late = ['gateway-clock was healed late: refused'];
    await vi.waitFor(() => expect(schedule.problems).toEqual(late), SOON);
    expect([schedule.inForce, phases()]).toEqual([['gateway-clock'], ['inject']]);
    expect(onFailure).not.toHaveBeenCalled();
    expect(await schedule.end()).toEqual([]);
    expect([schedule.inForce, phases(), clockMs()]).toEqual([[], ['inject', 'heal'], 0]);
  });

  it.each([
    { title: 'goes on without a later fault that cannot be injected', refusedMs: 200 },
    { title: 'ends the load if the first fault cannot be injected', refusedMs: 500 },
  ])('$title', async ({ refusedMs }) => {
    const records: FaultRecord[] = [];
    const schedule = new FaultSchedule({
      faults: [
        { ...CLOCK, forMs: 60_000 },
        { ...CLOCK, offsetMs: 200, atMs: 50, forMs: 60_000 },
      ],
      seed: 1,
      system: {
        regions: { topology: { regions: ['r'] } } as unknown as FaultContext['regions'],
        setServiceClock: async (_region, offsetMs) => {
          if (offsetMs === refusedMs) throw new Error('silent');
        },
      },
      nowUs: () => 1,
      record: (record) => record.type === 'fault' && records.push(record),
    });
    const onFailure = vi.fn();
    schedule.start(onFailure);
    if (refusedMs === 500) {
      await vi.waitFor(() => expect(onFailure).toHaveBeenCalledOnce(), SOON);
      expect([schedule.failure, schedule.problems]).toEqual([new Error('silent'), []]);
      return void (await schedule.end());
    }
    const problem = 'gateway-clock could not be injected after an earlier fault: silent';
    await vi.waitFor(() => expect(schedule.problems).toEqual([problem]), SOON);
    expect(records.map(({ phase }) => phase)).toEqual(['inject', 'inject', 'heal']);
    expect([schedule.inForce, onFailure.mock.calls, schedule.failure]).toEqual([
      ['gateway-clock'],
      [],
      undefined,
    ]);
    expect(await schedule.end()).toEqual([]);
  });

  it('reports a fault that it cannot heal at the end, and retries when it is ended again', async () => {
    const { schedule, phases, clockMs } = scheduleOf(60_000, { failures: 1 });
    schedule.start(() => {});
    await vi.waitFor(() => expect(clockMs()).toBe(500), SOON);
    expect(await schedule.end()).toEqual(['heal gateway-clock: Error: refused']);
    expect([schedule.inForce, phases()]).toEqual([['gateway-clock'], ['inject']]);
    expect(await schedule.end()).toEqual([]);
    expect([schedule.inForce, phases(), clockMs()]).toEqual([[], ['inject', 'heal'], 0]);
  });

  it('records a restart of services at its first try, which may have started one of them', async () => {
    const records: FaultRecord[] = [];
    let [us, tries] = [0, 0];
    const start = async () => {
      us += 1_000;
      if (tries++ === 0) throw new Error('one does not start');
    };
    const schedule = new FaultSchedule({
      faults: [{ fault: 'restart-service', region: 'r', atMs: 0, forMs: 1 }],
      seed: 1,
      system: {
        regions: { topology: { regions: ['r'] } } as unknown as FaultContext['regions'],
        serviceProcesses: { kill: async () => {}, start, idsOf: async () => ['1'] },
      },
      nowUs: () => us,
      record: (record) => record.type === 'fault' && records.push(record),
    });
    schedule.start(() => {});
    const late = ['restart-service was healed late: one does not start'];
    await vi.waitFor(() => expect(schedule.problems).toEqual(late), SOON);
    expect(await schedule.end()).toEqual([]);
    expect([tries, records.map(({ phase, atUs }) => `${phase} ${atUs}`)]).toEqual([
      2,
      ['inject 0', 'heal 0'],
    ]);
  });

  it('records once that the system has settled, between its faults and not at the end', async () => {
    const records: FaultRecord[] = [];
    const waits: AbortSignal[] = [];
    const schedule = new FaultSchedule({
      faults: [
        { ...CLOCK, forMs: 1 },
        { ...CLOCK, offsetMs: 200, atMs: 1, forMs: 50 },
        { ...CLOCK, atMs: 400, forMs: 1 },
        { ...CLOCK, atMs: 800, forMs: 60_000 },
      ],
      seed: 1,
      system: {
        regions: { topology: { regions: ['r'] } } as unknown as FaultContext['regions'],
        setServiceClock: async () => {},
      },
      nowUs: () => 1.5,
      record: (record) => record.type === 'fault' && records.push(record),
      settled: async (signal) => {
        // The second wait ends with the next fault, and not because the system had settled.
        if (waits.push(signal) === 2)
          await new Promise((resolve) => signal.addEventListener('abort', resolve));
      },
    });
    schedule.start(() => {});
    const phases = () => records.map(({ phase }) => phase);
    const first = ['inject', 'inject', 'heal', 'heal', 'settled'];
    const all = [...first, 'inject', 'heal', 'inject'];
    await vi.waitFor(() => expect(phases()).toEqual(all), SOON);
    expect(records[4]).toEqual({ type: 'fault', fault: 'gateway-clock', phase: 'settled', atUs: 2 });
    expect(await schedule.end()).toEqual([]);
    expect(phases()).toEqual([...all, 'heal']);
    expect(waits).toHaveLength(2);
  });
});
