import { pathToFileURL } from 'node:url';
import { realFile } from '../../limiter/plugin/real-file.ts';

/** The folder of this program's code, and packages that only this program finds. */
const OURS = new URL('../../', import.meta.url).href;
const OUR_PACKAGES = new URL('../node_modules/', OURS).href;
/** The library's clocks and timers: the simulation has others. */
const OUR_CLOCKS = new URL('limiter/system-surroundings.', OURS).href;
const PACKAGES = '/node_modules/';
const OF_NODE = 'node:';
/** It waits for the threads of hooks, for any import. */
const LOADER = 'node:internal/modules/';
const CALL_BACK = /^node:(events|internal\/(process\/task_queues|timers|event_target))$/;
const MOST_FRAMES = 100;

/** What stands for a function: its own frame and those that it calls are left out of a stack. */
export type Call = (...args: unknown[]) => unknown;

/**
 * Tells whether a call of a function comes from the plug-in: from its file, also through packages and through our library's
 * clocks, or from any other file that is not this program's, such as one that the plug-in imports. Our own calls, which are
 * many, cost one frame.
 */
export function callsOf(file: string): (called: Call) => boolean {
  const plugin = pathToFileURL(realFile(file)).href;
  const isPlugin = (url: string) => url.startsWith(plugin);
  return (called) => {
    const [nearest] = filesAbove(called, 1);
    if (nearest !== undefined && (isOurs(nearest) || nearest.startsWith(LOADER))) return false;
    const files = filesAbove(called, MOST_FRAMES);
    const urls = files.filter((url) => !url.startsWith(OF_NODE));
    if (urls[0]?.startsWith(OUR_CLOCKS)) return urls.some(isPlugin);
    const caller = urls.find((url) => isPlugin(url) || !url.includes(PACKAGES) || isOurs(url));
    if (caller !== undefined) return !isOurs(caller);
    return urls[0] === undefined ? isCallback(files[0]) : !urls[0].startsWith(OUR_PACKAGES);
  };
}

/** Whether a function was called as it was given to a promise, a queue, a timer or an event, and not by Node.js for itself. */
function isCallback(nearest: string | undefined): boolean {
  return nearest === undefined || CALL_BACK.test(nearest);
}

function isOurs(url: string): boolean {
  return url.startsWith(OURS) && !url.startsWith(OUR_CLOCKS);
}

/** URLs of the files in the stack above this function, the nearest first; code without a file is left out. */
function filesAbove(called: Call, most: number): string[] {
  const { stackTraceLimit, prepareStackTrace } = Error;
  const holder: { stack?: unknown } = {};
  try {
    Error.stackTraceLimit = most;
    Error.prepareStackTrace = (_error, sites) => sites.map((site) => site.getFileName());
    Error.captureStackTrace(holder, called);
    return (holder.stack as (string | null | undefined)[]).flatMap(urlOf);
  } finally {
    Object.assign(Error, { stackTraceLimit, prepareStackTrace });
  }
}

/** A module of CommonJS is shown by its path. */
function urlOf(name: string | null | undefined): string[] {
  if (name?.startsWith('/')) return [pathToFileURL(name).href];
  return name?.startsWith('file:') || name?.startsWith(OF_NODE) ? [name] : [];
}
