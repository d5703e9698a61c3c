// SPDX-License-Identifier: Apache-2.0
export * from './clock.ts';
export * from './compression.ts';
export { createNodeFileSystem } from './files.ts';
export * from './heap-trim.ts';
export { LazyWorker, WorkerLostError } from './lazy-worker.ts';
export * from './http-client.ts';
export { READ_BUFFER_BYTES } from './http1-client.ts';
export * from './network.ts';
export * from './operating-system.ts';
export * from './http-server.ts';
export * from './kernel-files.ts';
export * from './logger.ts';
export * from './process.ts';
export * from './profiler.ts';
export * from './runtime.ts';
export * from './workers.ts';
export * from './request-decoder.ts';
export { createMailSender } from './mail.ts';
