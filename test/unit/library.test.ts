import { execFileSync } from 'node:child_process';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';

const ROOT = join(import.meta.dirname, '../..');

/** Runs a program that imports the package, as `npm run build` left it, by its name, as a user's does; gives what it prints as JSON. */
function asUser(program: string): unknown {
  const args = ['--input-type=module', '--eval', `import * as library from 'openclaw-rl';\n${program}`];
  return JSON.parse(execFileSync(process.execPath, args, { cwd: ROOT, encoding: 'utf8' }));
}

const CHECK = `
const header = { type: 'header', format: 'openclaw-history', version: 1, strategy: 'mine', scenario: '', seed: 1,
  regions: [], startedAt: '', initial: 'full', clocks: 'one', policy: { capacity: 2, refill: { tokens: 1, perUs: 1_000_000 } } };
const op = (index, outcome) => ({ type: 'op', index, bucket: 'b', user: '', region: '', process: 0, cost: 1,
  invokedUs: index, completedUs: index + 10, outcome });
function judge(outcomes, options) {
  const reader = new library.HistoryReader();
  reader.startFile('mine');
  const end = { type: 'end', atUs: 100, sent: outcomes.length };
  const text = [header, ...outcomes.map((outcome, index) => op(index, outcome)), end].map(library.encodeRecord).join('');
  reader.push(new TextEncoder().encode(text));
  reader.endFile();
  return library.judgeHistory(reader.finish(), options);
}`;

describe('the package', () => {
  it('judges a history that a program made', () => {
    const verdicts = asUser(`${CHECK}
      console.log(JSON.stringify([
        judge(['allowed', 'allowed', 'denied']).verdict,
        judge(['allowed', 'allowed', 'allowed']).verdict,
        judge(['allowed', 'denied', 'denied']).verdict,
        judge(['allowed', 'denied', 'denied'], { falseDenials: 2, contested: 0 }).verdict,
        judge(['allowed', 'allowed', 'allowed'], { promise: 'fixed-window:3/1s', contested: 0 }).verdict,
        judge(['allowed', 'allowed']).verdict,
      ]));`);
    expect(verdicts).toEqual(['pass', 'fail', 'fail', 'pass', 'pass', 'unknown']);
  });

  it('judges by the promise that a history says, and asks for that of a plug-in', () => {
    const judged = asUser(`${CHECK}
      const all = ['allowed', 'allowed', 'allowed'];
      const promised = (says, options) => {
        Object.assign(header, { promise: undefined }, says);
        try {
          return judge(all, { contested: 0, ...options }).promise;
        } catch ({ code, hint }) {
          return [code, hint];
        }
      };
      console.log(JSON.stringify([
        promised({ promise: 'fixed-window:3/1s' }),
        promised({ promise: 'fixed-window:3/1s' }, { promise: 'sliding-window:3/1s' }),
        promised({}),
        promised({ strategy: 'plugin:mine.mjs' }),
        promised({ strategy: 'plugin:mine.mjs' }, { promise: 'token-bucket' }),
      ]));`);
    expect(judged).toEqual([
      'fixed-window:3/1s',
      'sliding-window:3/1s',
      'token-bucket',
      ['INVALID_OPTION', "say it: judgeHistory(history, { promise: 'token-bucket' })"],
      'token-bucket',
    ]);
  });

  it('proves its verdict', () => {
    const [finding] = asUser(
      `${CHECK} console.log(JSON.stringify(judge(['allowed', 'allowed', 'allowed']).overAdmission.findings));`,
    ) as { witness: object[]; totalExcess: number }[];
    expect(finding?.witness).toHaveLength(3);
    expect(finding?.totalExcess).toBe(0.999988);
  });

  it('refuses a promise that it does not know, by code', () => {
    const code = asUser(`${CHECK}
      try { judge(['allowed'], { promise: 'leaky' }); } catch (error) {
        console.log(JSON.stringify([error instanceof library.OpenclawError, error.code]));
      }`);
    expect(code).toEqual([true, 'INVALID_OPTION']);
  });
});
