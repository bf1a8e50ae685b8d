import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { callCli } from '../support/call-cli.ts';
import { testFolder } from '../support/cli.ts';

const GOOD = {
  seed: 1,
  regions: [{ name: 'a', sources: '127.77.1.', api: { host: '127.77.1.250', port: 8_474 } }],
  routes: [{ listen: '127.77.1.1:7100', upstream: '127.77.1.1:7102' }],
};
const [region] = GOOD.regions;

it.each([
  { title: 'no JSON', text: '{', says: 'the file: ' },
  { title: 'a list', text: '[]', says: 'the file: ' },
  { title: 'no seed', text: JSON.stringify({ ...GOOD, seed: undefined }), says: 'seed: ' },
  { title: 'no regions', text: JSON.stringify({ ...GOOD, regions: [] }), says: 'regions: ' },
  {
    title: 'a port that is none',
    text: JSON.stringify({ ...GOOD, regions: [{ ...region, api: { host: 'h', port: '8474' } }] }),
    says: 'regions[0].api.port: ',
  },
  {
    title: 'an address that is none',
    text: JSON.stringify({ ...GOOD, routes: [{ listen: 'x', upstream: '127.77.1.1:7102' }] }),
    says: 'routes[0].listen: expected host:port',
  },
])('the configuration of the Toxiproxies with $title is an environment error', async ({ text, says }) => {
  const file = join(testFolder(), 'toxiproxy.json');
  writeFileSync(file, text);
  const { code, stdout, stderr } = await callCli(['regional-toxiproxy', file]);
  expect({ code, stdout }).toEqual({ code: 69, stdout: '' });
  expect(stderr).toContain(`${file} is damaged: ${says}`);
  expect(stderr).toMatch(/openclaw-rl down && openclaw-rl up/);
});
