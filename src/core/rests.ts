/** The shortest rest, as a share of the longest. */
const SHORTEST_REST = 0.25;

/** How many of the users rest: a share, at least one. */
export function restingUsers(users: number, share: number): number {
  return share === 0 ? 0 : Math.max(1, Math.round(share * users));
}

/** How long the nth of so many users rests, as a share of the longest rest: spread evenly. */
export function restShare(nth: number, count: number): number {
  return SHORTEST_REST + ((1 - SHORTEST_REST) * (nth + 0.5)) / count;
}
