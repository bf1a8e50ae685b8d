import { spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { delimiter, join } from 'node:path';
import { pathToFileURL } from 'node:url';
import type { Environment } from '../process/environment.ts';

/** Timeout of an opener: one that works ends quickly, or runs as long as the browser. */
const WAIT_MS = 3_000;

const OPENERS = ['xdg-open', 'open'];

/** Opens a file in a browser; on failure logs its URL. */
export async function openFile(path: string, environment: Environment): Promise<void> {
  const url = pathToFileURL(path).href;
  const folders = (environment.env.PATH ?? '').split(delimiter).filter((folder) => folder !== '');
  const opener = OPENERS.map((name) => folders.map((folder) => join(folder, name)).find(existsSync)).find(
    (found) => found !== undefined,
  );
  const isOpen = opener !== undefined && (await run(opener, path));
  if (!isOpen)
    environment.log(`no browser was opened (tried ${OPENERS.join(', ')}); open this URL: ${url}\n`);
}

/** Whether it ended with code 0, or still runs. */
function run(command: string, path: string): Promise<boolean> {
  return new Promise((resolve) => {
    const child = spawn(command, [path], { detached: true, stdio: 'ignore' });
    const timer = setTimeout(() => end(true), WAIT_MS);
    const end = (isOpen: boolean) => {
      clearTimeout(timer);
      child.unref();
      resolve(isOpen);
    };
    child.once('error', () => end(false));
    child.once('exit', (code) => end(code === 0));
  });
}
