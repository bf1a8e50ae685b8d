import type { Deployment } from './deployment.ts';

/** The newest process of a deployed service. */
export interface Task {
  /** The name of its service in the deployment. */
  readonly service: string;
  /** The engine's name of its machine; empty while it has none. */
  readonly machine: string;
  /**
   * `done`: it ended with exit code 0. `failed`: it ended otherwise, or cannot start. `lost`: its machine does not
   * answer, so it may still run.
   */
  readonly state: 'waiting' | 'running' | 'done' | 'failed' | 'lost';
  /** In the engine's words: what it waits for, or why it failed. */
  readonly why?: string;
  readonly exitCode?: number;
}

/** What an engine deploys, and the secrets that its containers read from files. */
export interface Deployed {
  readonly deployment: Deployment;
  readonly secrets: Readonly<Record<string, string>>;
}

/** Places the services of one run on machines, and removes them. */
export interface Engine {
  /** For people, like `swarm of 3 machines`. */
  readonly description: string;
  /** The address of this machine for all others. */
  readonly address: string;
  /** Brings services up; those of an earlier call are in it, too, and stay as they are. Resolves before they run. */
  deploy(deployed: Deployed): Promise<void>;
  /** How they are. May start again what could not start; nothing that ran. */
  tasks(): Promise<readonly Task[]>;
  /** What a service has printed so far. */
  log(service: string): Promise<string>;
  /** Removes all that was deployed, and resolves once nothing of it is left. Does nothing the second time. */
  remove(): Promise<void>;
  /** Begins to remove it, for a program that has to exit now. */
  kill(): void;
}
