import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import { quoted } from '../core/errors.ts';
import { badRequest, PROBLEM_TYPE, type Problem, reducedCapacity } from '../http/problem.ts';

function sendProblem(reply: FastifyReply, problem: Problem): void {
  reply.code(problem.status).type(PROBLEM_TYPE).send(JSON.stringify(problem));
}

/** The request itself is at fault: answered with 400, before the limiter is asked. */
export class RequestError extends Error {
  readonly statusCode = 400;
}

/** For Fastify's option of this name: errors met before there is a route, such as an address that is no URL. */
export function frameworkErrors(error: Error, _request: FastifyRequest, reply: FastifyReply): void {
  sendProblem(reply, toProblem(error));
}

/** Makes every error of an application a problem document: too large, no JSON, no such route, our own bug. */
export function answerWithProblems(app: FastifyInstance): void {
  app.setErrorHandler((error, _request, reply) => sendProblem(reply, toProblem(error)));
  app.setNotFoundHandler((request, reply) =>
    sendProblem(reply, badRequest(404, `no such resource: ${request.method} ${quoted(request.url)}`)),
  );
}

function toProblem(error: unknown): Problem {
  const status = error instanceof Error && 'statusCode' in error ? Number(error.statusCode) : 500;
  if (status >= 400 && status < 500) return badRequest(status, error instanceof Error ? error.message : '');
  return reducedCapacity({ detail: 'the service failed', code: 'INTERNAL', charge: 'possible' });
}
