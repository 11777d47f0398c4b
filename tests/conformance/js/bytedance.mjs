// node bytedance.mjs '{"base", "model", "request", "out"}'

import { createByteDance } from '@ai-sdk/bytedance';
import { film } from './sdk.mjs';

const order = JSON.parse(process.argv[2]);
await film(createByteDance({ apiKey: 'key-one', baseURL: order.base }).video(order.model), order);
