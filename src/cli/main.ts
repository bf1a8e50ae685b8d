import { processEnvironment } from './environment.ts';
import { reportError, runTyped } from './program.ts';

const environment = processEnvironment();
process.on('uncaughtException', (error) => {
  environment.exit(reportError(error, environment));
});
await runTyped(environment);
