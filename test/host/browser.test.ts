import { Hono } from 'hono';
import type { Browser, Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type AccessOptions, admission } from '../../packages/http/src/admission.js';
import type { AppEnv } from '../../packages/http/src/app-options.js';
import { type Listener, serve } from '../../packages/http/src/node.js';
import { anApp, expectNone } from '../../packages/http/src/testing-clients.test-support.js';
import { aBrowser, aSite, attack, type Loot, REBOUND, type Site } from '../support/browser.js';
import { requireHost } from '../support/require-host.js';

const missing = requireHost({ tools: ['chromium'] });

describe.skipIf(missing !== null)(`a page in a browser${missing === null ? '' : ` (skipped: ${missing})`}`, () => {
  let browser: Browser;
  let site: Site;
  const gateways: Gateway[] = [];

  beforeAll(async () => {
    [browser, site] = await Promise.all([aBrowser(), aSite()]);
  });
  afterAll(async () => {
    await Promise.all(gateways.map(({ listener }) => listener.close(0)));
    await Promise.all([browser?.close(), site?.close()]);
  });

  // Were the attacks harmless, the tests below would prove nothing.
  it('changes things and reads answers where nobody minds', async () => {
    const open = await aGateway(null);

    const loot = await raid(`http://127.0.0.1:${site.port}/`, open);

    expect(open.reached.filter((request) => request.startsWith('POST /ports/tcp'))).toHaveLength(13);
    expect(loot).toMatchObject({ 'GET /secret': '200 the secret', EventSource: 'the secret', script: 'opaque' });
  });

  it.each(['127.0.0.1', 'localhost'])('of another port of %s reads nothing and changes nothing', async (host) => {
    const gateway = await aGateway({});

    const loot = await raid(`http://${host}:${site.port}/`, gateway);

    expectNothing(loot, gateway);
  });

  it('of a file or a sandbox, which has no origin, reads nothing and changes nothing', async () => {
    const gateway = await aGateway({});

    const loot = await raid('data:text/html,<!doctype html><title>no origin</title>', gateway);

    expectNothing(loot, gateway);
  });

  it('reads nothing and changes nothing when a token is asked for, and it has none', async () => {
    const gateway = await aGateway({ token: { matches: () => false, forReads: true } });

    expectNothing(await raid(`http://localhost:${site.port}/`, gateway), gateway);
  });

  it('whose name was made to lead here reads nothing and changes nothing', async () => {
    // The page comes from its own server. Then its name and port lead to the gateway, as after DNS rebinding.
    const theirs = await aSite();
    const origin = `http://${REBOUND}:${theirs.port}`;
    const page = await pageAt(browser, `${origin}/`);
    await theirs.close();
    const gateway = await aGateway({}, theirs.port);

    const loot = await attack(page, origin);
    await page.context().close();

    expect(gateway.reached).toEqual([]);
    expect(JSON.stringify(loot)).not.toMatch(/the secret|he0|2001:db8/);
    // For the browser it is of the same origin, so it may read that it was refused.
    expect(loot['GET /secret']).toMatch(/^403 .*"kind":"host_refused"/);
    expect(loot['POST text/plain']).toMatch(/^403 .*"kind":"host_refused"/);
    expect(gateway.seen).toContain(`POST /ports/tcp Host: ${REBOUND}:${theirs.port}`);
  });

  it('of an origin that is allowed reads and changes, and others still do not', async () => {
    const origin = `http://localhost:${site.port}`;
    const gateway = await aGateway({ allowOrigins: [origin] });

    const loot = await raid(`${origin}/`, gateway);
    expect(loot).toMatchObject({
      'GET /secret': '200 the secret',
      'POST JSON': '200 done',
      DELETE: '200 done',
      EventSource: 'the secret',
    });
    gateway.reached.length = 0;

    expectNothing(await raid(`http://127.0.0.1:${site.port}/`, gateway), gateway);
  });

  async function aGateway(access: AccessOptions | null, port = 0): Promise<Gateway> {
    const gateway = await openGateway(access, port);
    gateways.push(gateway);
    return gateway;
  }

  /** What a page at `address` gets out of the gateway. */
  async function raid(address: string, gateway: Gateway): Promise<Loot> {
    const page = await pageAt(browser, address);
    const loot = await attack(page, gateway.url);
    await page.context().close();
    return loot;
  }
});

/** An API with something to read and something to change, whoever asks. */
interface Gateway {
  readonly url: string;
  readonly listener: Listener;
  /** Requests that got past the gate. */
  readonly reached: string[];
  /** All of them. */
  readonly seen: string[];
}

/** @param access null: there is no gate, and every origin may read. */
async function openGateway(access: AccessOptions | null, port: number): Promise<Gateway> {
  const reached: string[] = [];
  const seen: string[] = [];
  const app = new Hono<AppEnv>();
  app.use('*', async (c, next) => {
    seen.push(`${c.req.method} ${c.req.path} Host: ${c.req.header('host')}`);
    await next();
  });
  app.use('*', access === null ? openDoor : admission(access));
  app.use('*', async (c, next) => {
    reached.push(`${c.req.method} ${c.req.path}`);
    await next();
  });
  app.get('/secret', (c) => c.text('the secret'));
  app.get('/events', (c) => c.body('data: the secret\n\n', 200, { 'content-type': 'text/event-stream' }));
  app.all('/ports/tcp', (c) => c.text('done'));
  app.route('/', anApp().app);
  const listener = (await serve({ app, bind: '127.0.0.1', port, onDefect: expectNone }))._unsafeUnwrap();
  return { url: listener.url, listener, reached, seen };
}

const openDoor: ReturnType<typeof admission> = async (c, next) => {
  c.header('access-control-allow-origin', '*');
  await next();
};

async function pageAt(browser: Browser, address: string): Promise<Page> {
  const page = await (await browser.newContext()).newPage();
  await page.goto(address);
  return page;
}

function expectNothing(loot: Loot, { reached }: Gateway): void {
  expect(reached).toEqual([]);
  const learnt = Object.entries(loot).filter(([, what]) => !['blocked', 'opaque', 'nothing', ''].includes(what));
  expect(learnt).toEqual([]);
}
