import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { callCli } from '../../support/call-cli.ts';
import { testFolder } from '../../support/cli.ts';
import { writeStanding } from '../../support/standing-state.ts';

const DEFAULT_NODES = ['us-east-0', 'eu-west-0', 'ap-south-0', 'eu-west-1', 'ap-south-1', 'us-east-1'];

async function offered(cwd: string, asked: string, ...typed: string[]) {
  const { code, stdout, stderr } = await callCli(['complete', asked, '--', ...typed], { cwd });
  expect([code, stderr]).toEqual([0, '']);
  return stdout.split('\n').slice(0, -1);
}

describe('what a shell is offered at a tab', () => {
  it('are the names of the kept runs, each once, the newest first', async () => {
    const cwd = testFolder();
    const runs = [
      '20261125T000000001Z-bench-1',
      '20261125T000000002Z-chaos-3',
      '20261125T000000003Z-bench-1',
    ];
    for (const name of [...runs, '20261125T000000000Z-old-1', '20261124T000000000Z-\u001b[2J-1', 'kept'])
      mkdirSync(join(cwd, 'reports', name), { recursive: true });
    expect(await offered(cwd, 'runs', 'gate')).toEqual(['bench-1', 'chaos-3', 'old-1']);
  });

  it('are the nodes and regions of the cluster that is up, by its name', async () => {
    const cwd = testFolder();
    writeStanding(join(cwd, 'state'), 'default', ['north', 'south']);
    writeStanding(join(cwd, 'state'), 'other', ['mars']);
    expect(await offered(cwd, 'nodes', 'fault', 'kill', '--node')).toEqual(['north-0', 'south-0']);
    expect(await offered(cwd, 'regions', 'fault', 'flap')).toEqual(['north', 'south']);
    expect(await offered(cwd, 'nodes', 'fault', 'kill', '--name', 'other')).toEqual(['mars-0']);
    expect(await offered(cwd, 'nodes', 'fault', 'kill', '--name=other')).toEqual(['mars-0']);
  });

  it('are read without the schema of the state file, which takes long to load', async () => {
    const cwd = testFolder();
    writeStanding(join(cwd, 'state'), 'default', ['x']);
    const topology = { regions: ['north', 7], nodes: [{ name: 'north-0' }, {}] };
    writeFileSync(join(cwd, 'state/clusters/default/state.json'), JSON.stringify({ phase: 'up', topology }));
    expect(await offered(cwd, 'regions')).toEqual(['north']);
    expect(await offered(cwd, 'nodes')).toEqual(['north-0']);
  });

  it('are those of the topology that would be started if none is up', async () => {
    const cwd = testFolder();
    expect(await offered(cwd, 'nodes', 'chaos', 'kill')).toEqual(DEFAULT_NODES);
    expect(await offered(cwd, 'regions', 'chaos', 'flap', '--regions', 'a,b')).toEqual(['a', 'b']);
    expect(await offered(cwd, 'nodes', 'chaos', 'kill', '--replicas', '0')).toEqual(
      DEFAULT_NODES.slice(0, 3),
    );
  });

  it.each([
    ['runs', []],
    ['nodes', ['--name', '../x']],
    ['nodes', ['--regions', '-', '--replicas', 'many']],
  ])('is nothing where %s %j cannot be said', async (asked, typed) => {
    const cwd = testFolder();
    writeFileSync(join(cwd, 'reports'), 'a file');
    expect(await offered(cwd, asked, ...typed)).toEqual([]);
  });

  it('is nothing where the state of the cluster cannot be read', async () => {
    const cwd = testFolder();
    writeStanding(join(cwd, 'state'), 'default', ['north']);
    writeFileSync(join(cwd, 'state/clusters/default/state.json'), '{');
    expect(await offered(cwd, 'nodes')).toEqual([]);
  });
});
