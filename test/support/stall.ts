/** Keeps this program from doing anything else, as a machine that stands still does. */
export function stall(ms: number): void {
  const untilMs = performance.now() + ms;
  while (performance.now() < untilMs);
}
