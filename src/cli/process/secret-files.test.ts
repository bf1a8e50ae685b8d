import { expect, it } from 'vitest';
import { withSecretFiles } from './secret-files.ts';

it('leaves an environment without such files as it is', () => {
  const env = { REDIS_PASSWORD: 'mine', REDIS_PASSWORD_FILE: '', HOME_FILE: '/etc/passwd' };
  expect(withSecretFiles(env)).toEqual(env);
});
