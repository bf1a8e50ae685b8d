// Runs verify/verify.mjs, as it is, once for each message: a process for each run would cost more than most runs do.
import { fileURLToPath } from 'node:url';

const VERIFIER = new URL('../../../verify/verify.mjs', import.meta.url);
process.argv[1] = fileURLToPath(VERIFIER);
let runs = 0;

process.on('message', async (args) => {
  let [stdout, stderr] = ['', ''];
  process.stdout.write = (text) => {
    stdout += text;
    return true;
  };
  process.stderr.write = (text) => {
    stderr += text;
    return true;
  };
  process.argv.splice(2, process.argv.length, ...args);
  process.exitCode = 0;
  try {
    await import(`${VERIFIER.href}?${runs++}`); // a module of its own, with nothing of the run before
  } catch (error) {
    process.exitCode = 1;
    stderr = String(error?.stack);
  }
  process.send({ stdout, stderr, exitCode: process.exitCode });
  process.exitCode = 0;
});
