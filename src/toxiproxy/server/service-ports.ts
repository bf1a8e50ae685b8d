import { readFileSync } from 'node:fs';

const FILE = '/etc/services';

/** Services that are known without the file, as in Go. */
const ALWAYS: Readonly<Record<string, number>> = {
  ftp: 21,
  ssh: 22,
  telnet: 23,
  smtp: 25,
  http: 80,
  https: 443,
};

let ports: ReadonlyMap<string, number> | undefined;

/** The TCP port of a service by its name or alias, in any case. */
export function servicePort(name: string): number | undefined {
  ports ??= readPorts();
  return ports.get(name.toLowerCase());
}

function readPorts(): Map<string, number> {
  const read = new Map(Object.entries(ALWAYS));
  for (const line of fileLines()) {
    const [, name = '', port, aliases = ''] = /^(\S+)\s+(\d+)\/tcp\b([^#]*)/.exec(line) ?? [];
    if (port === undefined) continue;
    for (const each of [name, ...aliases.split(/\s+/)]) read.set(each.toLowerCase(), Number(port));
  }
  read.delete('');
  return read;
}

function fileLines(): string[] {
  try {
    return readFileSync(FILE, 'utf8').split('\n');
  } catch {
    return [];
  }
}
