/**
 * The face of the package: what `import … from 'prefork'` gives.
 *
 * Types, and one function that returns what it is given; importing this starts
 * nothing. The system calls are another door, 'prefork/kernel'.
 */
import type { Options } from './config/options.ts'

export type {
  AcceptStrategy,
  AccessLogFormat,
  CertificateOptions,
  Limits,
  ListenOption,
  ListenTcp,
  ListenUnix,
  LogLevel,
  Options,
  PoolOptions,
  ProcessModel,
  RecycleOptions,
  SocketOptions,
  SpawnMode,
  StaticOptions,
  Timeouts,
  TlsOptions,
} from './config/options.ts'
export type {
  BasicAuthOptions,
  CorsOptions,
  HostOptions,
  RespondOptions,
  Route,
  SecurityOptions,
} from './config/routes.ts'
export type {
  Answer,
  App,
  AppContext,
  AppHooks,
  ConnectHandler,
  ConnectRequest,
  FetchHandler,
  TakenSocket,
  Tls,
  Upgrade,
  WorkerContext,
} from './handlers/app/contract.ts'

/** Types the options of a prefork.config.ts: `export default defineConfig({ port: 8080 })`. */
export function defineConfig(options: Options): Options {
  return options
}
