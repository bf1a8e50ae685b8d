import { isLimiterFile } from '../../core/plugin-name.ts';
import { quoted } from '../../core/printable.ts';
import type { Outside } from '../../limiter/outside.ts';
import { notReady, PLUGIN_START_MS, refused } from '../../limiter/plugin/error.ts';
import { loadPlugin } from '../../limiter/plugin/load.ts';
import { openLoaded } from '../../limiter/plugin/open.ts';
import type { LimiterPlugin } from '../../limiter/plugin/plugin.ts';
import { logUnanswered } from '../../rating/log-unanswered.ts';
import { logUndecided } from '../../rating/log-undecided.ts';
import type { Plan } from '../../scenario/plan.ts';
import type { PluginHost } from '../outside.ts';
import type { VirtualTime } from '../virtual-time.ts';
import { copyImports, importsOfCopies } from './own-copies.ts';
import { type HttpReply, type RequestHeaders, ratingInstance } from './rating-instance.ts';

/** A plug-in of this file, as one instance has it. */
interface Loaded {
  readonly file: string;
  readonly plugin: LimiterPlugin;
}

/** By region and instance, from 1: what a module keeps outside its limiter is of one instance, as of one process. */
export type LoadedPlugin = (region: string, instance: number) => Loaded;

let worlds = 0;

/**
 * Loads the plug-in of a plan for each instance, again for each world: none begins with the state of another. Undefined for
 * a strategy. Throws INVALID_OPTION.
 */
export async function loadedPlugin(
  { limiter: file, instances = 1, topology }: Plan,
  host: PluginHost,
): Promise<LoadedPlugin | undefined> {
  if (file === undefined) return undefined;
  copyImports();
  importsOfCopies(); // those of an earlier world are not of this one
  const world = ++worlds;
  const all = new Map<string, Loaded>();
  for (const region of topology.regions)
    for (let instance = 1; instance <= instances; instance++) {
      const copy = `${region}-${instance}-${world}`;
      all.set(`${region}-${instance}`, {
        file,
        plugin: checkSimulated(await loadPlugin(file, { copy }), file),
      });
    }
  const imports = importsOfCopies();
  checkShared(
    file,
    imports.filter(({ isShared }) => isShared).map(({ url }) => url),
  );
  host.onLoaded(imports.map(({ url }) => url));
  return (region, instance) => all.get(`${region}-${instance}`) as Loaded;
}

/** Throws INVALID_OPTION for imports that all instances share: a limiter in memory would be one for all regions. */
function checkShared(file: string, [first]: readonly string[]): void {
  if (first === undefined) return;
  const name = quoted(first.split('/').slice(-2).join('/'));
  throw refused(
    file,
    `cannot be simulated: it imports ${name}, which all services would share, as CommonJS has no copies; bundle it into one file: npx esbuild <file> --bundle --platform=node --format=esm`,
  );
}

/** Throws INVALID_OPTION for a plug-in that does not say that it can be simulated. */
export function checkSimulated(plugin: LimiterPlugin, file: string): LimiterPlugin {
  if (plugin.simulated === true) return plugin;
  if (isLimiterFile(file))
    throw refused(file, 'cannot be simulated: it is a program, with a clock of its own');
  throw refused(
    file,
    'cannot be simulated: it must export simulated = true, and reach Redis, time and random numbers by its options alone',
  );
}

interface PluginService {
  readonly answer: (headers: RequestHeaders) => Promise<HttpReply>;
  /** Settles when its limiter is made, or cannot be made. */
  readonly made: Promise<unknown>;
}

/** A service with this plug-in. It can answer once its limiter is made. */
export function pluginInstance(
  { plugin, file }: Loaded,
  options: Parameters<typeof openLoaded>[2],
  outside: Outside,
  log: (text: string) => void,
): PluginService {
  const { time } = outside.surroundings;
  const onUndecided = logUndecided(log, () => time.nowUs() / 1_000);
  const made = openLoaded(plugin, file, options, outside).then((limiter) =>
    ratingInstance(logUnanswered(limiter, time, log), { evidence: false, onUndecided }),
  );
  made.catch(() => {});
  return { made, answer: async (headers) => (await made)(headers) };
}

/** Lets time pass until the limiters of these services are made. Throws INVALID_OPTION if one fails, or stays pending. */
export async function untilMade(
  made: readonly Promise<unknown>[],
  { limiter: file }: Plan,
  time: VirtualTime,
): Promise<void> {
  if (file === undefined) return;
  let isPending = true;
  const settled = () => {
    isPending = false;
  };
  const all = Promise.all(made);
  all.then(settled, settled);
  const endUs = time.nowUs + PLUGIN_START_MS * 1_000;
  while (isPending && time.nowUs < endUs) await time.runUntil(time.nowUs + LOOK_US);
  if (isPending) throw notReady(file);
  await all;
}

const LOOK_US = 100_000;
