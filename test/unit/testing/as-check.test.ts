import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { matchers } from '../../../src/testing/matchers.ts';
import { recordTakes } from '../../../src/testing/record-takes.ts';
import type { TakeHistory } from '../../../src/testing/take-history.ts';
import { callCli } from '../../support/call-cli.ts';
import { ROOT } from '../../support/readme.ts';

const folder = mkdtempSync(join(tmpdir(), 'openclaw-rl-testing-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

/** Takes of several users at once from a limiter with this many tokens for each, which states one too many. */
async function recorded(tokens: number, { users = 1, takes = 30 } = {}): Promise<TakeHistory> {
  const left = new Map<string, number>();
  const { take, history } = recordTakes(async (user: string) => {
    const remaining = left.get(user) ?? tokens;
    if (remaining === 0) return { allowed: false, remaining, retryAfterMs: 100_000 };
    left.set(user, remaining - 1);
    return { allowed: true, remaining };
  });
  const names = Array.from({ length: takes }, (_, at) => `user \u202e${at % users}`);
  await Promise.all(names.map((name) => take(name)));
  return history();
}

describe('the failure message of a matcher', () => {
  it.each([
    ['toKeepPolicy', '20:1/min', [], { tokens: 21 }],
    ['toKeepPolicy', '9:1/min', [], { tokens: 12, users: 5, takes: 100 }],
    ['toKeepPolicy', '20:1/min', [], { tokens: 20, takes: 5 }],
    ['toKeepPromise', 'fixed-window:20/60s:first', [], { tokens: 22 }],
    ['toKeepPromise', 'sliding-window:20/60s', [], { tokens: 19 }],
    [
      'toBeHonest',
      '20:1/min',
      ['--claim', 'dishonest <= 0', '--claim', 'info <= 5%', '--claim', 'contested >= 1'],
      { tokens: 20 },
    ],
  ] as const)(
    'of %s(%j) has what check prints: verdict, claims and proofs',
    async (name, asked, flags, { tokens, ...load }) => {
      const history = await recorded(tokens, load);
      const { pass, message } = matchers[name].call({ isNot: false }, history, asked);
      expect(pass).toBe(false);
      const file = join(folder, `${tokens}.ndjson`);
      writeFileSync(file, history.toNdjson(asked));
      const checked = await callCli(['check', file, ...flags]);
      // a test of one window has too little demand for the floor: `unknown` for a service, not for a test
      const stdout = checked.stdout.replace('? admitted >= 50% of ideal: too little', 'ok too little');
      const [verdict = '', ...proofs] = message().split('\n\n').slice(1);
      const withoutAdvice = verdict.replace(/\n {2}to do .*/g, '');
      expect(stdout.startsWith(`${withoutAdvice}\n`), `${stdout}\nis not\n${withoutAdvice}`).toBe(true);
      expect(withoutAdvice).toMatch(/\n {2}(FAIL|\?) /);
      for (const proof of proofs) expect(stdout).toContain(`\n${proof}\n`);
      const drawn = stdout.split('\n').filter((line) => /^ {4}#\d+ .*\|$/.test(line));
      expect(message().split('\n')).toEqual(expect.arrayContaining(drawn));
    },
  );
});

/** Runs a program as its user does, on what `npm run build` left. */
function run(program: string, ...args: readonly string[]): unknown {
  return JSON.parse(
    execFileSync(process.execPath, [...args, '--eval', program], { cwd: ROOT, encoding: 'utf8' }),
  );
}

const JUDGED = `
const { take, history } = recordTakes((user) => ++asked <= 3);
let asked = 0;
for (let times = 0; times < 5; times++) take('ada');
console.log(JSON.stringify([Object.keys(exported).sort(), ...['3:1/h', '2:1/h'].map((policy) => matchers.toKeepPolicy.call({}, history, policy).pass)]));`;

describe('the entry openclaw-rl/testing', () => {
  it.each([
    ['import', `import * as exported from 'openclaw-rl/testing';`, ['--input-type=module']],
    ['require', `const exported = require('openclaw-rl/testing');`, ['--input-type=commonjs']],
  ])('is loaded by %s', (_how, load, args) => {
    const program = `${load}\nconst { recordTakes, matchers } = exported;\n${JUDGED}`;
    expect(run(program, ...args)).toEqual([['matchers', 'recordTakes'], true, false]);
  });

  it('is one copy for both, loads no Redis client and no command line, and is as fast as one file', () => {
    const program = `import { createRequire } from 'node:module';
import * as imported from 'openclaw-rl/testing';
const required = createRequire(import.meta.url)('openclaw-rl/testing');
const loaded = Object.keys(createRequire(import.meta.url).cache);
console.log(JSON.stringify([required.recordTakes === imported.recordTakes, loaded.map((file) => file.split('/dist/')[1])]));`;
    expect(run(program, '--input-type=module')).toEqual([true, ['testing/index.cjs']]);
  });
});
