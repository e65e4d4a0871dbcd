// Answers every UDP datagram with itself, from the address it was sent to.
import { createSocket } from 'node:dgram';

const [address] = process.argv.slice(2);
const socket = createSocket({ type: 'udp6', recvBufferSize: 4_194_304 });
socket.on('message', (message, from) => socket.send(message, from.port, from.address));
socket.bind({ address, port: 0 }, () => console.log(`listening on port ${socket.address().port}`));
