import { expect, it } from 'vitest';
import { callCli } from '../../support/call-cli.ts';
import { testFolder } from '../../support/cli.ts';

const LOAD = '--simulate --policy 20:5/s --users 12 --rate 40 --duration 8 --resting 0';

const bench = (flags: string) => callCli(['bench', ...flags.split(' ')], { cwd: testFolder() });

it('U3: says before a load that it cannot drain its buckets, and with which flags it does', async () => {
  const little = await bench(LOAD);
  expect(little.code).toBe(2);
  expect(little.stderr).toMatch(
    /^claim: .*\nnote: this load can drain at most \d of its 12 busiest buckets/m,
  );
  expect(little.stderr.indexOf('note: ')).toBeLessThan(little.stderr.indexOf('  load '));
  const ways = /; use (.*)$/m.exec(little.stderr)?.[1]?.split(', or ') ?? [];
  expect(ways).toHaveLength(2);
  for (const way of ways) {
    const enough = await bench(`${LOAD} ${way}`);
    expect(enough.code, `${way}\n${enough.stdout}`).toBe(0);
    expect(enough.stderr).not.toContain('note: ');
  }
});
