import { join } from 'node:path';
import type { RunReport } from '../../../src/report/report.ts';
import { BIN, type CliRun, runCli, testFolder } from '../cli.ts';
import { BED_IMAGE, type Bed } from './bed.ts';

interface SwarmRunOptions {
  /** Called once a second while it runs, with what it has said on standard error so far. */
  readonly meanwhile?: (said: string, run: CliRun) => void;
}

/** What a command printed with --json. */
export interface SwarmRun {
  readonly code: number | string;
  readonly report: RunReport;
}

/** Starts our program on the manager. */
export function startOnManager(bed: Bed, args: readonly string[]) {
  const [manager] = bed.machines;
  const env = { OPENCLAW_RL_IMAGE: BED_IMAGE, XDG_STATE_HOME: join(bed.folder, 'state') };
  return manager.start(BIN, args, { cwd: testFolder(), env });
}

/** Runs a command with --engine swarm to its report, with a later start where the machine was too busy for the first. */
export async function runOnSwarm(
  bed: Bed,
  args: readonly string[],
  { meanwhile }: SwarmRunOptions = {},
): Promise<SwarmRun> {
  for (let leadS = await leadOfThisMachine(); ; leadS *= 2) {
    const words = [...args, '--engine', 'swarm', '--lead', String(leadS), '--json'];
    const run = startOnManager(bed, words);
    const timer = meanwhile && setInterval(() => meanwhile(run.output.stderr, run), 500);
    const code = await run.ended;
    clearInterval(timer);
    const { stdout, stderr } = run.output;
    if (stdout !== '') return { code, report: JSON.parse(stdout) };
    if (!LATE.test(stderr) || leadS > MOST_LEAD_S) throw new Error(stderr);
  }
}

const LATE = /not ready at the start|--start-at \S+ is past/;
const MOST_LEAD_S = 60;

/** Some twenty programs start at once. */
async function leadOfThisMachine(): Promise<number> {
  const startedMs = performance.now();
  await runCli(['--version']);
  return 10 + Math.ceil((performance.now() - startedMs) / 40);
}
