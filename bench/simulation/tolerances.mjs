// How far a simulated run may be from reality. Set before the first comparison; docs/results/simulation.md explains any
// later change. Each simulated value must lie in the range of the real seeds, widened by these on both sides.

/** An election waits 500 ms and up to 500 ms more, by chance: three seeds show about half of that range. */
export const ROLE_US = 500_000;

/** Of a share of 1. A closed load sends as fast as the machine lets it, so that the mix of requests differs a little. */
export const SHARE = 0.05;

/** Of the least and of the most excess. What a takeover gives away depends on the requests of a few milliseconds. */
export const EXCESS = 0.2;

/** Tokens, where 20 % are less: no request costs less than a token, so no smaller difference is an admission. */
export const EXCESS_TOKENS = 1;
