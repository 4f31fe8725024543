// Where a command's input comes from and its output goes, and how a text is left early.

const MAX_OUTPUT = 1024 * 1024;

/** Where output goes: text gathered, or thrown away. */
export class Sink {
  text = '';
  write(text: string): void {
    this.text += text;
    if (this.text.length > MAX_OUTPUT) this.text = this.text.slice(0, MAX_OUTPUT);
  }
}

export interface Streams {
  readonly stdin: string;
  readonly stdout: Sink;
  readonly stderr: Sink;
}

/** Leaves a helper file or the whole text; `exit` and `return` throw it. */
export class Exit {
  readonly status: number;
  constructor(status: number) {
    this.status = status;
  }
}
