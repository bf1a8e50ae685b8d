import { mkdirSync, readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { vi } from 'vitest';
import { testFolder } from './cli.ts';

/** Answers as docker does on a manager, without a registry, of a swarm whose stacks are the files of a folder, each with its labels. */
const DOCKER = `#!/bin/sh
cd "$(dirname "$0")/stacks" || exit 1
case "$*" in
version*) echo 26.1.5 ;;
info*) echo "$ANSWER_OF_INFO" ;;
"node ls"*) echo m1 ;;
"node inspect"*) echo "$ANSWER_OF_NODES" ;;
build*) echo "registry-1.docker.io: no such host" >&2; exit 1 ;;
"stack rm "*) rm -f "$3" ;;
"stack ps "*) echo "nothing found in stack: $5" >&2; exit 1 ;;
*"--quiet --filter label=openclaw-rl.stack="*) ls "\${5#label=openclaw-rl.stack=}" 2>/dev/null || true ;;
"network ls --filter label=openclaw-rl.stack "*) cat ./* 2>/dev/null || true ;;
esac
`;

export interface FakeStack {
  readonly owner: string;
  readonly manager: string;
}

/** Puts a docker program on PATH that knows these stacks, until the test is over; gives the names of those that are left. */
export function fakeSwarm(
  stacks: Readonly<Record<string, FakeStack>>,
  { info = 'true m1', nodes = '[]' }: { readonly info?: string; readonly nodes?: string } = {},
): () => string[] {
  const folder = testFolder();
  mkdirSync(join(folder, 'stacks'));
  for (const [name, { owner, manager }] of Object.entries(stacks))
    writeFileSync(join(folder, 'stacks', name), `${name}\t${owner}\t${manager}\n`);
  writeFileSync(join(folder, 'docker'), DOCKER, { mode: 0o755 });
  vi.stubEnv('PATH', `${folder}:${process.env.PATH}`);
  vi.stubEnv('ANSWER_OF_INFO', info);
  vi.stubEnv('ANSWER_OF_NODES', nodes);
  return () => readdirSync(join(folder, 'stacks')).sort();
}
