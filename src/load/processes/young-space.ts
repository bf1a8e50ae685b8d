/**
 * The young space of processes with a thousand requests in flight, of Node.js, megabytes. With V8's 16 these requests outlive
 * a collection and are copied: a tenth of a service's time is spent on that. `bin/openclaw-rl` has the same, since a
 * simulation makes many short-lived objects.
 */
export const YOUNG_SPACE = '--max-semi-space-size=64';
