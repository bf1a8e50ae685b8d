/** The id of what is inside the details of a cell: a browser opens them for an address that ends with `cellHref`. */
export function cellId(limiter: string, scenario: string): string {
  return `cell=${limiter}/${scenario}`;
}

export function cellHref(limiter: string, scenario: string): string {
  return `#cell=${encodeURIComponent(limiter)}/${encodeURIComponent(scenario)}`;
}

/** The id of what is inside the details of a limiter. */
export function limiterId(limiter: string): string {
  return `limiter=${limiter}`;
}

export function limiterHref(limiter: string): string {
  return `#limiter=${encodeURIComponent(limiter)}`;
}
