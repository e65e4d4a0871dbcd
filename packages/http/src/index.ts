export { type AccessOptions, MAX_BODY, MUTATION_RATE, type TokenRule } from './admission.js';
export { type AppEnv, type AppOptions, createApp, type GatewayApp, type StatusSource } from './app.js';
export type { Arrival, SocketArrival, TcpArrival } from './guard.js';
export type { ApiProblem, ProblemDocument } from './problems.js';
export type { RateLimit } from './rate.js';
