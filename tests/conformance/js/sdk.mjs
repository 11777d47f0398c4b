// One clip through the AI SDK: what a provider's model makes of an order is written to a file and told as a line of JSON.

import { writeFile } from 'node:fs/promises';
import { experimental_generateVideo as generateVideo } from 'ai';

// The SDK's own download refuses every loopback address, which is where the emulator lives.
async function download({ url }) {
  const answer = await fetch(url);
  if (!answer.ok) throw new Error(`the file answered ${answer.status}`);
  const data = new Uint8Array(await answer.arrayBuffer());
  return { data, mediaType: answer.headers.get('content-type') ?? undefined };
}

/** Make an order (`request`: arguments of generateVideo) and keep the clip as the file `out`. */
export async function film(model, { request, out }) {
  let told;
  try {
    const made = await generateVideo({ model, download, ...request });
    await writeFile(out, made.video.uint8Array);
    told = { warnings: made.warnings, metadata: made.providerMetadata };
  } catch (error) {
    told = { error: error.name, message: error.message };
  }
  console.log(JSON.stringify(told));
}
