import { processEnvironment } from './environment.ts';
import { runTyped } from './program.ts';
import { reportError } from './report-error.ts';

const environment = processEnvironment();
environment.onUncaught((error) => {
  environment.exit(reportError(error, environment));
});
await runTyped(environment);
