import type { Dashboard } from '@grafana/schema';

/** Grafana's enums are texts in JSON. */
type Json<T> = T extends string ? `${T}` : T extends object ? { [K in keyof T]: Json<T[K]> } : T;

/** A dashboard as the JSON of its file. */
export type DashboardFile = Json<Dashboard>;
