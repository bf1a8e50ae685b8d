import { expect, it, vi } from 'vitest';
import { OpenclawError } from '../../core/errors.ts';
import type { Environment } from '../process/environment.ts';
import { startPlugin } from './start-plugin.ts';

/** Of a process in which this is thrown, and nothing catches it, while a plug-in runs: what is logged, and its exit. */
async function uncaught(error: unknown) {
  const log = vi.fn();
  const exit = vi.fn();
  const listeners: ((error: unknown) => void)[] = [];
  const onUncaught = (listener: (error: unknown) => void) => {
    listeners.push(listener);
    return () => {};
  };
  const environment = {
    log,
    exit,
    onUncaught,
    onExit: () => () => {},
    interrupt: new AbortController().signal,
  } as unknown as Environment;
  await startPlugin('/mine.mjs', environment, async () => {});
  for (const listener of listeners) listener(error);
  return { logged: log.mock.calls.join(''), exits: exit.mock.calls.flat() };
}

/** As Node shows it: the tests' own loader writes other stacks. */
function thrownByUs(): OpenclawError {
  const place = new URL('../../core/policy.ts', import.meta.url).href;
  const error = new OpenclawError('INVALID_POLICY', 'no policy');
  return Object.assign(error, { stack: `${error}\n    at parsePolicy (${place}:1:1)` });
}

it.each([
  {
    title: 'a package',
    error: Object.assign(new Error('lost'), { stack: 'Error: lost\n    at node:net:1' }),
  },
  { title: 'the plug-in, with text', error: 'lost' },
])('takes what $title throws for the doing of the plug-in', async ({ error }) => {
  const { logged, exits } = await uncaught(error);
  expect(logged).toMatch(/^error: plugin:mine\.mjs threw an uncaught error: lost\n/);
  expect(exits).toEqual([64]);
});

it('leaves to others what we throw ourselves', async () => {
  expect(await uncaught(thrownByUs())).toEqual({ logged: '', exits: [] });
});
