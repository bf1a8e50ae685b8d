import { existsSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { OpenclawError } from '../../src/core/errors.ts';
import type { DeployedService } from '../../src/engines/deployment.ts';
import { LOAD, type Played, playOnEngine, startRedis } from '../support/engines/engine-run.ts';
import { processesMentioning } from '../support/processes.ts';

const ONE_REGION = { topology: { regions: ['us-east'], replicas: 0 } };

const FAULT = {
  ...{ fault: 'command', at: '1s', for: '2s' },
  ...{ inject: 'touch broken', heal: 'rm broken', proof: 'test -e broken' },
};

/** A service that runs another command. */
const instead = (name: string, command: readonly string[]) => (service: DeployedService) =>
  service.name === name ? { ...service, command } : service;

function reportOf({ result }: Played) {
  if (result instanceof Error) throw result;
  return result.check;
}

function errorOf({ result }: Played): OpenclawError {
  if (result instanceof OpenclawError) return result;
  throw result instanceof Error ? result : new Error(`no error: ${JSON.stringify(result)}`);
}

function expectNothingLeft({ engine, folder, leftovers }: Played): void {
  expect(engine.isRemoved).toBe(true);
  expect(processesMentioning(folder)).toEqual([]);
  expect(leftovers).toEqual([]);
}

describe.concurrent('a run on an engine', { timeout: 300_000 }, () => {
  it('passes on a cluster that it forms, with a proved fault by command', async ({
    onTestFinished: onFinished,
  }) => {
    const until = ({ result }: Played) => !(result instanceof Error) && result.check.verdict !== 'unknown';
    const played = await playOnEngine({ onFinished, scenario: { faults: [FAULT] }, until });
    const report = reportOf(played);
    expect(report.parts?.files.map(({ part }) => part).toSorted()).toEqual(['eu-west', 'us-east']);
    expect(report.parts?.missing).toEqual([]);
    expect(report.faults.map(({ phase }) => phase)).toEqual(['inject', 'heal']);
    const reasons = report.claims.flatMap(({ status, reason }) => (status === 'holds' ? [] : [reason]));
    expect([report.verdict, report.troubles, reasons]).toEqual(['pass', [], []]);
    expect(played.files).toEqual(
      expect.arrayContaining(['plan.json', 'logs/form.log', 'faults/1-proof.log']),
    );
    expectNothingLeft(played);
  });

  it('names a killed part and a killed service, and accuses neither', async ({
    onTestFinished: onFinished,
  }) => {
    const endpoints = await startRedis(onFinished);
    const names = ['load-eu-west', 'rating-eu-west-1'];
    const played = await playOnEngine({
      ...{ onFinished, found: { endpoints } },
      onProgress: ({ load }, { engine }) => {
        if (load !== undefined && load.atMs > 1_000)
          for (const name of names) engine.started.get(name)?.child.kill('SIGKILL');
      },
    });
    const report = reportOf(played);
    expect([report.verdict, report.overAdmission.total, report.falseDenials.total]).toEqual([
      'unknown',
      0,
      0,
    ]);
    expect(report.parts?.missing).toEqual(['eu-west']);
    const killed = 'on here ended with exit code 137 (SIGKILL)';
    const troubles = report.troubles.join('\n');
    expect(troubles).toContain(`part eu-west is lost: load-eu-west ${killed}`);
    expect(troubles).toContain(`during the run rating-eu-west-1 ${killed}`);
    expectNothingLeft(played);
  });

  it('heals and removes all if it is interrupted during the load', async ({ onTestFinished: onFinished }) => {
    const endpoints = await startRedis(onFinished, ['us-east']);
    let wasBroken = false;
    const played = await playOnEngine({
      ...{ onFinished, found: { endpoints } },
      scenario: { ...ONE_REGION, faults: [{ ...FAULT, for: '3s' }] },
      onProgress: ({ load }, { folder, interrupt }) => {
        if (load?.faults.length !== 1 || !existsSync(join(folder, 'broken'))) return;
        wasBroken = true;
        interrupt();
      },
    });
    expect(errorOf(played).message).toBe('interrupted before a part of the run was received');
    expect(errorOf(played).hint).toContain('--duration');
    expect([wasBroken, existsSync(join(played.folder, 'broken'))]).toEqual([true, false]);
    expectNothingLeft(played);
  });

  it.for(['provision', 'wait'])('removes all if it is interrupted at stage %s', async (stage, context) => {
    const { onTestFinished: onFinished } = context;
    const endpoints = await startRedis(onFinished, ['us-east']);
    const played = await playOnEngine({
      ...{ onFinished, found: { endpoints }, scenario: ONE_REGION },
      onProgress: (now, { interrupt }) => {
        if (now.stage === stage) interrupt();
      },
    });
    expect(errorOf(played).code).toBe('INTERRUPTED');
    expect(played.progress.some((line) => line.startsWith('load'))).toBe(false);
    expectNothingLeft(played);
  });

  it('says what did not start, and how to give it more time', async ({ onTestFinished: onFinished }) => {
    const endpoints = await startRedis(onFinished, ['us-east']);
    const change = instead('gateway-us-east', ['sleep', '1000']);
    const played = await playOnEngine({
      ...{ onFinished, found: { endpoints }, scenario: ONE_REGION, change },
      until: ({ result }) => result instanceof Error && result.message.includes('gateway'),
    });
    const { code, message, hint } = errorOf(played);
    expect([code, message]).toEqual([
      'ENVIRONMENT_FAILED',
      expect.stringMatching(/^load-us-east on here ended with exit code 69: .*gateway/),
    ]);
    expect(hint).toMatch(/its log: \S*load-us-east\.log; .*--lead/);
    expectNothingLeft(played);
  });

  it('kills all at once if its program exits', async ({ onTestFinished: onFinished }) => {
    const endpoints = await startRedis(onFinished, ['us-east']);
    const killed: string[] = [];
    const played = await playOnEngine({
      ...{ onFinished, found: { endpoints }, scenario: ONE_REGION },
      onProgress: ({ stage }, { engine, exit, interrupt }) => {
        if (stage !== 'wait' || killed.length > 0) return;
        exit();
        killed.push(...[...engine.started].flatMap(([name, { child }]) => (child.killed ? [name] : [])));
        interrupt();
      },
    });
    expect(killed).toEqual(expect.arrayContaining(['rating-us-east-1', 'gateway-us-east', 'load-us-east']));
    expectNothingLeft(played);
  });

  it('judges what was sent although another part refuses, and says so', async ({
    onTestFinished: onFinished,
  }) => {
    const endpoints = await startRedis(onFinished);
    const refuses = ['sh', '-c', 'until test -e refuse; do sleep 0.1; done; echo "error: no"; exit 69'];
    const played = await playOnEngine({
      ...{ onFinished, found: { endpoints }, change: instead('load-eu-west', refuses) },
      scenario: { load: { ...LOAD, duration: '1s' } },
      onProgress: ({ stage, detail }, { folder, engine }) => {
        if (stage !== 'collect' || !detail?.startsWith('1 of 2')) return;
        engine.lost.add('gateway-eu-west');
        writeFileSync(join(folder, 'engine/tasks/load-eu-west/refuse'), '');
      },
    });
    const report = reportOf(played);
    expect([report.verdict, report.parts?.missing]).toEqual(['unknown', ['eu-west']]);
    const troubles = report.troubles.join('\n');
    expect(troubles).toContain('part eu-west is lost: load-eu-west on here ended with exit code 69: no');
    expect(troubles).toContain('at the end of the run gateway-eu-west on here: its machine does not answer');
    expectNothingLeft(played);
  });

  it('names once what it could not remove, and the way out', async ({ onTestFinished: onFinished }) => {
    const endpoints = await startRedis(onFinished, ['us-east']);
    const played = await playOnEngine({
      ...{ onFinished, found: { endpoints }, scenario: ONE_REGION },
      onProgress: ({ stage }, { engine }) => {
        if (stage !== 'wait' || engine.isBroken) return;
        engine.isBroken = true;
      },
    });
    reportOf(played);
    expect(played.leftovers).toEqual([
      expect.stringMatching(/^remove openclaw-0123abcd: .*2 services are left; openclaw-rl down --all$/),
    ]);
  });

  it('says which job failed before anything is measured', async ({ onTestFinished: onFinished }) => {
    const change = instead('form', ['openclaw-rl', 'form', 'nowhere.yaml']);
    const played = await playOnEngine({ onFinished, change });
    const { message, hint } = errorOf(played);
    expect(message).toMatch(/^form on here ended with exit code 64: .*nowhere\.yaml/);
    expect(hint).toMatch(/logs\/form\.log$/);
    expect(played.files).toContain('logs/form.log');
    expectNothingLeft(played);
  });

  it('waits for a part until a deadline', async ({ onTestFinished: onFinished }) => {
    const endpoints = await startRedis(onFinished, ['us-east']);
    const change = instead('load-us-east', ['sleep', '1000']);
    const played = await playOnEngine({
      ...{ onFinished, found: { endpoints }, scenario: ONE_REGION, change },
      ...{ leadMs: 2_000, collectMs: 1_000 },
    });
    expect(errorOf(played).message).toBe(
      'no part of the run came: part us-east did not come within 1 s after the load: load-us-east on here runs',
    );
    expectNothingLeft(played);
  });
});
