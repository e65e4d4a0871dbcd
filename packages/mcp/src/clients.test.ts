import { ResourceUpdatedNotificationSchema } from '@modelcontextprotocol/sdk/types.js';
import { describe, expect, it, vi } from 'vitest';
import { type Negotiation, v1Client, v2Client } from './testing-clients.test-support.js';
import { controlledStage, mcpStage, served, TWO_TUNNELS } from './testing-stage.test-support.js';

const MODERN: Negotiation = { pin: '2026-07-28' };

const NEGOTIATIONS: readonly (readonly [string, Negotiation, string])[] = [
  ['legacy', 'legacy', 'legacy'],
  ['auto', 'auto', 'modern'],
  ['pinned to 2026-07-28', MODERN, 'modern'],
];

/** One call of every read-only tool. */
const CALLS: readonly (readonly [string, object])[] = [
  ['get_tunnel_status', {}],
  ['get_tunnel_status', { tunnel: 'wg' }],
  ['get_ipv6_address', {}],
  ['check_health', {}],
  ['explain_failover', { switches: 1 }],
  ['simulate_failover', { fault: 'silent', look_ahead_s: 30 }],
  ['get_history', { window_s: 60, samples: 5 }],
  ['get_events', { limit: 3, level: 'debug' }],
  ['diagnose', { watch_s: 0 }],
  ['probe_port', { protocol: 'udp', port: 7654 }],
];

describe('a client of SDK 1.x', () => {
  it('gets every document that the tools promise', async () => {
    await using it = await served(await mcpStage());
    const client = await v1Client(it.path);
    // It holds every answer to the output schemas from here on.
    await client.listTools();

    for (const [name, given] of CALLS) {
      const answer = await client.callTool({ name, arguments: { ...given } });
      expect(answer, name).toMatchObject({ structuredContent: expect.any(Object) });
      expect(answer.isError, name).toBeUndefined();
    }
    await client.close();
  });

  it('is told when a resource that it follows has changed, and not when it follows it no more', async () => {
    const stage = await mcpStage();
    await using it = await served(stage);
    const client = await v1Client(it.path);
    const told: string[] = [];
    client.setNotificationHandler(ResourceUpdatedNotificationSchema, ({ params }) => void told.push(params.uri));

    await client.subscribeResource({ uri: 'hurricane://tunnels/he' });
    stage.stage.gateway.lower('he');
    await stage.stage.run(2_000);
    await vi.waitFor(() => expect(told).toContain('hurricane://tunnels/he'));
    await client.unsubscribeResource({ uri: 'hurricane://tunnels/he' });
    const before = told.length;
    stage.stage.gateway.raise('he');
    await stage.stage.run(2_000);
    await client.ping();

    expect(new Set(told)).toEqual(new Set(['hurricane://tunnels/he']));
    expect(told).toHaveLength(before);
    await client.close();
  });
});

describe.each(NEGOTIATIONS)('a client of SDK 2.x, %s', (_name, mode, era) => {
  it('gets every document that the tools promise', async () => {
    await using it = await served(await controlledStage());
    const client = await v2Client(it.path, mode);
    await client.listTools();

    expect(client.getProtocolEra()).toBe(era);
    for (const [name, given] of [...CALLS, ['list_ports', {}] as const]) {
      const answer = await client.callTool({ name, arguments: { ...given } });
      expect(answer, name).toMatchObject({ structuredContent: expect.any(Object) });
      expect(answer.isError, name).toBeUndefined();
    }
    await client.close();
    expect(it.defects).toEqual([]);
  });

  it('reads the resources, completes the template, and gets the prompts', async () => {
    await using it = await served(await mcpStage());
    const client = await v2Client(it.path, mode);

    const { resources } = await client.listResources();
    for (const { uri } of resources) expect((await client.readResource({ uri })).contents[0]?.uri).toBe(uri);
    const one = await client.readResource({ uri: 'hurricane://tunnels/he' });
    const { resourceTemplates } = await client.listResourceTemplates();
    const completed = await client.complete({
      ref: { type: 'ref/resource', uri: resourceTemplates[0]?.uriTemplate ?? '' },
      argument: { name: 'name', value: 'h' },
    });
    const { prompts } = await client.listPrompts();
    const prompt = await client.getPrompt({ name: 'why_is_my_ipv6_slow', arguments: { tunnel: 'he' } });

    expect(resources.map(({ uri }) => uri)).toEqual([
      'hurricane://health',
      'hurricane://tunnels',
      'hurricane://config',
      'hurricane://events',
    ]);
    expect(JSON.parse(String(Object(one.contents[0]).text))).toMatchObject({ name: 'he', primary: true });
    expect(completed.completion.values).toEqual(['he']);
    expect(prompts).toHaveLength(4);
    expect(Object(prompt.messages[0]?.content).text).toContain('through tunnel he');
    await expect(client.readResource({ uri: 'hurricane://tunnels/hf' })).rejects.toThrow(/There is no resource/);
    await client.close();
  });

  it('is told of progress, and can call a tool off', async () => {
    await using it = await served(await mcpStage());
    const client = await v2Client(it.path, mode);
    const steps: number[] = [];
    const calledOff = new AbortController();

    const whole = client.callTool(
      { name: 'diagnose', arguments: { watch_s: 1.1 } },
      { onprogress: ({ progress }) => void steps.push(progress) },
    );
    await whole;
    const long = client.callTool({ name: 'diagnose', arguments: { watch_s: 30 } }, { signal: calledOff.signal });
    calledOff.abort();

    await expect(long).rejects.toThrow();
    // The last step arrives with the result, and the client drops it then.
    expect(steps[0]).toBe(1);
    expect((await client.callTool({ name: 'check_health' })).isError).toBeUndefined();
    await client.close();
  });
});

describe('a follower of the modern era', () => {
  it('is told of what it asked for, and when the list of resources has changed', async () => {
    const stage = await mcpStage();
    await using it = await served(stage);
    const client = await v2Client(it.path, MODERN);
    const told: string[] = [];
    let listed = 0;
    client.setNotificationHandler('notifications/resources/updated', ({ params }) => void told.push(params.uri));
    client.setNotificationHandler('notifications/resources/list_changed', () => {
      listed += 1;
    });
    await client.listen({ resourceSubscriptions: ['hurricane://health'], resourcesListChanged: true });

    stage.stage.gateway.lower('he');
    await stage.stage.run(2_000);
    await vi.waitFor(() => expect(told.length).toBeGreaterThan(0));
    stage.stage.gateway.reload({ ...TWO_TUNNELS, tunnels: TWO_TUNNELS.tunnels.slice(0, 1) });
    await vi.waitFor(() => expect(listed).toBe(1));

    expect(new Set(told)).toEqual(new Set(['hurricane://health']));
    await client.close();
  });
});

describe('many clients', () => {
  it('are all answered, a hundred at once', async () => {
    await using it = await served(await mcpStage());

    const clients = await Promise.all(
      Array.from({ length: 100 }, (_, i) => v2Client(it.path, i % 2 === 0 ? 'legacy' : MODERN)),
    );
    const answers = await Promise.all(clients.map((client) => client.callTool({ name: 'check_health' })));
    const open = it.server.connections;
    await Promise.all(clients.map((client) => client.close()));
    await vi.waitFor(() => expect(it.server.connections).toBe(0));

    expect(open).toBe(100);
    expect(answers.every((answer) => Object(answer.structuredContent).status === 'ok')).toBe(true);
    expect(it.defects).toEqual([]);
  });
});
