/**
 * What happens at an instant of virtual time. It is planned for one instant at a time, and can be planned again once that is
 * over: what happens often needs no object for each time.
 */
export interface Planned {
  /** Its place among all that was ever planned; NOT_PLANNED if it is not. VirtualTime alone writes it. */
  order: number;
  happen(): void;
}

export const NOT_PLANNED = -1;
