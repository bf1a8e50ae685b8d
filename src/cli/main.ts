import { processEnvironment } from './process/environment.ts';
import { reportError } from './process/report-error.ts';
import { runCommand } from './threads/run-command.ts';

const environment = processEnvironment();
environment.onUncaught((error) => {
  environment.exit(reportError(error, environment));
});
await runCommand(environment);
