// Has a UDP port of an address until it is killed: node datagrams-holder.mjs ADDRESS
import { createSocket } from 'node:dgram';

const socket = createSocket('udp6');
socket.bind(0, process.argv[2], () => console.log(`holding port ${socket.address().port}`));
