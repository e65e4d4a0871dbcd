import type { UnixSeconds } from '@hurricane/core';
import { fromThrowable } from 'neverthrow';
import { type Arguments, faultsIn } from './json-schema.js';
import type { Offer } from './offer.js';
import type { Reply, Tool, ToolAtOnce } from './tool.js';

/**
 * The answers of the tools that answer at once, as they stand on the wire. One for all connections: what is asked for
 * many times over between two changes is made once.
 */
export class QuickReplies {
  readonly #tools: ReadonlyMap<string, ToolAtOnce>;
  readonly #moment: Offer['moment'];
  /** By tool, for calls without arguments: made in that second of the clock, from that state. */
  readonly #kept = new Map<string, string>();
  #keptAt: unknown;
  #keptIn: UnixSeconds = 0;
  /** By tool: what was written last. To write a text within a text takes longer than all else. */
  readonly #written = new Map<string, Written>();

  constructor({ tools, moment }: Pick<Offer, 'tools' | 'moment'>) {
    this.#tools = new Map(tools.filter(isAtOnce).map((tool) => [tool.name, tool]));
    this.#moment = moment;
  }

  /** Whether it is a tool that answers at once. */
  has(name: string): boolean {
    return this.#tools.has(name);
  }

  /** The members `content` and `structuredContent` of the result; null: it is no plain success, or no such tool. */
  of(name: string, given: unknown): string | null {
    const tool = this.#tools.get(name);
    if (tool === undefined) return null;
    if (this.#moment === undefined || !isNothing(given)) return this.#membersOf(tool, given);
    const moment = this.#moment();
    // Times are shown in whole seconds: within one of them none is late.
    const second = Math.floor(Date.now() / 1_000);
    if (moment !== this.#keptAt || second !== this.#keptIn) this.#kept.clear();
    this.#keptAt = moment;
    this.#keptIn = second;
    const kept = this.#kept.get(name);
    if (kept !== undefined) return kept;
    const made = this.#membersOf(tool, given);
    if (made === null) return null;
    this.#kept.set(name, made);
    return made;
  }

  #membersOf(tool: ToolAtOnce, given: unknown): string | null {
    const reply = replyOf(tool, given);
    if (reply === null) return null;
    const [text, json] = [reply.text, JSON.stringify(reply.document)];
    const last = this.#written.get(tool.name);
    if (last?.json === json && last.text === text) return last.members;
    const made = { json, text, members: membersFor(text, json) };
    this.#written.set(tool.name, made);
    return made.members;
  }
}

interface Written {
  readonly json: string;
  readonly text: string;
  readonly members: string;
}

const isAtOnce = (tool: Tool): tool is ToolAtOnce => tool.atOnce === true;

const isNothing = (given: unknown): boolean =>
  given === undefined ||
  (typeof given === 'object' && given !== null && !Array.isArray(given) && Object.keys(given).length === 0);

function replyOf(tool: ToolAtOnce, given: unknown): Reply | null {
  if (faultsIn(given, tool.inputSchema).length > 0) return null;
  // What it throws, the usual way meets again, and tells.
  const run = fromThrowable(() => tool.run((given ?? {}) as Arguments));
  const answer = run().andThen((result) => result);
  return answer.isOk() && 'document' in answer.value ? answer.value : null;
}

/** What the dispatcher makes of a reply. */
function membersFor(text: string, json: string): string {
  const content = [text, json].map((each) => `{"type":"text","text":${JSON.stringify(each)}}`);
  return `"content":[${content.join(',')}],"structuredContent":${json}`;
}
