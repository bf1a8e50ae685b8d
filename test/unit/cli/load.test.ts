import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { callCli } from '../../support/call-cli.ts';
import { testFolder } from '../../support/cli.ts';
import { freePort } from '../../support/free-port.ts';

const CLAIMS = 'claims: [total-excess <= 0]';
const FILES = {
  's.yaml': `# Parts.\npolicy: 10:5/s\nload: { connections: 4, users: 6 }\n${CLAIMS}\n`,
  'broken.yaml': `# Faults.\npolicy: 10:5/s\nload: { connections: 4, users: 6, duration: 9s }\nfaults: [{ fault: command, inject: 'true', heal: 'true', at: 1s, for: 1s }]\n${CLAIMS}\n`,
  'e.yaml': `{ regions: [north, south], services: { north: 'http://127.0.0.1:1/', south: 'http://127.0.0.1:2/' } }`,
  'there.ndjson': 'mine',
};

const SERVICES = '--endpoints e.yaml --subject-header x-user';
const WORDS = `s.yaml ${SERVICES} --part north --start-at 12:30 --clock http://127.0.0.1:1 --out north.ndjson`;

async function load(words: string) {
  const folder = testFolder();
  for (const [name, text] of Object.entries(FILES)) writeFileSync(join(folder, name), text);
  return callCli(['load', ...words.split(' ')], { cwd: folder });
}

describe('load refuses, before anything starts,', () => {
  it.each([
    {
      title: 'no endpoints',
      words: WORDS.replace('--endpoints e.yaml ', ''),
      why: /required option '--endpoints <file>'/,
    },
    { title: 'no part', words: WORDS.replace('--part north ', ''), why: /required option '--part <name>'/ },
    {
      title: 'no start',
      words: WORDS.replace('--start-at 12:30 ', ''),
      why: /required option '--start-at <time>'/,
    },
    {
      title: 'no clock',
      words: WORDS.replace('--clock http://127.0.0.1:1 ', ''),
      why: /--clock is missing: .*\n.*openclaw-rl serve clock --host/,
    },
    {
      title: 'a clock with a path',
      words: WORDS.replace('1:1 ', '1:1/clock '),
      why: /--clock must be like http:\/\/10.0.0.1:7070; found/,
    },
    {
      title: 'a start that is no time',
      words: WORDS.replace('12:30', 'soon'),
      why: /a start is a time in UTC like 12:30/,
    },
    {
      title: 'another region',
      words: WORDS.replace('--part north', '--part west'),
      why: /a part is a region \(north, south\).*found "west"/,
    },
    {
      title: 'a share beyond the last',
      words: WORDS.replace('--part north', '--part north:3/2'),
      why: /found "north:3\/2"/,
    },
    {
      title: 'more parts than connections',
      words: WORDS.replace('--part north', '--part north:1/3'),
      why: /needs a connection for each of its 6 parts; found 4/,
    },
    {
      title: 'a run with a strange name',
      words: `${WORDS} --run ../x`,
      why: /--run must be 1 to 51 letters/,
    },
    {
      title: 'a run with a name that leaves no room for the hash',
      words: `${WORDS} --run ${'x'.repeat(52)}`,
      why: /--run must be 1 to 51 letters/,
    },
    {
      title: 'a file that is there',
      words: WORDS.replace('north.ndjson', 'there.ndjson'),
      why: /--out: .*there.ndjson is there already/,
    },
    {
      title: 'a file in a folder that is not there',
      words: WORDS.replace('north.ndjson', 'no/north.ndjson'),
      why: /--out: .*cannot be written/,
    },
    {
      title: 'faults',
      words: WORDS.replace('s.yaml', 'broken.yaml'),
      why: /broken has faults, and `load` injects none/,
    },
    {
      title: 'faults of nodes that run already',
      words: WORDS.replace('s.yaml', 'kill-primary'),
      why: /kill-primary has faults, and `load` injects none\n.*by commands of your own meanwhile/,
    },
    {
      title: 'options of HTTP services for nodes',
      words: `${WORDS} --strategy article`,
      why: /--strategy: cannot be used with HTTP services/,
    },
  ])('$title', async ({ words, why }) => {
    const { code, stdout, stderr } = await load(words);
    expect([code, stdout]).toEqual([64, '']);
    expect(stderr).toMatch(why);
  });

  it('files from other machines without a token', async () => {
    const words = ['serve', 'clock', '--host', '0.0.0.0', '--parts', 'parts'];
    const { code, stderr } = await callCli(words, { cwd: testFolder(), env: { OPENCLAW_RL_TOKEN: '' } });
    expect(code).toBe(64);
    expect(stderr).toMatch(
      /--parts on 0.0.0.0 needs a token.*\n.*set OPENCLAW_RL_TOKEN, here and for `load --send`/,
    );
  });

  it('no place for its file', async () => {
    const { code, stderr } = await load(WORDS.replace(' --out north.ndjson', ''));
    expect(code).toBe(64);
    expect(stderr).toMatch(/the history of the part has no place\n.*add --out <file>, or --send/);
  });

  it('a clock that does not answer', async () => {
    const url = `http://127.0.0.1:${await freePort()}`;
    const { code, stderr } = await load(WORDS.replace('http://127.0.0.1:1', url));
    expect(code).toBe(69);
    expect(stderr).toContain(`the clock at ${url} does not answer: ECONNREFUSED`);
  }, 20_000);
});
