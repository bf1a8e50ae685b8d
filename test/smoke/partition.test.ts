import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import type { RunReport } from '../../src/report/report.ts';
import { clusterFolder } from '../support/cli-cluster.ts';
import { ownedIn } from '../support/leftovers.ts';
import { runVerified } from '../support/verified-run.ts';

const LOAD = '--connections 10 --users 4 --policy 10:1/s --duration 5s --ramp 0'.split(' ');

it('a run of three regions of which one is cut off has an account of every request, and leaves nothing', async () => {
  const cwd = clusterFolder();
  const fault = ['partition', '--isolate', 'eu-west', '--at', '1s', '--for', '2s'];
  const { code, stdout, stderr } = await runVerified(['chaos', ...fault, ...LOAD], { cwd });
  // A machine that is busy with other work may leave too little evidence; nothing else than that is excused.
  expect([0, 2], stdout + stderr).toContain(code);
  const report: RunReport = JSON.parse(readFileSync(join(cwd, 'reports/latest/report.json'), 'utf8'));
  expect(report.faults.map(({ fault, phase }) => `${phase} ${fault}`).slice(0, 2)).toEqual([
    'inject partition',
    'heal partition',
  ]);
  expect(report.regions.map(({ name }) => name).sort()).toEqual(['ap-south', 'eu-west', 'us-east']);
  expect([report.unaccounted, report.troubles]).toEqual([0, []]);
  expect(report.outcomes.denied).toBeGreaterThan(0);
  expect(report.claims[0]).toMatchObject({ claim: 'total-excess <= bound', verdict: 'pass' });
  const lines = readFileSync(join(cwd, 'reports/latest/history.ndjson'), 'utf8').split('\n');
  const { serverUs, atUs } = JSON.parse(lines.find((line) => line.includes('"type":"clock"')) ?? '{}');
  const originMs = Date.parse(report.originAt ?? '');
  expect(Math.abs(originMs - (serverUs - atUs) / 1_000)).toBeLessThan(1_000); // the servers have the same clock
  expect(originMs).toBeGreaterThan(Date.parse(report.startedAt));
  expect(ownedIn(cwd)).toEqual([]);
}, 120_000);
