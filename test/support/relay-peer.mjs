// Somebody on the IPv6 side of a mapping.
//   node relay-peer.mjs transfers ADDRESS PORT COUNT   each of five kinds so often; prints what went wrong as JSON
//   node relay-peer.mjs hold ADDRESS TCP_PORT UDP_PORT COUNT [slowly]   downloads and sessions until it is killed
//   node relay-peer.mjs idle ADDRESS PORT COUNT   connections that say nothing, until it is killed
//   node relay-peer.mjs echo ADDRESS TCP_PORT UDP_PORT   one of each; prints "echoed"
import { createHash, randomBytes } from 'node:crypto';
import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import { connect } from 'node:net';
import { MEGABYTE } from './relay-program.mjs';

const [what, address, ...numbers] = process.argv.slice(2);
const [port = 0, second = 0, third = 0] = numbers.map(Number);
const download = numbers[3] === 'slowly' ? 's' : 'd';
/** Of the transfers of a kind, at once. */
const AT_ONCE = 10;
const UDP_TICK_MS = 100;
/** Until the last reset has got to the program, which is asked for all of them. */
const RESETS_LIMIT_MS = 5_000;

const open = async () => {
  const socket = connect({ host: address, port, allowHalfOpen: true });
  await once(socket, 'connect');
  return socket;
};

const allOf = async (socket) => {
  const chunks = [];
  for await (const chunk of socket) chunks.push(chunk);
  return Buffer.concat(chunks);
};

/** Each resolves to null, or to what was wrong. */
const KINDS = {
  echo: async () => {
    const bytes = randomBytes(1 + Math.floor(Math.random() * 100_000));
    const socket = await open();
    socket.write('e');
    socket.end(bytes);
    const back = await allOf(socket);
    return back.equals(bytes) ? null : `${back.length} of ${bytes.length} bytes came back`;
  },
  megabyte: async () => {
    const socket = await open();
    socket.write('m');
    const got = await allOf(socket);
    socket.end();
    return got.equals(MEGABYTE) ? null : `${got.length} of ${MEGABYTE.length} bytes arrived`;
  },
  reply: async () => {
    const bytes = randomBytes(100_000);
    const socket = await open();
    socket.write('r');
    socket.end(bytes);
    const got = (await allOf(socket)).toString();
    return got === createHash('sha256').update(bytes).digest('hex') ? null : `the reply was "${got}"`;
  },
  reset: async () => {
    const socket = await open();
    socket.write('x');
    return allOf(socket).then(
      () => 'a FIN came in place of the reset',
      (error) => (error.code === 'ECONNRESET' ? null : error.code),
    );
  },
  resetting: async () => {
    const socket = await open();
    socket.write('y');
    await once(socket, 'data');
    socket.resetAndDestroy();
    return null;
  },
};

async function transfers(count) {
  const result = {};
  for (const [kind, transfer] of Object.entries(KINDS)) {
    const wrong = [];
    for (let done = 0; done < count; done += AT_ONCE) {
      const batch = Array.from({ length: Math.min(AT_ONCE, count - done) }, () => transfer().catch(String));
      wrong.push(...(await Promise.all(batch)).filter((found) => found !== null));
    }
    result[kind] = { right: count - wrong.length, wrong: [...new Set(wrong)] };
  }
  const asked = performance.now();
  do {
    const socket = await open();
    socket.end('c');
    result.resetsSeen = Number(await allOf(socket));
  } while (result.resetsSeen < count && performance.now() - asked < RESETS_LIMIT_MS);
  console.log(JSON.stringify(result));
}

async function hold(count) {
  let bytes = 0;
  let echoes = 0;
  for (let i = 0; i < count; i++) {
    const socket = await open();
    socket.on('error', () => {}).on('data', (chunk) => (bytes += chunk.length));
    socket.write(download);
    const peer = createSocket('udp6');
    peer.on('message', () => (echoes += 1));
    setInterval(() => peer.send(`${i}`, second, address, () => {}), UDP_TICK_MS);
  }
  setInterval(() => console.log(`holding: ${bytes} bytes, ${echoes} echoes`), UDP_TICK_MS);
}

async function idle(count) {
  let gone = 0;
  for (let i = 0; i < count; i++) {
    const socket = await open();
    socket.on('error', () => {}).on('close', () => (gone += 1));
  }
  setInterval(() => console.log(`idle: ${count - gone}`), UDP_TICK_MS);
}

async function echo() {
  const wrong = await KINDS.echo();
  if (wrong !== null) throw new Error(wrong);
  const peer = createSocket('udp6');
  const answer = once(peer, 'message');
  peer.send('anybody there?', second, address);
  const [bytes, from] = await answer;
  if (String(bytes) !== 'anybody there?' || from.port !== second) throw new Error(`${bytes} from ${from.port}`);
  peer.close();
  console.log('echoed');
}

if (what === 'transfers') await transfers(second);
else if (what === 'hold') await hold(third);
else if (what === 'idle') await idle(second);
else await echo();
