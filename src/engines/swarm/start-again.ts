import { docker } from '../../regions/docker/docker.ts';

const MOST = 2;

export interface ToStartAgain {
  readonly service: string;
  /** Of its newest task. */
  readonly id: string;
}

/** Starts services of a stack again that could not start because a mount was busy: each up to twice. */
export class StartAgain {
  readonly #stack: string;
  /** How often, of each service. */
  readonly #times = new Map<string, number>();
  readonly #ids = new Set<string>();

  constructor(stack: string) {
    this.#stack = stack;
  }

  /** Each task once, and each service up to twice. Resolves before they run. */
  async start(tasks: readonly ToStartAgain[]): Promise<void> {
    for (const { service, id } of tasks) {
      const times = this.#times.get(service) ?? 0;
      if (this.#ids.has(id) || times === MOST) continue;
      await docker(['service', 'update', '--force', '--detach', `${this.#stack}_${service}`]);
      this.#times.set(service, times + 1);
      this.#ids.add(id);
    }
  }

  /** Whether another task takes the place of this one. */
  has(id: string): boolean {
    return this.#ids.has(id);
  }
}
