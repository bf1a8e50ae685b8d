export function imageArguments(): {
  readonly VERSION: string;
  readonly REVISION: string;
  readonly SOURCE: string;
};

export function saveImage(options: {
  readonly tarball: string;
  readonly tag: string;
  readonly file: string;
  readonly more: readonly string[];
}): void;
