export interface Mutant {
  readonly name: string;
  /** Each text must occur exactly once in its file under packages/core/src. */
  readonly edits: readonly { readonly file: string; readonly from: string; readonly to: string }[];
  /** Scenario files that ought to notice, beside the seeds. */
  readonly scenarios: readonly string[];
  /** Only a second look at every step can see it. */
  readonly purity?: boolean;
}

export const mutant = (
  name: string,
  file: string,
  from: string,
  to: string,
  scenarios: readonly string[] = [],
): Mutant => ({
  name,
  edits: [{ file, from, to }],
  scenarios,
});
