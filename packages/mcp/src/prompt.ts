/** A question that a person can have an assistant look into. Knows no SDK. */
export interface Prompt {
  readonly name: string;
  readonly title: string;
  readonly description: string;
  readonly arguments: readonly PromptArgument[];
  /** What the person is made to say. Every required argument is there; none has a value that is not offered. */
  say(given: Readonly<Record<string, string>>): string;
}

export interface PromptArgument {
  readonly name: string;
  readonly description: string;
  readonly required: boolean;
  /** The values that can be completed. */
  values(): readonly string[];
}
