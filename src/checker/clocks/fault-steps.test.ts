import { expect, it } from 'vitest';
import type { FaultRecord } from '../../history/records/operation.ts';
import { withStepsOfFaults } from './fault-steps.ts';
import type { ClockStep } from './steps.ts';

const step = (node: string, atUs: number, byUs: number): ClockStep => ({ node, atUs, byUs });
const record = (
  phase: 'inject' | 'heal',
  atUs: number,
  args: { node: string; stepMs: number },
): FaultRecord => ({ type: 'fault', fault: 'node-clock', phase, atUs, args });

const ahead = { node: 'us-east-0', stepMs: 3_000 };
const whole = [record('inject', 1_000_000, ahead), record('heal', 1_500_000, ahead)];
const seen = [step('us-east-0', 1_200_000, 3_000_100), step('us-east-0', 2_900_000, -3_000_100)];

it.each<{ title: string; faults: FaultRecord[]; steps?: ClockStep[]; want: ClockStep[] }>([
  {
    title: 'a step that no reading shows, and its heal',
    faults: whole,
    want: [step('us-east-0', 1_000_000, 3_000_000), step('us-east-0', 1_500_000, -3_000_000)],
  },
  { title: 'a step that a reading shows, once', faults: whole, steps: seen, want: seen },
  {
    title: 'one that was not healed',
    faults: whole.slice(0, 1),
    want: [step('us-east-0', 1_000_000, 3_000_000)],
  },
  {
    title: 'one of a node, while another stepped',
    faults: whole,
    steps: [step('eu-west-0', 1_200_000, 500_000)],
    want: [
      step('eu-west-0', 1_200_000, 500_000),
      step('us-east-0', 1_000_000, 3_000_000),
      step('us-east-0', 1_500_000, -3_000_000),
    ],
  },
  {
    title: 'one that no reading shows, though the next fault of its node is soon seen',
    faults: [...whole, record('inject', 1_600_000, ahead)],
    steps: [step('us-east-0', 1_700_000, 3_000_100)],
    want: [
      step('us-east-0', 1_700_000, 3_000_100),
      step('us-east-0', 1_000_000, 3_000_000),
      step('us-east-0', 1_500_000, -3_000_000),
    ],
  },
  {
    title: 'one that hid the heal of the last, though its own heal is seen at once',
    faults: [...whole, record('inject', 1_600_000, ahead), record('heal', 1_800_000, ahead)],
    steps: [step('us-east-0', 1_200_000, 3_000_100), step('us-east-0', 1_900_000, -3_000_100)],
    want: [
      step('us-east-0', 1_200_000, 3_000_100),
      step('us-east-0', 1_900_000, -3_000_100),
      step('us-east-0', 1_600_000, 3_000_000),
      step('us-east-0', 1_800_000, -3_000_000),
    ],
  },
  { title: 'no step of another fault', faults: whole.map((each) => ({ ...each, fault: 'pause' })), want: [] },
])('the steps have $title', ({ faults, steps = [], want }) => {
  expect(withStepsOfFaults(steps, faults)).toEqual(want);
});
