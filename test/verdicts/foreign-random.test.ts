import { describe, expect, it } from 'vitest';
import { checkHistory } from '../../src/checker/check.ts';
import { makeRandom, type Random } from '../../src/core/prng.ts';
import { readForeign } from '../support/foreign.ts';

/** That of `readForeign`: a bucket of 100 that gains 10 tokens a second. */
const CAPACITY = 100;
const PER_US = 10 / 1_000_000;
const PER_SECOND = 60;
const SECONDS = 20;
const LATE = ['0', '408', '499', '500', '502', '503', '504'];

interface Request {
  readonly user: string;
  readonly startUs: number;
  readonly endUs: number;
  /** When it asked the limiter: within its interval, or later where a proxy gave up on it. */
  readonly atUs: number;
  status: string;
}

/** For a second the proxy gives up on most; then nothing is sent while what it gave up on still arrives. */
function makeRequests(random: Random): Request[] {
  const incidentUs = (4 + 10 * random()) * 1e6;
  const silentUs = incidentUs + 1e6;
  return Array.from({ length: PER_SECOND * SECONDS }, (_, at) => at * (1e6 / PER_SECOND))
    .filter((us) => us < silentUs || us > silentUs + 1_500_000)
    .map((us) => makeRequest(random, Math.floor(us), us > incidentUs && us < silentUs ? 0.7 : 0.005));
}

function makeRequest(random: Random, startUs: number, lateShare: number): Request {
  const endUs = startUs + 500 + Math.floor(random() * 40_000);
  const isLate = random() < lateShare;
  const user = random() < 0.9 ? 'Jos\xe9' : 'Jos\xe8';
  const atUs = isLate ? startUs + random() * 2_500_000 : startUs + random() * (endUs - startUs);
  const status = isLate ? (LATE[Math.floor(random() * LATE.length)] ?? '') : '';
  return { user, startUs, endUs, atUs, status };
}

/** What a limiter that is always right made of random requests, as a proxy in front of it logs them, in Latin-1. */
function logOf(random: Random): Buffer {
  const requests = makeRequests(random);
  const buckets = new Map<string, { level: number; atUs: number }>();
  for (const request of requests.toSorted((a, b) => a.atUs - b.atUs)) {
    const { level, atUs } = buckets.get(request.user) ?? { level: CAPACITY, atUs: request.atUs };
    const now = Math.min(CAPACITY, level + (request.atUs - atUs) * PER_US);
    buckets.set(request.user, { level: now >= 1 ? now - 1 : now, atUs: request.atUs });
    if (request.status === '') request.status = now >= 1 ? '200' : '429';
  }
  const lines = requests.toSorted((a, b) => a.endUs - b.endUs).map((request) => lineOf(request, random));
  return Buffer.from(['user,from_us,to_us,code', ...lines, ''].join('\n'), 'latin1');
}

/** Some lines are damaged: without a time, or cut in their middle. */
function lineOf({ user, startUs, endUs, status }: Request, random: Random): string {
  const damage = random();
  if (damage < 0.003) return `${user},-,${endUs},${status}`;
  return damage < 0.0035 ? `${user.slice(0, 2)}` : `${user},${startUs},${endUs},${status}`;
}

describe('a limiter that is always right, behind a proxy that gives up', () => {
  const fields = { start: 'from_us', end: 'to_us', unusableAtMost: 0.05 };
  it.each(Array.from({ length: 40 }, (_, seed) => seed))('is not accused: seed %i', (seed) => {
    const { history, names } = readForeign('csv', logOf(makeRandom(seed)), fields);
    expect(names.toSorted()).toEqual(['Jos\\xE8', 'Jos\\xE9']);
    const { verdict, overAdmission, falseDenials } = checkHistory(history, {
      busiest: [],
      openAtEndMissing: true,
    });
    expect([overAdmission.total, falseDenials.total]).toEqual([0, 0]);
    expect(verdict).not.toBe('fail');
  });
});
