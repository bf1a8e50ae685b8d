import { setTimeout as sleep } from 'node:timers/promises';
import { makeRandom } from '../../../src/core/prng.ts';
import { patiently, Recorder } from '../reservations/recorder.ts';
import { loseReplies } from '../reservations/run.ts';
import { Mover, type MovesSeen } from './mover.ts';
import { MoveRig, type MoveRigOptions, type Process } from './rig.ts';

export interface MoveRun extends MoveRigOptions {
  readonly seed: number;
  /** At least; up to ten times as many until each kind of ending was seen more than five times. */
  readonly subjects: number;
  readonly inFlight: number;
  readonly movesEach: number;
  /** The number of failovers of each kind, over both regions. */
  readonly failOvers?: number;
  readonly crashes?: number;
}

export interface JudgedMoves {
  /** Tokens admitted above those of one bucket, by counting them: capacity and refill of the whole time. */
  readonly minted: number;
  /** Excess that the checker finds in the history. */
  readonly totalExcess: number;
  readonly problems: readonly string[];
  readonly seen: MovesSeen & { takes: number; admitted: number; away: number };
}

type Seen = JudgedMoves['seen'];

/** Moves the buckets of random subjects while processes take from them; judges it by counting, and by the checker. */
export async function runMoves(options: MoveRun): Promise<JudgedMoves> {
  const { seed, subjects, inFlight, failOvers = 0, crashes = 0 } = options;
  const rig = new MoveRig(options);
  await rig.start();
  const recorder = new Recorder({ default: rig.policy });
  const random = makeRandom(seed, 'moves');
  const seen: Seen = { moves: 0, repeats: 0, refused: 0, failed: 0, takes: 0, admitted: 0, away: 0 };
  let [next, done, isOver, minted] = [0, 0, false, 0];
  const worker = async () => {
    while (next < subjects || (next < 10 * subjects && !isSeen(seen))) {
      const name = `${seed}-${next++}`;
      const more = await runSubject(rig, recorder, { name, moves: options.movesEach, seen });
      minted += more; // += await would add to the sum of before
      done++;
    }
  };
  const chaos = loseReplies(rig, random, () => isOver);
  const kinds = [...Array<'failOver'>(failOvers).fill('failOver'), ...Array<'crash'>(crashes).fill('crash')];
  const failing = (async () => {
    for (const [i, kind] of kinds.entries()) {
      while (done / subjects < i / (kinds.length + 0.5) && !isOver) await sleep(5);
      await rig.sides[random() < 0.5 ? 0 : 1][kind]();
    }
  })();
  try {
    await Promise.all(Array.from({ length: inFlight }, worker));
  } finally {
    isOver = true;
    await Promise.all([chaos, failing]);
    await rig.stop();
  }
  const report = recorder.judge();
  const totalExcess = report.overAdmission.findings.reduce((sum, finding) => sum + finding.totalExcess, 0);
  return { minted, totalExcess, problems: recorder.problems, seen };
}

/** Which replies are lost is a matter of time, so a short run can see too few of them. */
function isSeen(seen: Seen): boolean {
  return Object.values(seen).every((count) => count > SEEN_ABOVE);
}

export const SEEN_ABOVE = 5;

interface SubjectRun {
  readonly name: string;
  readonly moves: number;
  readonly seen: Seen;
}

/** One subject: its bucket moves, and processes take from it wherever they think that it is. Returns the tokens minted. */
async function runSubject(
  rig: MoveRig,
  recorder: Recorder,
  { name, moves, seen }: SubjectRun,
): Promise<number> {
  const random = makeRandom(name, 'subject');
  const subject = { user: `u${name}`, endpoint: 'e' };
  const { processes, policy } = rig;
  const mover = new Mover({ random, subject, processes, seen, problems: recorder.problems });
  const startedMs = performance.now();
  let [isOver, admitted] = [false, 0];
  const take = async ({ limiter, regions }: Process, cost: number) => {
    const call = await patiently(() => limiter.take(subject, { cost }));
    recorder.addCall(subject.user, [cost], call);
    seen.takes++;
    if (call.result?.allowed) admitted += cost;
    if (call.code === 'BUCKET_MOVED' || call.code === 'BUCKET_MOVING') seen.away++;
    if (call.code === 'BUCKET_MOVED' && random() < 0.5) regions.set(subject.user, mover.home);
    return call;
  };
  const taking = async () => {
    while (!isOver) {
      await take(processes[Math.floor(random() * processes.length)] as Process, 1 + Math.floor(random() * 2));
      await sleep(random() * 60);
    }
  };
  const taken = Promise.all([taking(), taking()]);
  for (let i = 0; i < moves && (await mover.move()); i++);
  isOver = true;
  await taken;
  const [drainer] = processes as [Process];
  for (const place of [...mover.used].filter((other) => other !== mover.home).concat(mover.home)) {
    drainer.regions.set(subject.user, place);
    for (let tries = 0; tries < 2 * policy.capacityTokens; tries++) {
      const { result, charge, code } = await take(drainer, 1);
      if (code === 'NO_LEASE') await sleep(20);
      else if (result?.allowed === false || (code !== undefined && charge === 'none')) break;
    }
  }
  seen.admitted += admitted;
  const elapsedUs = (performance.now() - startedMs) * 1_000;
  const most = (policy.capacityQuanta + elapsedUs * policy.quantaPerUs) / policy.quantaPerToken;
  return Math.max(0, Math.ceil(admitted - most));
}
