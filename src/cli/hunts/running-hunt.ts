import { given } from '../../core/given.ts';
import { sortedJson } from '../../core/sorted-json.ts';
import type { HuntedFault } from '../../hunt/draw-fault.ts';
import type { Ground } from '../../hunt/ground.ts';
import type { FailedCase, HuntDocument, HuntedCase, RealCase } from '../../hunt/hunt-document.ts';
import { isFound, type Outcome } from '../../hunt/outcome.ts';
import type { Schedule } from '../../hunt/schedule.ts';
import { type Progress, search, type Tried } from '../../hunt/search.ts';
import { shrink } from '../../hunt/shrink.ts';
import { faultsOf, type Space, spaceOf } from '../../hunt/space.ts';
import type { HuntJournal } from '../files/hunt-journal.ts';
import { DEFAULT_REAL_MS, DEFAULT_SCHEDULES, type HuntFlags } from '../flags/hunt-options.ts';
import type { Environment } from '../process/environment.ts';
import type { HuntLook } from '../screen/hunt-progress.ts';
import { confirm } from './confirm.ts';
import { type HuntedFile, removeScenarios, runCommandOf, writeScenario } from './hunt-files.ts';
import { RealRuns } from './real-runs.ts';
import { type Runner, realRunner, simulatedRunner } from './runners.ts';
import { hasOutcome, Trials } from './trials.ts';

/** A hunt in its folder. */
export interface Hunted {
  readonly flags: HuntFlags;
  readonly ground: Ground;
  /** Whether the search runs on real clusters. */
  readonly isReal: boolean;
  readonly journal: HuntJournal;
  readonly folder: string;
  /** The folder as typed. */
  readonly typed: string;
  /** For the screen. */
  readonly title: string;
}

/** A schedule that is kept, and the one that was shrunk to it. */
interface Kept {
  readonly tried: Tried;
  readonly from?: Tried;
}

/** The stages of a hunt: it searches, shrinks what it found, writes the scenario files, and confirms. */
export class RunningHunt {
  readonly #hunted: Hunted;
  readonly #environment: Environment;
  readonly #real: RealRuns;
  readonly #runner: Runner;
  readonly #trials: Trials;
  readonly #mostMs: number;
  readonly #most: number;
  #progress: Progress | undefined;
  #isOver = false;
  #stage: Pick<HuntLook, 'stage' | 'detail'> = { stage: 'search', detail: '' };

  constructor(hunted: Hunted, environment: Environment) {
    const { flags, ground, isReal, journal, folder } = hunted;
    this.#hunted = hunted;
    this.#environment = environment;
    this.#mostMs = flags.time ?? (isReal ? DEFAULT_REAL_MS : Number.POSITIVE_INFINITY);
    const most = isReal || flags.time !== undefined ? Number.MAX_SAFE_INTEGER : DEFAULT_SCHEDULES;
    this.#most = flags.schedules ?? most;
    this.#real = new RealRuns(flags, folder, environment);
    const isOver = () => this.#isOver || this.#isLate();
    this.#runner = isReal
      ? realRunner(ground, { runs: this.#real, isOver }, environment)
      : simulatedRunner(ground, flags, environment);
    const endIfFound = (outcome: Outcome) => {
      const isFirst = flags.for === 'excess' && isFound(outcome);
      if (isReal && isFirst && this.#stage.stage === 'search') this.#isOver = true;
    };
    const run = async (schedule: Schedule) => {
      const trial = await this.#runner.run(schedule);
      if (trial !== 'stopped') endIfFound(trial);
      return trial;
    };
    this.#trials = new Trials(journal, run, endIfFound);
  }

  /** The worst schedules of the budget, so far as no signal ends it. */
  async search(): Promise<readonly Tried[]> {
    const { flags, isReal } = this.#hunted;
    const stop = new AbortController();
    const { interrupt } = this.#environment;
    const options = {
      ...{ space: this.#space(), evaluate: this.#trials.evaluate, seed: flags.seed },
      ...{ schedules: this.#most, keep: flags.keep, aim: flags.for, signal: stop.signal },
    };
    for await (const progress of search(options)) {
      this.#progress = progress;
      const isEnough = (flags.first || isReal) && flags.for === 'excess' && progress.found > 0;
      if (isEnough || interrupt.aborted || this.#isLate()) stop.abort();
    }
    return (this.#progress?.best ?? []).filter(hasOutcome);
  }

  /** On real clusters only the worst, within the budget. */
  async shrinkAll(best: readonly Tried[]): Promise<readonly Kept[]> {
    const { isReal, flags } = this.#hunted;
    this.#isOver = false;
    const kept = new Map<string, Kept>();
    for (const [at, tried] of best.entries()) {
      const isWanted = flags.for === 'availability' || isFound(tried.outcome);
      const isShrunk = isWanted && (!isReal || at === 0);
      if (isShrunk) this.#stage = { stage: 'shrink', detail: `schedule ${at + 1} of ${best.length}` };
      const shrunk = isShrunk ? await this.#shrink(tried) : tried;
      const key = sortedJson(shrunk.schedule) ?? '';
      if (!kept.has(key)) kept.set(key, { tried: shrunk, ...(shrunk !== tried && { from: tried }) });
    }
    return [...kept.values()];
  }

  async #shrink(tried: Tried): Promise<Tried> {
    const { ground, isReal, flags } = this.#hunted;
    const stop = new AbortController();
    const { evaluate } = this.#trials;
    let smallest = tried;
    const options = {
      ...{ ground, evaluate, aim: flags.for, signal: stop.signal },
      ...(isReal && { batch: 1, schedules: Math.min(MOST_SHRUNK, this.#most - this.#trials.count) }),
    };
    for await (const shrunk of shrink(tried, options)) {
      smallest = shrunk.smallest;
      if (this.#environment.interrupt.aborted || (isReal && this.#isLate())) stop.abort();
    }
    return smallest;
  }

  /** Writes the scenario files; of a search in simulation runs those that were found on a real cluster. */
  async results(
    kept: readonly Kept[],
  ): Promise<Pick<HuntDocument, 'schedules' | 'restarts' | 'elapsedMs' | 'worst' | 'failed'>> {
    const { elapsedMs } = this.#trials;
    await removeScenarios(this.#hunted.folder);
    for (const [at, { tried }] of kept.entries()) await this.#write(nameOf(at), tried);
    const worst: HuntedCase[] = [];
    for (const [at, each] of kept.entries()) worst.push(await this.#caseOf(nameOf(at), each));
    return {
      ...{ schedules: this.#trials.count, restarts: this.#progress?.restarts ?? 0 },
      ...{ elapsedMs: Math.round(elapsedMs), worst, failed: await this.#writeFailed() },
    };
  }

  look(): HuntLook {
    const { count, runs, ownMs, elapsedMs } = this.#trials;
    const worst = this.#progress?.best.find(hasOutcome)?.outcome;
    return {
      ...{ title: this.#hunted.title, ...this.#stage, schedules: count },
      perSecond: runs / Math.max(1, ownMs / 1_000),
      restarts: this.#progress?.restarts ?? 0,
      aim: this.#hunted.flags.for,
      share: Math.max(count / this.#most, elapsedMs / this.#mostMs),
      ...(worst && { worst }),
    };
  }

  async close(): Promise<void> {
    await Promise.all([this.#runner.close(), this.#real.close()]);
  }

  #isLate(): boolean {
    return this.#trials.elapsedMs >= this.#mostMs;
  }

  #space(): Space {
    const { flags, ground, isReal } = this.#hunted;
    const { fault: faults = usefulFaults(ground, isReal), mostFaults } = flags;
    return spaceOf(ground, { faults, ...given({ mostFaults }) });
  }

  async #write(name: string, { schedule, outcome }: Tried): Promise<void> {
    await writeScenario(this.#hunted.folder, { ...this.#fileOf(name, schedule), outcome });
  }

  async #writeFailed(): Promise<FailedCase[]> {
    const cases: FailedCase[] = [];
    for (const [at, { schedule, reason }] of this.#trials.failed.slice(0, MOST_FAILED).entries()) {
      const name = `failed-${at + 1}`;
      await writeScenario(this.#hunted.folder, this.#fileOf(name, schedule));
      cases.push({ scenario: `${name}.yaml`, reason });
    }
    return cases;
  }

  #fileOf(name: string, schedule: Tried['schedule']): HuntedFile {
    const { ground, isReal, flags } = this.#hunted;
    return { ground, schedule, name, searched: isReal ? 'real' : 'simulated', aim: flags.for };
  }

  async #caseOf(name: string, { tried: { schedule, outcome }, from }: Kept): Promise<HuntedCase> {
    const real = isFound(outcome) ? await this.#confirm(name, schedule) : undefined;
    return {
      ...{ scenario: `${name}.yaml`, faults: schedule.faults.map(({ fault }) => fault) },
      ...{ users: schedule.load.users, outcome, isFound: isFound(outcome) },
      ...(from && {
        shrunkFrom: {
          ...{ faults: from.schedule.faults.length, users: from.schedule.load.users },
          ...{ requests: from.outcome.requests, excess: from.outcome.excess },
        },
      }),
      ...(real && { real }),
    };
  }

  async #confirm(name: string, schedule: Tried['schedule']): Promise<RealCase | undefined> {
    const { flags, ground, isReal, typed } = this.#hunted;
    const { interrupt: signal } = this.#environment;
    if (isReal || !flags.confirm || signal.aborted) return undefined;
    this.#stage = { stage: 'confirm', detail: `${name}.yaml on a real cluster` };
    const command = runCommandOf(typed, name);
    return confirm({ ground, schedule, name, command }, { runs: this.#real, signal });
  }
}

/** A kept cluster has no clocks that can be stepped: with that fault each run would start a cluster of its own. */
function usefulFaults(ground: Ground, isReal: boolean): readonly HuntedFault[] {
  return faultsOf(ground).filter((name) => !(isReal && name === 'node-clock'));
}

/** Runs that shrink a finding on real clusters: far more than fit into a budget. */
const MOST_SHRUNK = 1_000;

/** The files of more schedules without an outcome say nothing new. */
const MOST_FAILED = 10;

function nameOf(at: number): string {
  return `worst-${at + 1}`;
}
