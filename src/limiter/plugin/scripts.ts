import { closedError } from '../redis/errors.ts';
import type { TextPort } from '../redis/port.ts';
import { makeScript, type Script } from '../redis/script.ts';

/** Lua scripts on the Redis of a region. */
export interface PluginScripts {
  /**
   * Runs a script at most once. Its keys, at least one, are of one slot; it returns a list of texts and whole numbers.
   * Rejects with an OpenclawError, whose `charge` says whether the script may have run.
   */
  run(
    source: string,
    keys: readonly string[],
    args?: readonly (string | number)[],
  ): Promise<{ readonly values: readonly (string | number)[] }>;
}

/** The scripts of a plug-in of this name. They connect once, by `connect`, when the first of them is run or at `open`. */
export function pluginScripts(name: string, connect: () => TextPort) {
  const known = new Map<string, Script>();
  let port: TextPort | undefined;
  let isClosed = false;

  function open(): TextPort {
    if (isClosed) throw closedError();
    port ??= connect();
    return port;
  }

  function scriptOf(source: string): Script {
    const script = known.get(source) ?? makeScript(name, source);
    known.set(source, script);
    return script;
  }

  const scripts: PluginScripts = {
    async run(source, keys, args = []) {
      const { values } = await open().runText(scriptOf(source), keys, args.map(String));
      return { values };
    },
  };
  return {
    scripts,
    open,
    async close() {
      isClosed = true;
      await port?.close();
    },
  };
}
