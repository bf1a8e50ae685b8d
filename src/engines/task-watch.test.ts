import { expect, it } from 'vitest';
import type { Task } from './engine.ts';
import { describeEnd, describeTask } from './task-watch.ts';

it.each<{ task: Partial<Task>; want: string }>([
  { task: { state: 'failed', exitCode: 137 }, want: 'load-a on m1 ended with exit code 137 (SIGKILL)' },
  { task: { state: 'failed', why: 'Docker ended it' }, want: 'load-a on m1 has failed: Docker ended it' },
  { task: { state: 'waiting', machine: '', why: 'no machine' }, want: 'load-a does not run: no machine' },
  { task: { state: 'lost' }, want: 'load-a on m1: its machine does not answer' },
])('a task is described as $want', ({ task, want }) =>
  expect(describeTask({ service: 'load-a', machine: 'm1', state: 'running', ...task })).toBe(want),
);

const PAST = '2026-03-01T12:30:00.000Z is past: it is 2026-03-01T12:30:02Z by the clock of the run';

it.each<{ title: string; log: string; exitCode?: number; want: string }>([
  {
    title: 'the error that it has printed as its cause',
    log: 'listening\nerror: no gateway\n  start it\n',
    exitCode: 69,
    want: 'load-a on m1 ended with exit code 69: no gateway',
  },
  {
    title: 'another last line as no cause',
    log: 'listening on http://10.0.1.5:8080\n',
    want: 'load-a on m1 ended with exit code 137 (SIGKILL); its last line: listening on http://10.0.1.5:8080',
  },
  { title: 'an empty log', log: '', want: 'load-a on m1 ended with exit code 137 (SIGKILL)' },
  {
    title: 'a start that has passed without its option',
    log: `error: --start-at ${PAST}\n  choose one that all parts can keep\n`,
    exitCode: 64,
    want: `load-a on m1 was not ready at the start (${PAST})`,
  },
])('an end is described with $title', ({ log, exitCode = 137, want }) =>
  expect(describeEnd({ service: 'load-a', machine: 'm1', state: 'failed', exitCode }, log)).toBe(want),
);
