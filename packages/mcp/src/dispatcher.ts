import { nearestOf } from '@hurricane/core';
import { err, fromAsyncThrowable, ok, type Result } from 'neverthrow';
import { type Arguments, faultsIn } from './json-schema.js';
import type { Offer } from './offer.js';
import { type Page, pageOf } from './paging.js';
import { type Contents, valueIn, variableOf } from './resource.js';
import type { Call } from './tool.js';
import { describeToolError, type ToolError } from './tool-error.js';

/** Why a request has no result, as JSON-RPC has it. */
export interface RpcFault {
  readonly code: number;
  readonly message: string;
  readonly data?: object;
}

/** JSON-RPC 2.0 section 5.1. */
export const INVALID_PARAMS = -32_602;
const INTERNAL_ERROR = -32_603;

export interface ToolResult {
  readonly content: readonly { readonly type: 'text'; readonly text: string }[];
  readonly structuredContent?: object;
  readonly isError?: true;
}

export interface DispatcherOptions {
  readonly offer: Offer;
  /** Told what a tool threw. Should log it. */
  readonly onDefect: (defect: unknown) => void;
}

/** Completions in one answer: MCP, "Completion", allows no more. */
const COMPLETIONS_AT_MOST = 100;

/**
 * Answers the requests of MCP from an offer's tables. Knows no SDK: what stands above it translates method
 * names, and results and faults into what its SDK wants.
 */
export class Dispatcher {
  readonly #offer: Offer;
  readonly #onDefect: (defect: unknown) => void;

  constructor({ offer, onDefect }: DispatcherOptions) {
    this.#offer = offer;
    this.#onDefect = onDefect;
  }

  listTools(cursor: unknown): Result<Page<'tools', object>, RpcFault> {
    const rows = this.#offer.tools.map(({ run: _run, atOnce: _atOnce, ...shown }) => shown);
    return pageOf('tools', rows, cursor);
  }

  /** Arguments that are wrong are answered, so that a model reads why; a tool that is not there is a fault. */
  async callTool(name: unknown, given: unknown, call: Call): Promise<Result<ToolResult | object, RpcFault>> {
    const tool = this.#offer.tools.find((each) => each.name === name);
    if (tool === undefined)
      return err(
        unknownName(
          'tool',
          name,
          this.#offer.tools.map((each) => each.name),
        ),
      );
    const faults = faultsIn(given, tool.inputSchema);
    if (faults.length > 0) return ok(failure({ kind: 'bad_arguments', faults }));
    const run = fromAsyncThrowable(
      async () => tool.run((given ?? {}) as Arguments, call),
      (defect): ToolError => {
        this.#onDefect(defect);
        return { kind: 'defect' };
      },
    );
    const answer = (await run()).andThen((result) => result);
    if (answer.isErr()) return ok(failure(answer.error));
    if ('result' in answer.value) return ok(answer.value.result);
    const { document, text } = answer.value;
    // MCP, "Structured Content": the same as text, for clients that know no structured content.
    const content = [text, JSON.stringify(document)].map((each) => ({ type: 'text' as const, text: each }));
    return ok({ content, structuredContent: document });
  }

  listResources(cursor: unknown): Result<Page<'resources', object>, RpcFault> {
    const rows = this.#offer.resources.map(({ read: _read, ...shown }) => shown);
    return pageOf('resources', rows, cursor);
  }

  listTemplates(cursor: unknown): Result<Page<'resourceTemplates', object>, RpcFault> {
    const rows = this.#offer.templates.map(({ read: _read, values: _values, ...shown }) => shown);
    return pageOf('resourceTemplates', rows, cursor);
  }

  readResource(uri: unknown): Result<{ readonly contents: readonly object[] }, RpcFault> {
    const found = typeof uri === 'string' ? this.#contentsAt(uri) : null;
    if (found !== null) return ok({ contents: [{ uri, ...found }] });
    const known = [
      ...this.#offer.resources.map((each) => each.uri),
      ...this.#offer.templates.map((t) => t.uriTemplate),
    ];
    const message = `There is no resource ${quoted(uri)}. There are: ${known.join(', ')}.`;
    // What 2026-07-28 demands. Up to 2025-11-25 another code is only recommended, which the SDK 2.x never sends.
    return err({ code: INVALID_PARAMS, message, data: { uri } });
  }

  listPrompts(cursor: unknown): Result<Page<'prompts', object>, RpcFault> {
    const rows = this.#offer.prompts.map(({ say: _say, arguments: taken, ...shown }) => ({
      ...shown,
      arguments: taken.map(({ values: _values, ...argument }) => argument),
    }));
    return pageOf('prompts', rows, cursor);
  }

  getPrompt(name: unknown, given: unknown, request: unknown): Result<object, RpcFault> {
    const prompt = this.#offer.prompts.find((each) => each.name === name);
    if (prompt === undefined)
      return err(
        unknownName(
          'prompt',
          name,
          this.#offer.prompts.map((each) => each.name),
        ),
      );
    const values: Record<string, string> = {};
    for (const [key, value] of Object.entries(typeof given === 'object' && given !== null ? given : {})) {
      const known = prompt.arguments.some((argument) => argument.name === key);
      if (!known || typeof value !== 'string')
        return err(
          unknownName(
            'argument',
            key,
            prompt.arguments.map((argument) => argument.name),
          ),
        );
      values[key] = value;
    }
    const missing = prompt.arguments.find((argument) => argument.required && values[argument.name] === undefined);
    if (missing !== undefined) return err({ code: INVALID_PARAMS, message: `"${missing.name}" is missing.` });
    const text = prompt.say(values, request);
    if (typeof text !== 'string') return ok(text.result);
    return ok({ description: prompt.description, messages: [{ role: 'user', content: { type: 'text', text } }] });
  }

  /** @param ref the prompt or template, as MCP has it. */
  complete(ref: unknown, argument: unknown): Result<object, RpcFault> {
    const { type, name, uri } = { ...(ref as Record<string, unknown> | null) };
    const { name: asked, value = '' } = { ...(argument as Record<string, unknown> | null) };
    const values =
      type === 'ref/prompt'
        ? this.#offer.prompts.find((each) => each.name === name)?.arguments.find((each) => each.name === asked)?.values
        : this.#offer.templates.find((each) => each.uriTemplate === uri && variableOf(each) === asked)?.values;
    if (values === undefined) return err(unknownName('thing to complete', name ?? uri, this.#completable()));
    const fitting = values().filter((each) => each.startsWith(String(value)));
    const shown = fitting.slice(0, COMPLETIONS_AT_MOST);
    return ok({ completion: { values: shown, total: fitting.length, hasMore: shown.length < fitting.length } });
  }

  /** Of the faults, the one for what should not happen. */
  defect(thrown: unknown): RpcFault {
    this.#onDefect(thrown);
    return { code: INTERNAL_ERROR, message: "This is a defect of the gateway's; its log says more." };
  }

  #contentsAt(uri: string): Contents | null {
    const plain = this.#offer.resources.find((each) => each.uri === uri);
    if (plain !== undefined) return plain.read();
    for (const template of this.#offer.templates) {
      const value = valueIn(uri, template);
      const contents = value === null ? null : template.read(value);
      if (contents !== null) return contents;
    }
    return null;
  }

  #completable(): readonly string[] {
    return [...this.#offer.prompts.map((each) => each.name), ...this.#offer.templates.map((each) => each.uriTemplate)];
  }
}

function failure(error: ToolError): ToolResult {
  return { content: [{ type: 'text', text: describeToolError(error) }], isError: true };
}

function unknownName(what: string, given: unknown, known: readonly string[]): RpcFault {
  const meant = typeof given === 'string' ? nearestOf(given, known) : null;
  const hint = meant === null ? '' : ` Did you mean "${meant}"?`;
  return {
    code: INVALID_PARAMS,
    message: `There is no ${what} ${quoted(given)}.${hint} There are: ${known.join(', ') || 'none'}.`,
  };
}

const quoted = (given: unknown): string =>
  typeof given === 'string' ? JSON.stringify(given.length > 64 ? `${given.slice(0, 64)}…` : given) : `of that kind`;
