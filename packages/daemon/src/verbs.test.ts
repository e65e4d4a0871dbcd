import type { Server } from 'node:http';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { createApp } from '@hurricane/http';
import { type Listener, serve } from '@hurricane/http/node';
import { afterEach, describe, expect, it } from 'vitest';
import { everySource, HandInsight, OURS, obedientGateway } from '../../http/src/testing-sources.test-support.js';
import { EXIT } from './exit-codes.js';
import { fakeFile, TWO_TUNNELS } from './fakes.test-support.js';
import { EventReader, followEvents } from './follow-events.js';
import { performVerb, type Verb } from './verbs.js';

const listeners: Listener[] = [];
const servers: Server[] = [];

afterEach(async () => {
  await Promise.all(listeners.splice(0).map((listener) => listener.close(0)));
  for (const server of servers.splice(0)) server.close();
});

describe('a verb', () => {
  it.each<[Verb, string, string]>([
    [{ type: 'up', tunnel: 'he' }, 'raise he', 'Tunnel he is going up'],
    [{ type: 'down', tunnel: 'he' }, 'lower he', 'Tunnel he is going down'],
    [{ type: 'restart', tunnel: 'he' }, 'restart he', 'Tunnel he is going down and up again'],
    [{ type: 'prefer', tunnel: 'wg-backup' }, 'prefer wg-backup', 'wg-backup is preferred; he carries the traffic'],
    [{ type: 'prefer', tunnel: null }, 'prefer null', 'The gateway chooses by itself; he carries the traffic'],
  ])('%o tells the daemon once, and says so', async (verb, told, said) => {
    const gateway = obedientGateway();
    const url = await aDaemon(gateway);

    const report = await perform(verb, url);

    expect(report).toEqual({ out: [said], errors: [], exitCode: EXIT.ok });
    expect(gateway.told).toEqual([told]);
  });

  it('that names an unknown tunnel fails with the nearest', async () => {
    const report = await perform({ type: 'up', tunnel: 'wg-bakcup' }, await aDaemon());

    expect(report.errors).toEqual([expect.stringContaining('Did you mean "wg-backup"?')]);
    expect(report).toMatchObject({ out: [], exitCode: EXIT.failure });
  });

  it('explains the primary', async () => {
    const { out } = await perform({ type: 'explain' }, await aDaemon());

    expect(out).toEqual([
      'he carries the traffic',
      '  The primary keeps the route while it scores 30 or more.',
      '',
      'It moves when:',
      '  he scores below 30 at a check.',
      '',
      'Candidates, the best first:',
      '  he: 100 + 10 = 110, up, alive',
      '',
      'Last switches:',
      '  2023-11-09T21:10:34.000Z  none -> he  selected (health: - -> 100)',
    ]);
  });

  it('lists port mappings', async () => {
    const url = await aDaemon();
    const mapping = { internal_port: 80, external_port: 8080, v6_address: OURS, description: 'web\x1b[2J' };
    const headers = { 'content-type': 'application/json' };

    expect((await perform({ type: 'ports' }, url)).out).toEqual(['There are no port mappings.']);
    await fetch(`${url}/ports/tcp`, { method: 'POST', headers, body: JSON.stringify(mapping) });

    expect((await perform({ type: 'ports' }, url)).out).toEqual([`tcp  [${OURS}]:8080 -> 127.0.0.1:80  web\\u001b[2J`]);
  });

  it('prints the document for programs', async () => {
    const { out } = await perform({ type: 'up', tunnel: 'he' }, await aDaemon(), true);

    expect(JSON.parse(out.join('\n'))).toMatchObject({ name: 'he', state: 'up' });
  });

  it('shows the token to the daemon that the configuration names, and to no other', async () => {
    const token = { matches: (shown: string) => shown === 'a-token', forReads: false };
    const url = await aDaemon(obedientGateway(), { token });
    const text = `[core]\napi_port = ${new URL(url).port}\napi_token_file = /etc/token\n${TWO_TUNNELS}`;
    const readText: Parameters<typeof performVerb>[1] = (file) =>
      fakeFile(file === '/etc/token' ? 'a-token\n' : text).readText(file);
    const verb: Verb = { type: 'up', tunnel: 'he' };

    const known = await performVerb({ verb, configFile: 'my.conf', url: null, json: false }, readText);
    const other = await performVerb({ verb, configFile: 'my.conf', url, json: false }, readText);

    expect(known.exitCode).toBe(EXIT.ok);
    expect(other.exitCode).toBe(EXIT.noPermission);
    expect(other.errors).toEqual([expect.stringContaining('needs a token')]);
  });

  it('says when nobody is there', async () => {
    const url = await nobody();

    const { errors, exitCode } = await perform({ type: 'explain' }, url);

    expect(errors).toEqual([`the daemon at ${url} is not there: nothing listens at that address`]);
    expect(exitCode).toBe(EXIT.unavailable);
  });

  it.each(['{}', '[]', 'null', '{"candidates":1}', '<html>'])('is not fooled by %s', async (text) => {
    const url = await anImpostor(text);

    for (const type of ['explain', 'ports'] as const) {
      const { errors, exitCode } = await perform({ type }, url);
      expect(errors).toEqual([`the daemon at ${url} is not a v6-gatewayd: it answers something else`]);
      expect(exitCode).toBe(EXIT.unavailable);
    }
  });
});

describe('events', () => {
  it('are printed as they happen, and after the daemon has been away', async () => {
    const insight = new HandInsight();
    const first = await aDaemon(obedientGateway(), { insight });
    const port = Number(new URL(first).port);
    const lines: string[] = [];
    const errors: string[] = [];
    const stop = new AbortController();

    const following = followEvents(
      { configFile: null, url: first, json: false },
      {
        readText: fakeFile(null).readText,
        out: (line) => lines.push(line),
        err: (line) => errors.push(line),
        stop: stop.signal,
        retry: 10,
      },
    );
    await until(() => insight.listeners === 1);
    insight.happen({ type: 'no_backup', primary: 'he' });
    await until(() => lines.length === 1);
    await listeners.splice(0)[0]?.close(0);
    await until(() => errors.length === 1);
    insight.happen({ type: 'primary_lost', primary: 'he' });
    await aDaemon(obedientGateway(), { insight }, port);
    await until(() => lines.length >= 4);
    stop.abort();

    expect(await following).toBe(EXIT.ok);
    expect(errors).toEqual(['the connection has ended; connecting again']);
    expect(lines).toEqual([
      '2023-11-09T21:10:34.000Z  error  No healthy backup for he: traffic stays on it until one is fit',
      'some events are lost: they were overwritten before they could be told',
      expect.stringContaining('No healthy backup'),
      '2023-11-09T21:10:34.000Z  error  Primary tunnel he is gone and no tunnel can replace it',
    ]);
  });

  it.each<[string, string | null, RegExp]>([
    ['nobody', null, /nothing listens at that address/],
    ['somebody else', '{}', /which is no stream of events/],
  ])('are an error when %s is there', async (_who, text, sentence) => {
    const errors: string[] = [];
    const at = text === null ? await nobody() : await anImpostor(text);

    const exitCode = await followEvents(
      { configFile: null, url: at, json: false },
      {
        readText: fakeFile(null).readText,
        out: () => undefined,
        err: (line) => errors.push(line),
        stop: new AbortController().signal,
      },
    );

    expect(exitCode).toBe(EXIT.unavailable);
    expect(errors).toEqual([expect.stringMatching(sentence)]);
  });

  it('are read however they are cut', () => {
    const bytes = new TextEncoder().encode(': x\n\nid: a-1\nevent: woke\ndata: {"text":"é🌀"}\n\nretry: 1\n\n');
    for (let at = 0; at <= bytes.length; at += 1) {
      const heard: unknown[] = [];
      const reader = new EventReader((event) => heard.push(event));

      reader.take(bytes.slice(0, at));
      reader.take(bytes.slice(at));

      expect(heard).toEqual([{ id: 'a-1', name: 'woke', data: '{"text":"é🌀"}' }]);
    }
  });
});

type Options = Parameters<typeof createApp>[0];

function anApp(gateway = obedientGateway(), more: Partial<Options> = {}, port = 0): Parameters<typeof serve>[0] {
  const onDefect = (defect: unknown): void => {
    throw defect;
  };
  const app = createApp({ gateway, version: '1', onDefect, ...everySource(gateway), ...more });
  return { app, bind: '127.0.0.1', port, onDefect };
}

async function aDaemon(gateway = obedientGateway(), more: Partial<Options> = {}, port = 0): Promise<string> {
  const listener = (await serve(anApp(gateway, more, port)))._unsafeUnwrap();
  listeners.push(listener);
  return listener.url;
}

/** An address where somebody has just stopped listening. */
async function nobody(): Promise<string> {
  const listener = (await serve(anApp()))._unsafeUnwrap();
  await listener.close(0);
  return listener.url;
}

async function anImpostor(text: string): Promise<string> {
  const server = createServer((_, answer) => answer.writeHead(200, { 'content-type': 'application/json' }).end(text));
  servers.push(server.listen(0, '127.0.0.1'));
  await new Promise((resolve) => server.once('listening', resolve));
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
}

function perform(verb: Verb, url: string, json = false): ReturnType<typeof performVerb> {
  return performVerb({ verb, configFile: null, url, json }, fakeFile(null).readText);
}

async function until(done: () => boolean): Promise<void> {
  const limit = performance.now() + 10_000;
  while (!done()) {
    if (performance.now() > limit) throw new Error('it did not come to be within 10 s');
    await new Promise((resolve) => setImmediate(resolve));
  }
}
