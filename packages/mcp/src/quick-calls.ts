import type { Message, MessageId } from './framing.js';
import type { QuickReplies } from './quick-replies.js';

// Assistants ask how the tunnels are over and over. To let the SDK check what is asked, and once more what is answered,
// costs five times as much as all else that answering takes.

/** A call with nothing beside what every call has. */
interface PlainCall {
  readonly id: MessageId;
  readonly name: string;
  readonly given: unknown;
  /** `_meta` as text; empty: there is none. In the modern era it says who asks, the same with every call. */
  readonly meta: string;
}

/** What the SDK wrote behind our answer to a call with this `_meta`. */
interface Learnt {
  readonly meta: string;
  readonly tail: string;
}

/** What goes before the answer to an `id`, and what behind it. */
const HEAD = '{"result":{';
const footOf = (id: MessageId): string => `,"jsonrpc":"2.0","id":${JSON.stringify(id)}}`;

/** After these, another era may be spoken. */
const OPENERS: ReadonlySet<unknown> = new Set(['initialize', 'server/discover']);

/**
 * Answers plain calls of tools that answer at once, on one connection, without the SDK. It knows nothing of the
 * protocol: the SDK answers the first call, and what it writes around our answer is what is written around the next.
 * Whatever differs from that call, and every doubt, is the SDK's.
 */
export class QuickCalls {
  readonly #replies: QuickReplies;
  #learnt: Learnt | null = null;
  /** A call that the SDK is answering, to learn from. */
  #watched: PlainCall | null = null;

  constructor(replies: QuickReplies) {
    this.#replies = replies;
  }

  /**
   * The whole answer, or null: the SDK has to be asked.
   *
   * @param alone nothing else is being answered: answers keep the order of the requests.
   */
  answerTo(request: Message, alone: boolean): string | null {
    if (request.id === this.#watched?.id) this.#watched = null;
    if (OPENERS.has(request.method)) this.#learnt = null;
    const call = plainCall(request);
    if (call === null || !this.#replies.has(call.name)) return null;
    if (this.#learnt?.meta !== call.meta) {
      this.#watched = call;
      return null;
    }
    const made = alone ? this.#replies.of(call.name, call.given) : null;
    return made === null ? null : `${HEAD}${made}${this.#learnt.tail}${footOf(call.id)}`;
  }

  /** Looks at what the SDK answers. @param text the same as it goes onto the wire. */
  note(answer: Message, text: string): void {
    const call = this.#watched;
    if (call === null || call.id !== answer.id) return;
    this.#watched = null;
    const tail = tailOf(answer['result'], text, call.id);
    if (tail !== null) this.#learnt = { meta: call.meta, tail };
  }
}

function plainCall({ jsonrpc: _version, id, method, params, ...beside }: Message): PlainCall | null {
  if (method !== 'tools/call' || id === undefined || !isNone(beside)) return null;
  const { name, arguments: given, _meta: meta, ...more } = Object(params) as Readonly<Record<string, unknown>>;
  if (typeof name !== 'string' || !isNone(more)) return null;
  return { id, name, given, meta: meta === undefined ? '' : JSON.stringify(meta) };
}

const isNone = (members: object): boolean => Object.keys(members).length === 0;

/** What stands between our members of a result and the end of the answer; null: they are not where we write them. */
function tailOf(result: unknown, text: string, id: MessageId): string | null {
  const { content, structuredContent, isError } = Object(result) as Readonly<Record<string, unknown>>;
  if (content === undefined || structuredContent === undefined || isError !== undefined) return null;
  const members = `"content":${JSON.stringify(content)},"structuredContent":${JSON.stringify(structuredContent)}`;
  const [head, foot] = [HEAD + members, footOf(id)];
  const fits = text.startsWith(head) && text.endsWith(foot) && text.length > head.length + foot.length;
  return fits ? text.slice(head.length, text.length - foot.length) : null;
}
