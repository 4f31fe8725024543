export class OutOfOrderQueue {}
