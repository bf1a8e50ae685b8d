import { afterEach, beforeEach, expect, it, vi } from 'vitest';
import { systemTime } from '../system-surroundings.ts';
import { type AckedCommand, AckLanes, type LaneEvents } from './ack-lanes.ts';

const TIMEOUT_MS = 1_000;

beforeEach(
  () => void vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout', 'setImmediate', 'performance'] }),
);
afterEach(() => void vi.useRealTimers());

/** A lane whose WAITs reply when the test says so. */
function startLanes() {
  const waits: ((count: number) => void)[] = [];
  let events: LaneEvents | undefined;
  const lanes = new AckLanes<AckedCommand>({
    node: 'n',
    replicas: 1,
    timeoutMs: TIMEOUT_MS,
    count: 1,
    time: systemTime,
    open(ofLane) {
      events = ofLane;
      return {
        write: () => {},
        wait: () => new Promise((resolve) => waits.push(resolve)),
        close: () => {},
      };
    },
    onStuck: () => {},
  });
  return { lanes, connect: () => events?.onReady(), ack: () => waits.shift()?.(1) };
}

/** A command that was made so many milliseconds ago. */
const commandOf = (ageMs: number): AckedCommand => ({
  isSettled: false,
  deadlineMs: performance.now() + TIMEOUT_MS - ageMs,
  acks: undefined,
  refuse: () => {},
});

const outcome = ({ acks }: AckedCommand) =>
  acks?.then(
    () => 'acked',
    (error: Error) => error.message,
  );

it('fails a command that waited long for a lane at its own deadline, and not those that share its WAIT', async () => {
  const { lanes, connect, ack } = startLanes();
  const [old, fresh, younger] = [commandOf(900), commandOf(100), commandOf(0)];
  for (const command of [old, fresh, younger]) lanes.send(command);
  connect();
  ack(); // the first WAIT, before any write
  await vi.advanceTimersByTimeAsync(300);
  expect(await outcome(old)).toBe('replicas of n may lack a write: no reply to WAIT in time');
  ack();
  expect(await Promise.all([outcome(fresh), outcome(younger)])).toEqual(['acked', 'acked']);
  await vi.advanceTimersByTimeAsync(0);
  expect(vi.getTimerCount()).toBe(0);
});

it('fails all fresh commands of a batch at the deadline of the first', async () => {
  const { lanes, connect, ack } = startLanes();
  const commands = [commandOf(200), commandOf(0)];
  for (const command of commands) lanes.send(command);
  connect();
  ack();
  await vi.advanceTimersByTimeAsync(TIMEOUT_MS - 200);
  expect(new Set(await Promise.all(commands.map(outcome)))).toEqual(
    new Set(['replicas of n may lack a write: no reply to WAIT in time']),
  );
});
