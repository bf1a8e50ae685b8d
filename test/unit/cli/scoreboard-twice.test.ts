import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { callCli } from '../../support/call-cli.ts';
import { ROOT } from '../../support/readme.ts';

const RESULTS = join(ROOT, 'docs/results');

it('the page on the two boards says what --compare says of them', async () => {
  const files = ['scoreboard.json', 'scoreboard-second.json'].map((file) => join(RESULTS, file));
  const { code, stdout } = await callCli(['scoreboard', '--compare', ...files]);
  expect(code).toBe(1);
  const [sentence = ''] = stdout.split('\n');
  const page = readFileSync(join(RESULTS, 'scoreboard-twice.md'), 'utf8');
  expect(page).toContain(`**${sentence}.**`);
  for (const [, limiter, scenario, before, after] of stdout.matchAll(
    /^│ (\S+) +│ (\S+) +│ (\S+) +│ (\S+) /gm,
  ))
    if (limiter !== 'limiter')
      expect(page).toMatch(new RegExp(`^\\| ${limiter} \\| ${scenario} \\| ${before}.* \\| ${after}`, 'm'));
  const changed = /^(\d+) of (\d+) cells/.exec(sentence)?.slice(1) ?? [];
  expect(readFileSync(join(ROOT, 'docs/scoreboard.md'), 'utf8')).toContain(changed.join(' of '));
});
