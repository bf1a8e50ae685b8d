// Judges the run by its claims and those of the input. Outputs: exit-code, verdict.
import { join } from 'node:path';
import { input, lines, output, program, VERDICTS } from './steps.mjs';

const report = input('REPORT');
const { code } = program([
  'gate',
  report,
  ...lines('CLAIMS').map((claim) => `--claim=${claim}`),
  `--junit=${join(report, 'gate.xml')}`,
]);
output('exit-code', String(code));
output('verdict', VERDICTS[code] ?? 'none');
