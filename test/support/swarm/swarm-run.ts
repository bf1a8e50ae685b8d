import { join } from 'node:path';
import { onTestFinished } from 'vitest';
import type { RunReport } from '../../../src/report/report.ts';
import { BIN, type CliRun, runCli, testFolder } from '../cli.ts';
import { BED_IMAGE, type Bed } from './bed.ts';

type OnFinished = (callBack: () => void) => void;

interface SwarmRunOptions {
  /** Called twice a second while it runs, with what it has said on standard error so far. */
  readonly meanwhile?: (said: string, run: CliRun) => void;
  /** Of a test that is concurrent. */
  readonly onFinished?: OnFinished;
}

/** How a command ended. */
export interface SwarmEnd {
  readonly code: number | string;
  readonly stdout: string;
  readonly stderr: string;
}

/** What a command printed with --json. */
export interface SwarmRun {
  readonly code: number | string;
  readonly report: RunReport;
}

/** Starts our program on the manager. */
export function startOnManager(
  bed: Bed,
  args: readonly string[],
  onFinished: OnFinished = onTestFinished,
): CliRun {
  const [manager] = bed.machines;
  const env = { OPENCLAW_RL_IMAGE: BED_IMAGE, XDG_STATE_HOME: join(bed.folder, 'state') };
  return manager.start(BIN, args, { cwd: testFolder(onFinished), env, onFinished });
}

/** Runs a command with --engine swarm to its end, with a later start where the machine was too busy for the first. */
export async function endOnSwarm(
  bed: Bed,
  args: readonly string[],
  { meanwhile, onFinished = onTestFinished }: SwarmRunOptions = {},
): Promise<SwarmEnd> {
  for (let leadS = await leadOfThisMachine(onFinished); ; leadS *= 2) {
    const words = [...args, '--engine', 'swarm', '--lead', String(leadS), '--json'];
    const run = startOnManager(bed, words, onFinished);
    const timer = meanwhile && setInterval(() => meanwhile(run.output.stderr, run), 500);
    const code = await run.ended;
    clearInterval(timer);
    if (!LATE.test(run.output.stderr) || leadS > MOST_LEAD_S) return { ...run.output, code };
  }
}

/** As `endOnSwarm`, for a run that has a report. */
export async function runOnSwarm(
  bed: Bed,
  args: readonly string[],
  options?: SwarmRunOptions,
): Promise<SwarmRun> {
  const { code, stdout, stderr } = await endOnSwarm(bed, args, options);
  if (stdout === '') throw new Error(stderr);
  return { code, report: JSON.parse(stdout) };
}

/** What a part says that was not ready at the start: at the end of its warm-up, or of a Redis that a fault has cut off by then. */
const LATE =
  /not ready at the start|--start-at \S+ is (past|-?[\d.]+ s ahead)|load-\S+ on .* (sent no reply within 5 s|cannot be used: \S+ does not answer)/;
const MOST_LEAD_S = 60;

/** Some twenty programs start at once. */
async function leadOfThisMachine(onFinished: OnFinished): Promise<number> {
  const startedMs = performance.now();
  await runCli(['--version'], { onFinished });
  return Math.min(30, 12 + Math.ceil((performance.now() - startedMs) / 40));
}
