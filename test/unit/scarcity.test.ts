import { describe, expect, it } from 'vitest';
import type { Environment } from '../../src/cli/process/environment.ts';
import { reportError } from '../../src/cli/process/report-error.ts';
import { scarcityOf } from '../../src/cli/process/scarcity.ts';
import { environmentFailed } from '../../src/core/errors.ts';
import { BIN, runProgram, testFolder } from '../support/cli.ts';

const NODE = Number.parseInt(process.versions.node, 10);

const systemError = (code: string, syscall = 'open') => Object.assign(new Error(code), { code, syscall });

it.each([
  { error: systemError('EMFILE'), what: 'too many open files' },
  { error: new Error('outer', { cause: systemError('ENFILE') }), what: 'too many open files' },
  { error: environmentFailed('x', 'y', systemError('ENOSPC')), what: 'no space left to write' },
  { error: new RangeError('WebAssembly.Instance(): Out of memory: x'), what: 'out of memory' },
  { error: new RangeError('Array buffer allocation failed'), what: 'out of memory' },
  { error: systemError('ERR_WORKER_OUT_OF_MEMORY'), what: 'out of memory' },
  { error: systemError('EAGAIN', 'spawn sh'), what: 'no more processes can be started' },
  { error: systemError('EAGAIN', 'read'), what: undefined },
  { error: new RangeError('Invalid array length'), what: undefined },
  { error: systemError('ENOENT'), what: undefined },
  { error: 'EMFILE', what: undefined },
])('$error lacks: $what', ({ error, what }) => {
  expect(scarcityOf(error)?.what).toBe(what);
});

/** Runs the program in a shell that has set a limit before. */
async function limited(limit: string, ...args: readonly string[]) {
  const cwd = testFolder();
  const shell = `${limit} && exec "$0" "$@"`;
  return runProgram('/bin/sh', ['-c', shell, BIN, ...args], { cwd });
}

describe('a machine that has too little is an environment error', () => {
  // A newer Node opens fewer: of 64 the program has enough, and what it starts does not.
  it.each(NODE < 22 ? [22, 30, 40, 64] : [22, 30, 40])('with at most %d open files', async (files) => {
    const { code, stderr } = await limited(`ulimit -n ${files}`, 'bench', '--duration', '2s');
    expect({ code, stderr }).toMatchObject({ code: 69, stderr: expect.stringContaining('ulimit -n 4096') });
    expect(stderr).not.toContain('this is a bug');
  });

  it('with too little memory for WebAssembly', async () => {
    const { code, stderr } = await limited('ulimit -v 4000000', 'bench', '--duration', '2s');
    if (NODE < 24)
      expect({ code, stderr }).toMatchObject({
        code: 69,
        stderr: expect.stringMatching(
          /error: out of memory: WebAssembly.*\n {2}free memory, or raise the limit/,
        ),
      });
    if (NODE < 24) expect(stderr, 'nothing is left that was started').not.toContain('starting');
    else expect([0, 2], stderr).toContain(code); // it reserves less, so the run has its verdict
    expect(stderr).not.toContain('this is a bug');
  });
});

it('the hint of an error that came of too many open files is to raise the limit', () => {
  let logged = '';
  const log = (text: string) => {
    logged += text;
  };
  const error = environmentFailed('state.json cannot be read', 'rm -r state.json', systemError('EMFILE'));
  expect(reportError(error, { log } as Environment)).toBe(69);
  expect(logged).toContain('ulimit -n 4096');
  expect(logged).not.toContain('rm -r');
});
