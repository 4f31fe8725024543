// The evaluator of `%{ }%` snippets.

export { type FailedAssertion, SnippetError, type SnippetErrorCode } from './errors.js';
export {
  checkSnippet,
  type EnvironmentValue,
  environmentFrom,
  type SnippetEnvironment,
  SnippetSession,
} from './session.js';
