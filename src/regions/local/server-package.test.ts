import { describe, expect, it } from 'vitest';
import { serverHint } from './server-binary.ts';
import { installLine } from './server-package.ts';

const DEBIAN = 'PRETTY_NAME="Debian GNU/Linux 13 (trixie)"\nID=debian\nVERSION_ID="13"\n';

describe('the line that installs a server', () => {
  it.each([
    { osRelease: DEBIAN, line: 'apt-get update && apt-get install -y redis-server' },
    { osRelease: 'ID=ubuntu\nID_LIKE=debian\n', line: 'apt-get update && apt-get install -y redis-server' },
    {
      osRelease: 'ID=linuxmint\nID_LIKE="ubuntu debian"',
      line: 'apt-get update && apt-get install -y redis-server',
    },
    { osRelease: 'NAME="Fedora Linux"\nID=fedora\n', line: 'dnf install -y valkey' },
    { osRelease: 'ID="rocky"\nID_LIKE="rhel centos fedora"\n', line: 'dnf install -y valkey' },
    { osRelease: 'ID=alpine\n', line: 'apk add valkey' },
    { osRelease: 'ID=arch\n', line: 'pacman -S --noconfirm valkey' },
    { osRelease: 'ID="opensuse-tumbleweed"\nID_LIKE="opensuse suse"\n', line: 'zypper install -y valkey' },
    { osRelease: 'ID=constructor\nID_LIKE=toString\n', line: undefined },
    { osRelease: '', line: undefined },
  ])('is that of the system: $line', ({ osRelease, line }) => {
    expect(installLine(undefined, { osRelease, isRoot: true })).toBe(line);
  });

  it('is of the server that was asked for, and through sudo for a user', () => {
    const system = { osRelease: DEBIAN, isRoot: false };
    expect(installLine('valkey-server', system)).toBe(
      'sudo apt-get update && sudo apt-get install -y valkey-server',
    );
    expect(installLine('redis-server', { ...system, osRelease: 'ID=fedora' })).toBe(
      'sudo dnf install -y redis',
    );
  });
});

describe('the way out without a server', () => {
  it('is no package where the package of the system is too old', () => {
    const lacks = ['redis-server is version 6.0.16; at least 7 is needed', 'valkey-server was not found'];
    expect(serverHint(undefined, lacks)).toBe(undefined);
  });

  it('is no package for a program of another name', () => {
    expect(serverHint('./my-redis', ['./my-redis was not found'])).toMatch(
      /^name a server that is installed/,
    );
  });
});
