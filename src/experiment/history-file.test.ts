import { Writable } from 'node:stream';
import { expect, it } from 'vitest';
import { closeStream } from './history-file.ts';

it('is given up on a disk that hangs, so that the rest of a run is torn down', async () => {
  const stream = new Writable({ write: () => {} });
  stream.write('{}\n');
  await expect(closeStream(stream, undefined, 20)).rejects.toThrow('the disk has not taken it after 0.02 s');
});
