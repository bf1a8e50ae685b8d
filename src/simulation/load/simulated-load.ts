import type { RecordedRequest } from '../../history/foreign/arrivals.ts';
import type { Pace } from '../../load/connection.ts';
import { ConnectionRequests, type LoadState } from '../../load/connection-requests.ts';
import { readerOf } from '../../load/outcome.ts';
import { makePace, userDrawOf } from '../../load/pace.ts';
import { connectionsOf } from '../../load/parts.ts';
import type { Recorder } from '../../load/recorder.ts';
import type { LoadShape, Users } from '../../load/users.ts';
import type { RegionServices } from '../service/region-services.ts';
import { ProcessTime, type VirtualTime } from '../virtual-time.ts';
import { SimulatedConnection } from './simulated-connection.ts';

export interface SimulatedLoadOptions {
  readonly time: VirtualTime;
  readonly shape: LoadShape;
  readonly users: Users;
  /** By region. */
  readonly services: ReadonlyMap<string, Pick<RegionServices, 'send'>>;
  readonly instances: number;
  readonly recorder: Recorder;
  readonly durationMs: number;
  /** The requests of a recorded load. */
  readonly recorded?: readonly RecordedRequest[] | undefined;
}

const LOOK_US = 10_000;

/** A closed or open load in virtual time, with the draws of the real one. Throws INVALID_OPTION as that does. */
export class SimulatedLoad {
  readonly #options: SimulatedLoadOptions;
  readonly #pace: Pace;
  readonly #state: LoadState = { isDraining: false, startedUs: 0 };
  #stoppedUs = 0;

  constructor(options: SimulatedLoadOptions) {
    const { time, shape, users, services, recorder, recorded, instances } = options;
    const { regions } = shape;
    this.#options = options;
    const draws = regions.map((name) => ({ name, draw: userDrawOf(users, { region: name, recorded }) }));
    const timers = new ProcessTime(time);
    const pace = makePace({ ...options, regions, draws, timers });
    const read = readerOf(
      { of: 'sample', haveInstance: instances > 1 },
      { reserve: shape.actuals !== undefined },
    );
    this.#pace = pace;
    for (const process of connectionsOf(undefined, { ...shape, regions })) {
      const region = process % regions.length;
      const { name, draw } = draws[region] ?? {
        name: '',
        draw: draws[0]?.draw ?? (() => users.at(0) as never),
      };
      const requests = new ConnectionRequests({
        ...{ load: this.#state, recorder, shape, draw, process },
        region: name,
      });
      const own = services.get(name);
      if (own === undefined) throw new RangeError(`${name} has no services`);
      new SimulatedConnection({ load: this.#state, pace, recorder, requests, read, region, services: own });
    }
  }

  /** Begins now. */
  start(): void {
    this.#state.startedUs = this.#options.recorder.nowUs();
    this.#pace.start(this.#state.startedUs);
  }

  /** Sends nothing any more. */
  stop({ isEarly }: { readonly isEarly: boolean }): void {
    this.#pace.stop({ isEarly });
    this.#state.isDraining = true;
    this.#stoppedUs = this.#options.recorder.nowUs();
  }

  /** Waits for the replies of what is open, so long at most; the rest is recorded as lost. */
  async drain(withinMs: number, error = 'LOAD_ENDED'): Promise<void> {
    const { time, recorder } = this.#options;
    const endUs = time.nowUs + withinMs * 1_000;
    while (recorder.inFlight > 0 && time.nowUs < endUs) await time.runUntil(time.nowUs + LOOK_US);
    recorder.loseAll(error);
  }

  /** Milliseconds from the first request until it was stopped. */
  get sentForMs(): number {
    return (this.#stoppedUs - (this.#state.firstUs ?? this.#stoppedUs)) / 1_000;
  }
}
