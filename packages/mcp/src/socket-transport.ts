import type { Socket } from 'node:net';
import type { Millis } from '@hurricane/core';
import { isJSONRPCRequest, type JSONRPCMessage, type Transport } from '@modelcontextprotocol/server';
import { idInUse, type Message, type MessageId, noRequest, type Refusal, readFrame, tooLong } from './framing.js';
import { LINGER, type McpLimits } from './limits.js';
import { LineReader } from './line-reader.js';
import type { QuickCalls } from './quick-calls.js';

const LISTEN = 'subscriptions/listen';

/**
 * MCP over a connected Unix socket: newline-delimited JSON-RPC, as over stdio (MCP, "Custom Transports").
 *
 * What cannot be taken for a message is answered here and never reaches the SDK, and so is what is too long. How
 * much a client can ask for, and leave unread, is bounded: it is then not read from, and cut in the end.
 */
export class SocketTransport implements Transport {
  onclose?: () => void;
  onerror?: (error: Error) => void;
  onmessage?: (message: JSONRPCMessage) => void;
  readonly #socket: Socket;
  readonly #limits: McpLimits;
  readonly #reader: LineReader;
  readonly #quick: QuickCalls | null;
  /** Requests that have not been answered. */
  readonly #pending = new Set<MessageId>();
  #pumping = false;
  /** The client has said all it will say. */
  #parting = false;
  /** Nothing that comes is read any more. */
  #done = false;
  #stalled: NodeJS.Timeout | null = null;
  #deadline: NodeJS.Timeout | null = null;

  /**
   * @param socket paused, and allowed to be half open.
   * @param quick answers what need not reach the SDK.
   */
  constructor(socket: Socket, limits: McpLimits, quick: QuickCalls | null = null) {
    this.#socket = socket;
    this.#limits = limits;
    this.#quick = quick;
    this.#reader = new LineReader(limits.maxLine);
  }

  start(): Promise<void> {
    const { openingTimeout, idleTimeout } = this.#limits;
    this.#socket.on('data', (chunk: Buffer) => this.#take(chunk));
    this.#socket.on('end', () => this.#part());
    this.#socket.on('drain', () => this.#drained());
    this.#socket.on('error', (error) => this.onerror?.(error));
    this.#socket.on('close', () => this.#closed());
    this.#socket.setTimeout(idleTimeout, () => this.#socket.destroy());
    this.#cutAfter(openingTimeout);
    this.#socket.resume();
    return Promise.resolve();
  }

  /** Never waits and never fails: who does not read is cut, and then nobody is left to be told. */
  send(message: JSONRPCMessage): Promise<void> {
    const { id, method } = message as { readonly id?: MessageId; readonly method?: string };
    const text = JSON.stringify(message);
    if (method === undefined && id !== undefined) {
      this.#pending.delete(id);
      this.#quick?.note(message as Message, text);
    }
    // Answers are bounded by the requests that are taken; what nobody has asked for just now is bounded here.
    const unasked = method !== undefined && this.#socket.writableLength > this.#limits.maxBacklog;
    if (unasked) this.#socket.destroy();
    else this.#write(text);
    if (this.#parting && this.#pending.size === 0) this.#finish(null);
    else this.#pump();
    return Promise.resolve();
  }

  close(): Promise<void> {
    this.#done = true;
    this.#socket.destroySoon();
    return Promise.resolve();
  }

  #take(chunk: Buffer): void {
    if (this.#done) return;
    this.#reader.push(chunk);
    this.#pump();
  }

  /** Hands on what has come, as long as there is room for more. An answer that comes at once asks for more in turn. */
  #pump(): void {
    if (this.#pumping) return;
    this.#pumping = true;
    while (this.#hasRoom()) {
      const line = this.#reader.next();
      if (line === null) break;
      if (line === 'too_long') this.#finish(tooLong(this.#limits.maxLine));
      else this.#read(line);
    }
    this.#pumping = false;
    if (this.#done) return;
    if (this.#hasRoom()) this.#socket.resume();
    else this.#socket.pause();
  }

  #hasRoom(): boolean {
    return !this.#done && this.#pending.size < this.#limits.maxPending && !this.#socket.writableNeedDrain;
  }

  #read(line: Uint8Array): void {
    const frame = readFrame(line);
    if (frame.kind === 'blank') return;
    if (!this.#parting) this.#clearDeadline();
    if (frame.kind === 'bad') this.#write(JSON.stringify(frame.answer));
    else this.#deliver(frame.message);
  }

  #deliver(message: Message): void {
    const { id, method } = message;
    if (method !== undefined && id !== undefined) {
      const answer = this.#answerTo(message, id);
      if (answer !== null) {
        this.#write(answer);
        return;
      }
      // What is listened to is answered when it ends: it takes no place among what is being answered.
      if (method !== LISTEN) this.#pending.add(id);
    }
    // A request that is called off gets no answer.
    if (method === 'notifications/cancelled') this.#forget(message['params']);
    this.onmessage?.(message as JSONRPCMessage);
  }

  /** What need not or must not reach the SDK, which leaves requests that it cannot make out without an answer. */
  #answerTo(request: Message, id: MessageId): string | null {
    if (this.#pending.has(id)) return JSON.stringify(idInUse(id));
    const quick = this.#quick?.answerTo(request, this.#pending.size === 0) ?? null;
    if (quick !== null) return quick;
    return isJSONRPCRequest(request) ? null : JSON.stringify(noRequest(id));
  }

  #forget(params: unknown): void {
    const { requestId } = { ...(params as { readonly requestId?: MessageId } | undefined) };
    if (requestId !== undefined) this.#pending.delete(requestId);
  }

  /** The answers that are still to come are waited for, though not for ever. */
  #part(): void {
    if (this.#done) return;
    const last = this.#reader.rest();
    this.#parting = true;
    if (last.length > 0) this.#read(last);
    if (this.#pending.size === 0) this.#finish(null);
    else this.#cutAfter(this.#limits.partingTimeout);
  }

  /** The end, after perhaps one more answer. What the client still sends is read for a while, and dropped. */
  #finish(answer: Refusal | null): void {
    if (this.#done) return;
    if (answer !== null) this.#write(JSON.stringify(answer));
    this.#done = true;
    this.#socket.end();
    this.#socket.resume();
    this.#cutAfter(LINGER);
  }

  /** @param message one, as JSON. */
  #write(message: string): void {
    if (!this.#socket.writable) return;
    const flushed = this.#socket.write(`${message}\n`);
    if (!flushed) this.#stalled ??= setTimeout(() => this.#socket.destroy(), this.#limits.stallTimeout);
  }

  #drained(): void {
    if (this.#stalled !== null) clearTimeout(this.#stalled);
    this.#stalled = null;
    this.#pump();
  }

  #cutAfter(limit: Millis): void {
    this.#clearDeadline();
    this.#deadline = setTimeout(() => this.#socket.destroy(), limit);
  }

  #clearDeadline(): void {
    if (this.#deadline !== null) clearTimeout(this.#deadline);
    this.#deadline = null;
  }

  #closed(): void {
    this.#done = true;
    this.#clearDeadline();
    if (this.#stalled !== null) clearTimeout(this.#stalled);
    this.onclose?.();
  }
}
