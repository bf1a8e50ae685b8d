import { processEnvironment } from './process/environment.ts';
import { commandEnded } from './process/exit-at-end.ts';
import { reportError } from './process/report-error.ts';
import { readSecretFiles } from './process/secret-files.ts';
import { runCommand } from './threads/run-command.ts';

const environment = processEnvironment();
environment.onUncaught((error) => {
  environment.exit(reportError(error, environment));
});
const ready = readSecretFiles(environment);
if (ready !== undefined) await runCommand(ready);
commandEnded();
