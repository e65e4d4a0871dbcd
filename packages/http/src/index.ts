export { type AppEnv, type AppOptions, createApp, type GatewayApp, type StatusSource } from './app.js';
export type { Arrival } from './guard.js';
export type { ApiProblem, ProblemDocument } from './problems.js';
