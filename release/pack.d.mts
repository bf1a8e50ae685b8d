export function packPackages(options: { readonly out: string }): Promise<{
  readonly program: string;
  readonly limiter: string;
}>;
