import { readFileSync } from 'node:fs';

/** What installs a package on this system, and the packages of the two servers. */
interface Manager {
  readonly install: (name: string) => readonly string[];
  readonly redis: string;
  readonly valkey: string;
  /** Which of both an installation gets where either will do: the one that current versions of the system have. */
  readonly usual: 'redis' | 'valkey';
}

const APT: Manager = {
  install: (name) => ['apt-get update', `apt-get install -y ${name}`],
  redis: 'redis-server',
  valkey: 'valkey-server',
  usual: 'redis',
};
const OTHERS = { redis: 'redis', valkey: 'valkey', usual: 'valkey' } as const;
const DNF: Manager = { ...OTHERS, install: (name) => [`dnf install -y ${name}`] };

/** By the ID, or one of ID_LIKE, of /etc/os-release. */
const MANAGERS: Readonly<Record<string, Manager>> = {
  debian: APT,
  ubuntu: APT,
  fedora: DNF,
  rhel: DNF,
  alpine: { ...OTHERS, install: (name) => [`apk add ${name}`] },
  arch: { ...OTHERS, install: (name) => [`pacman -S --noconfirm ${name}`] },
  suse: { ...OTHERS, install: (name) => [`zypper install -y ${name}`] },
};

export interface System {
  /** The text of /etc/os-release: it also names the package manager where PATH is empty. */
  readonly osRelease: string;
  readonly isRoot: boolean;
}

/** The line that installs the server which `command` starts, or the usual one; undefined on an unknown system. */
export function installLine(
  command?: string,
  { osRelease, isRoot }: System = readSystem(),
): string | undefined {
  const manager = managerOf(osRelease);
  if (manager === undefined) return undefined;
  const server = /^(redis|valkey)-server$/.exec(command ?? '')?.[1] ?? manager.usual;
  const commands = manager.install(server === 'redis' ? manager.redis : manager.valkey);
  return commands.map((text) => (isRoot ? text : `sudo ${text}`)).join(' && ');
}

function managerOf(osRelease: string): Manager | undefined {
  const textOf = (key: string) => new RegExp(`^${key}="?([^"\n]*)`, 'm').exec(osRelease)?.[1] ?? '';
  const names = [textOf('ID'), ...textOf('ID_LIKE').split(' ')];
  const known = names.find((name) => Object.hasOwn(MANAGERS, name));
  return known === undefined ? undefined : MANAGERS[known];
}

function readSystem(): System {
  const isRoot = process.getuid?.() === 0;
  for (const file of ['/etc/os-release', '/usr/lib/os-release']) {
    try {
      return { osRelease: readFileSync(file, 'utf8'), isRoot };
    } catch {} // the other place, or a system without either
  }
  return { osRelease: '', isRoot };
}
