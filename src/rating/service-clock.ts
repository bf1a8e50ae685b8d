/** The machine's clock and an offset that tests change: what a service with a wrong clock sees. */
export class ServiceClock {
  /** Milliseconds ahead; negative: behind. */
  offsetMs = 0;

  readonly nowMs = (): number => Date.now() + this.offsetMs;
}
