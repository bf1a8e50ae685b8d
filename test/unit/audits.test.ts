import { execFileSync } from 'node:child_process';
import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { parsePolicies } from '../../src/core/policies.ts';
import { loadPlugin } from '../../src/limiter/plugin/load.ts';
import { readPromise } from '../../src/limiter/plugin/plugin.ts';

const FOLDER = join(import.meta.dirname, '../../audits');
/** An example of what stores of many middlewares do, and no limiter that can be chosen. */
const NO_ROW = 'memory-counter.mjs';
const FILES = readdirSync(FOLDER).filter((file) => /\.(mjs|yaml)$/.test(file) && file !== NO_ROW);
/** The policy of the scoreboard. */
const policies = parsePolicies('20:5/s');

describe.each(FILES)('the audit %s', (file) => {
  const path = join(FOLDER, file);

  it('says what its limiter is', async () => {
    const { about } = await loadPlugin(path);
    expect(about?.name).toEqual(expect.any(String));
    expect(about?.documentation).not.toEqual([]);
  });

  it('has a promise for the policy of the scoreboard', async () => {
    expect(readPromise(await loadPlugin(path), path, policies)).toMatch(/^(token-bucket|\w+-\w+:20\/[45])/);
  });

  it('prints its version, where it is a package of npm or a text', async () => {
    const [program, ...args] = (await loadPlugin(path)).about?.version ?? [];
    if (program !== 'node' && program !== 'echo') return;
    const printed = execFileSync(program, args, { cwd: FOLDER, encoding: 'utf8' });
    expect(printed).toMatch(/^[^\n]*\d[^\n]*\n$/);
  });
});
