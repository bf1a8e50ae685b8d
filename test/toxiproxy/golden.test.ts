import { readFileSync } from 'node:fs';
import { expect, it } from 'vitest';
import { type ApiRequest, callApi, startTestToxiproxy } from '../support/toxiproxy.ts';

interface Step {
  readonly request: ApiRequest;
  readonly response: { readonly status: number; readonly type: string | null; readonly body: string };
}

/** What Shopify's Toxiproxy 2.12.0 answered; its ports 127.0.0.1:26001 to 26009 must be free. */
const STEPS: Step[] = JSON.parse(readFileSync(`${import.meta.dirname}/golden.json`, 'utf8'));

it('answers each of 76 requests as the real server did, byte for byte', async () => {
  const { url } = await startTestToxiproxy();
  expect(STEPS).toHaveLength(76);
  for (const { request, response } of STEPS) {
    const headers = { ...request.headers, ...(request.body ? { 'content-type': 'application/json' } : {}) };
    const { status, type, text } = await callApi(url, { ...request, headers });
    expect({ request, status, type, body: text }).toEqual({ request, ...response });
  }
});
