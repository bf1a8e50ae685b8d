import { open, readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { printable } from '../core/printable.ts';

/** What the services of a run logged of their plug-in. */
export interface PluginLogs {
  /** By code, the first error that each has. */
  readonly errors: Readonly<Record<string, string>>;
  /** Takes that were open for long when a service last looked. */
  readonly unanswered: number;
  /** Of each service whose limiter is outside the service's region: how it connected. */
  readonly outside: readonly string[];
}

/** The most files that are read; of each its first and its last bytes. */
const MOST_FILES = 100;
const MOST_BYTES = 1_048_576;
/** Of an error that is shown. */
const MOST_CHARACTERS = 200;

/** A simulation has all of its services in one file, each line with the service. */
const ERROR = /^(?:service .{1,200}?: )?cannot decide: (.*) \[([A-Z_]+)\]$/gm;
const UNANSWERED = /^(service .{1,200}?: )?not answered for \d+ s: (\d+) takes$/gm;
const OUTSIDE = /outside its region: (connected to \S+ from \S+, and not from redis\.localAddress, \S+)$/m;

/** Reads `logs/rating-*.log` in the folder of a run. Logs that cannot be read say nothing. */
export async function readPluginLogs(folder: string): Promise<PluginLogs> {
  const logs = join(folder, 'logs');
  const names = await readdir(logs).catch(() => []);
  const errors: Record<string, string> = {};
  const outside: string[] = [];
  let unanswered = 0;
  for (const name of names
    .filter((one) => /^rating-.*\.log$/.test(one))
    .toSorted()
    .slice(0, MOST_FILES)) {
    const text = await endsOf(join(logs, name)).catch(() => '');
    for (const [, message = '', code = ''] of text.matchAll(ERROR)) errors[code] ??= shown(message);
    const [, how] = OUTSIDE.exec(text) ?? [];
    if (how !== undefined) outside.push(`${name.replace(/\.log$/, '')} ${shown(how)}`);
    const last = new Map<string, number>();
    for (const [, service = '', takes] of text.matchAll(UNANSWERED)) last.set(service, Number(takes));
    unanswered += [...last.values()].reduce((sum, takes) => sum + takes, 0);
  }
  return { errors, unanswered, outside };
}

async function endsOf(path: string): Promise<string> {
  const file = await open(path);
  try {
    const { size } = await file.stat();
    const first = await textAt(file, 0, Math.min(size, MOST_BYTES));
    const rest = Math.max(first.length, size - MOST_BYTES);
    return size <= MOST_BYTES ? first : `${first}\n${await textAt(file, rest, size - rest)}`;
  } finally {
    await file.close();
  }
}

async function textAt(file: Awaited<ReturnType<typeof open>>, from: number, bytes: number): Promise<string> {
  const { buffer, bytesRead } = await file.read(Buffer.alloc(bytes), 0, bytes, from);
  return buffer.toString('utf8', 0, bytesRead);
}

function shown(message: string): string {
  const text = printable(message);
  return text.length > MOST_CHARACTERS ? `${text.slice(0, MOST_CHARACTERS - 3)}...` : text;
}
