/** A question that a person can have an assistant look into. Knows no SDK. */
export interface Prompt {
  readonly name: string;
  readonly title: string;
  readonly description: string;
  readonly arguments: readonly PromptArgument[];
  /**
   * What the person is made to say, or a whole result as the protocol has it. Every required argument is there.
   *
   * @param request the SDK's own view of it, for a prompt that is written for one SDK.
   */
  say(given: Readonly<Record<string, string>>, request: unknown): string | { readonly result: object };
}

export interface PromptArgument {
  readonly name: string;
  readonly description: string;
  readonly required: boolean;
  /** The values that can be completed. */
  values(): readonly string[];
}
