/** The violations of each form of `--promise`, for `--help`. */
export const PROMISES = `
Promises, and what violates them:
  token-bucket                 more in a window than capacity and refill; a
                               denial while the bucket held the cost
  fixed-window:100/60s         windows may start anywhere: more in less than k
                               windows than k + 1 windows hold; no denial does
  fixed-window:100/60s:first   a request of a key without a window opens one:
                               also more than 100 in less than 60 s, if no
                               earlier request can have opened the window
  fixed-window:100/60s:epoch   windows start at multiples of 60 s since 1970:
                               more than 100 in one; a denial while it had
                               room. Without the limiter's time of day (from
                               --clock date with --target, from --clock-slack
                               with a log): more than 100 in a window, for
                               every possible start of the windows
  sliding-window:100/60s       the exact log: more than 100 in less than 60 s;
                               a denial while the log had room
  sliding-counter:100/60s      approximate: more in a span than
                               100 (1 + span / 60 s) + 1; no denial does
`;
