import type { HistoryFile } from '../experiment/history-file.ts';
import type { Run } from '../experiment/run-context.ts';
import { SimulatedFaultSchedule } from './faults/fault-schedule.ts';
import { bringHome } from './nodes/settle.ts';
import { faultyServices } from './service/faulty-services.ts';
import type { World } from './world.ts';

type Options = Pick<Run, 'plan' | 'report' | 'signal'>;

/** As in a real run. */
const SETTLE_US = 30_000_000;
/** Of each fault: a takeover and a start are awaited, each twice if the first try has failed. */
const HEAL_US = 120_000_000;
const LOOK_US = 100_000;

/** The faults of a run, and what is recorded of them. Its times count from `originUs`. */
export class FaultyRun {
  readonly #world: World;
  readonly #run: Options;
  readonly #history: Pick<HistoryFile, 'add'>;
  readonly #originUs: number;
  readonly #schedule: SimulatedFaultSchedule;

  constructor(world: World, run: Options, history: Pick<HistoryFile, 'add'>) {
    const { time, topology, network, nodes, services, clockAheadMs } = world;
    const { links, access } = network;
    const originUs = time.nowUs;
    this.#world = world;
    this.#run = run;
    this.#history = history;
    this.#originUs = originUs;
    this.#schedule = new SimulatedFaultSchedule({
      faults: run.plan.faults,
      seed: run.plan.seed,
      system: { topology, time, links, access, nodes, services: faultyServices(services, clockAheadMs) },
      record: (record) => history.add({ ...record, atUs: record.atUs - originUs }),
    });
  }

  get inForce(): readonly string[] {
    return this.#schedule.inForce;
  }

  /** The load starts now. Calls `onFailure` if the first fault cannot be injected. */
  start(onFailure: () => void): void {
    this.#schedule.start(onFailure);
  }

  /** Heals all faults and waits until the nodes have settled; gives a sentence for each failure. Throws that of the first fault. */
  async end(): Promise<string[]> {
    const { plan, report, signal } = this.#run;
    if (plan.faults.length === 0) return [];
    report('heal');
    let left: readonly string[] = ['a fault is not healed'];
    await this.#within(HEAL_US * plan.faults.length, (over) =>
      this.#schedule.end((failures) => {
        left = failures;
        over();
      }),
    );
    if (this.#schedule.failure !== undefined) throw this.#schedule.failure;
    const problems = [...left, ...this.#schedule.problems];
    if (signal.aborted) return problems;
    report('settle');
    const { nodes, time } = this.#world;
    if (!(await this.#within(SETTLE_US, (over) => bringHome(nodes, time, over))))
      return [
        ...problems,
        `the cluster did not settle: ${nodes.lackOfWhole() ?? nodes.awayFromHome().join(', ')}`,
      ];
    const atUs = time.nowUs - this.#originUs;
    for (const { fault } of plan.faults) this.#history.add({ type: 'fault', fault, phase: 'settled', atUs });
    return problems;
  }

  async #within(withinUs: number, begin: (over: () => void) => void): Promise<boolean> {
    const { time } = this.#world;
    const endUs = time.nowUs + withinUs;
    let isOver = false;
    begin(() => {
      isOver = true;
    });
    while (!isOver && time.nowUs < endUs) await time.runUntil(time.nowUs + LOOK_US);
    return isOver;
  }
}
