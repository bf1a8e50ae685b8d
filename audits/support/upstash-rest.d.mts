import type { Redis } from 'ioredis';

export declare function serveRest(client: Redis): Promise<{ url: string; close(): void }>;
