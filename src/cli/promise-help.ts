/** What each form of `--promise` grants, for `--help`. */
export const PROMISES = `
Promises, and what convicts:
  token-bucket                 more in some window than capacity and refill; a
                               denial while it held the cost
  fixed-window:100/60s         windows that may lie anywhere: more in less than
                               k of them than k + 1 hold; no denial
  fixed-window:100/60s:first   a request of a key without a window opens one:
                               also more than 100 in less than 60 s where no
                               request can have opened the window before
  fixed-window:100/60s:epoch   windows start at multiples of 60 s since 1970:
                               more than 100 in one, a denial while it had
                               room; where the time of day of the limiter's
                               clock is not known (it is with --clock date of a
                               --target, --clock-slack of a log): more than 100
                               in some window, wherever they start
  sliding-window:100/60s       the exact log: more than 100 in less than 60 s;
                               a denial while the log had room
  sliding-counter:100/60s      an approximate one: more in any span than
                               100 (1 + span / 60 s) + 1; no denial
`;
