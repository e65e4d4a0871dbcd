import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { fileURLToPath } from 'node:url';
import type { Millis } from '@hurricane/core';
import { type Browser, chromium, type Page } from 'playwright-core';

/** Where Debian's package puts it. */
const CHROMIUM = '/usr/bin/chromium';

/** Loads in a page that nobody answers and that tell nothing. */
const LOAD_LIMIT: Millis = 3_000;

/** The name that leads to this machine, as that of a page does after DNS rebinding. */
export const REBOUND = 'rebind.test';

/** A browser without a window that talks to this machine only. */
export function aBrowser(): Promise<Browser> {
  return chromium.launch({
    executablePath: CHROMIUM,
    args: [
      // Root may not have a sandbox of its own here; it opens nothing but this test's pages.
      '--no-sandbox',
      '--disable-gpu',
      '--disable-quic',
      '--no-first-run',
      '--disable-background-networking',
      '--disable-component-update',
      '--disable-sync',
      `--host-resolver-rules=MAP ${REBOUND} 127.0.0.1`,
    ],
  });
}

/** A site on a port of its own that shows an empty page at every path. */
export interface Site {
  readonly port: number;
  close(): Promise<void>;
}

export async function aSite(): Promise<Site> {
  const server = createServer((_request, response) => {
    response.writeHead(200, { 'content-type': 'text/html' }).end('<!doctype html><title>another site</title>');
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return {
    port: (server.address() as AddressInfo).port,
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}

/** What a page learnt by each way of asking: `blocked`, `opaque` (something came, nothing can be read), or the text. */
export type Loot = Readonly<Record<string, string>>;

/**
 * Does everything in `page` that a page can do to an address without asking its user.
 *
 * @param target scheme and authority of the victim.
 */
export async function attack(page: Page, target: string): Promise<Loot> {
  await page.addScriptTag({ path: fileURLToPath(new URL('attack.mjs', import.meta.url)) });
  return page.evaluate(`attack(${JSON.stringify({ target, limit: LOAD_LIMIT })})`);
}
