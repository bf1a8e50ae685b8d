import type { Random } from '../core/prng.ts';

/** The times of one kind of event, microseconds: equally spaced quantiles, from the least to the most. */
export type Delays = readonly [number, number, ...number[]];

/** One way within a machine, past a proxy between client and server. Measured, as the next: `npm run bench:simulation -- --delays`. */
export const PROXIED_US: Delays = [42, 57, 66, 74, 81, 88, 94, 102, 112, 128, 500];

/** One way within a machine, from process to process. */
export const DIRECT_US: Delays = [21, 24, 26, 28, 30, 32, 34, 37, 42, 49, 118];

/** How many processors the machine of the real runs has. */
export const PROCESSORS = 2;

/** How long a thread keeps a processor that others wait for: about as long as Linux lets it. */
export const SLICE_US = 3_000;

/**
 * The processor time of the load process for one half of a request: there, or back. It and those that follow make
 * simulated runs cost what `npm run bench:simulation -- --processor` measures of real ones.
 */
export const LOAD_US = 24;

/** The same of a gateway. */
export const GATEWAY_US = 42;

/** The same of a Rating service. */
export const RATING_US = 48;

/** The processor time of nodes and Toxiproxies for one command of a limiter. */
export const COMMAND_US = 30;

/** What a service spends on an error that a node of a cluster replied, more than on another reply. */
export const ERROR_REPLY_US = 130;

/** More for the first work of a thread that had none: it wakes up, and gathers no reads and writes. */
export const WAKE_US = 35;

/** From the first to the last change of the proxies of a link, while there is load: 0.1 to 0.4 s in real runs. */
export const LINKS_US = 200_000;

/** How long it takes to read the clock of a service that has as much load as it can take. */
export const CLOCK_LOOK_US = 2_200_000;

/** From the start of the process of a service until it listens. */
export const SERVICE_START_US = 600_000;

/** A whole number of microseconds, with straight lines between the quantiles. */
export function drawDelay(delays: Delays, random: Random): number {
  const at = random() * (delays.length - 1);
  const below = Math.floor(at);
  const [low, high] = [delays[below] as number, delays[below + 1] as number];
  return Math.floor(low + (high - low) * (at - below));
}
