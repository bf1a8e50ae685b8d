import { readFileSync } from 'node:fs';
import { expect, it } from 'vitest';
import { type ApiRequest, callApi, startTestToxiproxy } from '../../support/toxiproxy.ts';

interface Step {
  readonly request: ApiRequest;
  /** `<port>` in the body is any port. */
  readonly response: { readonly status: number; readonly type: string | null; readonly body: string };
}

/**
 * What Shopify's Toxiproxy 2.12.0 answered; its ports 127.0.0.1:26001 to 26009 must be free. The first 76 steps are a
 * recording. The others, written after a comparison with it, are calls that this server once answered differently, with
 * the steps around them.
 */
const STEPS: Step[] = JSON.parse(readFileSync(`${import.meta.dirname}/golden.json`, 'utf8'));
const RECORDED = 76;

it(`answers each of ${STEPS.length} requests as the real server did, byte for byte`, async () => {
  const { url } = await startTestToxiproxy();
  expect(STEPS.length).toBeGreaterThan(RECORDED);
  for (const { request, response } of STEPS) {
    const headers = { ...request.headers, ...(request.body ? { 'content-type': 'application/json' } : {}) };
    const { status, type, text } = await callApi(url, { ...request, headers });
    const body = withAnyPort(text, response.body);
    expect({ request, status, type, body }).toEqual({ request, ...response });
  }
});

/** The wanted body if the text differs from it only by the number of each `<port>`, else the text. */
function withAnyPort(text: string, wanted: string): string {
  const ports = [...text.matchAll(/(?<=:)[1-9]\d*(?=")/g)].map(([port]) => port);
  const parts = wanted.split('<port>');
  const isWanted = ports.some((port) => parts.join(port) === text);
  return isWanted ? wanted : text;
}
