import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { callCli } from '../support/call-cli.ts';
import { testFolder } from '../support/cli.ts';
import { runVerified } from '../support/verified-run.ts';

describe('chaos', { timeout: 120_000 }, () => {
  it('draws the same plan of the same seed, byte for byte', async () => {
    const plans = await Promise.all(
      ['7', '7', '8'].map(async (seed) => {
        const folder = testFolder();
        const args = ['--connections', '10', '--users', '5', '--duration', '4', '--at', '1s', '--for', '1s'];
        await runVerified(
          ['chaos', 'latency', '--between', 'us-east', 'eu-west', '--add', '50', ...args, '--seed', seed],
          {
            cwd: folder,
          },
        );
        return readFileSync(join(folder, 'reports/latest/plan.json'), 'utf8');
      }),
    );
    expect(plans[0]).toBe(plans[1]);
    expect(plans[2]).not.toBe(plans[0]);
  });

  it.each([
    { title: 'an unknown region', args: ['partition', '--isolate', 'mars'], says: /found "mars"/ },
    { title: 'an unknown node', args: ['kill', '--node', 'eu-west-9'], says: /eu-west-9/ },
    { title: 'a fault without its flags', args: ['partition'], says: /--isolate/ },
    {
      title: 'a fault longer than the load',
      args: ['kill', '--node', 'us-east-0', '--for', '30s'],
      says: /does not fit/,
    },
    {
      title: 'an ordered failover to a primary',
      args: ['failover', '--node', 'us-east-0'],
      says: /node: expected one of the replicas: eu-west-1, ap-south-1, us-east-1; found "us-east-0"/,
    },
    {
      title: 'a claim on a phase that it will not have',
      args: ['partition', '--isolate', 'eu-west', '--claim', 'failed <= 5% during flap'],
      says: /"failed <= 5% during flap": this run has no such phase; its phases: before, during partition, after partition/,
    },
    { title: 'an unknown fault', args: ['earthquake'], says: /unknown command 'earthquake'/ },
  ])('refuses $title with exit code 64, having started nothing', async ({ args, says }) => {
    const folder = testFolder();
    const { code, stdout, stderr } = await callCli(['chaos', ...args], { cwd: folder });
    expect([code, stdout]).toEqual([64, '']);
    expect(stderr).toMatch(says);
    expect(readdirSync(folder)).toEqual([]);
  });
});
