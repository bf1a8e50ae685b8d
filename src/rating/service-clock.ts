/** The clock of a service: the machine's clock plus an offset that tests change. */
export class ServiceClock {
  /** Milliseconds ahead of the machine's clock; negative if behind. */
  offsetMs = 0;

  readonly nowMs = (): number => Date.now() + this.offsetMs;
}
