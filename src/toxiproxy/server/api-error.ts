/** An error reply of the API, with the text of the real server. */
export class ApiError extends Error {
  override readonly name = 'ApiError';
  readonly status: number;

  constructor(status: number, message: string) {
    super(message);
    this.status = status;
  }
}

export const badRequest = (detail: string) => new ApiError(400, `bad request body: ${detail}`);
export const missingField = (field: string) => new ApiError(400, `missing required field: ${field}`);
export const proxyNotFound = () => new ApiError(404, 'proxy not found');
export const proxyExists = () => new ApiError(409, 'proxy already exists');
export const toxicNotFound = () => new ApiError(404, 'toxic not found');
export const toxicExists = () => new ApiError(409, 'toxic already exists');
export const invalidStream = () =>
  new ApiError(400, 'stream was invalid, can be either upstream or downstream');
export const invalidType = () => new ApiError(400, 'invalid toxic type');
