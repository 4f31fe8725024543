// The conformance library: parse and run packetdrill scripts, against our stack or anybody's through `Target`.

export * from './language/index.js';
export { type OptionValues, PACKETDRILL_OPTIONS } from './runner/config.js';
export { RunFailure, ScriptProblem, UnsupportedFeature } from './runner/errors.js';
export { DEFAULT_VERSIONS, IP_VERSIONS, type IpVersion, versionsFor } from './runner/presets.js';
export type {
  EventRecord,
  FailureReport,
  PacketFate,
  PacketRecord,
  RunResult,
  Verdict,
} from './runner/result.js';
export { type RunOptions, runScript, type TargetFactory, type TargetSetup } from './runner/run.js';
export type {
  CallAddress,
  CallControlMessage,
  CallEpollEvent,
  ReceivedMessage,
  ReceiveMessage,
  SendMessage,
} from './targets/call-forms.js';
export { EchoTarget } from './targets/echo.js';
export { TARGET_NAMES, targetFactory, UnknownTarget } from './targets/registry.js';
export { SilentTarget } from './targets/silent.js';
export {
  type CallResult,
  type CapturedPacket,
  type PendingCall,
  type Target,
  type TargetAddresses,
  TargetUnsupported,
} from './targets/target.js';
