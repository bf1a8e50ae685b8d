import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it, onTestFinished, vi } from 'vitest';
import { type ProgramOptions, startProgram } from '../../../src/limiter/plugin/command/program.ts';
import { testFolder } from '../../support/cli.ts';

/** A program of Node: what is done with each take `asked`, between its start and the end of its input. */
const answering = (onTake: string, atStart = `say({ ready: true })`) => `
  const say = (message) => console.log(JSON.stringify(message));
  ${atStart};
  require('node:readline').createInterface({ input: process.stdin }).on('line', (line) => {
    const asked = JSON.parse(line);
    ${onTake};
  });`;

async function start(script: string, more: Partial<ProgramOptions> = {}) {
  const failures: Error[] = [];
  const program = await startProgram({
    file: '/x/mine.yaml',
    command: [process.execPath, '-e', script],
    folder: '/',
    env: { GREETING: 'hello' },
    atExit: () => {},
    onFailure: (error) => failures.push(error),
    ...more,
  });
  onTestFinished(() => program.close());
  return { program, failures };
}

const take = { cost: 1, nowMs: 5 };

/** A killed child of a program that has ended may wait for its new parent. */
function isRunning(pid: number): boolean {
  try {
    return !/^State:\s*Z/m.test(readFileSync(`/proc/${pid}/status`, 'utf8'));
  } catch {
    return false;
  }
}

describe('a program that decides', () => {
  it('answers many takes in any order', async () => {
    const { program } = await start(
      answering(`
        globalThis.all = [...(globalThis.all ?? []), asked];
        if (all.length === 3) for (const { id, user, cost, nowMs } of all.reverse())
          say({ id, allowed: cost < 3, remaining: nowMs, user, greeting: process.env.GREETING });`),
    );
    const decisions = [1, 2, 3].map((cost) => program.take(`u${cost}`, { cost, nowMs: 7 }));
    expect(await Promise.all(decisions)).toMatchObject([
      { allowed: true, remaining: 7, user: 'u1', greeting: 'hello' },
      { allowed: true, user: 'u2' },
      { allowed: false, user: 'u3' },
    ]);
  });

  it('fails one take, and says whether that was charged', async () => {
    const { program } = await start(
      answering(
        `say({ id: asked.id, error: 'no ' + asked.user, ...(asked.user === 'b' && { charge: 'none' }) })`,
      ),
    );
    await expect(program.take('a', take)).rejects.toThrow(/^no a$/);
    await expect(program.take('a', take)).rejects.not.toHaveProperty('charge');
    await expect(program.take('b', take)).rejects.toMatchObject({ message: 'no b', charge: 'none' });
  });

  it.each([
    { title: 'ends', script: 'process.exit(3)', says: 'ended with code 3' },
    { title: 'is killed', script: `process.kill(process.pid, 'SIGTERM')`, says: 'ended with SIGTERM' },
    {
      title: 'says that it cannot',
      script: `console.log('{"error":"no Redis"}')`,
      says: 'failed to start: no Redis',
    },
    {
      title: 'prints something else',
      script: `console.log('hi')`,
      says: 'wrote "hi" to its standard output; expected {"ready": true}',
    },
    {
      title: 'prints other JSON',
      script: `console.log('[1]')`,
      says: 'wrote "[1]"; expected {"ready": true}',
    },
    {
      title: 'prints a line without an end',
      script: `process.stdout.write('x'.repeat(70_000))`,
      says: 'a line has more than 65536 characters',
    },
  ])('does not start if it $title', async ({ script, says }) => {
    await expect(start(script)).rejects.toMatchObject({
      code: 'INVALID_OPTION',
      message: expect.stringContaining(`plugin:mine.yaml ${says}`),
    });
  });

  it('does not start without its last words, however fast it ends', async () => {
    const command = ['sh', '-c', `echo '{"error": "no Redis"}'; exit 1`] as const;
    for (let i = 0; i < 30; i++)
      await expect(start('', { command })).rejects.toThrow('plugin:mine.yaml failed to start: no Redis');
  });

  it('does not start if it is not there', async () => {
    await expect(start('', { command: ['./not-there'] })).rejects.toThrow(
      'plugin:mine.yaml cannot be started: "./not-there", or the program that runs it, was not found',
    );
  });

  it.each([
    { title: 'ends', onTake: 'process.exit(0)', says: 'ended with code 0' },
    {
      title: 'answers another take',
      onTake: 'say({ id: 99, allowed: true })',
      says: 'answered take 99, which does not wait',
    },
    { title: 'prints something else', onTake: `console.log('hi')`, says: 'wrote "hi"' },
  ])('fails all its takes, now and later, once it $title', async ({ onTake, says }) => {
    const { program, failures } = await start(answering(onTake));
    await expect(program.take('a', take)).rejects.toThrow(says);
    expect(failures.map(({ message }) => message)).toEqual([
      expect.stringContaining(`plugin:mine.yaml ${says}`),
    ]);
    await expect(program.take('a', take)).rejects.toThrow(says);
  });

  it.each([
    {
      title: 'says twice that it is ready',
      onTake: 'say({ ready: true })',
      says: 'said twice that it is ready',
    },
    { title: 'fails as a whole', onTake: `say({ error: 'no memory' })`, says: 'failed: no memory' },
  ])('fails once it $title', async ({ onTake, says }) => {
    const { program, failures } = await start(answering(onTake));
    await expect(program.take('a', take)).rejects.toThrow(says);
    expect(failures).toHaveLength(1);
  });

  it('answers a take whatever else it says', async () => {
    const { program } = await start(answering('say({ ready: true, id: asked.id, allowed: true })'));
    expect(await program.take('a', take)).toMatchObject({ allowed: true });
  });

  it('is closed though a child outside its group holds its output open', async () => {
    const file = join(testFolder(), 'pid');
    const script = `setsid sleep 60 & echo $! > ${file}; echo '{"ready": true}'; cat > /dev/null`;
    const { program } = await start('', { command: ['sh', '-c', script] });
    const pid = Number(readFileSync(file, 'utf8'));
    onTestFinished(() => void process.kill(pid));
    await program.close();
    expect(process.kill(pid, 0)).toBe(true);
  });

  it('leaves no child in its group, also if that ignores SIGTERM', async () => {
    const file = join(testFolder(), 'pid');
    const script = `trap '' TERM; sleep 60 & echo $! > ${file}; echo '{"ready": true}'; cat > /dev/null`;
    const { program } = await start('', { command: ['sh', '-c', script] });
    const pid = Number(readFileSync(file, 'utf8'));
    await program.close();
    await vi.waitFor(() => expect(isRunning(pid)).toBe(false), { timeout: 5_000 });
  });

  it('ends when its input ends, without a failure', async () => {
    const { program, failures } = await start(answering(''));
    await program.close();
    expect(failures).toEqual([]);
    await expect(program.take('a', take)).rejects.toThrow(/ended/);
  });

  it('is killed if it goes on after its input has ended', async () => {
    const { program } = await start(
      answering(
        'say({ id: asked.id, allowed: true, remaining: process.pid })',
        `
      setInterval(() => {}, 1_000); process.on('SIGTERM', () => {}); say({ ready: true })`,
      ),
    );
    const { remaining: pid = 0 } = await program.take('a', take);
    await program.close();
    expect(() => process.kill(pid, 0)).toThrow(/ESRCH/);
  });
});
