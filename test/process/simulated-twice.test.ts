import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { callCli } from '../support/call-cli.ts';
import { write } from '../support/check-files.ts';
import { testFolder } from '../support/cli.ts';

const LOAD = ['--connections', '30', '--users', '12', '--skew', '0', '--duration', '2', '--ramp', '0'];

/** A correct token bucket, by this clock in microseconds. `lines` are of the module. */
const bucket = (nowUs: string, lines = '') => `
  ${lines}
  export const simulated = true;
  const TAKE = \`
    local quanta, rate, now = tonumber(ARGV[1]) * 1000000, tonumber(ARGV[2]), tonumber(ARGV[3])
    local found = redis.call('HMGET', KEYS[1], 'level', 'at')
    local level = quanta
    if found[1] then
      level = math.min(quanta, tonumber(found[1]) + math.max(0, now - tonumber(found[2])) * rate)
      now = math.max(now, tonumber(found[2]))
    end
    local allowed = level >= 1000000
    if allowed then level = level - 1000000 end
    redis.call('HSET', KEYS[1], 'level', string.format('%.0f', level), 'at', string.format('%.0f', now))
    return { allowed and 1 or 0 }
  \`;
  export const createLimiter = ({ policy, prefix, scripts, time }) => ({
    async take(user) {
      const rate = (policy.refill.tokens * 1e6) / policy.refill.perUs;
      const nowUs = Math.round(${nowUs});
      const { values } = await scripts.run(TAKE, [prefix + ':' + user], [policy.capacityTokens, rate, nowUs]);
      return { allowed: values[0] === 1 };
    },
  });
`;

async function simulate(text: string) {
  const cwd = testFolder();
  write(cwd, 'mine.mjs', text);
  write(cwd, 'later.mjs', 'export const offset = 0;');
  const args = ['bench', '--limiter', 'mine.mjs', '--simulate', ...LOAD, '--json'];
  const { code, stdout, stderr } = await callCli(args, { cwd });
  const read = (name: string) => readFileSync(join(cwd, 'reports/latest', name), 'utf8');
  return { code, stderr, report: JSON.parse(stdout), read, cwd };
}

it('V12: judges a correct plug-in whose beginning is the same when it is simulated twice', async () => {
  const { code, stderr, report, read } = await simulate(bucket('time.dateMs() * 1000'));
  expect([code, report.verdict, report.outside], stderr).toEqual([0, 'pass', undefined]);
  expect(read('history.ndjson')).not.toContain('"outside"');
});

it.each([
  { door: 'new Date', nowUs: 'new (new Date(0)).constructor().getTime() * 1000' },
  { door: 'vm.runInNewContext', nowUs: "(began ??= vm.runInNewContext('Date.now()')) * 1000 + time.nowUs()" },
  { door: 'Event.timeStamp', nowUs: "new Event('x').timeStamp * 1000" },
  { door: 'Intl.DateTimeFormat.formatToParts', nowUs: 'Number(second.formatToParts()[0].value) * 1e6' },
])('V12: accuses no correct plug-in with a clock of its own: $door', async ({ door, nowUs }) => {
  const lines =
    "import vm from 'node:vm'; let began; const second = new Intl.DateTimeFormat('en', { second: 'numeric' });";
  const { code, stderr, report } = await simulate(bucket(nowUs, lines));
  expect([code, report.verdict, report.outside], stderr).toEqual([
    ...[2, 'unknown'],
    [expect.stringContaining(`plugin:mine.mjs used ${door} outside virtual time`)],
  ]);
});

it.each([
  { state: 'a counter', lines: 'let calls = 0;', use: '(calls++, 0)' },
  { state: 'a cache', lines: 'const seen = new Map();', use: '(seen.set(user, seen.size).size % 2)' },
])('V12: begins the second simulation without the state of the module: $state', async ({ lines, use }) => {
  const { report, stderr } = await simulate(bucket(`time.dateMs() * 1000 + ${use}`, lines));
  expect([report.outside, stderr]).toEqual([undefined, expect.not.stringContaining('warning')]);
});

it('V12: names the first record that differs when the seed is repeated', async () => {
  const lines = 'globalThis.takes ??= 0;';
  const { code, report, stderr, read, cwd } = await simulate(
    bucket('(globalThis.takes += 1) > 50000 ? 0 : time.dateMs() * 1000 + globalThis.takes', lines).replace(
      'return { allowed: values[0] === 1 }',
      'return { allowed: values[0] === 1, remaining: globalThis.takes }',
    ),
  );
  const difference =
    /^cannot decide: plugin:mine\.mjs decides by something that the seed does not determine: its beginning was simulated twice, and line (\d+) of the history was (.*) and then (.*)$/;
  const [, line, first] = difference.exec(report.outside?.[0]) ?? [];
  expect([code, report.verdict, report.outside.length], stderr).toEqual([2, 'unknown', 1]);
  const text = read('history.ndjson').split('\n')[Number(line) - 1];
  expect(text).toContain(first?.replace(/^\.\.\./, ''));
  expect(stderr).toContain('used something that the seed does not determine (seen at line');
  const checked = await callCli(['check', 'reports/latest/history.ndjson', '--json'], { cwd });
  expect(JSON.parse(checked.stdout).outside).toEqual(report.outside);
});

it('V12: decides nothing of a plug-in that fails to start when its run is repeated', async () => {
  const thrice = `
    globalThis.starts ??= 0;
    const start = () => { if (++globalThis.starts > 3) throw new Error('once'); };
  `;
  const text = bucket('time.dateMs() * 1000', thrice).replace('time }) => ({', 'time }) => start() ?? ({');
  const { code, report } = await simulate(text);
  expect([code, report.outside]).toEqual([
    2,
    [expect.stringMatching(/line 1 of the history was .* and then .*failed to start: once$/)],
  ]);
});

it('V12: notices an import while time passes, and a module of Node.js that is not watched', async () => {
  const late = await simulate(bucket("time.dateMs() * 1000 + (await import('./later.mjs')).offset"));
  expect(late.report.outside).toEqual([expect.stringContaining('used import() outside')]);
  const imported = await simulate(bucket('time.dateMs() * 1000', "import 'node:repl';"));
  expect(imported.report.outside).toEqual([expect.stringContaining('used node:repl outside')]);
});

it('V12: prints once what the plug-in says in its beginning', async () => {
  const says = "async take(user) { process.stdout.write(++takes + ' ' + time.nowUs());";
  const { read } = await simulate(
    bucket('time.dateMs() * 1000', 'let takes = 0;').replace('async take(user) {', says),
  );
  const printed = read('logs/rating-simulated.log').trimEnd().split('\n');
  expect(printed.length).toBeGreaterThan(500);
  expect(printed.filter((line) => line.startsWith('1 '))).toHaveLength(3);
});
