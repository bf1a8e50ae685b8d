// Judges the run by its claims and those of the input; a simulated one as such. Outputs: exit-code, verdict.
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { annotate, input, lines, output, program, VERDICTS } from './steps.mjs';

const report = input('REPORT');
const { simulated } = JSON.parse(readFileSync(join(report, 'report.json'), 'utf8'));
if (simulated) annotate('warning', 'the run was simulated: it is no evidence about a real Redis');
const { code } = program([
  'gate',
  report,
  ...(simulated ? ['--simulated'] : []),
  ...lines('CLAIMS').map((claim) => `--claim=${claim}`),
  `--junit=${join(report, 'gate.xml')}`,
]);
output('exit-code', String(code));
output('verdict', VERDICTS[code] ?? 'none');
