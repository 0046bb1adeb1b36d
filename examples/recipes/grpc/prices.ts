import { type MethodDefinition, makeGenericClientConstructor } from '@grpc/grpc-js';

interface Question {
  readonly name: string;
}

interface Answer {
  readonly cents: number;
}

/** As generated code has it, but with JSON in place of protobuf. */
const price: MethodDefinition<Question, Answer> = {
  path: '/shop.Prices/Price',
  requestStream: false,
  responseStream: false,
  requestSerialize: (value) => Buffer.from(JSON.stringify(value)),
  requestDeserialize: (bytes) => JSON.parse(bytes.toString()) as Question,
  responseSerialize: (value) => Buffer.from(JSON.stringify(value)),
  responseDeserialize: (bytes) => JSON.parse(bytes.toString()) as Answer,
};

export const prices = { price };
export const PricesClient = makeGenericClientConstructor(prices, 'shop.Prices');
