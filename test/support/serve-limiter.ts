import { BROKEN_HTTP_LIMITERS, BROKEN_HTTP_WINDOWS, startBrokenLimiter } from './broken-http-limiters.ts';
import { HTTP_LIMITERS, startHttpLimiter } from './http-limiters.ts';

// Serves one limiter in a process of its own until its standard input ends; writes its address.
// Arguments: its name, and its rule as JSON.

const [name = '', rule = '{}'] = process.argv.slice(2);
const broken = { ...BROKEN_HTTP_LIMITERS, ...BROKEN_HTTP_WINDOWS };
const parsed = JSON.parse(rule);
const server = Object.hasOwn(HTTP_LIMITERS, name)
  ? await startHttpLimiter(HTTP_LIMITERS[name as keyof typeof HTTP_LIMITERS](parsed, AbortSignal.any([])))
  : await startBrokenLimiter(broken[name as keyof typeof broken](parsed));
process.stdout.write(`${server.url}\n`);
process.stdin.on('end', () => process.exit(0)).resume();
