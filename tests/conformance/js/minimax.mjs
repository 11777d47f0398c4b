// node minimax.mjs '{"base", "request"}': the client of mmx-cli makes a clip and says where its file is.

import { MiniMaxSDK } from 'mmx-cli/sdk';

const order = JSON.parse(process.argv[2]);
const client = new MiniMaxSDK({ apiKey: 'key-one', baseUrl: order.base });
let told;
try {
  const task = await client.video.generate(order.request);
  const file = task.file_id && (await client.file.retrieve(task.file_id)).file;
  told = { task, url: file ? file.download_url : task.content.url };
} catch (error) {
  told = { error: error.name, message: error.message };
}
console.log(JSON.stringify(told));
