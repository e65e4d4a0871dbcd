import { realpathSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { expect, it } from 'vitest';
import { builtCli } from '../support/cli.js';
import { run } from '../support/command.js';
import { requireHost } from '../support/require-host.js';
import { requireNative } from '../support/require-native.js';
import { TOP } from '../support/sources.js';

/** Booting, and the box's own limit. */
const BOX_SECONDS = 90;

/** What the client fetches through the proxy: more than one pipe holds. */
const BYTES = 3_000_000;

/** What the log says of `low_latency`. */
const QUICK = 'which polls for 0.2 ms before it sleeps';

/** $1: the bundle. $2: the unit. $3: the folder of packages that koffi is in. All that is written goes with the box. */
const GUEST = String.raw`
set -e
mkdir /usr/lib/v6-gatewayd
cp -r "$1"/. /usr/lib/v6-gatewayd
rm -r /usr/lib/v6-gatewayd/node_modules
cp -rL "$3" /usr/lib/v6-gatewayd/node_modules
printf '#!/bin/sh\nexec node /usr/lib/v6-gatewayd/cli.js "$@"\n' > /usr/bin/v6-gatewayd
chmod 755 /usr/bin/v6-gatewayd
cat > /etc/v6-gatewayd.conf <<END
[tunnel.somebody]
type = external
iface = some0
[relay]
engine = native
low_latency = yes
[exposure.socks5]
enabled = true
ipv4 = allow4
allow_destinations = 127.0.0.1:8080
END
cp "$2" /run/systemd/system/
systemctl daemon-reload
systemctl start v6-gatewayd
node -e '
  require("node:http")
    .createServer((_, answer) => answer.end(Buffer.alloc(${BYTES}, 7)))
    .listen(8080, "127.0.0.1", () => require("node:fs").writeFileSync("/tmp/served", ""));
' &
server=$!
for i in $(seq 200); do
  [ -e /tmp/served ] && ss -ltn | grep -q 127.0.0.1:1080 && break
  sleep 0.1
done
curl -s --max-time 20 --socks5 127.0.0.1:1080 http://127.0.0.1:8080/ | wc -c
kill $server
journalctl -o cat --no-pager -u v6-gatewayd | tee /dev/stderr | grep engine
systemctl stop v6-gatewayd
`;

const missing =
  requireHost({ root: true, tools: ['unshare', 'setpriv', 'systemctl', 'curl', 'ss'] }) ?? requireNative();

it.skipIf(missing !== null)(
  `the service as systemd starts it carries with the native engine: its sandbox lets koffi and splice be${
    missing === null ? '' : ` (skipped: ${missing})`
  }`,
  async () => {
    const packages = join(realpathSync(join(TOP, 'packages/relay/node_modules/koffi')), '..');
    const box = [join(TOP, 'lab/box-run.sh'), '-s', '-t', `${BOX_SECONDS}`, '--'];
    const unit = join(TOP, 'systemd/v6-gatewayd.service');
    const guest = ['sh', '-c', GUEST, 'guest', dirname(await builtCli()), unit, packages];

    const { exitCode, stdout, stderr } = await run([...box, ...guest], { limit: (BOX_SECONDS + 10) * 1_000 });

    expect({ exitCode, stdout }, stderr).toEqual({
      exitCode: 0,
      stdout: `${BYTES}\n[INFO] The relay carries connections with its native engine, ${QUICK}\n`,
    });
  },
);
