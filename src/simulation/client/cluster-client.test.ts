import { expect, it } from 'vitest';
import { add, settledNodes } from '../../../test/support/simulated-nodes.ts';
import { makeRandom } from '../../core/prng.ts';
import type { Command } from '../nodes/messages.ts';
import { ServiceProcess } from '../service/process.ts';
import { simulatedConnect } from './connect.ts';

/** Its slot is 5,061: of us-east-0. */
const OF_US = 'bar';

it('a simulated client of a cluster says when a node replied an error', async () => {
  const { network, cluster, time, until, pass } = await settledNodes();
  const random = makeRandom(1, 'client');
  const process = new ServiceProcess(time, random);
  let errors = 0;
  const onErrorReply = () => {
    errors++;
  };
  const connect = simulatedConnect({ network, from: { region: 'us-east' }, process, random, onErrorReply });
  const port = connect.plain({ urls: ['redis://us-east-0:6379'], cluster: true, commandTimeoutMs: 500 });
  const { script, keys, args } = add(OF_US) as Extract<Command, { name: 'script' }>;
  const call = async () => {
    const codes: string[] = [];
    port.run(script, keys, args).then(
      () => codes.push('OK'),
      ({ code }) => codes.push(code),
    );
    await until('a result', () => codes.length > 0);
    return codes[0];
  };
  await pass(1_000);
  expect([await call(), errors]).toEqual(['OK', 0]);
  cluster.control.kill('ap-south-0');
  await until('the cluster to be down', () => cluster.healthOf('us-east-0')?.isOk === false);
  expect([await call(), errors]).toEqual(['REDIS_CLUSTER_DOWN', 1]);
  process.end();
});
