import { setTimeout as sleep } from 'node:timers/promises';
import { makeRandom, type Random } from '../../../src/core/prng.ts';
import type { Limiter } from '../../../src/limiter/limiter.ts';
import { Job } from './job.ts';
import { patiently, Recorder } from './recorder.ts';
import { Rig, type RigOptions } from './rig.ts';

export interface Schedules extends RigOptions {
  readonly seed: number;
  /** The number of schedules, each on a subject of its own, and of those in flight at once. */
  readonly schedules: number;
  readonly inFlight: number;
  /** The number of failovers of each kind, spread over the run. */
  readonly failOvers?: number;
  readonly crashes?: number;
  /** The limiter that all schedules ask, made of those of the processes. Default: each call asks one of them. */
  readonly asked?: (limiters: readonly Limiter[]) => Limiter;
}

export interface Judged {
  /** The tokens admitted too many, in all. */
  readonly totalExcess: number;
  readonly overAdmissions: number;
  readonly falseDenials: number;
  /** What the exact model of the servers found. */
  readonly violations: readonly string[];
  /** What clients saw that cannot be. */
  readonly problems: readonly string[];
  readonly seen: Awaited<ReturnType<Rig['stop']>>['seen'];
}

/** Runs random schedules and judges them twice: by the history of their clients, and by an exact model of the servers. */
export async function runSchedules(options: Schedules): Promise<Judged> {
  const { seed, schedules, inFlight, failOvers = 0, crashes = 0 } = options;
  const rig = new Rig(options);
  await rig.start();
  const recorder = new Recorder(rig.policies);
  const random = makeRandom(seed, 'reservations');
  const asked = options.asked?.(rig.limiters);
  let [next, isOver] = [0, false];
  const worker = async () => {
    while (next < schedules) await runSchedule(rig, recorder, { name: `${seed}-${next++}`, asked });
  };
  const chaos = loseReplies(rig, random, () => isOver);
  const failing = failOver(
    rig,
    [...Array(failOvers).fill('failOver'), ...Array(crashes).fill('crash')],
    () => next / schedules,
  );
  await Promise.all(Array.from({ length: inFlight }, worker));
  isOver = true;
  await Promise.all([chaos, failing]);
  const { violations, seen } = await rig.stop();
  const report = recorder.judge();
  return {
    totalExcess: report.overAdmission.findings.reduce((sum, finding) => sum + finding.totalExcess, 0),
    overAdmissions: report.overAdmission.findings.length,
    falseDenials: report.falseDenials.findings.length,
    violations,
    problems: recorder.problems,
    seen,
  };
}

/** One subject: up to three reservations, and takes that want the same tokens. */
async function runSchedule(
  rig: Rig,
  recorder: Recorder,
  { name, asked }: { readonly name: string; readonly asked: Limiter | undefined },
): Promise<void> {
  const random = makeRandom(name, 'schedule');
  const subject = { user: `u${name}`, endpoint: 'e' };
  const policies = Object.keys(rig.policies);
  const anyLimiter = () => asked ?? (rig.limiters[Math.floor(random() * rig.limiters.length)] as Limiter);
  const jobs = Array.from({ length: 1 + Math.floor(random() * 3) }, (_, i) =>
    new Job({ random, subject, id: `${name}-${i}`, policies, anyLimiter, recorder }).run(),
  );
  let isDone = false;
  const take = async (costOf: () => number): Promise<boolean> => {
    const cost = policies.map(costOf);
    const byName = Object.fromEntries(policies.map((policy, at) => [policy, cost[at] ?? 1]));
    const call = await patiently(() => anyLimiter().take(subject, { cost: byName }));
    recorder.addCall(subject.user, cost, call);
    return call.result?.allowed ?? true;
  };
  const taking = async () => {
    for (let i = 0; i < 3 || !isDone; i++) {
      await take(() => 1 + Math.floor(random() * 5));
      await sleep(random() * 40);
    }
    for (const cost of [5, 1]) for (let left = 30; left > 0 && (await take(() => cost)); ) left--; // drains it
  };
  const taken = taking();
  await Promise.all(jobs);
  isDone = true;
  await taken;
}

/** Loses replies of one process after the other, and holds requests back, so that they arrive late. */
export async function loseReplies(
  rig: Pick<Rig, 'proxies'>,
  random: Random,
  isOver: () => boolean,
): Promise<void> {
  while (!isOver()) {
    await sleep(10 + random() * 40);
    const proxy = rig.proxies[Math.floor(random() * rig.proxies.length)];
    if (proxy === undefined) continue;
    proxy.mode = random() < 0.6 ? 'cut-before-reply' : 'hold-requests';
    await sleep(2 + random() * 10);
    if (proxy.mode === 'hold-requests') {
      proxy.cutClients();
      await sleep(random() * 50); // the requests arrive late, after those of later connections
      proxy.releaseRequests();
    }
    proxy.mode = 'pass';
  }
}

async function failOver(rig: Rig, kinds: ('failOver' | 'crash')[], progress: () => number): Promise<void> {
  for (const [i, kind] of kinds.entries()) {
    while (progress() < (i + 0.5) / (kinds.length + 0.5)) await sleep(5);
    await rig[kind]();
  }
}
