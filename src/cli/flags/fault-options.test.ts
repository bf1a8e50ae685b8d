import { readFileSync } from 'node:fs';
import { Command } from 'commander';
import { describe, expect, it } from 'vitest';
import { definitionOf, FAULT_NAMES, type FaultSpec } from '../../scenario/faults/index.ts';
import { addFaultCommands } from './fault-options.ts';
import { limiterOptions } from './options.ts';
import { topologyOptions } from './topology-flags.ts';

/** What a command line means; rejects with commander's words, or ours. */
async function read(line: string): Promise<FaultSpec | undefined> {
  let read: FaultSpec | undefined;
  const parent = addFaultCommands(new Command('fault'), {
    action: async (spec) => {
      read = spec;
    },
  });
  for (const command of [parent, ...parent.commands])
    command.exitOverride().configureOutput({ writeErr: () => {}, writeOut: () => {} });
  await parent.parseAsync(line.split(' '), { from: 'user' });
  return read;
}

describe('a command line is read as', () => {
  it.each<[string, FaultSpec]>([
    ['partition --isolate a b', { fault: 'partition', mode: 'blackhole', isolate: ['a', 'b'] }],
    [
      'partition --split a,b c --mode refuse',
      { fault: 'partition', mode: 'refuse', split: [['a', 'b'], ['c']] },
    ],
    ['partition --from a --to b c', { fault: 'partition', mode: 'blackhole', from: ['a'], to: ['b', 'c'] }],
    ['partition --bridge a b', { fault: 'partition', mode: 'blackhole', bridge: ['a', 'b'] }],
    [
      'latency --between a b --add 400',
      { fault: 'latency', between: ['a', 'b'], addMs: 400, jitterMs: 0, rampMs: 0 },
    ],
    [
      'latency --between a b --add 400 --add-jitter 5 --grow 2s',
      { fault: 'latency', between: ['a', 'b'], addMs: 400, jitterMs: 5, rampMs: 2_000 },
    ],
    ['bandwidth --between a b --limit 9', { fault: 'bandwidth', between: ['a', 'b'], rateKBps: 9 }],
    ['drop-reply --from a', { fault: 'drop-reply', regions: ['a'] }],
    [
      'flap --isolate a --down 500ms --up 2s',
      { fault: 'flap', mode: 'blackhole', downMs: 500, upMs: 2_000, isolate: ['a'] },
    ],
    ['kill --node a-0', { fault: 'kill', node: 'a-0' }],
    ['restart --node a-0', { fault: 'restart', node: 'a-0' }],
    ['restart-empty --node a-0', { fault: 'restart-empty', node: 'a-0' }],
    ['restart-service --region a', { fault: 'restart-service', region: 'a' }],
    ['restart-service --region a --instance 3', { fault: 'restart-service', region: 'a', instance: 3 }],
    ['pause --node a-0', { fault: 'pause', node: 'a-0' }],
    ['failover --node a-0', { fault: 'failover', node: 'a-0' }],
    ['gateway-clock --region a --offset 30s', { fault: 'gateway-clock', region: 'a', offsetMs: 30_000 }],
    ['node-clock --node a-0 --step -1.5s', { fault: 'node-clock', node: 'a-0', stepMs: -1_500 }],
    ['store-outage', { fault: 'store-outage', mode: 'refuse' }],
    [
      'store-outage --mode blackhole --from a b',
      { fault: 'store-outage', mode: 'blackhole', regions: ['a', 'b'] },
    ],
    ['move-slots --from a --to b', { fault: 'move-slots', from: 'a', to: 'b', slots: 100 }],
    ['move-slots --from a --to b --slots 7', { fault: 'move-slots', from: 'a', to: 'b', slots: 7 }],
    ['slow-store', { fault: 'slow-store', latencyMs: 2_000 }],
    ['slow-store --latency 500ms --from a', { fault: 'slow-store', latencyMs: 500, regions: ['a'] }],
    ['command --inject x --heal y', { fault: 'command', inject: 'x', heal: 'y', limitMs: 60_000 }],
    [
      'command --inject x --heal y --probe latency,node=a-0,by=1s',
      {
        ...{ fault: 'command', inject: 'x', heal: 'y', limitMs: 60_000 },
        probe: { probe: 'latency', node: 'a-0', byMs: 1_000 },
      },
    ],
    [
      'command --inject x --until u --heal true --limit 5m',
      { fault: 'command', inject: 'x', heal: 'true', until: 'u', limitMs: 300_000 },
    ],
  ])('%s', async (line, spec) => expect(await read(line)).toEqual(spec));
});

describe('a command line is refused', () => {
  it.each([
    ['partition', /expected exactly one of --isolate/],
    ['partition --isolate a --bridge a b', /expected exactly one of --isolate/],
    ['partition --isolate a --to b', /expected exactly one of --isolate/],
    ['flap --from a', /expected exactly one of --isolate/],
    ['partition --isolate a --mode slow', /blackhole, refuse/],
    ['latency --between a b', /required option '--add <ms>'/],
    ['latency --between a b --add -1', /from 0 to 60000/],
    ['restart-service --region a --instance 1.5', /whole number from 1 to 20/],
    ['kill', /required option '--node <node>'/],
    ['node-clock --node a-0 --step soon', /a time like 500ms/],
    ['flap --isolate a --down 9ms', /a time like 500ms, 10s or 2m, from 10ms to 1h/],
    ['latency --between a b --add 1 --grow 2h', /from 0ms to 1h/],
    ['move-slots --from a', /required option '--to <region>'/],
    ['move-slots --from a --to a', /expected another region than from for --to; found a/],
    ['move-slots --from a --to b --slots 0', /whole number from 1 to 16383/],
    ['slow-store --latency 10ms', /from 20ms to 1m/],
    ['store-outage --mode slow', /refuse, blackhole/],
    ['command --heal x', /required option '--inject <command>'/],
    ['command --inject x', /expected --heal <command>, which undoes --inject/],
    ['command --inject x --heal ', /expected --heal <command>, which undoes --inject/],
    [
      'command --inject x --heal y --proof p --probe restart,node=a',
      /--proof and --probe are mutually exclusive/,
    ],
    ...['quake,node=a', 'restart', 'latency,node=a', 'latency,node=a,by=soon', 'restart,node=a,x=y'].map(
      (probe): [string, RegExp] => [`command --inject x --heal y --probe ${probe}`, /expected .*; found/],
    ),
    ['earthquake', /unknown command 'earthquake'/],
  ])('%s', (line, says) => expect(read(line)).rejects.toThrow(says));
});

it('the flags of faults leave room for those of a run', () => {
  const chaos = addFaultCommands(new Command('chaos'), {
    action: async () => {},
    configure: (command) =>
      limiterOptions(topologyOptions(command)).option('--for <time>').option('--ramp <s>'),
    without: ['gateway-clock'],
  });
  expect(chaos.commands.map((command) => command.name())).toEqual(
    FAULT_NAMES.filter((name) => name !== 'gateway-clock'),
  );
  for (const command of chaos.commands) {
    const long = command.options.map((option) => option.long);
    expect(new Set(long).size).toBe(long.length);
    let help = '';
    command.configureOutput({ writeOut: (text) => (help += text) }).outputHelp();
    expect(help).toContain(`$ openclaw-rl chaos ${command.name()} --`);
  }
});

it('docs/faults.md shows every fault of a cluster that stays, by flags that are understood', async () => {
  const page = readFileSync(new URL('../../../docs/faults.md', import.meta.url), 'utf8');
  const lines = [...page.matchAll(/^\| `([a-z-]+ --[^`]+)` \|/gm)].map(([, line = '']) => line);
  const specs = await Promise.all(lines.map(read));
  const ofCluster = FAULT_NAMES.filter((name) => definitionOf(name).needsService !== true);
  expect(specs.map((spec) => spec?.fault).sort()).toEqual(ofCluster.toSorted());
});
