import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { PlannedFault } from '../../../src/scenario/plan.ts';
import type { Simulated } from './simulate.ts';

/** Writes what is simulated as a scenario for real nodes, with its requests as a log, and returns the name of the file. */
export function writeScenario(folder: string, simulated: Simulated): string {
  const { seed, strategy, policy, roundTripMs: ms, requests, durationMs, faults, claims } = simulated;
  const last = { atUs: durationMs * 1_000, user: 'ends', cost: 1, region: 'us-east' }; // a load is as long as its log
  const rows = [...requests, last].map(({ atUs, user, cost, region }) => [atUs, user, cost, region].join());
  writeFileSync(join(folder, 'bursts.csv'), ['at_us,user,cost,region', ...rows].join('\n'));
  const document = {
    ...{ seed, strategy, policy },
    topology: { ...(ms && { roundTrip: Object.fromEntries(PAIRS.map((pair) => [pair, `${ms}ms`])) }) },
    load: {
      from: { file: 'bursts.csv', start: 'at_us', key: 'user', cost: 'cost', region: 'region' },
      connections: 450,
    },
    faults: faults.map(faultOf),
    claims,
  };
  const text = `# Bursts of a few users from several regions.\n${JSON.stringify(document, undefined, 2)}\n`;
  writeFileSync(join(folder, 'bursts.yaml'), text);
  return 'bursts.yaml';
}

const PAIRS = ['us-east:eu-west', 'eu-west:ap-south', 'us-east:ap-south'];

/** As a scenario has it: durations with their unit. */
function faultOf({ atMs, forMs, ...fault }: PlannedFault): object {
  const entries = Object.entries(fault).map(([key, value]) => {
    const duration = /^(.+)Ms$/.exec(key)?.[1];
    return duration === undefined ? [key, value] : [duration, `${value}ms`];
  });
  const length = fault.fault === 'failover' ? {} : { for: `${forMs}ms` };
  return { at: `${atMs}ms`, ...length, ...Object.fromEntries(entries) };
}
