import type { Socket } from 'node:net';
import { describe, expect, it, vi } from 'vitest';
import { type RoleEvent, type RoleWatch, watchRoles } from '../../src/regions/cluster/role-watch.ts';
import { DEFAULT_TOPOLOGY, planTopology } from '../../src/topology/topology.ts';
import { startTcpServer } from '../support/tcp-peer.ts';

interface Process {
  readonly runId: string;
  readonly own: string;
  readonly state: string;
  /** By replicas; undefined: it does not count them. */
  readonly copies?: number | undefined;
}

/** What a process of a node answers that holds no keys. */
function reply([name = '', what = '']: readonly string[], { runId, own, state, copies }: Process): string {
  const bulk = (text: string) => `$${text.length}\r\n${text}\r\n`;
  switch (`${name} ${what}`.trim().toLowerCase()) {
    case 'cluster nodes':
      return bulk(`${'0'.repeat(40)} 127.0.0.1:7000@17000 ${own}\n`);
    case 'cluster info':
      return bulk(`cluster_state:${state}\r\n`);
    case 'info':
    case 'info server':
      return bulk(`run_id:${runId}\r\nloading:0\r\n`);
    case 'info stats':
      return bulk(copies === undefined ? 'total_reads:1\r\n' : `total_reads:1\r\nsync_full:${copies}\r\n`);
    case 'dbsize':
      return ':0\r\n';
    default:
      return '+OK\r\n';
  }
}

const commandsIn = (request: string) =>
  [...request.matchAll(/\*\d+\r\n((?:\$\d+\r\n.*\r\n)+)/g)].map(([, words = '']) =>
    [...words.matchAll(/\$\d+\r\n(.*)\r\n/g)].map(([, word = '']) => word),
  );

describe('a node that restarts with nothing', () => {
  const SLOTS = '0-16383';
  const old: Process = { runId: 'a', own: `myself,master - 0 0 1 connected ${SLOTS}`, state: 'ok' };
  const failing: Process = { ...old, runId: 'b', state: 'fail' };
  const asReplica: Process = {
    ...failing,
    own: `myself,slave ${'1'.repeat(40)} 0 0 2 connected`,
    state: 'ok',
  };

  /** Its events. Before each command, `next` says what it is by then: `asked` counts commands that it had of CLUSTER. */
  async function watched(next: (asked: number) => Process, until: (watch: RoleWatch) => Promise<unknown>) {
    let asked = 0;
    let isRestarted = false;
    let open: Socket | undefined;
    const { port } = await startTcpServer((socket) => {
      open = socket;
      socket.on('data', (data) => {
        for (const command of commandsIn(data.toString())) {
          socket.write(reply(command, isRestarted ? next(asked) : old));
          if (isRestarted && command[0]?.toLowerCase() === 'cluster') asked++;
        }
      });
    });
    const events: RoleEvent[] = [];
    const topology = planTopology({ ...DEFAULT_TOPOLOGY, regions: ['a'], replicas: 0 });
    const watch = await watchRoles(
      { topology, direct: () => ({ host: '127.0.0.1', port }) },
      { nowUs: () => 0, onChange: (event) => events.push(event), everyMs: 1 },
    );
    try {
      isRestarted = true;
      open?.destroy();
      await vi.waitFor(() => until(watch), { timeout: 10_000 });
    } finally {
      await watch.stop();
    }
    return events.filter(({ event }) => event === 'restarted');
  }
  const isReplica = async (watch: RoleWatch) => expect(watch.current().get('a-0')?.role).toBe('replica');

  it.each([
    { title: 'and hears of its successor', copies: 0, from: 5, isEmpty: false },
    { title: 'and hears of its successor between two questions', copies: 0, from: 1, isEmpty: false },
    { title: 'and is copied first', copies: 1, from: 5, isEmpty: true },
    { title: 'and is copied before the first look', copies: 1, from: 0, isEmpty: true },
    { title: 'and does not count copies', copies: undefined, from: 5, isEmpty: true },
  ])('$title, then is a replica: is empty $isEmpty', async ({ copies, from, isEmpty }) => {
    const next = (asked: number) => ({ ...(asked < from ? failing : asReplica), copies });
    expect(await watched(next, isReplica)).toMatchObject([{ runId: 'b', isEmpty }]);
  });

  it('and has not served when the watch stops, counts as one that serves', async () => {
    let looks = 0;
    const next = (asked: number) => {
      looks = asked;
      return { ...failing, copies: 0 };
    };
    const until = async () => expect(looks).toBeGreaterThan(5);
    expect(await watched(next, until)).toMatchObject([{ runId: 'b', isEmpty: true }]);
  });
});

describe('a node that answers later than a look waits', () => {
  const LATE_MS = 700;
  const OLD: Process = { runId: 'a', own: 'myself,master - 0 0 1 connected 0-16383', state: 'ok' };
  const topology = planTopology({ ...DEFAULT_TOPOLOGY, regions: ['a'], replicas: 0 });

  async function startNode() {
    const node = { process: OLD, isLate: false, open: undefined as Socket | undefined };
    const { port } = await startTcpServer((socket) => {
      node.open = socket;
      socket.on('data', (data) => {
        const commands = commandsIn(data.toString());
        const answer = () => {
          for (const command of commands) socket.write(reply(command, node.process));
        };
        const isLate = node.isLate && commands.some(([name]) => name === 'dbsize'); // the client itself asks INFO
        if (!isLate) return answer();
        node.isLate = false;
        setTimeout(answer, LATE_MS);
      });
    });
    return { node, direct: () => ({ host: '127.0.0.1', port }) };
  }

  it.each([
    { when: 'before anything is known of it', everyMs: 1, isLateAtFirst: true },
    { when: 'between two looks, after a restart', everyMs: 1_000, isLateAtFirst: false },
  ])(
    '$when: its restart is seen',
    async ({ everyMs, isLateAtFirst }) => {
      const { node, direct } = await startNode();
      node.isLate = isLateAtFirst;
      const events: RoleEvent[] = [];
      const watch = await watchRoles(
        { topology, direct },
        { nowUs: () => 0, onChange: (event) => events.push(event), everyMs },
      );
      try {
        expect(watch.current().get('a-0')?.role).toBe('primary');
        node.process = { ...OLD, runId: 'b' };
        node.isLate = !isLateAtFirst;
        node.open?.destroy();
        const wanted = expect.objectContaining({ event: 'restarted', runId: 'b' });
        await vi.waitFor(() => expect(events).toContainEqual(wanted), { timeout: 10_000 });
      } finally {
        await watch.stop();
      }
    },
    20_000,
  );
});

it('slots that move one by one are reported once, when they rest, and without marks', async () => {
  const own = (slots: string) => `myself,master - 0 0 1 connected ${slots}`;
  let polls = 0;
  let slots = '0-16383';
  const { port } = await startTcpServer((socket) => {
    socket.on('data', (data) => {
      for (const command of commandsIn(data.toString())) {
        const isPoll = command[1]?.toLowerCase() === 'nodes';
        if (isPoll && polls++ > 2 && polls < 12)
          slots = `0-${16_383 - polls} [${16_382 - polls}->-${'1'.repeat(40)}]`;
        socket.write(reply(command, { runId: 'a', own: own(slots), state: 'ok' }));
      }
    });
  });
  const events: RoleEvent[] = [];
  const topology = planTopology({ ...DEFAULT_TOPOLOGY, regions: ['a'], replicas: 0 });
  const watch = await watchRoles(
    { topology, direct: () => ({ host: '127.0.0.1', port }) },
    { nowUs: () => 0, onChange: (event) => events.push(event), everyMs: 1 },
  );
  try {
    await vi.waitUntil(() => polls > 20, { timeout: 10_000 });
    const last = { from: 'primary', to: 'primary', slots: '0-16372' };
    expect(events).toEqual([{ event: 'role', node: 'a-0', atUs: 0, ...last }]);
  } finally {
    await watch.stop();
  }
});
