import { spawn } from 'node:child_process';
import { once } from 'node:events';

/** At its exit the program prints its peak memory and its processor time. */
const TELL = `import { writeSync } from 'node:fs';
import { isMainThread } from 'node:worker_threads';
if (isMainThread) process.on('exit', () => {
  const { maxRSS, userCPUTime, systemCPUTime } = process.resourceUsage();
  writeSync(3, JSON.stringify({ peakMiB: maxRSS / 1024, seconds: (userCPUTime + systemCPUTime) / 1e6 }));
});`;

/** Starts a program of Node.js; `ended` has its exit code, processor time and peak memory. */
export function startMeasured(args, { stdout = 'ignore' } = {}) {
  const told = `data:text/javascript,${encodeURIComponent(TELL)}`;
  const child = spawn(process.execPath, ['--import', told, ...args], {
    stdio: ['pipe', stdout, 'ignore', 'pipe'],
  });
  let [result, output] = ['', ''];
  child.stdio[3].on('data', (chunk) => {
    result += chunk;
  });
  child.stdout?.on('data', (chunk) => {
    output += chunk;
  });
  const ended = once(child, 'close').then(([code]) => ({
    ...{ code, output },
    ...(result === '' ? {} : JSON.parse(result)),
  }));
  return { stdin: child.stdin, ended };
}

const LINES_AT_ONCE = 1_000;

/** Writes the lines in large blocks. */
export async function writeLines(stream, lines) {
  let pending = [];
  for (const line of lines) {
    if (pending.push(line) < LINES_AT_ONCE) continue;
    if (!stream.write(pending.join(''))) await once(stream, 'drain');
    pending = [];
  }
  stream.end(pending.join(''));
}
