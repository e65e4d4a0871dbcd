import type { Result } from 'neverthrow';
import type { Arguments, InputSchema, JsonSchema } from './json-schema.js';
import type { ToolError } from './tool-error.js';

/** A tool's nature. All four are told: what is left out means the worst (MCP, "Tool Annotations"). */
export interface Annotations {
  readonly readOnlyHint: boolean;
  readonly destructiveHint: boolean;
  readonly idempotentHint: boolean;
  readonly openWorldHint: boolean;
}

/** One thing that a client can ask for. Knows no SDK. */
export type Tool = ShownTool & (AtOnce | InTime);

/** What clients are shown of it. */
export interface ShownTool {
  readonly name: string;
  readonly title: string;
  /** For the model that chooses: what it answers, and when it is the right one. */
  readonly description: string;
  readonly annotations: Annotations;
  readonly inputSchema: InputSchema;
  /** Left out: it answers with a {@link RawResult}. */
  readonly outputSchema?: JsonSchema;
}

/** It reads what is known, waits for nothing and changes nothing: to be asked once or twice makes no difference. */
interface AtOnce {
  readonly atOnce: true;
  /** Never throws; what it is given has been checked. */
  run(given: Arguments): ToolAnswer;
}

interface InTime {
  readonly atOnce?: false;
  /** Never throws; what it is given has been checked. Settles promptly once `call.signal` aborts. */
  run(given: Arguments, call: Call): ToolAnswer | PromiseLike<ToolAnswer>;
}

export type ToolAtOnce = ShownTool & AtOnce;

/** The request that a tool answers. */
export interface Call {
  /** Aborts when the client calls it off, or has gone. */
  readonly signal: AbortSignal;
  /** Tells how far it is, if the client wants to know. Resolves once that is on its way. `done` grows each time. */
  progress(done: number, total: number, message: string): Promise<void>;
  /** The SDK's own view of the request, for a tool that is written for one SDK. */
  readonly request: unknown;
}

export type Answered = Reply | RawResult;

export type ToolAnswer = Result<Answered, ToolError>;

export interface Reply {
  /** As the output schema has it. */
  readonly document: object;
  /** The same for people. */
  readonly text: string;
}

/** A result as the protocol has it, for what a document and a text cannot say, such as images. */
export interface RawResult {
  readonly result: object;
}

/** Asks the gateway's memory, changes nothing, and can be asked again. */
export const LOOKS: Annotations = {
  readOnlyHint: true,
  destructiveHint: false,
  idempotentHint: true,
  openWorldHint: false,
};
