import { createServer, type RequestListener } from 'node:http';
import type { AddressInfo } from 'node:net';
import { getRequestListener } from '@hono/node-server';
import connect from 'connect';
import express, { type ErrorRequestHandler } from 'express';
import Fastify from 'fastify';
import { Hono } from 'hono';
import { onTestFinished } from 'vitest';
import type { Decision } from '../../src/core/decision.ts';
import * as forExpress from '../../src/http/express.ts';
import * as forFastify from '../../src/http/fastify.ts';
import * as forFetch from '../../src/http/fetch.ts';
import * as forHono from '../../src/http/hono.ts';
import type { Cost, Limiter, Reservation } from '../../src/limiter/limiter.ts';

type Header = (name: string) => string | undefined;
type MaybeAsked = forExpress.Asked | null | undefined;

/** The same application in every framework: it counts what it serves, and answers 201 with a header of its own. */
export interface AppOptions {
  readonly limiter: Limiter;
  readonly subject: (header: Header) => MaybeAsked | Promise<MaybeAsked>;
  readonly policyName?: string;
  readonly evidence?: boolean;
  readonly onDecision?: (decision: Decision) => unknown;
  readonly onError?: (error: unknown) => unknown;
  readonly settle?: (reservation: Reservation) => Cost | Promise<Cost>;
  readonly onServed: () => void;
}

type Start = (options: AppOptions) => Promise<string>;

const HELLO = 'hello';
const OWN = { 'x-own': 'yes' };

const single = (value: string | string[] | undefined) => (typeof value === 'string' ? value : undefined);

function ofNode({ onServed: _, subject, ...options }: AppOptions) {
  return {
    ...options,
    subject: ({ headers }: { headers: Record<string, string | string[] | undefined> }) =>
      subject((name) => single(headers[name])),
  };
}

export async function serve(listener: RequestListener): Promise<string> {
  const server = createServer(listener);
  onTestFinished(() => {
    server.closeAllConnections();
    server.close();
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
}

const inExpress: Start = async (options) => {
  const app = express();
  app.use(forExpress.rateLimit(ofNode(options)));
  app.use((_request, response) => {
    options.onServed();
    response.status(201).set(OWN).send(HELLO);
  });
  const onError: ErrorRequestHandler = (_error, _request, response, _next) => {
    response.status(500).end();
  };
  app.use(onError);
  return serve(app);
};

const inConnect: Start = async (options) => {
  const app = connect();
  app.use(forExpress.rateLimit(ofNode(options)));
  app.use((_request, response) => {
    options.onServed();
    response.writeHead(201, OWN);
    response.end(HELLO);
  });
  app.use(
    (
      _error: unknown,
      _request: unknown,
      response: { statusCode: number; end(): void },
      _next: () => void,
    ) => {
      response.statusCode = 500;
      response.end();
    },
  );
  return serve(app);
};

const inFastify =
  (hook?: 'onRequest' | 'preHandler'): Start =>
  async (options) => {
    const app = Fastify();
    onTestFinished(() => app.close());
    app.register(forFastify.rateLimit, { ...ofNode(options), ...(hook && { hook }) });
    app.get('/', async (_request, reply) => {
      options.onServed();
      return reply.code(201).headers(OWN).send(HELLO);
    });
    return app.listen({ host: '127.0.0.1', port: 0 });
  };

const inHono: Start = async ({ onServed, ...options }) => {
  const app = new Hono();
  app.onError((_error, context) => context.body(null, 500));
  app.use(
    forHono.rateLimit({
      ...options,
      subject: (context) => options.subject((name) => context.req.header(name)),
    }),
  );
  app.get('/', (context) => {
    onServed();
    return context.text(HELLO, 201, OWN);
  });
  return serve(getRequestListener(app.fetch));
};

const inFetch: Start = async ({ onServed, ...options }) => {
  const handler = forFetch.rateLimit(
    () => {
      onServed();
      return new Response(HELLO, { status: 201, headers: OWN });
    },
    { ...options, subject: ({ headers }) => options.subject((name) => headers.get(name) ?? undefined) },
  );
  return serve(
    getRequestListener((request) => handler(request), {
      errorHandler: () => new Response(null, { status: 500 }),
    }),
  );
};

export const APPS: readonly { readonly framework: string; readonly start: Start }[] = [
  { framework: 'express', start: inExpress },
  { framework: 'connect', start: inConnect },
  { framework: 'fastify, onRequest', start: inFastify() },
  { framework: 'fastify, preHandler', start: inFastify('preHandler') },
  { framework: 'hono', start: inHono },
  { framework: 'the Fetch API', start: inFetch },
];
