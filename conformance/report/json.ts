// JSON lines: one object a run.

import type { Reporter, ReporterKind } from './reporter.js';

export const json: ReporterKind = {
  readable: false,
  detailed: false,
  create: (context): Reporter => ({
    run({ result, verdict, note }) {
      const { failure } = result;
      const row = {
        script: result.script,
        ipVersion: result.ipVersion,
        target: result.target,
        verdict,
        reason: result.reason === '' ? note : result.reason,
        milliseconds: result.milliseconds,
        ...(note === '' ? {} : { note }),
        ...(failure === null
          ? {}
          : {
              kind: failure.kind,
              line: failure.span?.line ?? null,
              column: failure.span?.column ?? null,
              field: failure.field,
              expected: failure.expected,
              actual: failure.actual,
            }),
      };
      context.write(`${JSON.stringify(row)}\n`);
    },
    end() {},
  }),
};
