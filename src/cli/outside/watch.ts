import { subscribe, unsubscribe } from 'node:diagnostics_channel';
import { syncBuiltinESMExports } from 'node:module';
import { pluginName } from '../../core/plugin-name.ts';
import { printable } from '../../core/printable.ts';
import { type OutsideUse, OutsideUses, type PluginHost } from '../../simulation/outside.ts';
import { callsOf } from './call-origin.ts';
import { type Door, INSTEAD } from './door.ts';
import { outsideDoors } from './doors.ts';
import { isWatched } from './module-doors.ts';
import { replaceMember } from './replace.ts';

/** Node publishes here each client socket that `net` connects, and each that `dgram` makes. */
const SOCKETS = ['net.client.socket', 'udp.socket'];

export interface OutsideWatch extends Pick<PluginHost, 'onLoaded'> {
  readonly outside: OutsideUses;
  release(): void;
}

/**
 * Warns once of each thing outside the simulation that the code of a plug-in uses, and of a connection, until it is
 * released. This program connects to nothing meanwhile.
 */
export function watchOutside(file: string, log: (text: string) => void): OutsideWatch {
  const isOfPlugin = callsOf(file);
  const outside = new OutsideUses();
  let isLoaded = false;
  outside.onUse((use) => log(warningOf(file, use)));
  const leadsOut = ({ shown, mayLoad, when }: Door, args: readonly unknown[], isNew: boolean) =>
    !outside.has(shown) && (isLoaded || !mayLoad) && when?.(args, isNew) !== false;
  const restore = byMember(outsideDoors()).map(({ of, name, doors }) =>
    replaceMember(of, name, (watched, args, isNew) => {
      const open = doors.filter((door) => leadsOut(door, args, isNew));
      if (open.length === 0 || !isOfPlugin(watched)) return;
      for (const { shown: used, instead, harmless } of open)
        outside.add({ used, instead, ...(harmless && { harmless }) });
    }),
  );
  const onSocket = () => outside.add({ used: 'a connection', instead: INSTEAD.connection });
  syncBuiltinESMExports();
  for (const channel of SOCKETS) subscribe(channel, onSocket);
  return {
    outside,
    onLoaded(urls) {
      isLoaded = true;
      for (const url of urls)
        if (url.startsWith('node:') && !isWatched(url)) outside.add({ used: url, instead: INSTEAD.other });
    },
    release() {
      for (const channel of SOCKETS) unsubscribe(channel, onSocket);
      for (const each of restore.reverse()) each();
      syncBuiltinESMExports();
    },
  };
}

/** One member can have several doors: by what it is called with. */
function byMember(doors: readonly Door[]) {
  const members = new Map<object, Map<PropertyKey, Door[]>>();
  for (const door of doors) {
    const names = members.get(door.of) ?? new Map<PropertyKey, Door[]>();
    members.set(door.of, names.set(door.name, [...(names.get(door.name) ?? []), door]));
  }
  return [...members].flatMap(([of, names]) => [...names].map(([name, doors]) => ({ of, name, doors })));
}

function warningOf(file: string, { used, instead, harmless, difference }: OutsideUse): string {
  const why = harmless
    ? 'the same seed gives another history'
    : 'the verdict of this run is unknown, since no seed and no virtual time determines its decisions';
  const where = difference && ` (seen at line ${difference.line} of the history, when the seed was repeated)`;
  return (
    `warning: ${printable(pluginName(file))} used ${used}${where ?? ''}, which a simulation does not have: ${why}\n` +
    `  ${instead}, or run it without --simulate; see docs/plugins.md\n`
  );
}
