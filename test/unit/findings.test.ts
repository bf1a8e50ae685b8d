import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { parsePolicies } from '../../src/core/policies.ts';
import { loadPlugin } from '../../src/limiter/plugin/load.ts';
import { readPromise } from '../../src/limiter/plugin/plugin.ts';
import { parseScenario } from '../../src/scenario/parse.ts';
import { ROOT } from '../support/readme.ts';

const FOLDER = join(ROOT, 'audits/findings');
const PAGE = readFileSync(join(ROOT, 'docs/results/findings.md'), 'utf8');
const FILES = readdirSync(FOLDER).filter((file) => file.endsWith('.yaml'));

describe.each(FILES)('the finding %s', (file) => {
  const text = readFileSync(join(FOLDER, file), 'utf8');

  it('is a scenario, and its limiter has a promise for its policy', async () => {
    const { policy } = parseScenario(text, { file: join(FOLDER, file) });
    const [, module = 'none'] = /^limiter: (.*)$/m.exec(text) ?? [];
    const plugin = await loadPlugin(join(FOLDER, module));
    expect(readPromise(plugin, module, parsePolicies(policy))).toMatch(/^token-bucket$|:20\/\d+ms/);
  });

  it('is on the page of findings', () => expect(PAGE).toContain(`audits/findings/${file}`));
});
