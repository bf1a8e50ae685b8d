import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { readLimiterFile } from '../../../src/limiter/plugin/command/limiter-file.ts';
import { testFolder } from '../../support/cli.ts';

function fileOf(text: string): string {
  const file = join(testFolder(), 'mine.yaml');
  writeFileSync(file, text);
  return file;
}

describe('the file of a limiter that is a program', () => {
  it('has its command and its promise', async () => {
    const file = fileOf('command: [python3, mine.py]\npromise: token-bucket\nseveralPolicies: true\n');
    expect(await readLimiterFile(file)).toEqual({
      command: ['python3', 'mine.py'],
      promise: 'token-bucket',
      severalPolicies: true,
    });
  });

  it('may be a scenario', async () => {
    const file = fileOf('# mine\nlimiter: { command: [./mine] }\nclaims: [windows <= 0]\n');
    expect(await readLimiterFile(file)).toEqual({ command: ['./mine'] });
  });

  it.each([
    { text: 'command: python3 mine.py', says: 'command must be a list of texts, the program first' },
    { text: 'command: []', says: 'command must be a list of texts' },
    { text: 'command: [""]', says: 'command must be a list of texts' },
    { text: 'command: [1]', says: 'command must be a list of texts' },
    { text: 'promise: token-bucket', says: 'command must be a list of texts' },
    { text: 'comand: [a]', says: 'unknown key "comand", did you mean command' },
    { text: 'command: [a]\npromise: 5', says: 'promise must be a text' },
    { text: 'command: [a]\nseveralPolicies: some', says: 'severalPolicies must be true or false' },
    { text: 'command: [a', says: 'is no YAML' },
    { text: 'command: [*x]', says: 'is no YAML' },
    { text: '- a', says: 'must have the key command' },
  ])('is refused: $text', async ({ text, says }) => {
    await expect(readLimiterFile(fileOf(text))).rejects.toMatchObject({
      code: 'INVALID_OPTION',
      message: expect.stringContaining(
        `plugin:mine.yaml ${says}`.replace('plugin:mine.yaml unknown', 'plugin:mine.yaml has the unknown'),
      ),
    });
  });

  it('is refused if it is missing', async () => {
    await expect(readLimiterFile('/nowhere/mine.yaml')).rejects.toMatchObject({
      code: 'INVALID_OPTION',
      message: expect.stringContaining('cannot be read'),
    });
  });
});
