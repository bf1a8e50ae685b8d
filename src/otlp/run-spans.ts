import type { Attributes } from '@opentelemetry/api';
import { PROOF } from '../checker/evidence/unproved-faults.ts';
import { given } from '../core/given.ts';
import type { FaultRecord } from '../history/records/operation.ts';
import { argsText } from '../report/event-text.ts';
import type { RunReport } from '../report/report.ts';
import { lengthOf, type SentRun } from './sent-run.ts';

/** A span of a trace. Times are microseconds of the run's clock. */
export interface SpanFacts {
  readonly name: string;
  readonly fromUs: number;
  readonly untilUs: number;
  readonly attributes: Attributes;
  readonly events: readonly EventFacts[];
  /** Why it failed. */
  readonly error?: string;
  readonly children: readonly SpanFacts[];
}

export interface EventFacts {
  readonly name: string;
  readonly atUs: number;
  readonly attributes: Attributes;
}

/** The span of a run, with a child for each fault. It contains no name of a user or a bucket. */
export function spansOf(run: SentRun): SpanFacts {
  const { report, name } = run;
  const { plan, verdict, strategy, policy, seed, sent, overAdmission, falseDenials, reasons = [] } = report;
  const length = lengthOf(run);
  const broken = claimsWith(report, 'broken');
  return {
    name: `run ${plan.scenario}`,
    ...length,
    attributes: {
      'test.suite.name': plan.scenario,
      ...(verdict !== 'unknown' && {
        'test.suite.run.status': verdict === 'pass' ? 'success' : 'failure',
      }),
      'openclaw_rl.run': name,
      'openclaw_rl.scenario': plan.scenario,
      'openclaw_rl.strategy': strategy,
      'openclaw_rl.policy': policy,
      'openclaw_rl.seed': seed,
      ...(report.simulated && { 'openclaw_rl.simulated': true }),
      'openclaw_rl.verdict': verdict,
      'openclaw_rl.claims.broken': broken,
      'openclaw_rl.claims.unknown': claimsWith(report, 'unknown'),
      'openclaw_rl.defects': reasons.map(({ reason }) => reason),
      'openclaw_rl.requests': sent,
      'openclaw_rl.excess': overAdmission.totalExcess,
      'openclaw_rl.false_denials': falseDenials.total,
    },
    events: eventsOf(report),
    ...(verdict === 'fail' && { error: `broken: ${broken.join('; ')}` }),
    children: faultsOf(report).map((fault) => faultSpan(fault, length.untilUs)),
  };
}

function claimsWith({ claims }: RunReport, status: 'broken' | 'unknown'): string[] {
  return claims.filter((claim) => claim.status === status).map(({ claim }) => claim);
}

interface Fault {
  readonly name: string;
  readonly args: FaultRecord['args'];
  readonly fromUs: number;
  healedUs?: number;
  settledUs?: number;
}

/** Each fault with its times, in the order of injection. */
export function faultsOf({ faults: records }: Pick<RunReport, 'faults'>): Fault[] {
  const faults: Fault[] = [];
  for (const { fault: name, phase, atUs, args } of records.toSorted((a, b) => a.atUs - b.atUs)) {
    const same = faults.filter((fault) => fault.name === name);
    const open = same.filter(({ healedUs }) => healedUs === undefined);
    if (phase === 'inject') faults.push({ name, args, fromUs: atUs });
    else if (phase === 'heal') {
      const healed = open.find((fault) => argsText(fault.args) === argsText(args)) ?? open[0];
      if (healed !== undefined) healed.healedUs = atUs;
    } else if (open.length === 0) for (const fault of same) fault.settledUs ??= atUs;
  }
  return faults;
}

function faultSpan({ name, args, fromUs, healedUs, settledUs }: Fault, endUs: number): SpanFacts {
  const attributes = {
    'openclaw_rl.fault.name': name,
    ...attributesOf('openclaw_rl.fault', name === 'command' ? {} : args), // commands can have secrets
    'openclaw_rl.fault.healed': healedUs !== undefined,
  };
  const untilUs = settledUs ?? healedUs ?? endUs;
  const moment = (event: string, atUs: number | undefined) =>
    atUs === undefined ? [] : [{ name: event, atUs, attributes: {} }];
  return {
    name: `fault ${name}`,
    ...{ fromUs, untilUs, attributes },
    events: [...moment('inject', fromUs), ...moment('heal', healedUs), ...moment('settled', settledUs)],
    children: [
      part('in force', { fromUs, untilUs: healedUs ?? endUs, attributes }),
      ...(healedUs !== undefined && settledUs !== undefined
        ? [part('settle', { fromUs: healedUs, untilUs: settledUs, attributes })]
        : []),
    ],
  };
}

function part(name: string, facts: Pick<SpanFacts, 'fromUs' | 'untilUs' | 'attributes'>): SpanFacts {
  return { name, ...facts, events: [], children: [] };
}

/** The arguments of events that are sent. A reset names a bucket, and what a proof saw is the output of a command. */
const SENT_ARGS: Readonly<Record<string, readonly string[]>> = {
  role: ['from', 'to', 'slots'],
  restart: ['empty'],
  dropped: ['region', 'requests'],
  slots: ['from', 'to', 'slots'],
  [PROOF]: ['fault', 'bit', 'noKey'],
};

/** Takeovers, other events and steps of clocks, in the order of time. */
function eventsOf({ events, clock }: RunReport): EventFacts[] {
  return [
    ...events.map(({ event, node, atUs, args = {} }): EventFacts => {
      const sent = (SENT_ARGS[event] ?? []).map((name) => [name, args[name]]);
      return {
        name: isTakeover(event, args) ? 'takeover' : event,
        atUs,
        attributes: {
          ...attributesOf('openclaw_rl', given({ node })),
          ...attributesOf(`openclaw_rl.${event}`, Object.fromEntries(sent)),
        },
      };
    }),
    ...clock.steps.map(({ node, atUs, byUs }) => ({
      name: 'clock step',
      atUs,
      attributes: { 'openclaw_rl.node': node, 'openclaw_rl.clock.step': byUs / 1_000_000 },
    })),
  ].sort((a, b) => a.atUs - b.atUs);
}

/** A replica became primary: in a fault, or when the primary of before came home. */
export function isTakeover(event: string, args: Readonly<Record<string, unknown>> = {}): boolean {
  return event === 'role' && args.from === 'replica' && args.to === 'primary';
}

/** Arguments as attributes, `addMs` as `<prefix>.add_ms`. */
function attributesOf(prefix: string, args: Readonly<Record<string, unknown>> = {}): Attributes {
  return Object.fromEntries(
    Object.entries(args).flatMap(([key, value]) => {
      const name = key.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`);
      return isAttribute(value) ? [[`${prefix}.${name}`, value]] : [];
    }),
  );
}

function isAttribute(value: unknown): value is string | number | boolean | string[] {
  if (Array.isArray(value)) return value.every((item) => typeof item === 'string');
  return ['string', 'number', 'boolean'].includes(typeof value);
}
