import { HEADERS } from '../../core/header-names.ts';
import type { Request } from '../../load/arrivals.ts';
import type { LoadConnection, Pace } from '../../load/connection.ts';
import type { ConnectionRequests, LoadState } from '../../load/connection-requests.ts';
import { formatCost } from '../../load/costs.ts';
import type { ReadReply } from '../../load/outcome.ts';
import type { OpenOperation, Recorder } from '../../load/recorder.ts';
import type { HttpReply } from '../service/rating-instance.ts';
import type { RegionServices } from '../service/region-services.ts';

export interface ConnectionOptions {
  readonly load: LoadState;
  readonly pace: Pace;
  readonly recorder: Recorder;
  readonly requests: ConnectionRequests;
  readonly read: ReadReply;
  readonly services: Pick<RegionServices, 'send'>;
  /** The place of its region among all. */
  readonly region: number;
}

/**
 * One connection of a load to the gateway of its region: it draws and records as the real one does. Left out: a gateway
 * that ends, so none is lost.
 */
export class SimulatedConnection implements LoadConnection {
  readonly region: number;
  readonly #options: ConnectionOptions;
  #operation: OpenOperation | undefined;

  constructor(options: ConnectionOptions) {
    this.region = options.region;
    this.#options = options;
    options.pace.free(this, 'new');
  }

  send(intendedUs?: number, request: Request = this.#options.requests.draw()): void {
    const { load, requests, services } = this.#options;
    if (load.isDraining) return;
    const { user, cost, actual, body = requests.random } = request;
    body(); // the real one chooses a body by it
    const tokens = formatCost(cost);
    const headers: Record<string, string> = { [HEADERS.user]: user };
    if (tokens !== '') headers[HEADERS.cost] = tokens;
    if (actual !== undefined) headers[HEADERS.actual] = String(actual);
    this.#operation = requests.invoke(request, intendedUs);
    services.send(headers, this.#answered);
  }

  readonly #answered = ({ status, headers, body, decision }: HttpReply): void => {
    const { load, recorder, read, pace } = this.#options;
    recorder.complete(this.#operation as OpenOperation, read(status, headers, body, decision));
    if (!load.isDraining) pace.free(this, 'answered');
  };
}
