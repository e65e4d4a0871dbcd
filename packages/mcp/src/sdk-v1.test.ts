import { Client } from '@modelcontextprotocol/sdk/client/index.js';
import { InMemoryTransport } from '@modelcontextprotocol/sdk/inMemory.js';
import {
  ResourceListChangedNotificationSchema,
  ResourceUpdatedNotificationSchema,
} from '@modelcontextprotocol/sdk/types.js';
import { describe, expect, it, vi } from 'vitest';
import { createMcpServer } from './index.js';
import { createSdkV1Server, type SdkV1Options } from './sdk-v1.js';
import { controlledStage, mcpStage, TWO_TUNNELS } from './testing-stage.test-support.js';

const onDefect = (defect: unknown): never => {
  throw defect;
};

describe('the adapter for SDK 1.x', () => {
  it('offers what the server of SDK 2.x offers, to the letter', async () => {
    const stage = await controlledStage();

    const [old, recent] = await Promise.all([
      connected(createSdkV1Server({ ...stage, onDefect })),
      // A server of 2.x, on the same pair of pipes.
      connected(createMcpServer({ ...stage, onDefect })),
    ]);

    expect(await old.listTools()).toEqual(await recent.listTools());
    expect(await old.listResources()).toEqual(await recent.listResources());
    expect(await old.listResourceTemplates()).toEqual(await recent.listResourceTemplates());
    expect(await old.listPrompts()).toEqual(await recent.listPrompts());
    expect(old.getInstructions()).toEqual(recent.getInstructions());
    expect(old.getServerCapabilities()).toEqual(recent.getServerCapabilities());
  });

  it('answers calls, reads, prompts and completions, and refuses what there is not', async () => {
    const client = await v1(await mcpStage());
    await client.listTools();

    const called = await client.callTool({ name: 'get_tunnel_status', arguments: { tunnel: 'wg' } });
    const wrong = await client.callTool({ name: 'get_tunnel_status', arguments: { tunnel: 'wx' } });
    const read = await client.readResource({ uri: 'hurricane://config' });
    const prompt = await client.getPrompt({ name: 'set_up_tor_relay', arguments: { or_port: '443' } });
    const completed = await client.complete({
      ref: { type: 'ref/prompt', name: 'set_up_tor_relay' },
      argument: { name: 'or_port', value: '9' },
    });

    expect(called.structuredContent).toMatchObject({ tunnels: [{ name: 'wg' }] });
    expect(wrong).toMatchObject({ isError: true, content: [{ text: expect.stringContaining('There are: he, wg') }] });
    expect(JSON.parse(String(Object(read.contents[0]).text))).toMatchObject({ core: { api_port: 8642 } });
    expect(String(Object(prompt.messages[0]?.content).text)).toContain('on port 443');
    expect(completed.completion.values).toEqual(['9001']);
    await expect(client.callTool({ name: 'nix' })).rejects.toThrow(/There is no tool "nix"/);
    await expect(client.readResource({ uri: 'hurricane://nix' })).rejects.toThrow(/-32602/);
  });

  it('tells of changes, and of progress', async () => {
    const stage = await mcpStage();
    const client = await v1(stage);
    const told: string[] = [];
    const steps: number[] = [];
    client.setNotificationHandler(ResourceUpdatedNotificationSchema, ({ params }) => void told.push(params.uri));
    client.setNotificationHandler(ResourceListChangedNotificationSchema, () => void told.push('list'));

    await client.subscribeResource({ uri: 'hurricane://health' });
    stage.stage.gateway.prefer('wg');
    stage.stage.gateway.reload({ ...TWO_TUNNELS });
    await client.callTool({ name: 'diagnose', arguments: { watch_s: 1.1 } }, undefined, {
      onprogress: ({ progress }) => void steps.push(progress),
    });

    await vi.waitFor(() => expect(new Set(told)).toEqual(new Set(['hurricane://health', 'list'])));
    expect(steps[0]).toBe(1);
  });
});

function v1(stage: Omit<SdkV1Options, 'onDefect'>): Promise<Client> {
  return connected(createSdkV1Server({ ...stage, onDefect }));
}

async function connected(server: { connect(transport: never): Promise<void> }): Promise<Client> {
  const [here, there] = InMemoryTransport.createLinkedPair();
  const client = new Client({ name: 'test', version: '1' });
  await Promise.all([server.connect(there as never), client.connect(here)]);
  return client;
}
