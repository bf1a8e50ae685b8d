import { appendFileSync } from 'node:fs';
import { join } from 'node:path';
import { OpenclawError } from '../../core/errors.ts';
import { given } from '../../core/given.ts';
import type { Promised } from '../../core/promise.ts';
import { bringUp } from '../../regions/bring-up.ts';
import { isAsWanted } from '../../regions/differences.ts';
import { findRunning } from '../../regions/open-cluster.ts';
import { runName } from '../../regions/processes/owner.ts';
import type { Regions } from '../../regions/provider.ts';
import type { RunReport } from '../../report/report.ts';
import type { Plan } from '../../scenario/plan.ts';
import { planTopology } from '../../topology/topology.ts';
import { clusterContext } from '../flags/cluster-flags.ts';
import type { HuntFlags } from '../flags/hunt-options.ts';
import { serverOf } from '../flags/topology-flags.ts';
import type { Environment } from '../process/environment.ts';
import { keepReport, makeRun } from '../runs/run-plan.ts';

type Flags = Pick<HuntFlags, 'name' | 'provider' | 'server'>;

/** In the folder of a hunt. */
const RUNS = 'runs';
const LOG = 'runs.log';
/** Hunts refuse plug-ins with another promise, so that no run has to ask. */
const TOKEN_BUCKET: Promised = { type: 'token-bucket' };

/**
 * Runs plans of one topology on a real cluster, one after the other: on the running one of the given name if it fits, else
 * on one that is started for the first plan and ends with `close`. Each run has a key prefix of its own. What a run would
 * log goes to a file.
 */
export class RealRuns {
  readonly #flags: Flags;
  readonly #folder: string;
  readonly #environment: Environment;
  /** Logs into the file. */
  readonly #quiet: Environment;
  #own: Regions | undefined;
  #offExit = () => {};
  #name: string | undefined;
  #last: Promise<unknown> = Promise.resolve();

  constructor(flags: Flags, folder: string, environment: Environment) {
    this.#flags = flags;
    this.#folder = folder;
    this.#environment = environment;
    const log = (text: string) => {
      try {
        appendFileSync(join(folder, LOG), text);
      } catch {} // a full disk: the run itself reports it
    };
    this.#quiet = Object.create(environment, { log: { value: log }, terminals: { value: {} } });
  }

  /**
   * Runs a plan once all earlier ones are over. A cluster on which a run fails is replaced once. Throws ENVIRONMENT_FAILED
   * and SERVER_MISSING; with a signal INTERRUPTED, or the report of the part so far.
   */
  run(plan: Plan, command: string): Promise<RunReport> {
    const run = this.#last.then(() => this.#runNow(plan, command));
    this.#last = run.catch(() => {});
    return run;
  }

  /** Ends the cluster, if it was started here. */
  async close(): Promise<void> {
    await this.#last;
    await this.#end();
  }

  async #runNow(plan: Plan, command: string): Promise<RunReport> {
    try {
      return await this.#runOnce(plan, command);
    } catch (error) {
      const isOver = error instanceof OpenclawError && error.code === 'ENVIRONMENT_FAILED';
      if (!isOver || this.#environment.interrupt.aborted) throw error;
      this.#quiet.log(`${error.message}; trying once more\n`);
      await this.#end();
      return this.#runOnce(plan, command);
    }
  }

  async #runOnce(plan: Plan, command: string): Promise<RunReport> {
    const { provider, server } = this.#flags;
    this.#name ??= await this.#open(plan);
    const { report, page } = await makeRun(
      {
        ...{ plan, command, ...(plan.limiter !== undefined && { promise: TOKEN_BUCKET }) },
        flags: {
          ...{ name: this.#name, provider, format: 'table', json: false },
          ...{ reports: join(this.#folder, RUNS), ...given({ server }) },
        },
      },
      this.#quiet,
    );
    try {
      await keepReport(report);
    } finally {
      await page.drop();
    }
    return report;
  }

  /** The name of a cluster for the plan. */
  async #open(plan: Plan): Promise<string> {
    const context = { ...clusterContext(this.#quiet), signal: this.#environment.interrupt };
    const { name, provider } = this.#flags;
    const cluster = {
      ...{ topology: planTopology(plan.topology), ...serverOf(this.#flags, this.#environment) },
      provider: plan.limiter === undefined ? provider : ('local' as const),
    };
    const running = await findRunning(context.store, name);
    if (running !== undefined && isAsWanted(cluster, running.state)) return name;
    const own = runName().replace('run', 'hunt');
    const start = { name: own, lifetime: 'run', seed: plan.seed } as const;
    const regions = await bringUp({ ...start, ...cluster }, context);
    this.#own = regions;
    this.#offExit = this.#environment.onExit(() => regions.kill?.());
    return own;
  }

  async #end(): Promise<void> {
    const own = this.#own;
    this.#own = undefined;
    this.#name = undefined;
    await own?.down();
    this.#offExit();
  }
}
