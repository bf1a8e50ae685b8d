/** What happens in a simulation, in the order of time. */
export class Agenda {
  readonly #items: { readonly atUs: number; readonly act: () => void }[] = [];
  nowUs = 0;

  at(atUs: number, act: () => void): void {
    const items = this.#items;
    let place = items.length;
    while (place > 0 && (items[place - 1] as { atUs: number }).atUs < atUs) place--;
    items.splice(place, 0, { atUs, act });
  }

  run(): void {
    for (let next = this.#items.pop(); next !== undefined; next = this.#items.pop()) {
      this.nowUs = next.atUs;
      next.act();
    }
  }
}
