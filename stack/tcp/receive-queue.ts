export class ReceiveQueue {}
