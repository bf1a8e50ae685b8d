import { processEnvironment } from './environment.ts';
import { reportError } from './report-error.ts';
import { runCommand } from './threads/run-command.ts';

const environment = processEnvironment();
environment.onUncaught((error) => {
  environment.exit(reportError(error, environment));
});
await runCommand(environment);
