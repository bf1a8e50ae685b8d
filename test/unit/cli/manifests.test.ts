import { mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Job } from 'kubernetes-types/batch/v1.js';
import type { ConfigMap } from 'kubernetes-types/core/v1.js';
import { describe, expect, it } from 'vitest';
import { parseAllDocuments } from 'yaml';
import type { Manifest } from '../../../src/engines/kubernetes/manifests.ts';
import { callCli } from '../../support/call-cli.ts';
import { runCli, testFolder } from '../../support/cli.ts';

const IMAGE = 'registry.example.com/openclaw-rl:1';
const soon = () => new Date(1_000 * Math.ceil(Date.now() / 1_000) + 120_000).toISOString();

const flagsOf = (startAt: string) => ['--engine', 'kubernetes', '--start-at', startAt, '--image', IMAGE];

function called(args: readonly string[], { cwd = testFolder(), startAt = soon() } = {}) {
  return callCli(['manifests', ...flagsOf(startAt), ...args], { cwd });
}

async function listed(
  args: readonly string[],
  options?: { cwd?: string; startAt?: string },
): Promise<Manifest[]> {
  const { code, stdout, stderr } = await called([...args, '--json'], options);
  expect(code, stderr).toBe(0);
  return JSON.parse(stdout).items;
}

function loadOf(manifests: readonly Manifest[]): string {
  const job = manifests.find((one): one is Job => one.metadata?.name === 'load-us-east');
  return job?.spec?.template.spec?.containers[0]?.command?.join(' ') ?? '';
}

describe('manifests', { timeout: 60_000 }, () => {
  it('prints the same objects as YAML and as a List', async () => {
    const startAt = soon();
    // The program itself: what writes YAML is loaded when it is needed, from the bundle.
    const { code, stdout, stderr } = await runCli(['manifests', ...flagsOf(startAt), 'baseline']);
    expect([code, stderr]).toEqual([0, '']);
    const list = await listed(['baseline'], { startAt });
    const documents = parseAllDocuments(stdout).map((one) => one.toJS());
    expect(documents).toEqual(list);
    // kubectl reads YAML 1.1, in which a plain `no` is a boolean.
    expect(parseAllDocuments(stdout, { version: '1.1' }).map((one) => one.toJS())).toEqual(list);
    expect(documents.map(({ kind }) => kind)).toContain('Job');
  });

  it('starts each part at the time that was typed, with the keys of its run', async () => {
    const startAt = soon();
    const manifests = await listed(['baseline', '--run', 'nightly'], { startAt });
    expect(loadOf(manifests)).toContain(
      ` --clock http://clock:7070 --start-at ${startAt} --run nightly --send`,
    );
    const run = manifests[0]?.metadata?.annotations?.['openclaw-rl.run'];
    expect(run).toMatch(/^nightly-[0-9a-f]{12}$/);
    expect(JSON.stringify(manifests)).toContain(`"--prefix","rate:openclaw:${run}"`);
    const other = await listed(['baseline', '--run', 'nightly', '--seed', '7'], { startAt });
    expect(other[0]?.metadata?.annotations?.['openclaw-rl.run']).not.toBe(run);
  });

  it('has the options of the scenario in its files', async () => {
    const [map] = await listed(['baseline', '--strategy', 'article', '--instances', '2']);
    const { data = {} } = map as ConfigMap;
    expect(JSON.parse((data['baseline.yaml'] ?? '').replace(/^#.*\n/, ''))).toMatchObject({
      strategy: 'article',
      instances: 2,
    });
  });

  it('writes two files, and prints the commands that take them to a verdict', async () => {
    const cwd = testFolder();
    const { code, stdout } = await called(['baseline', '--out', 'the files'], { cwd });
    expect([code, readdirSync(join(cwd, 'the files')).sort()]).toEqual([0, ['foundation.yaml', 'run.yaml']]);
    const kinds = (file: string) =>
      parseAllDocuments(readFileSync(join(cwd, 'the files', file), 'utf8')).map(
        (one) => one.toJS().metadata.name,
      );
    expect(kinds('foundation.yaml').at(-1)).toBe('form');
    expect(kinds('run.yaml').at(-1)).toBe('load-ap-south');
    const lines = stdout.trimEnd().split('\n');
    expect(lines.map((line) => line.replace(/\d{3}s/, '<s>').replace(/-[0-9a-f]{12}/, '-<hash>'))).toEqual([
      expect.stringMatching(/^# run run-<hash>: 3 parts, start at .*Z$/),
      "kubectl apply -f 'the files/foundation.yaml'",
      'kubectl wait --for=condition=complete --timeout=<s> job/form',
      "kubectl apply -f 'the files/run.yaml'",
      'kubectl wait --for=condition=complete --timeout=<s> job/load-us-east job/load-eu-west job/load-ap-south',
      'kubectl cp clock:/parts parts',
      'openclaw-rl check parts/run-<hash>/*',
      "kubectl delete -f 'the files/run.yaml' -f 'the files/foundation.yaml'",
    ]);
  });

  it('looks at Redis that runs already, instead of making nodes', async () => {
    const cwd = testFolder();
    const nodes = "[{ name: one, region: a, address: 'redis.example.com:6379' }]";
    writeFileSync(join(cwd, 'e.yaml'), `{ kind: single, regions: [a, b], nodes: ${nodes} }`);
    const manifests = await listed(['baseline', '--endpoints', 'e.yaml', '--secret', 'ours'], { cwd });
    const named = manifests.map(({ metadata }) => metadata?.name);
    expect(named).toContain('look-b');
    expect(named.filter((name) => /redis|form/.test(name ?? ''))).toEqual([]);
    expect(JSON.stringify(manifests)).toContain('{"name":"ours","key":"REDIS_PASSWORD","optional":true}');
  });

  it.each<{
    title: string;
    args: string[];
    says: RegExp;
    files?: Record<string, string>;
    startAt?: () => string;
  }>([
    {
      title: 'a scenario with faults',
      args: ['partition-mute'],
      says: /has faults[\s\S]*without faults/,
    },
    {
      title: 'a start that is past',
      args: ['baseline'],
      startAt: () => '2026-01-01T00:00:00Z',
      says: /is past/,
    },
    {
      title: 'a start that is none',
      args: ['baseline'],
      startAt: () => 'soon',
      says: /a start is a time in UTC/,
    },
    {
      title: 'a start that no machine can keep',
      args: ['baseline'],
      startAt: () => new Date(Date.now() + 25_000).toISOString(),
      says: /a part needs 30 s to get ready/,
    },
    {
      title: 'no name of an image',
      args: ['baseline', '--image', 'Not An Image'],
      says: /--image must name/,
    },
    { title: 'no name of a Secret', args: ['baseline', '--secret', 'A_B'], says: /--secret must be/ },
    { title: 'no name of a run', args: ['baseline', '--run', 'a b'], says: /--run must be 1 to 51/ },
    { title: 'homes', args: ['baseline', '--homes'], says: /--homes: .*no homes yet/ },
    {
      title: 'an option of endpoints alone',
      args: ['baseline', '--allow-eviction'],
      says: /with --endpoints/,
    },
    { title: 'two ways to print', args: ['baseline', '--json', '--out', 'x'], says: /cannot be used with/ },
    {
      title: 'another engine',
      args: ['baseline', '--engine', 'nomad'],
      says: /Allowed choices are kubernetes/,
    },
    { title: 'an unknown scenario', args: ['baselin'], says: /did you mean "baseline"/ },
    {
      title: 'HTTP services',
      args: ['baseline', '--endpoints', 'e.yaml'],
      files: { 'e.yaml': '{ regions: [a], services: { a: "http://10.0.0.1" } }' },
      says: /has HTTP services[\s\S]*openclaw-rl load --help/,
    },
    {
      title: 'a plug-in of a name that no ConfigMap takes',
      args: ['s.yaml'],
      files: {
        's.yaml': '# why\nlimiter: ./my limiter.mjs\nload: { duration: 5s }\nclaims: [total-excess <= 5]\n',
        'my limiter.mjs': 'export const createLimiter = 1;',
      },
      says: /found my limiter\.mjs[\s\S]*rename it/,
    },
  ])('refuses $title', async ({ args, says, files = {}, startAt = soon }) => {
    const cwd = testFolder();
    for (const [name, text] of Object.entries(files)) writeFileSync(join(cwd, name), text);
    const { code, stdout, stderr } = await called(args, { cwd, startAt: startAt() });
    expect([code, stdout, stderr]).toEqual([64, '', expect.stringMatching(says)]);
  });

  it('says where it cannot write', async () => {
    const cwd = testFolder();
    mkdirSync(join(cwd, 'out'));
    mkdirSync(join(cwd, 'out', 'run.yaml'));
    const { code, stderr } = await called(['baseline', '--out', 'out'], { cwd });
    expect([code, stderr]).toEqual([69, expect.stringMatching(/cannot write .*run\.yaml[\s\S]*--out/)]);
  });
});
