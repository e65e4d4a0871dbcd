import type { Millis } from '@hurricane/core';
import { type ApiChoice, apiAddress } from './api-address.js';
import { networkProblemOf } from './ask-api.js';
import type { ReadText } from './config-file.js';
import { EXIT, type ExitCode } from './exit-codes.js';
import { printableWithin } from './printable.js';
import { describeConfigFault, exitCodeOf } from './start-error.js';

export interface FollowOptions extends ApiChoice {
  readonly json: boolean;
}

export interface FollowOutside {
  readonly readText: ReadText;
  readonly out: (line: string) => void;
  readonly err: (line: string) => void;
  /** Ends it. */
  readonly stop: AbortSignal;
  /** Between two tries to connect again. Default: 2 s. */
  readonly retry?: Millis;
}

/** The daemon says something every 15 s. Silence of three times that is a connection that is dead. */
const SILENCE: Millis = 45_000;

const RETRY: Millis = 2_000;

/** Characters of an event that has not ended yet. The longest there is takes a fifth of it. */
const LONGEST_EVENT = 65_536;

/**
 * `events`: prints what happens, as it happens, until it is stopped.
 *
 * A daemon that goes away is waited for, and asked for what was missed; one that is not there at first is an error.
 */
export async function followEvents(options: FollowOptions, outside: FollowOutside): Promise<ExitCode> {
  const address = await apiAddress(options, outside.readText);
  if (address.isErr()) {
    for (const sentence of describeConfigFault(address.error)) outside.err(sentence);
    return exitCodeOf(address.error);
  }
  const { url, token } = address.value;
  let lastId: string | null = null;
  let connected = false;
  const reader = new EventReader((event) => {
    lastId = event.id ?? lastId;
    outside.out(options.json ? event.data : eventLine(event));
  });
  while (!outside.stop.aborted) {
    const headers = {
      accept: 'text/event-stream',
      ...(token === null ? {} : { authorization: `Bearer ${token}` }),
      ...(lastId === null ? {} : { 'last-event-id': lastId }),
    };
    const end = await streamOnce(`${url}/events`, headers, reader, outside.stop);
    if (outside.stop.aborted) break;
    if (end.kind === 'refused' || (end.kind === 'lost' && !connected && end.opened === false)) {
      outside.err(end.kind === 'refused' ? end.detail : `the daemon at ${printableWithin(200, url)} ${end.problem}`);
      return end.kind === 'refused' && (end.status === 401 || end.status === 403)
        ? EXIT.noPermission
        : EXIT.unavailable;
    }
    if (end.opened) outside.err('the connection has ended; connecting again');
    connected = true;
    await pause(outside.retry ?? RETRY, outside.stop);
  }
  return EXIT.ok;
}

type End =
  | { readonly kind: 'refused'; readonly opened: false; readonly status: number; readonly detail: string }
  | { readonly kind: 'lost'; readonly opened: boolean; readonly problem: string };

async function streamOnce(
  url: string,
  headers: Readonly<Record<string, string>>,
  reader: EventReader,
  stop: AbortSignal,
): Promise<End> {
  let opened = false;
  const silent = new AbortController();
  const watch = setTimeout(() => silent.abort(), SILENCE);
  try {
    const signal = AbortSignal.any([stop, silent.signal]);
    const response = await fetch(url, { headers, signal, redirect: 'error' });
    if (response.status !== 200 || !/^text\/event-stream\b/.test(response.headers.get('content-type') ?? ''))
      return { kind: 'refused', opened, status: response.status, detail: await detailOf(response) };
    opened = true;
    reader.restart();
    for await (const part of (response.body ?? []) as AsyncIterable<Uint8Array>) {
      watch.refresh();
      reader.take(part);
    }
    return { kind: 'lost', opened, problem: 'has ended the connection' };
  } catch (thrown) {
    return { kind: 'lost', opened, problem: networkProblemOf(thrown) };
  } finally {
    clearTimeout(watch);
  }
}

async function detailOf(response: Response): Promise<string> {
  const said: unknown = await response.json().catch(() => null);
  const detail = typeof said === 'object' && said !== null && 'detail' in said ? said.detail : null;
  return typeof detail === 'string'
    ? printableWithin(2_000, detail)
    : `the daemon answered with status ${response.status}, which is no stream of events`;
}

interface StreamEvent {
  readonly id: string | null;
  readonly name: string;
  readonly data: string;
}

/** Takes a stream of events apart (HTML, "Server-sent events", 9.2.6), as far as this daemon's ones go. */
export class EventReader {
  readonly #report: (event: StreamEvent) => void;
  #decoder = new TextDecoder();
  #rest = '';

  constructor(report: (event: StreamEvent) => void) {
    this.#report = report;
  }

  /** A new connection does not go on with half an event of the one before. */
  restart(): void {
    this.#decoder = new TextDecoder();
    this.#rest = '';
  }

  take(part: Uint8Array): void {
    const blocks = (this.#rest + this.#decoder.decode(part, { stream: true })).split('\n\n');
    this.#rest = (blocks.pop() ?? '').slice(0, LONGEST_EVENT);
    for (const block of blocks) {
      const data = /^data: ?(.*)$/m.exec(block)?.[1];
      if (data === undefined) continue;
      const id = /^id: ?(.*)$/m.exec(block)?.[1] ?? null;
      this.#report({ id, name: /^event: ?(.*)$/m.exec(block)?.[1] ?? 'message', data });
    }
  }
}

/** `2026-11-22T21:41:00.000Z  warn   Tunnel he is unreachable`. */
function eventLine({ name, data }: StreamEvent): string {
  if (name === 'gap') return 'some events are lost: they were overwritten before they could be told';
  const event = parsed(data);
  const at = typeof event['at'] === 'number' ? new Date(event['at']).toISOString() : '-';
  return printableWithin(2_000, `${at}  ${String(event['level'] ?? '-').padEnd(5)}  ${String(event['text'] ?? name)}`);
}

function parsed(data: string): Readonly<Record<string, unknown>> {
  try {
    const value: unknown = JSON.parse(data);
    return typeof value === 'object' && value !== null ? (value as Record<string, unknown>) : {};
  } catch {
    return {};
  }
}

function pause(time: Millis, stop: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    const done = (): void => {
      clearTimeout(timer);
      stop.removeEventListener('abort', done);
      resolve();
    };
    const timer = setTimeout(done, time);
    stop.addEventListener('abort', done);
  });
}
