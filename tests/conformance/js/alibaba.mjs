// node alibaba.mjs '{"base", "model", "request", "out"}'

import { createAlibaba } from '@ai-sdk/alibaba';
import { film } from './sdk.mjs';

const order = JSON.parse(process.argv[2]);
await film(createAlibaba({ apiKey: 'key-one', videoBaseURL: order.base }).video(order.model), order);
