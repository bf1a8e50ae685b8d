import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { onTestFinished, vi } from 'vitest';
import { type ByHand, startByHand } from './by-hand.ts';
import { type CliRun, startCli, testFolder } from './cli.ts';

export const REGIONS = ['us-east', 'eu-west', 'ap-south'];
const LOAD =
  '{ mode: open, connections: 30, rate: 400, users: 12, roaming: 1, skew: 0, duration: 4s, ramp: 200ms }';

export interface Prepared {
  readonly folder: string;
  readonly redis: ByHand;
  /** Of a clock that takes parts. */
  readonly url: string;
  readonly clock: CliRun;
}

/** A folder with a scenario and an endpoints file of one server, and a clock that runs. */
export async function prepareParts({ load = LOAD }: { readonly load?: string } = {}): Promise<Prepared> {
  const folder = testFolder();
  const redis = await startByHand([]);
  onTestFinished(() => redis.stop());
  const nodes = [{ name: 'only', region: 'us-east', address: `127.0.0.1:${redis.port}` }];
  writeFileSync(join(folder, 'e.yaml'), JSON.stringify({ kind: 'single', regions: REGIONS, nodes }));
  writeFileSync(
    join(folder, 's.yaml'),
    `# Parts.\npolicy: 10:5/s\nload: ${load}\nclaims: [total-excess <= 0]\n`,
  );
  const clock = startCli(['serve', 'clock', '--port', '0', '--parts', 'parts'], { cwd: folder });
  return { folder, redis, clock, url: await addressOf(clock) };
}

/** Where a server listens, once it says so. */
export async function addressOf({ output }: CliRun): Promise<string> {
  const address = () => /listening on (\S+)/.exec(output.stdout)?.[1];
  const found = await vi.waitUntil(() => address() ?? output.isWhole, { timeout: 60_000 });
  if (typeof found !== 'string') throw new Error(`it ended: ${output.stderr}`);
  return found;
}

/** A start so late that a busy machine is ready. */
export const later = (seconds = 40) => new Date(Date.now() + seconds * 1_000).toISOString();

/** The words of `load` for one part. */
export const words = (part: string, url: string, startAt: string) => [
  ...['load', 's.yaml', '--endpoints', 'e.yaml', '--part', part, '--clock', url, '--start-at', startAt],
];

/** What `load --json` prints. */
export interface PartResult {
  readonly run: string;
  readonly part: string;
  readonly of: readonly string[];
  readonly books: Readonly<Record<string, number>>;
  readonly clock: { readonly readings: number; readonly missed: number };
  readonly problems: readonly string[];
  readonly file?: string;
  readonly accepted?: string;
}
