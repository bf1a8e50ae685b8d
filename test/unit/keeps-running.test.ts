import { execFile } from 'node:child_process';
import { pathToFileURL } from 'node:url';
import { promisify } from 'node:util';
import { expect, it } from 'vitest';
import { ROOT } from '../support/readme.ts';

/** A program that holds nothing open but what a limiter does: its Redis is no connection. */
const PROGRAM = `
import { createLimiter } from '${pathToFileURL(ROOT).href}/dist/index.js';
const other = { ready: async () => {}, close: async () => {} };
const open = (run) => {
  const redis = { isCluster: true, open: () => other, openAcked: () => ({ ...other, runAcked: run }) };
  const regions = { 'us-east': { slots: '0-16383' } };
  const homes = { format: 'openclaw-homes', version: 1, regions, regionOf: () => undefined };
  return createLimiter({ strategy: 'lease', policy: '5:1/s', replicas: 1, redis, homes });
};
const ada = { user: 'ada', endpoint: 'e' };
`;

async function outputOf(program: string): Promise<string> {
  const { stdout } = await promisify(execFile)('node', [
    '--input-type=module',
    '--eval',
    PROGRAM + program,
  ]).catch((error) => error as { stdout: string });
  return stdout.trim();
}

it.each([
  {
    title: 'waits a second for tokens that Redis does not take back',
    program: `
      const limiter = open(() => new Promise(() => {}));
      limiter.take(ada).catch(({ code }) => console.log(code));
      await limiter.close();
      console.log('closed');`,
    output: 'LIMITER_CLOSED\nclosed',
  },
  {
    title: 'waits until lent tokens are back, and moves a bucket',
    program: `
      let asked = 0;
      const limiter = open(async ({ name }) => ({
        values: [name === 'rehome-leave' && asked++ < 2 ? 8 : 0, 1, 5_000],
        node: 'n',
        acked: async () => {},
      }));
      await limiter.rehome(ada, { from: 'us-east', move: 1 });
      console.log('moved', asked);`,
    output: 'moved 3',
  },
])('a program with a limiter $title', async ({ program, output }) => {
  expect(await outputOf(program)).toBe(output);
});

it('a program that does not close its limiter ends', async () => {
  const program = `
    const limiter = open(() => new Promise(() => {}));
    limiter.take(ada).catch(() => {});`;
  expect(await outputOf(`${program}\nconsole.log('end');`)).toBe('end');
});
