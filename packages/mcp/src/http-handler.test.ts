import { describe, expect, it } from 'vitest';
import { mcpHttp } from './node.js';
import { mcpStage } from './testing-stage.test-support.js';

const META = {
  'io.modelcontextprotocol/protocolVersion': '2026-07-28',
  'io.modelcontextprotocol/clientCapabilities': {},
};

const ping = (id: unknown) => ({ jsonrpc: '2.0', id, method: 'ping' });

describe('Streamable HTTP', () => {
  it('answers a batch, which revision 2025-03-26 knows, one answer for each request in it', async () => {
    const { status, text } = await post([ping(1), { jsonrpc: '2.0', method: 'notifications/initialized' }, ping('a')]);

    const answers = [...text.matchAll(/^data: (\{.*\})$/gm)].map(([, json = '']) => JSON.parse(json));
    expect(status).toBe(200);
    expect(answers).toEqual([
      { jsonrpc: '2.0', id: 1, result: {} },
      { jsonrpc: '2.0', id: 'a', result: {} },
    ]);
  });

  it.each([
    ['no JSON', '{', -32_700],
    ['an empty batch', [], -32_600],
    ['a batch of the modern era, which knows none', [{ ...ping(1), params: { _meta: META } }], -32_600],
    ['a batch with something that is no message', [ping(1), 7], -32_600],
    ['more than a hundred at once', Array.from({ length: 101 }, (_, id) => ping(id)), -32_600],
    ['an id of null', ping(null), -32_600],
  ])('refuses %s', async (_what, body, code) => {
    const { status, text } = await post(body);

    expect(status).toBe(400);
    expect(JSON.parse(text)).toMatchObject({ jsonrpc: '2.0', error: { code } });
  });
});

async function post(body: unknown): Promise<{ readonly status: number; readonly text: string }> {
  const fail = (defect: unknown): never => {
    throw defect;
  };
  const { fetch, close } = mcpHttp({ ...(await mcpStage()), onDefect: fail });
  const headers = { 'content-type': 'application/json', accept: 'application/json, text/event-stream' };
  const sent = typeof body === 'string' ? body : JSON.stringify(body);
  const answer = await fetch(new Request('http://127.0.0.1/mcp', { method: 'POST', headers, body: sent }));
  const text = await answer.text();
  await close();
  return { status: answer.status, text };
}
