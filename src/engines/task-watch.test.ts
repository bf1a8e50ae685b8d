import { expect, it } from 'vitest';
import type { Task } from './engine.ts';
import { describeTask } from './task-watch.ts';

it.each<{ task: Partial<Task>; want: string }>([
  { task: { state: 'failed', exitCode: 137 }, want: 'load-a on m1 ended with exit code 137 (SIGKILL)' },
  { task: { state: 'failed', why: 'Docker ended it' }, want: 'load-a on m1 has failed: Docker ended it' },
  { task: { state: 'waiting', machine: '', why: 'no machine' }, want: 'load-a does not run: no machine' },
  { task: { state: 'lost' }, want: 'load-a on m1: its machine does not answer' },
])('a task is described as $want', ({ task, want }) =>
  expect(describeTask({ service: 'load-a', machine: 'm1', state: 'running', ...task })).toBe(want),
);
