import { expect, it } from 'vitest';
import { imageElsewhere } from './doctor.ts';

it('names a command that copies the image to each other machine, and does not say that they lack it', () => {
  const { mark, found, mend } = imageElsewhere('openclaw-rl', [{ name: 'm2' }, { name: 'm3' }]);
  expect([mark, found]).toEqual(['note', expect.stringMatching(/^was not looked at; /)]);
  expect(mend?.split('\n')).toEqual([
    'docker save openclaw-rl | ssh m2 docker load',
    'docker save openclaw-rl | ssh m3 docker load',
  ]);
});
