import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { gunzipSync } from 'node:zlib';
import { describe, expect, it } from 'vitest';
import { callCli } from '../support/call-cli.ts';
import { testFolder } from '../support/cli.ts';

const EXAMPLES = join(import.meta.dirname, '../../docs/examples');
const PASSING = ['--capacity', '21', '--refill', '5/s'];
const OF_TABLE = ['--from', 'csv', '--key', 'user', '--status', 'status'];
const COLUMNS = ['--start', 'sent_us', '--end', 'answered_us'];
const K6 = ['--from', 'k6', '--key', 'user'];
const VEGETA = ['--from', 'vegeta', '--key', 'query.user'];

function textOf(name: string): string {
  const bytes = readFileSync(join(EXAMPLES, name));
  return (name.endsWith('.gz') ? gunzipSync(bytes) : bytes).toString();
}

/** The exit code for an example whose text was changed, with these options. */
async function codeOf(
  name: string,
  args: readonly string[],
  change: (text: string) => string = (text) => text,
) {
  const file = join(testFolder(), name.replace('.gz', ''));
  writeFileSync(file, change(textOf(name)));
  const { code, stdout, stderr } = await callCli(['check', file, ...args, ...PASSING]);
  return { code, shown: stdout + stderr };
}

/** Applies `change` to the microseconds of the two columns of times. */
const withTimes = (change: (us: number) => number) => (text: string) =>
  text.replace(
    /^(\w+),(\d+),(\d+),/gm,
    (_, user, from, to) => `${user},${change(Number(from))},${change(Number(to))},`,
  );

const renamed = (unit: string) => (text: string) =>
  text.replace('sent_us,answered_us', `sent_${unit},answered_${unit}`);

describe('an example log that passes as it is', () => {
  it.each([
    { name: 'requests.csv', args: [...OF_TABLE, ...COLUMNS] },
    { name: 'k6.json.gz', args: K6 },
    { name: 'vegeta.json.gz', args: VEGETA },
    { name: 'vegeta.csv', args: VEGETA },
  ])('$name does', async ({ name, args }) => {
    const { code, shown } = await codeOf(name, args);
    expect(code, shown).toBe(0);
  });

  it.each([
    { title: 'columns swapped', args: ['--start', 'answered_us', '--end', 'sent_us'] },
    { title: 'the start as a duration', args: ['--end', 'answered_us', '--duration', 'sent_us'] },
    {
      title: 'microseconds called milliseconds',
      args: ['--start', 'sent_ms', '--end', 'answered_ms'],
      change: renamed('ms'),
    },
    {
      title: 'microseconds called seconds',
      args: ['--start', 'sent_s', '--end', 'answered_s'],
      change: renamed('s'),
    },
    {
      title: 'whole seconds',
      args: ['--start', 'sent_s', '--end', 'answered_s'],
      change: (text: string) => renamed('s')(withTimes((us) => Math.floor(us / 1e6))(text)),
    },
    {
      title: 'times rounded to seconds',
      args: COLUMNS,
      change: withTimes((us) => Math.round(us / 1e6) * 1e6),
    },
    { title: 'a slack of a second', args: [...COLUMNS, '--clock-slack', '1s'] },
    { title: 'a slack of ten seconds', args: [...COLUMNS, '--clock-slack', '10s'] },
    { title: 'the user as status', args: [...COLUMNS, '--status', 'user'] },
    { title: 'one key for each request', args: [...COLUMNS, '--key', 'sent_us'] },
  ])('does not pass with $title: requests.csv', async ({ args, change }) => {
    const { code, shown } = await codeOf('requests.csv', [...OF_TABLE, ...args], change);
    expect(code, shown).not.toBe(0);
  });

  it.each([
    { name: 'k6.json.gz', args: K6 },
    { name: 'vegeta.json.gz', args: VEGETA },
    { name: 'vegeta.csv', args: VEGETA },
  ])('does not pass with a slack of ten seconds: $name', async ({ name, args }) => {
    const { code, shown } = await codeOf(name, [...args, '--clock-slack', '10s']);
    expect(code, shown).not.toBe(0);
  });

  it.each([
    { name: 'k6.json.gz', args: ['--from', 'k6', '--key', 'scenario'] },
    { name: 'vegeta.json.gz', args: ['--from', 'vegeta', '--key', 'seq'] },
  ])('does not pass by another key: $name', async ({ name, args }) => {
    const { code, shown } = await codeOf(name, args);
    expect(code, shown).not.toBe(0);
  });
});
