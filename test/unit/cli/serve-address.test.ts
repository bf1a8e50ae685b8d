import { describe, expect, it } from 'vitest';
import { callCli } from '../../support/call-cli.ts';

describe('serve', () => {
  it.each(['192.0.2.1', 'no-such-host.invalid'])('names --host where %s is no address here', async (host) => {
    const { code, stderr } = await callCli(['serve', 'clock', '--host', host, '--port', '0'], {});
    expect([code, stderr]).toEqual([69, expect.stringMatching(/E\w+\n {2}give --host an address of this/)]);
  });
});
