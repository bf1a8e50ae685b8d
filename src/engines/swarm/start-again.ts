import { docker } from '../../regions/docker/docker.ts';

const MOST = 2;

/** Starts services again whose containers Docker was too busy to make ready: each up to twice. */
export class StartAgain {
  readonly #stack: string;
  /** How often, of each service. */
  readonly #tries = new Map<string, number>();
  readonly #ids = new Set<string>();

  constructor(stack: string) {
    this.#stack = stack;
  }

  /** Resolves before they run. Does nothing for tasks of an earlier call. */
  async start(tasks: readonly { readonly service: string; readonly id: string }[]): Promise<void> {
    for (const { service, id } of tasks) {
      const tries = this.#tries.get(service) ?? 0;
      if (this.#ids.has(id) || tries === MOST) continue;
      this.#tries.set(service, tries + 1);
      const name = `${this.#stack}_${service}`;
      await docker(['service', 'update', '--force', '--detach', '--no-resolve-image', name]);
      this.#ids.add(id);
    }
  }

  /** Whether another task takes the place of this one. */
  has(id: string): boolean {
    return this.#ids.has(id);
  }
}
