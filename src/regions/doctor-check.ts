/** The result of one check of `doctor`. A `note` prevents nothing from running. */
export interface Check {
  readonly name: string;
  readonly mark: 'ok' | 'note' | 'missing';
  readonly found: string;
  /** The command, or a sentence, that fixes it; several commands are lines. */
  readonly mend?: string;
}
