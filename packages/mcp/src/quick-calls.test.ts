import { connect, type Socket } from 'node:net';
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import type { Arguments } from './json-schema.js';
import { gatewayOffer, type Offer } from './offer.js';
import { QuickReplies } from './quick-replies.js';
import { sessionsWith } from './session.js';
import { mcpStage, type Served, servedWith } from './testing-stage.test-support.js';
import type { Call, Tool } from './tool.js';
import { Updates } from './updates.js';

const META = {
  'io.modelcontextprotocol/protocolVersion': '2026-07-28',
  'io.modelcontextprotocol/clientCapabilities': {},
  'io.modelcontextprotocol/clientInfo': { name: 'test', version: '1' },
};

type Era = '2024-11-05' | '2025-03-26' | '2025-11-25' | '2026-07-28';
const ERAS: readonly Era[] = ['2024-11-05', '2025-03-26', '2025-11-25', '2026-07-28'];

/** What a client may write instead of a plain call. */
const PARAMS: readonly object[] = [
  { name: 'get_tunnel_status' },
  { name: 'get_tunnel_status', arguments: {} },
  { name: 'get_tunnel_status', arguments: { tunnel: 'wg' } },
  { name: 'get_tunnel_status', arguments: { tunnel: 'none' } },
  { name: 'get_tunnel_status', arguments: { tunnel: 7 } },
  { name: 'get_tunnel_status', arguments: { tunnels: 'wg' } },
  { name: 'get_tunnel_status', arguments: null },
  { name: 'get_tunnel_status', arguments: [] },
  { name: 'get_tunnel_status', arguments: 'wg' },
  { name: 'get_tunnel_status', arguments: JSON.parse('{"__proto__":{"tunnel":"wg"}}') },
  { name: 'get_tunnel_status', task: { ttl: 1_000 } },
  { name: 'get_tunnel_status', inputResponses: {} },
  { name: 'get_tunnel_status', requestState: 'x' },
  { name: 'get_tunnel_status', _meta: { progressToken: 1 } },
  { name: 'get_tunnel_status', _meta: { ...META, progressToken: 1 } },
  { name: 'get_tunnel_status', _meta: { ...META, 'io.modelcontextprotocol/protocolVersion': '2031-01-01' } },
  { name: 'get_tunnel_status', _meta: null },
  { name: 'get_tunnel_status', _meta: [] },
  { name: 'get_tunnel_status', more: true },
  { name: 'get_ipv6_address' },
  { name: 'check_health', arguments: {} },
  { name: 'check_health', arguments: { x: 1 } },
  { name: 'check_helth' },
  { name: 'explain_failover' },
  { name: 7 },
  {},
];
const IDS: readonly unknown[] = [0, -1, 7, Number.MAX_SAFE_INTEGER, '', '7', 'ü"\\\u2028', 'x'.repeat(1_000)];
const BESIDE: readonly object[] = [{}, { more: 1 }, { result: {} }, { error: {} }];

describe('a call that is answered without the SDK', () => {
  let quick: Judge;
  let slow: Judge;

  beforeAll(async () => {
    const stage = await mcpStage();
    const offer = gatewayOffer(stage);
    const tools = offer.tools.map(({ atOnce: _atOnce, ...tool }) => tool as Tool);
    [quick, slow] = [await Judge.of(offer), await Judge.of({ ...offer, tools })];
  });
  afterAll(async () => {
    await Promise.all([quick, slow].map((judge) => judge[Symbol.asyncDispose]()));
  });

  it.each(ERAS)('is answered byte for byte as the SDK does, whatever is asked, in %s', async (era) => {
    const requests = PARAMS.flatMap((params) => IDS.slice(0, 2).map((id) => callOf(era, params, id)));
    // Each between two plain ones: it may have been learnt from, and may spoil what has been.
    const story = requests.flatMap((request) => [plain(era), request, plain(era)]);

    expect(await quick.answers(era, story)).toEqual(await slow.answers(era, story));
  });

  it.each(ERAS)('has the id and the members of its own request, in %s', async (era) => {
    const story = BESIDE.flatMap((beside) =>
      IDS.map((id) => ({ ...callOf(era, { name: 'check_health' }, id), ...beside })),
    );

    expect(await quick.answers(era, story)).toEqual(await slow.answers(era, story));
  });

  it.each(ERAS)('keeps its place among requests that come in one piece, in %s', async (era) => {
    const names = ['check_health', 'explain_failover', 'get_events', 'check_health', 'check_health', 'get_history'];
    const story = [...names, ...names].map((name, id) => callOf(era, { name, arguments: {} }, id));

    expect(await quick.answersAtOnce(era, story)).toEqual(await slow.answersAtOnce(era, story));
  });

  it('is so in any order of anything', async () => {
    const params = fc.constantFrom(...PARAMS);
    const request = fc.oneof(
      fc
        .record({ era: fc.constantFrom(...ERAS), params, id: fc.constantFrom(...IDS) })
        .map((each) => callOf(each.era, each.params, each.id)),
      fc.constantFrom(
        { jsonrpc: '2.0', id: 9, method: 'ping' },
        { jsonrpc: '2.0', id: 9, method: 'initialize' },
        hello('2025-06-18'),
      ),
    );
    await fc.assert(
      fc.asyncProperty(fc.constantFrom(...ERAS), fc.array(request, { maxLength: 8 }), async (era, story) => {
        expect(await quick.answers(era, story)).toEqual(await slow.answers(era, story));
      }),
      { numRuns: 100 },
    );
  });
});

describe('the way without the SDK', () => {
  it.each(ERAS)('is taken from the second call on, with one document between two changes, in %s', async (era) => {
    const ways: number[] = [];
    const offer = gatewayOffer(await mcpStage());
    // The SDK's way hands on its call, the other one has none.
    const tools = offer.tools.map((tool) => ({ ...tool, run: spied(tool, ways) }) as Tool);
    await using judge = await Judge.of({ ...offer, tools });

    await judge.answers(era, [plain(era)]);
    expect(ways).toEqual([2]);
    await judge.answersAtOnce(era, [plain(era), plain(era), plain(era)]);

    // A connection of its own asks the SDK first; the three that come in one piece are answered with one document.
    expect(ways).toEqual([2, 2, 1]);
  });

  it('shows the state as it is: what was kept is forgotten with the state it was made from', async () => {
    const stage = await mcpStage();
    await using judge = await Judge.of(gatewayOffer(stage));
    const ask = callOf('2025-11-25', { name: 'check_health' }, 1);
    const client = await judge.client('2025-11-25');
    await client.ask([ask]);

    const before = await client.ask([ask]);
    stage.stage.gateway.lower('he');
    await stage.stage.run(2_000);
    const after = await client.ask([ask]);
    client.close();

    expect(before[0]).toContain('"primary":"he"');
    expect(after[0]).toContain('"primary":"wg"');
  });

  it('forgets what it kept with the state it was made from, and with the second it was made in', async () => {
    const { stage, ...sources } = await mcpStage();
    const clock = vi.spyOn(Date, 'now').mockReturnValue(1_000_000_000);
    let runs = 0;
    const offer = gatewayOffer(sources);
    const counted = (tool: Tool) => (given: Arguments, call: Call) => {
      runs += 1;
      return tool.run(given, call);
    };
    const replies = new QuickReplies({ ...offer, tools: offer.tools.map((t) => ({ ...t, run: counted(t) }) as Tool) });

    expect(replies.of('check_health', {})).toBe(replies.of('check_health', undefined));
    expect(runs).toBe(1);
    stage.gateway.prefer('wg');
    expect(replies.of('check_health', {})).toContain('"primary":"wg"');
    replies.of('check_health', {});
    expect(runs).toBe(2);
    clock.mockReturnValue(1_000_001_000);
    replies.of('check_health', {});
    clock.mockRestore();

    expect(runs).toBe(3);
  });

  it('is left for a tool that throws: the SDK tells, and the log', async () => {
    const defects: unknown[] = [];
    const offer = gatewayOffer(await mcpStage());
    let runs = 0;
    const run = (): never => {
      runs += 1;
      throw new Error('broken');
    };
    const tools = offer.tools.map((tool) => (tool.name === 'check_health' ? { ...tool, run } : tool) as Tool);
    await using judge = await Judge.of({ ...offer, tools }, (defect) => void defects.push(defect));

    const answers = await judge.answers('2025-11-25', [
      plain('2025-11-25'),
      callOf('2025-11-25', { name: 'check_health' }, 1),
    ]);

    expect(answers[1]).toContain('"isError":true');
    expect(runs).toBe(2);
    expect(defects).toHaveLength(1);
  });
});

function spied(tool: Tool, ways: number[]) {
  return (given: Arguments, ...calls: readonly Call[]) => {
    ways.push(1 + calls.length);
    return tool.run(given, calls[0] as Call);
  };
}

function hello(protocolVersion: string): object {
  const clientInfo = { name: 'test', version: '1' };
  return {
    jsonrpc: '2.0',
    id: 'hello',
    method: 'initialize',
    params: { protocolVersion, capabilities: {}, clientInfo },
  };
}

function callOf(era: Era, params: object, id: unknown): object {
  const meta = era === '2026-07-28' && !('_meta' in params) ? { _meta: META } : {};
  return { jsonrpc: '2.0', id, method: 'tools/call', params: { ...params, ...meta } };
}

const plain = (era: Era): object => callOf(era, { name: 'get_tunnel_status' }, 'plain');

/** A server, and what it says to stories. */
class Judge {
  readonly #server: Served;

  private constructor(server: Served) {
    this.#server = server;
  }

  static async of(offer: Offer, onDefect: (defect: unknown) => void = fail): Promise<Judge> {
    return new Judge(await servedWith(sessionsWith(offer, new Updates(undefined), onDefect)));
  }

  async client(era: Era): Promise<RawClient> {
    const client = await RawClient.to(this.#server.path);
    if (era !== '2026-07-28') await client.ask([hello(era)]);
    return client;
  }

  /** One connection, one request after the other. */
  async answers(era: Era, story: readonly object[]): Promise<readonly string[]> {
    const client = await this.client(era);
    const answers: string[] = [];
    for (const request of story) answers.push(...(await client.ask([request])));
    client.close();
    return answers;
  }

  /** One connection that has been answered once, and then all of it in one piece. */
  async answersAtOnce(era: Era, story: readonly object[]): Promise<readonly string[]> {
    const client = await this.client(era);
    await client.ask([plain(era)]);
    const answers = await client.ask(story);
    client.close();
    return answers;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#server[Symbol.asyncDispose]();
  }
}

/** Lines as they come, not a byte of them touched. */
class RawClient {
  readonly #socket: Socket;
  #text = '';
  #wake: () => void = () => undefined;

  private constructor(socket: Socket) {
    this.#socket = socket.setEncoding('utf8');
    socket.on('data', (text) => {
      this.#text += String(text);
      this.#wake();
    });
  }

  static async to(path: string): Promise<RawClient> {
    const socket = connect({ path });
    await new Promise((resolve, reject) => socket.once('connect', resolve).once('error', reject));
    return new RawClient(socket);
  }

  /** In one piece; every request is answered by one line. */
  async ask(requests: readonly object[]): Promise<readonly string[]> {
    this.#socket.write(requests.map((request) => `${JSON.stringify(request)}\n`).join(''));
    while (this.#text.split('\n').length <= requests.length)
      await new Promise<void>((resolve) => {
        this.#wake = resolve;
      });
    const lines = this.#text.split('\n').slice(0, -1);
    this.#text = '';
    return lines;
  }

  close(): void {
    this.#socket.destroy();
  }
}

function fail(defect: unknown): never {
  throw defect;
}
