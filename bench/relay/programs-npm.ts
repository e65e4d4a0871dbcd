import { execFile } from 'node:child_process';
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import type { Peer } from './programs-peers.js';

/** How long npm may take to fetch and unpack two small packages. */
const LIMIT_MS = 60_000;

/** The shortest server that each one's README has. */
const SERVERS = [
  {
    name: 'socksv5',
    version: '0.0.6',
    text: `import socks from 'socksv5';
const server = socks.createServer((_info, accept) => accept());
server.listen(Number(process.argv[2]), '127.0.0.1');
server.useAuth(socks.auth.None());
`,
  },
  {
    name: 'simple-socks',
    version: '3.6.0',
    text: `import socks5 from 'simple-socks';
socks5.createServer().listen(Number(process.argv[2]), '127.0.0.1');
`,
  },
] as const;

/** SOCKS5 proxies from npm, on the Node that the bench runs on. They are installed into `folder` alone. */
export async function npmPeersIn(folder: string): Promise<readonly Peer[]> {
  const home = join(folder, 'npm');
  mkdirSync(home);
  const wanted = SERVERS.map(({ name, version }) => `${name}@${version}`);
  const options = ['--ignore-scripts', '--no-audit', '--no-fund', '--fetch-retries=1', '--prefer-offline'];
  const argv = ['install', '--prefix', home, ...options, ...wanted];
  const isThere = await promisify(execFile)('npm', argv, { timeout: LIMIT_MS }).then(
    () => true,
    () => false,
  );
  return SERVERS.map(({ name, version, text }): Peer => {
    const program = join(home, `${name}.mjs`);
    writeFileSync(program, text);
    return { name, version: isThere ? version : null, argv: (port) => [process.execPath, program, `${port}`] };
  });
}
