import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it, onTestFinished } from 'vitest';
import { createClockServer } from '../../../src/experiment/parts/clock-server.ts';
import { runCli, testFolder } from '../../support/cli.ts';
import { httpReply, startHttpServer } from '../../support/http-server.ts';

/** A service that admits everything, and the words of its only part. */
async function prepare() {
  const folder = testFolder();
  const service = await startHttpServer((_request, socket) => void socket.write(httpReply(200)));
  onTestFinished(() => service.stop());
  writeFileSync(
    join(folder, 'e.yaml'),
    JSON.stringify({ regions: ['north'], services: { north: `${service.url}/` } }),
  );
  const load = '{ mode: open, connections: 4, rate: 50, users: 3, duration: 200ms, ramp: 0s }';
  writeFileSync(join(folder, 's.yaml'), `# One part.\npolicy: 10:5/s\nload: ${load}\nclaims: [info <= 5%]\n`);
  const clock = createClockServer();
  const url = await clock.listen({ host: '127.0.0.1', port: 0 });
  onTestFinished(async () => {
    clock.server.closeAllConnections();
    await clock.close();
  });
  const words = ['load', 's.yaml', '--endpoints', 'e.yaml', '--part', 'north', '--subject-header', 'x-user'];
  return { folder, words: [...words, '--clock', url] };
}

describe('a part that is started twice', { timeout: 90_000 }, () => {
  it('is sent once: the other process ends with 69 before it sends anything, and names the first', async () => {
    const { folder, words } = await prepare();
    const startAt = new Date(Date.now() + 20_000).toISOString(); // of a busy machine
    const load = (task: string) =>
      runCli([...words, '--start-at', startAt, '--out', `${task}.ndjson`, '--task', task], { cwd: folder });
    const ended = await Promise.all([load('load.1'), load('löad.2')]);
    const [first, second] = ended.sort((a, b) => Number(a.code) - Number(b.code));
    expect([first?.code, second?.code], `${first?.stderr}${second?.stderr}`).toEqual([0, 69]);
    expect(second?.stderr).toMatch(
      /error: part north of run run-\w+ is not sent: another process sends this part: l.?.ad\.[12] on machine/,
    );
  });
});
