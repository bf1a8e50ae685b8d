import { makeRandom, type Random } from '../core/prng.ts';
import type { Request } from './arrivals.ts';
import { type CostDraw, chargesOf, drawActual, makeCostDraw } from './costs.ts';
import type { OpenOperation, Recorder } from './recorder.ts';
import { bucketOf } from './target.ts';
import type { LoadShape, UserDraw } from './users.ts';

/** What the connections of one load share. */
export interface LoadState {
  isDraining: boolean;
  /** When it began, or will. */
  startedUs: number;
  /** When its first request was sent. */
  firstUs?: number;
}

interface Options {
  readonly load: LoadState;
  readonly recorder: Recorder;
  readonly shape: LoadShape;
  readonly draw: UserDraw;
  /** The number of the connection among all of the load. */
  readonly process: number;
  /** The name of its region. */
  readonly region: string;
}

/** The requests of one connection: what its own stream draws, and what is recorded when one is sent. */
export class ConnectionRequests {
  readonly #options: Options;
  readonly #drawCost: CostDraw;
  /** The stream of the connection. */
  readonly random: Random;

  constructor(options: Options) {
    const { shape, process } = options;
    const stream = `connection ${process}`;
    this.#options = options;
    this.random = makeRandom(shape.seed, stream);
    this.#drawCost = makeCostDraw(shape, stream);
  }

  draw(): Request {
    const { load, recorder, draw, shape } = this.#options;
    const user = draw(this.random, (recorder.nowUs() - load.startedUs) / 1_000).name;
    const cost = this.#drawCost(this.random);
    return { user, cost, actual: drawActual(shape.actuals, cost, this.random) };
  }

  /** Records that a request is sent now; in an open load it was due at `intendedUs`. */
  invoke({ user, cost: drawn, actual }: Request, intendedUs: number | undefined): OpenOperation {
    const { load, recorder, shape, process, region } = this.#options;
    const bucket = bucketOf(user);
    const cost = typeof drawn === 'number' ? drawn : 1; // of several policies the charges count
    const charges = chargesOf(bucket, drawn, shape.policies);
    const operation = recorder.invoke({ bucket, user, region, process, cost, actual, charges }, intendedUs);
    load.firstUs ??= operation.invokedUs;
    return operation;
  }
}
