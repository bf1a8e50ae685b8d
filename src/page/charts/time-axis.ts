import type uPlot from 'uplot';

/** A stretch of time, in seconds of the run. */
export interface Range {
  readonly min: number;
  readonly max: number;
}

/** The shortest range, in seconds: it shows an operation of a millisecond well. */
const SHORTEST = 0.002;

/** The shared time axis of a page: zooming or moving one chart changes all. */
export class TimeAxis {
  readonly whole: Range;
  readonly #charts: uPlot[] = [];
  readonly #listeners: ((range: Range) => void)[] = [];
  #range: Range;
  #isDue = false;

  constructor(whole: Range) {
    this.whole = whole;
    this.#range = whole;
  }

  get range(): Range {
    return this.#range;
  }

  get charts(): readonly uPlot[] {
    return this.#charts;
  }

  add(chart: uPlot): void {
    this.#charts.push(chart);
  }

  remove(chart: uPlot): void {
    this.#charts.splice(this.#charts.indexOf(chart), 1);
  }

  onRange(listener: (range: Range) => void): void {
    this.#listeners.push(listener);
  }

  /** Shows this stretch, within the run, at the next frame. */
  show({ min, max }: Range): void {
    const { whole } = this;
    const length = Math.min(whole.max - whole.min, Math.max(SHORTEST, max - min));
    const from = Math.min(Math.max(whole.min, (min + max - length) / 2), whole.max - length);
    this.#range = { min: from, max: from + length };
    if (this.#isDue) return;
    this.#isDue = true;
    requestAnimationFrame(() => {
      this.#isDue = false;
      this.draw();
    });
  }

  /** Draws every chart at the current range, now. */
  draw(): void {
    for (const chart of this.#charts) chart.setScale('x', this.#range);
    for (const listener of this.#listeners) listener(this.#range);
  }

  /** Zooms by a factor (below 1: in), around a moment or the middle. */
  zoom(factor: number, around = (this.#range.min + this.#range.max) / 2): void {
    const { min, max } = this.#range;
    this.show({ min: around - (around - min) * factor, max: around + (max - around) * factor });
  }

  /** Moves by a share of the shown range. */
  pan(share: number): void {
    const { min, max } = this.#range;
    const by = Math.min(this.whole.max - max, Math.max(this.whole.min - min, share * (max - min)));
    this.show({ min: min + by, max: max + by });
  }

  reset(): void {
    this.show(this.whole);
  }

  /** Puts the cursor of all charts to one moment, and shows it. */
  point(at: number): void {
    const { min, max } = this.#range;
    if (at < min || at > max) this.show({ min: at - (max - min) / 2, max: at + (max - min) / 2 });
    requestAnimationFrame(() => {
      for (const chart of this.#charts)
        chart.setCursor({ left: chart.valToPos(at, 'x'), top: chart.bbox.height / devicePixelRatio / 2 });
    });
  }
}
