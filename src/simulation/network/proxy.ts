import type { Connection, Direction } from './connection.ts';
import type { Toxic } from './slot.ts';

/** A proxy in front of a port, as a region's Toxiproxy has it for all that connects from there. */
export class RegionProxy {
  readonly toxics: Record<Direction, Toxic[]> = { upstream: [], downstream: [] };
  readonly connections = new Set<Connection>();
  #isEnabled = true;

  get isEnabled(): boolean {
    return this.#isEnabled;
  }

  /** A disabled one has closed all its connections, and refuses new ones. */
  setEnabled(isEnabled: boolean): void {
    this.#isEnabled = isEnabled;
    if (!isEnabled) for (const connection of [...this.connections]) connection.destroy();
  }

  /** Adds a toxic, or updates the one of its name. */
  put(direction: Direction, toxic: Toxic): void {
    const toxics = this.toxics[direction];
    const at = toxics.findIndex(({ name }) => name === toxic.name);
    if (at < 0) toxics.push(toxic);
    else toxics[at] = toxic;
    for (const { ways } of [...this.connections])
      if (at < 0) ways[direction].add(toxic);
      else ways[direction].update(toxic);
  }

  /** Removes a toxic if it is there. */
  drop(direction: Direction, name: string): void {
    const toxics = this.toxics[direction];
    const at = toxics.findIndex((toxic) => toxic.name === name);
    if (at < 0) return;
    toxics.splice(at, 1);
    for (const { ways } of [...this.connections]) ways[direction].remove(name);
  }
}
